// Where a pool's nodes come from, in a word: a list, or the address of a discovery. Knows the forms; the discoveries are
// the client's.
import { clusterDiscovery } from '../discovery/cluster.ts'
import type { Discovery } from '../discovery/discovery.ts'
import { dnsDiscovery, srvDiscovery } from '../discovery/dns.ts'
import { etcdDiscovery } from '../discovery/etcd.ts'
import { fileDiscovery } from '../discovery/file.ts'
import { parseNodeLine } from '../discovery/node-list.ts'
import { ArgumentError } from '../errors.ts'
import { type NodeSpec, parseNode } from '../node/address.ts'
import { DEFAULT_PORT } from '../ring/naming.ts'

export const NODE_SOURCES =
  'host:port,..., file:/path, dns:name:port, srv:name, cluster:host:port or etcd://host:port/prefix'

/**
 * `a:11211,b:11211`, `file:/etc/nodes`, `dns:nodes.local:11211`, `srv:_memcache._tcp.nodes.local`,
 * `cluster:endpoint:11211`, `etcd://a:2379,b:2379/prefix`.
 * @throws ArgumentError when it is none of these.
 */
export function nodesFrom(text: string): readonly NodeSpec[] | Discovery {
  const [, scheme = '', rest = ''] = /^(file|dns|srv|cluster|etcd):(.+)$/.exec(text) ?? []
  switch (scheme) {
    case 'file':
      return fileDiscovery(rest.replace(/^\/\/(?=\/)/, ''))
    case 'dns': {
      const [, name, port] = /^(?:\/\/)?([^:/]+)(?::(\d+))?$/.exec(rest) ?? []
      if (name === undefined) break
      return dnsDiscovery(name, { port: port === undefined ? DEFAULT_PORT : Number(port) })
    }
    case 'srv':
      return srvDiscovery(rest)
    case 'cluster':
      return clusterDiscovery(rest)
    case 'etcd': {
      const [, hosts, prefix] = /^\/\/([^/]+)(\/.*)?$/.exec(rest) ?? []
      if (hosts === undefined) break
      const endpoints = hosts.split(',').map((host) => `http://${host}`)
      return etcdDiscovery({ endpoints, ...(prefix !== undefined && { prefix }) })
    }
    default:
      return listOf(text)
  }
  throw new ArgumentError(`${JSON.stringify(text)} names no nodes: write ${NODE_SOURCES}`)
}

function listOf(text: string): readonly NodeSpec[] {
  const nodes = text
    .split(/[,\s]+/)
    .filter((spec) => spec !== '')
    .map(parseNodeLine)
  if (nodes.length === 0) throw new ArgumentError(`no nodes are named: write ${NODE_SOURCES}`)
  for (const node of nodes) parseNode(node)
  return nodes
}

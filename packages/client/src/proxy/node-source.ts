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

const ETCD_PORT = 2379

export const NODE_SOURCES =
  'host:port,..., file:/path, dns:name:port, srv:name, cluster:host:port or etcd://[user:password@]host:port/prefix'

/** What the discoveries want to know besides. */
export interface DiscoveryOptions {
  /** Milliseconds between questions. */
  readonly interval?: number
  /** Name servers. */
  readonly servers?: readonly string[]
  readonly connectByName?: boolean
}

/** Those that each of them knows. */
const KNOWN: Readonly<Record<string, readonly (keyof DiscoveryOptions)[]>> = {
  file: ['interval'],
  dns: ['interval', 'servers'],
  srv: ['interval', 'servers', 'connectByName'],
  cluster: ['interval'],
  etcd: ['interval'],
  etcds: ['interval'],
}

/**
 * `a:11211,b:11211`, `file:/etc/nodes`, `dns:nodes.local:11211`, `srv:_memcache._tcp.nodes.local`,
 * `cluster:endpoint:11211`, `etcd://a:2379,b:2379/prefix`, `etcds://user:password@a/prefix` by TLS.
 * @throws ArgumentError when it is none of these.
 */
export function nodesFrom(
  text: string,
  options: DiscoveryOptions = {},
): readonly NodeSpec[] | Discovery {
  const [, scheme = '', rest = ''] = /^(file|dns|srv|cluster|etcds?):(.+)$/.exec(text) ?? []
  for (const option of Object.keys(options) as (keyof DiscoveryOptions)[]) {
    if (KNOWN[scheme]?.includes(option)) continue
    throw new ArgumentError(`${option} is nothing that ${JSON.stringify(text)} could use`)
  }
  switch (scheme) {
    case 'file':
      return fileDiscovery(rest.replace(/^\/\/(?=\/)/, ''), options)
    case 'dns': {
      const [, name, port] = /^(?:\/\/)?([^:/]+)(?::(\d+))?$/.exec(rest) ?? []
      if (name === undefined) break
      return dnsDiscovery(name, {
        ...options,
        port: port === undefined ? DEFAULT_PORT : Number(port),
      })
    }
    case 'srv':
      return srvDiscovery(rest, options)
    case 'cluster':
      return clusterDiscovery(rest, options)
    case 'etcd':
    case 'etcds': {
      const [, user, password = '', hosts, prefix] =
        /^\/\/(?:([^/@:]+):([^/@]*)@)?([^/@]+)(\/.*)?$/.exec(rest) ?? []
      if (hosts === undefined) break
      const auth = user && { username: decoded(user), password: decoded(password) }
      const endpoints = hosts.split(',').map((host) => {
        const port = /:\d+$/.test(host) ? '' : `:${ETCD_PORT}`
        return `${scheme === 'etcd' ? 'http' : 'https'}://${host}${port}`
      })
      return etcdDiscovery({
        ...options,
        endpoints,
        ...(auth && { auth }),
        ...(prefix && { prefix }),
      })
    }
    default:
      return listOf(text)
  }
  throw new ArgumentError(`${JSON.stringify(text)} names no nodes: write ${NODE_SOURCES}`)
}

/** Of a URL: a password may have any character. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ArgumentError('user and password of etcd must be written as in a URL, % as %25')
  }
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

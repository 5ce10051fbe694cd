// Which nodes the formation has: reads `--admin-nodes`. Knows the forms of a list; what they find is the client's.
import type { ClientModule, NodeSource } from '../admin/formation.ts'
import { parseEtcdUrl } from './registration-settings.ts'

const LIST = 'NODES'

/**
 * `host:port,...` with a login `user:password@` before them if they want one, `file:<path>` of a file that is watched,
 * or `etcd://[user:password@]host[:port][,host[:port]][/prefix]` (`etcds://` by TLS).
 * @throws Error that says what is wrong with it.
 */
export function formationNodes(list: string, client: ClientModule): NodeSource {
  if (list.startsWith('file:')) {
    const path = list.slice('file:'.length).replace(/^\/\/(?=\/)/, '')
    if (path === '') throw new Error('file: wants a path')
    return { nodes: client.fileDiscovery(path) }
  }
  if (/^etcds?:/.test(list)) return { nodes: etcdOf(list, client) }
  return client.fromEnvironment({ variable: LIST, env: { [LIST]: list } })
}

function etcdOf(list: string, { etcdDiscovery }: ClientModule): NodeSource['nodes'] {
  try {
    const { endpoints, auth, prefix } = parseEtcdUrl(list)
    return etcdDiscovery({ endpoints, ...(auth && { auth }), ...(prefix && { prefix }) })
  } catch (cause) {
    const wanted = 'etcd://[user:password@]host[:port][,host[:port]][/prefix]'
    throw new Error(`the address of etcd must be ${wanted}`, { cause })
  }
}

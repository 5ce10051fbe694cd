// A node of a cluster as ElastiCache and Memorystore have them: one that tells of all the nodes by
// `config get cluster`, and passes everything else on to a real node.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface ClusterNode extends AsyncDisposable {
  readonly address: string
  readonly port: number
  /** The version of the configuration, and its entries `hostname|ip|port`. */
  configuration: { version: number; nodes: readonly string[] }
  /** How it tells of them: by the command, or, as engines before 1.4.14, under a key. */
  engine: string
  /** `wrong` says what cannot be an answer, `silent` nothing. */
  mode: 'answer' | 'wrong' | 'silent'
}

/** `port`: where the real node listens. */
export async function startClusterNode(port: number): Promise<ClusterNode> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const backend = connect(port, '127.0.0.1')
    for (const socket of [client, backend]) {
      sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    }
    backend.pipe(client)
    client.on('data', (data) => {
      const command = data.toString('latin1')
      if (node.mode === 'silent') return
      if (command === 'version\r\n') client.write(`VERSION ${node.engine}\r\n`)
      else if (command === 'config get cluster\r\n') client.write(configOf(node, 'CONFIG cluster'))
      else if (command === 'get AmazonElastiCache:cluster\r\n') {
        client.write(configOf(node, 'VALUE AmazonElastiCache:cluster'))
      } else backend.write(data)
    })
    client.on('end', () => backend.end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const listening = (server.address() as AddressInfo).port
  const node: ClusterNode = {
    address: `127.0.0.1:${listening}`,
    port: listening,
    configuration: { version: 0, nodes: [] },
    engine: '1.6.22',
    mode: 'answer',
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return node
}

function configOf(node: ClusterNode, head: string): string {
  if (node.mode === 'wrong') return 'ERROR\r\n'
  const old = head.startsWith('VALUE')
  // Only the engines that have the command take it.
  if (old !== /^1\.4\.[0-9]$/.test(node.engine)) return 'ERROR\r\n'
  const { version, nodes } = node.configuration
  const text = `${version}\n${nodes.join(' ')}\n`
  return `${head} 0 ${text.length}\r\n${text}\r\nEND\r\n`
}

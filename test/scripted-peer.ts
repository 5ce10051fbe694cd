// A server that answers, or misbehaves, as the test tells it: what no real one can be made to do.
// Knows lines and connections, nothing of what they mean.
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface Peer extends AsyncDisposable {
  /** `host:port`, as clients take it. */
  readonly address: string
  /** Those that are open now. */
  readonly sockets: ReadonlySet<Socket>
  /** How many there have ever been. */
  readonly connections: number
  /** Refuses further connections and keeps those there are. */
  stopListening(): void
}

/** `onLine` gets every line, and the number of its connection; the lines of values are lines too. */
export async function startPeer(
  onLine: (socket: Socket, connection: number, line: string) => void,
): Promise<Peer> {
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const connection = ++connections
    let begun = ''
    sockets.add(socket)
    socket.setEncoding('latin1')
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (text: string) => {
      const lines = (begun + text).split('\r\n')
      begun = lines.pop()!
      for (const line of lines) if (!socket.destroyed) onLine(socket, connection, line)
    })
  }).listen(0, '127.0.0.1')
  const closed = once(server, 'close')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  return {
    address: `127.0.0.1:${address.port}`,
    sockets,
    get connections() {
      return connections
    },
    stopListening: () => server.close(),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      if (server.listening) server.close()
      await closed
    },
  }
}

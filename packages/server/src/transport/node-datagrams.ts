// A UDP socket of the portable transport, over node:dgram. Knows addresses, neither frames nor commands.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { getSystemErrorMap } from 'node:util'
import type { Arena } from '../cache/arena.ts'
import type { Engine } from '../protocol/engine.ts'
import { DatagramExchange, MAX_ANSWER_BYTES } from './datagram-exchange.ts'
import { type ListenAddress, ListenError, resolve, UDP_RECEIVE_BUFFER_BYTES } from './listeners.ts'
import { copyOfMessage } from './message-copy.ts'

/** What the system has not taken yet of earlier answers; beyond it datagrams are dropped, as on any way. */
const MAX_QUEUED_BYTES = 2 * MAX_ANSWER_BYTES

const NOTHING = Buffer.alloc(0)

export class NodeDatagramSocket {
  readonly #socket: Socket
  readonly #arena: Arena
  readonly #exchange: DatagramExchange

  constructor(socket: Socket, engine: Engine, arena: Arena) {
    this.#socket = socket
    this.#arena = arena
    this.#exchange = new DatagramExchange(engine, 0)
    // Passing troubles of the network; a datagram may be lost.
    socket.on('error', () => {})
    socket.on('message', (request, client) => this.#answer(request, client))
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** As `udp:127.0.0.1:11211`. */
  get address(): string {
    const { address, family, port } = this.#socket.address()
    return family === 'IPv6' ? `udp:[${address}]:${port}` : `udp:${address}:${port}`
  }

  close(): void {
    this.#socket.close()
  }

  #answer(request: Buffer, client: RemoteInfo): void {
    // See EpollDatagramSocket: neither can be a client.
    if (client.port === 0 || client.port === this.port) return
    const exchange = this.#exchange
    exchange.input.bytes.set(request)
    if (!exchange.begin(request.length)) return
    let copy: Buffer = NOTHING
    while (exchange.next()) {
      const { header, message, from, length } = exchange
      if (from === 0) copy = copyOfMessage(message, this.#arena)
      const datagram = Buffer.concat([header.bytes, copy.subarray(from, from + length)])
      if (this.#socket.getSendQueueSize() < MAX_QUEUED_BYTES) {
        this.#socket.send(datagram, client.port, client.address)
      }
      exchange.sent()
    }
  }
}

/** Opens the sockets for one address as given, which may be a name of several. */
export async function openNodeDatagramSockets(
  { host, port }: ListenAddress,
  engine: Engine,
  arena: Arena,
): Promise<readonly NodeDatagramSocket[]> {
  const opened: NodeDatagramSocket[] = []
  for (const { address, family, wildcard } of await resolve(host, port)) {
    const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', ipv6Only: family === 6 })
    try {
      socket.bind(opened[0]?.port ?? port, address)
      await once(socket, 'listening')
    } catch (error) {
      socket.close()
      if (wildcard && opened.length > 0) continue
      throw new ListenError(`failed to listen on UDP ${address}:${port}: ${reasonOf(error)}`)
    }
    makeRoom(socket)
    opened.push(new NodeDatagramSocket(socket, engine, arena))
  }
  return opened
}

/** For requests that come while the thread is at work. Systems other than Linux refuse more than they allow. */
function makeRoom(socket: Socket): void {
  try {
    socket.setRecvBufferSize(UDP_RECEIVE_BUFFER_BYTES)
  } catch {
    // Then it stays what the system gives.
  }
}

/** "address already in use" and the like, which node:dgram names by its code alone. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { errno } = error as NodeJS.ErrnoException
  const words = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]
  return words ?? error.message
}

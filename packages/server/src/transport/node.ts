// The portable transport: node:net sockets in one thread's event loop. For systems without the fast one.
// Knows no command.
import { chmodSync } from 'node:fs'
import {
  createServer,
  type ListenOptions as NetListenOptions,
  type Server,
  type Socket,
} from 'node:net'
import type { Arena } from '../cache/arena.ts'
import { MemoryBlock } from '../cache/memory.ts'
import { Connection } from '../protocol/connection.ts'
import { MAX_KEYS_LINE_BYTES } from '../protocol/engine.ts'
import { DRAINING } from './connection-counts.ts'
import { ListenError, type ListenOptions, removeStaleSocket } from './listeners.ts'
import { copyOfMessage } from './message-copy.ts'
import { type NodeDatagramSocket, openNodeDatagramSockets } from './node-datagrams.ts'
import {
  DRAIN_MS,
  INPUT_BYTES,
  TOO_MANY_CONNECTIONS,
  type Transport,
  type TransportContext,
} from './transport.ts'

const NOTHING = Buffer.alloc(0)
const MAX_PENDING_BYTES = 2 * MAX_KEYS_LINE_BYTES

interface Client {
  readonly socket: Socket
  readonly protocol: Connection
  /** Input not consumed yet. */
  pending: Buffer
  /** The client has sent the last byte that is taken from it; it may still want answers. */
  ended: boolean
}

export class NodeTransport implements Transport {
  readonly #context: TransportContext
  readonly #arena: Arena
  readonly #input = new MemoryBlock(new ArrayBuffer(2 * INPUT_BYTES))
  readonly #clients = new Set<Client>()
  readonly #servers: Server[] = []
  readonly #datagramSockets: NodeDatagramSocket[] = []
  #stopped: () => void = () => {}

  constructor(context: TransportContext, arena: Arena) {
    this.#context = context
    this.#arena = arena
  }

  /** Opens the listening sockets; resolves to the addresses they got, in words. */
  async listen(options: ListenOptions): Promise<readonly string[]> {
    const targets: NetListenOptions[] = options.tcpAddresses.map(({ host, port }) => ({
      host,
      port,
    }))
    if (options.unixSocketPath !== undefined) {
      removeStaleSocket(options.unixSocketPath)
      targets.push({ path: options.unixSocketPath })
    }
    for (const target of targets) {
      await this.#listenOn({ ...target, backlog: options.backlog })
      if (target.path !== undefined) chmodSync(target.path, options.unixSocketMask)
    }
    const { engine, counts } = this.#context
    for (const address of options.udpAddresses) {
      for (const socket of await openNodeDatagramSockets(address, engine, this.#arena)) {
        counts.openListener()
        this.#datagramSockets.push(socket)
      }
    }
    return [...this.#servers.map(addressOf), ...this.#datagramSockets.map(({ address }) => address)]
  }

  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#stopped = resolve
    })
  }

  /** Ends `run`, at once or when clients have taken their answers. */
  async stop(): Promise<void> {
    for (const server of this.#servers) server.close()
    for (const socket of this.#datagramSockets) socket.close()
    const drain = this.#context.counts.stopState === DRAINING
    const closed = [...this.#clients].map((client) => this.#end(client, drain))
    await Promise.all(closed)
    this.#stopped()
  }

  #end(client: Client, drain: boolean): Promise<void> {
    const { socket } = client
    return new Promise((resolve) => {
      socket.once('close', () => resolve())
      if (!drain) {
        socket.destroy()
        return
      }
      client.ended = true
      this.#receive(client, NOTHING)
      setTimeout(() => socket.destroy(), DRAIN_MS).unref()
    })
  }

  #listenOn(target: NetListenOptions): Promise<void> {
    const server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket),
    )
    this.#servers.push(server)
    return new Promise((resolve, reject) => {
      server.once('error', (error) => {
        const where = target.path ?? `TCP port ${target.port}`
        reject(new ListenError(`failed to listen on ${where}: ${error.message}`))
      })
      server.listen(target, resolve)
    })
  }

  #accept(socket: Socket): void {
    const { counts } = this.#context
    if (!counts.open()) {
      socket.on('error', () => {})
      socket.write(TOO_MANY_CONNECTIONS)
      socket.destroySoon()
      return
    }
    const client: Client = { socket, protocol: new Connection(0), pending: NOTHING, ended: false }
    this.#clients.add(client)
    socket.on('data', (data) => this.#receive(client, data))
    socket.on('drain', () => {
      socket.resume()
      this.#receive(client, NOTHING)
    })
    socket.on('end', () => {
      client.ended = true
      this.#receive(client, NOTHING)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#clients.delete(client)
      this.#context.engine.abandon(client.protocol)
      counts.close()
    })
  }

  #receive(client: Client, data: Buffer): void {
    const { pending } = client
    const length = pending.length + data.length
    if (length > MAX_PENDING_BYTES) {
      client.socket.destroy()
      return
    }
    const input =
      length <= this.#input.size ? this.#input : new MemoryBlock(new ArrayBuffer(length))
    input.bytes.set(pending)
    input.bytes.set(data, pending.length)
    // While the client takes no answers, its requests wait.
    const at = client.socket.writableNeedDrain ? 0 : this.#execute(client, input, length)
    client.pending = at === length ? NOTHING : Buffer.from(input.bytes.subarray(at, length))
    if (client.ended && !client.socket.writableNeedDrain) client.socket.destroySoon()
  }

  /** Executes and answers what is complete; returns how much was consumed. */
  #execute(client: Client, input: MemoryBlock, length: number): number {
    const { engine } = this.#context
    const { socket, protocol } = client
    let at = 0
    for (;;) {
      at = engine.execute(protocol, input, at, length)
      const { reply } = engine
      const { full } = reply
      const taken = reply.totalBytes === 0 || socket.write(copyOfMessage(reply, this.#arena))
      engine.release(reply)
      if (protocol.closing) {
        socket.destroySoon()
        return length
      }
      if (!taken) socket.pause()
      if (!full || !taken) return at
    }
  }
}

function addressOf(server: Server): string {
  const address = server.address()
  if (address === null) return 'closed'
  if (typeof address === 'string') return address
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`
}

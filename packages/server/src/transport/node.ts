// The portable transport: node:net sockets in one thread's event loop. For systems without the fast one.
// Knows no command.
// Long because back-pressure, limits and the end of a connection meet in it, as in epoll.ts.
import { chmodSync } from 'node:fs'
import {
  createServer,
  type ListenOptions as NetListenOptions,
  type Server,
  type Socket,
} from 'node:net'
import type { Cache } from '../cache/cache.ts'
import {
  CLOSED_BY_ERROR,
  CLOSED_NORMALLY,
  CLOSED_WHEN_IDLE,
  OVER_TCP,
  OVER_UNIX_SOCKET,
} from '../cache/event-log.ts'
import { MemoryBlock } from '../cache/memory.ts'
import type { BindingProtocol } from '../protocol/binding-protocol.ts'
import { Connection, WATCHING } from '../protocol/connection.ts'
import type { ConnectionDescription } from '../protocol/context.ts'
import { MAX_KEYS_LINE_BYTES } from '../protocol/engine.ts'
import { DRAINING } from './connection-counts.ts'
import type { PeerAddress } from './connection-events.ts'
import {
  activityOf,
  DATAGRAMS,
  LISTENING,
  READING,
  stateName,
  WRITING,
} from './connection-table.ts'
import { ListenError, type ListenOptions, removeStaleSocket } from './listeners.ts'
import { copyOfMessage } from './message-copy.ts'
import { type NodeDatagramSocket, openNodeDatagramSockets } from './node-datagrams.ts'
import {
  DRAIN_MS,
  EXECUTING,
  INPUT_BYTES,
  TOO_MANY_CONNECTIONS,
  type Transport,
  type TransportContext,
} from './transport.ts'
import type { WatcherSocket } from './watcher.ts'
import { Watchers } from './watchers.ts'

/** How often idle connections are looked for. */
const IDLE_SWEEP_MS = 1_000
const NOTHING = Buffer.alloc(0)
const MAX_PENDING_BYTES = 2 * MAX_KEYS_LINE_BYTES

type Target = NetListenOptions & { readonly protocol?: BindingProtocol }

interface Client {
  readonly socket: Socket
  readonly protocol: Connection
  /** Where it comes from, which is not to be had when it is gone. */
  readonly peer: PeerAddress
  /** Input not consumed yet. */
  pending: Buffer
  /** The client has sent the last byte that is taken from it; it may still want answers. */
  ended: boolean
  /** The clock's second at which it last did something. */
  lastActive: number
  /** The next part of a long answer is about to be made. */
  continuing: boolean
}

export class NodeTransport implements Transport {
  readonly #context: TransportContext
  readonly #cache: Cache
  readonly #input = new MemoryBlock(new ArrayBuffer(2 * INPUT_BYTES))
  /** By the number that reports give them, since Node shows no descriptors. */
  readonly #clients = new Map<number, Client>()
  readonly #servers: Server[] = []
  readonly #datagramSockets: NodeDatagramSocket[] = []
  readonly #watchers: Watchers
  /** Clients who watch, by slot + 1. */
  readonly #watching = new Map<number, Client>()
  #watchTimer: NodeJS.Timeout | undefined
  #stopped: () => void = () => {}

  /** `watcherBufferBytes` is `-o watcher_logbuf_size`. */
  constructor(context: TransportContext, cache: Cache, watcherBufferBytes: number) {
    this.#context = context
    this.#cache = cache
    this.#watchers = new Watchers(cache, watcherBufferBytes, (number) => {
      const client = this.#watching.get(number)
      this.#watching.delete(number)
      return client === undefined ? undefined : watcherSocket(client)
    })
  }

  /** Opens the listening sockets; resolves to the addresses they got, in words. */
  async listen(options: ListenOptions): Promise<readonly string[]> {
    const targets: Target[] = options.tcpAddresses.map(({ host, port, protocol }) => ({
      host,
      port,
      protocol,
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
      for (const socket of await openNodeDatagramSockets(address, engine, this.#cache.arena)) {
        counts.openListener()
        this.#datagramSockets.push(socket)
      }
    }
    return [...this.#servers.map(addressOf), ...this.#datagramSockets.map(({ address }) => address)]
  }

  run(): Promise<void> {
    const sweep = setInterval(() => this.#kickIdle(), IDLE_SWEEP_MS).unref()
    return new Promise((resolve) => {
      this.#stopped = () => {
        clearInterval(sweep)
        resolve()
      }
    })
  }

  /** Ends `run`, at once or when clients have taken their answers. */
  async stop(): Promise<void> {
    for (const server of this.#servers) server.close()
    for (const socket of this.#datagramSockets) socket.close()
    clearTimeout(this.#watchTimer)
    this.#watchers.close()
    const drain = this.#context.counts.stopState === DRAINING
    const closed = [...this.#clients.values()].map((client) => this.#end(client, drain))
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

  #listenOn(target: Target): Promise<void> {
    const server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket, target.protocol),
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

  #accept(socket: Socket, binding: BindingProtocol | undefined): void {
    const { counts, connectionEvents } = this.#context
    if (!counts.open()) {
      socket.on('error', () => {})
      socket.write(TOO_MANY_CONNECTIONS)
      socket.destroySoon()
      return
    }
    const number = this.#freeNumber()
    const peer = peerOf(socket)
    const protocol = new Connection(number)
    protocol.binding = binding
    const client: Client = {
      socket,
      protocol,
      peer,
      pending: NOTHING,
      ended: false,
      lastActive: this.#context.clock.now,
      continuing: false,
    }
    if (connectionEvents.watched) connectionEvents.opened(number, peer)
    this.#clients.set(number, client)
    socket.on('data', (data) => this.#receive(client, data))
    socket.on('drain', () => {
      socket.resume()
      this.#receive(client, NOTHING)
    })
    socket.on('end', () => {
      client.ended = true
      if (!protocol.closing) protocol.closeReason = CLOSED_NORMALLY
      this.#receive(client, NOTHING)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#clients.delete(number)
      this.#context.engine.abandon(protocol)
      if (connectionEvents.watched) connectionEvents.closed(number, peer, protocol.closeReason)
      counts.close()
    })
  }

  #receive(client: Client, data: Buffer): void {
    if (client.protocol.state === WATCHING) return
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
    if (client.protocol.state === WATCHING) {
      this.#watch(client)
      return
    }
    client.pending = at === length ? NOTHING : Buffer.from(input.bytes.subarray(at, length))
    if (client.socket.writableNeedDrain) return
    if (client.protocol.busy) this.#continueLater(client)
    else if (client.ended) client.socket.destroySoon()
  }

  /** The next part of a long answer, when the other connections have had their turn. */
  #continueLater(client: Client): void {
    if (client.continuing) return
    client.continuing = true
    setImmediate(() => {
      client.continuing = false
      if (!client.socket.destroyed && client.protocol.busy) this.#receive(client, NOTHING)
    })
  }

  #watch(client: Client): void {
    const { watchSlot } = client.protocol
    client.pending = NOTHING
    client.protocol.closeReason = CLOSED_BY_ERROR
    this.#watching.set(watchSlot + 1, client)
    this.#cache.events.slots.handOver(watchSlot, watchSlot + 1)
    this.#tellWatchers()
  }

  /** Goes on for as long as somebody watches. */
  #tellWatchers(): void {
    clearTimeout(this.#watchTimer)
    const pauseMs = this.#watchers.run()
    if (this.#cache.events.slots.count === 0) return
    this.#watchTimer = setTimeout(() => this.#tellWatchers(), pauseMs)
  }

  /** Executes and answers what is complete; returns how much was consumed. */
  #execute(client: Client, input: MemoryBlock, length: number): number {
    const { engine, clock } = this.#context
    const { socket, protocol } = client
    client.lastActive = clock.now
    let at = 0
    for (;;) {
      at = engine.execute(protocol, input, at, length)
      const { reply } = engine
      const { full } = reply
      const taken = reply.totalBytes === 0 || socket.write(copyOfMessage(reply, this.#cache.arena))
      engine.release(reply)
      if (protocol.closing) {
        socket.destroySoon()
        return length
      }
      if (!taken) socket.pause()
      if (!full || !taken || protocol.busy) return at
    }
  }

  // ---- idle connections, reports

  #kickIdle(): void {
    const { clock, counts, idleTimeoutSeconds } = this.#context
    if (idleTimeoutSeconds === 0) return
    for (const { socket, protocol, lastActive } of this.#clients.values()) {
      if (clock.now - lastActive <= idleTimeoutSeconds) continue
      if (socket.writableLength > 0 || activityOf(protocol) !== READING) continue
      counts.kick()
      protocol.closeReason = CLOSED_WHEN_IDLE
      socket.destroy()
    }
  }

  /** Servers and UDP sockets come first. */
  #freeNumber(): number {
    let number = this.#servers.length + this.#datagramSockets.length
    while (this.#clients.has(number)) number++
    return number
  }

  *describeConnections(asking: number): Generator<ConnectionDescription> {
    const { clock } = this.#context
    for (const [descriptor, server] of this.#servers.entries()) {
      const address = server.address()
      if (address === null) continue
      yield {
        descriptor,
        udp: false,
        address: typeof address === 'string' ? `unix:${address}` : describeAddress(address),
        listenAddress: undefined,
        state: stateName(LISTENING),
        idleSeconds: clock.uptime,
      }
    }
    for (const [i, { address }] of this.#datagramSockets.entries()) {
      yield {
        descriptor: this.#servers.length + i,
        udp: true,
        address: address.replace('udp:[', 'udp6:['),
        listenAddress: undefined,
        state: stateName(DATAGRAMS),
        idleSeconds: clock.uptime,
      }
    }
    const numbers = [...this.#clients.keys()].sort((a, b) => a - b)
    for (const descriptor of numbers) {
      const client = this.#clients.get(descriptor)
      if (client === undefined) continue
      const { remoteAddress: address = '', remotePort: port = 0, remoteFamily } = client.socket
      const { localAddress = '', localPort = 0, localFamily } = client.socket
      yield {
        descriptor,
        udp: false,
        address: describeAddress({ address, port, family: remoteFamily }),
        listenAddress: describeAddress({
          address: localAddress,
          port: localPort,
          family: localFamily,
        }),
        state:
          descriptor === asking
            ? EXECUTING
            : stateName(client.socket.writableLength > 0 ? WRITING : activityOf(client.protocol)),
        idleSeconds: clock.now - client.lastActive,
      }
    }
  }
}

function describeAddress(end: { address: string; port: number; family?: string }): string {
  if (end.family === 'IPv6') return `tcp6:[${end.address}]:${end.port}`
  return end.family === 'IPv4' ? `tcp:${end.address}:${end.port}` : '?:<AF 0>'
}

function watcherSocket(client: Client): WatcherSocket {
  const { socket } = client
  return {
    send: ({ bytes }, from, length) => {
      if (socket.destroyed) return -1
      if (socket.writableNeedDrain) return 0
      socket.write(bytes.slice(from, from + length))
      return length
    },
    ignoreInput: () => !client.ended && !socket.destroyed,
    close: () => socket.destroy(),
  }
}

function peerOf({ remoteAddress, remotePort, remoteFamily }: Socket): PeerAddress {
  if (remoteFamily === undefined) return { address: 'unix', port: 0, over: OVER_UNIX_SOCKET }
  return { address: remoteAddress ?? 'unix', port: remotePort ?? 0, over: OVER_TCP }
}

function addressOf(server: Server): string {
  const address = server.address()
  if (address === null) return 'closed'
  if (typeof address === 'string') return address
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`
}

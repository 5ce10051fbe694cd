// The portable transport: node:net sockets in one thread's event loop, on listeners of its own. For systems without
// the fast one. Knows no command; what clients do is in node-clients.ts.
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
  CLOSED_WHEN_IDLE,
  TOO_MANY_CONNECTIONS as OVER_LIMIT,
  OVER_TCP,
  OVER_UNIX_SOCKET,
} from '../cache/event-log.ts'
import type { BindingProtocol } from '../protocol/binding-protocol.ts'
import type { ConnectionDescription } from '../protocol/context.ts'
import { DRAINING, RUNNING } from './connection-counts.ts'
import { endingOf, type PeerAddress } from './connection-events.ts'
import { DATAGRAMS, LISTENING, stateName } from './connection-table.ts'
import {
  type ClientCertificates,
  ListenError,
  type ListenOptions,
  removeStaleSocket,
} from './listeners.ts'
import { type NodeClient, NodeClients, watcherSocket } from './node-clients.ts'
import { type NodeDatagramSocket, openNodeDatagramSockets } from './node-datagrams.ts'
import type { SecureServers } from './secure-servers.ts'
import {
  EXECUTING,
  TOO_MANY_CONNECTIONS,
  type Transport,
  type TransportContext,
} from './transport.ts'
import type { WatcherSocket } from './watcher.ts'
import { type EventListener, Watchers } from './watchers.ts'

/** How often idle connections are looked for. */
const IDLE_SWEEP_MS = 1_000

type Target = NetListenOptions & {
  readonly protocol?: BindingProtocol
  readonly clientCertificates?: ClientCertificates
}

export class NodeTransport implements Transport {
  readonly #context: TransportContext
  readonly #cache: Cache
  /** By the number that reports give them, since Node shows no descriptors. */
  readonly #clients: NodeClients
  readonly #servers: Server[] = []
  readonly #datagramSockets: NodeDatagramSocket[] = []
  readonly #secureServers: SecureServers | undefined
  readonly #watchers: Watchers
  /** Clients who watch, by slot + 1. */
  readonly #watching = new Map<number, NodeClient>()
  #watchTimer: NodeJS.Timeout | undefined
  #stopped: () => void = () => {}

  /** `watcherBufferBytes` is `-o watcher_logbuf_size`. */
  constructor(
    context: TransportContext,
    cache: Cache,
    watcherBufferBytes: number,
    secureServers: SecureServers | undefined,
    log: EventListener,
  ) {
    this.#context = context
    this.#cache = cache
    this.#secureServers = secureServers
    this.#clients = new NodeClients(context, cache, {
      noted: () => {},
      watches: (client) => this.#watch(client),
      left: (client) => this.#left(client),
    })
    const open = (number: number): WatcherSocket | undefined => {
      const client = this.#watching.get(number)
      this.#watching.delete(number)
      return client === undefined ? undefined : watcherSocket(client)
    }
    this.#watchers = new Watchers(cache, watcherBufferBytes, open, log)
  }

  /** Opens the listening sockets; resolves to the addresses they got, in words. */
  async listen(options: ListenOptions): Promise<readonly string[]> {
    const targets: Target[] = options.tcpAddresses.map((address) => ({ ...address }))
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
    this.tellWatchers()
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
    await Promise.all([...this.#clients].map((client) => this.#clients.end(client, drain)))
    this.#stopped()
  }

  #listenOn(target: Target): Promise<void> {
    const server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket, target),
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

  #accept(socket: Socket, { protocol, clientCertificates }: Target): void {
    const { counts, connectionEvents } = this.#context
    if (!counts.open()) {
      if (connectionEvents.watched) connectionEvents.failed(0, peerOf(socket), OVER_LIMIT)
      socket.on('error', () => {})
      socket.write(TOO_MANY_CONNECTIONS)
      socket.destroySoon()
      return
    }
    const peer = peerOf(socket)
    const client = this.#clients.open(this.#freeNumber(), socket, peer, protocol)
    if (connectionEvents.watched) connectionEvents.opened(client.number, peer)
    if (clientCertificates === undefined || this.#secureServers === undefined) {
      this.#clients.begin(client, socket)
    } else {
      this.#secureServers.accept(clientCertificates, client, this.#clients)
    }
  }

  #left({ number, peer, protocol, stream }: NodeClient): void {
    const { counts, connectionEvents } = this.#context
    if (connectionEvents.watched) {
      const { reason, trouble } = endingOf(protocol)
      // Of a handshake it is said elsewhere how it failed; and what ends with the server has not failed.
      const known = stream !== undefined && counts.stopState === RUNNING
      connectionEvents.closed(number, peer, { reason, trouble: known ? trouble : undefined })
    }
    counts.close()
  }

  #watch(client: NodeClient): void {
    const { watchSlot } = client.protocol
    client.protocol.closeReason = CLOSED_BY_ERROR
    this.#watching.set(watchSlot + 1, client)
    this.#cache.events.slots.handOver(watchSlot, watchSlot + 1)
    this.tellWatchers()
  }

  /** Goes on for as long as somebody watches, or the server logs what happens. */
  tellWatchers(): void {
    clearTimeout(this.#watchTimer)
    const pauseMs = this.#watchers.run()
    const { slots } = this.#cache.events
    if (slots.count === 0 && slots.logged === 0) return
    this.#watchTimer = setTimeout(() => this.tellWatchers(), pauseMs)
  }

  // ---- idle connections, reports

  #kickIdle(): void {
    const { clock, counts, idleTimeoutSeconds } = this.#context
    if (idleTimeoutSeconds === 0) return
    for (const client of this.#clients) {
      if (clock.now - client.lastActive <= idleTimeoutSeconds) continue
      if (!this.#clients.isIdle(client)) continue
      counts.kick()
      client.protocol.closeReason = CLOSED_WHEN_IDLE
      this.#clients.close(client)
    }
  }

  /** Servers and UDP sockets come first. */
  #freeNumber(): number {
    let number = this.#servers.length + this.#datagramSockets.length
    while (this.#clients.get(number) !== undefined) number++
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
    for (const client of [...this.#clients].sort((a, b) => a.number - b.number)) {
      const { number: descriptor, raw } = client
      const { remoteAddress: address = '', remotePort: port = 0, remoteFamily } = raw
      const { localAddress = '', localPort = 0, localFamily } = raw
      yield {
        descriptor,
        udp: false,
        address: describeAddress({ address, port, family: remoteFamily }),
        listenAddress: describeAddress({
          address: localAddress,
          port: localPort,
          family: localFamily,
        }),
        state: descriptor === asking ? EXECUTING : stateName(this.#clients.activity(client)),
        idleSeconds: clock.now - client.lastActive,
      }
    }
  }
}

function describeAddress(end: { address: string; port: number; family?: string }): string {
  if (end.family === 'IPv6') return `tcp6:[${end.address}]:${end.port}`
  return end.family === 'IPv4' ? `tcp:${end.address}:${end.port}` : '?:<AF 0>'
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

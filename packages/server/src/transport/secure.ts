// The transport of TLS: one of several threads, each with Node's event loop and its share of the connections, which
// threads over direct system calls accept and hand over by descriptor. So limits, reports and the end of idle
// connections are the same as theirs. Knows no command.
import { Socket } from 'node:net'
import type { Cache } from '../cache/cache.ts'
import { CLOSED_BY_ERROR, CLOSED_WHEN_IDLE } from '../cache/event-log.ts'
import type { BindingProtocol } from '../protocol/binding-protocol.ts'
import type { ConnectionDescription } from '../protocol/context.ts'
import type { Acceptor } from './acceptor.ts'
import { DRAINING, RUNNING } from './connection-counts.ts'
import { type Ending, endingOf } from './connection-events.ts'
import { describeConnections } from './connection-report.ts'
import { type ConnectionTable, WATCHED } from './connection-table.ts'
import { IdleConnections } from './idle-connections.ts'
import type { ClientCertificates } from './listeners.ts'
import { type NodeClient, NodeClients } from './node-clients.ts'
import { peerAddress } from './peer-address.ts'
import type { SecureServers } from './secure-servers.ts'
import type { SystemCalls } from './system-calls.ts'
import type { Transport, TransportContext } from './transport.ts'

/** What is spoken at a listener, and how. */
export interface SecureListener {
  readonly protocol: BindingProtocol | undefined
  readonly clientCertificates: ClientCertificates | undefined
}

export interface SecureOptions {
  readonly calls: SystemCalls
  readonly table: ConnectionTable
  readonly acceptor: Acceptor
  /** By their numbers. */
  readonly listeners: readonly SecureListener[]
  readonly servers: SecureServers
  /** A client watches; its lines are made by another thread, and come by `tell`. */
  readonly watches: (slot: number) => void
  /** A watcher has taken so many bytes. */
  readonly took: (slot: number, length: number) => void
  /** A watcher is gone, or says no more. */
  readonly left: (slot: number) => void
}

/** How often idle connections are looked for. */
const IDLE_SWEEP_MS = 1_000

export class SecureTransport implements Transport {
  readonly #context: TransportContext
  readonly #options: SecureOptions
  readonly #clients: NodeClients
  readonly #idle: IdleConnections
  /** Clients who watch, by slot. */
  readonly #watching = new Map<number, NodeClient>()
  #stopped: () => void = () => {}

  constructor(context: TransportContext, cache: Cache, options: SecureOptions) {
    this.#context = context
    this.#options = options
    const { clock, thread, idleTimeoutSeconds } = context
    this.#idle = new IdleConnections(options.table, clock, thread, idleTimeoutSeconds)
    this.#clients = new NodeClients(context, cache, {
      noted: (client) => this.#note(client),
      watches: (client) => this.#watch(client),
      left: () => {},
    })
  }

  run(): Promise<void> {
    const { idleTimeoutSeconds } = this.#context
    const sweep =
      idleTimeoutSeconds > 0 ? setInterval(() => this.#kickIdle(), IDLE_SWEEP_MS) : undefined
    return new Promise((resolve) => {
      this.#stopped = () => {
        clearInterval(sweep)
        resolve()
      }
    })
  }

  /** Ends `run`, at once or when clients have taken their answers. */
  async stop(): Promise<void> {
    const drain = this.#context.counts.stopState === DRAINING
    await Promise.all([...this.#clients].map((client) => this.#clients.end(client, drain)))
    this.#stopped()
  }

  /** A connection that another thread has accepted at a listener. */
  take(fd: number, listener: number): void {
    const { calls, acceptor, listeners, servers } = this.#options
    const { protocol, clientCertificates } = listeners[listener]
    const peer = peerAddress(calls, fd)
    let client: NodeClient | undefined
    const socket = new HandedSocket(fd, {
      closing: () => acceptor.closing(fd, endOf(client), peer),
      closed: () => acceptor.makeRoom(),
    })
    client = this.#clients.open(fd, socket, peer, protocol)
    // It was accepted before the threads were told to stop.
    if (this.#context.counts.stopState !== RUNNING) this.#clients.close(client)
    else servers.accept(clientCertificates ?? 'ignored', client, this.#clients)
  }

  #note(client: NodeClient): void {
    const { table } = this.#options
    if (!client.raw.destroyed) {
      table.note(client.number, this.#clients.activity(client), this.#context.clock.now)
    }
  }

  #kickIdle(): void {
    if (!this.#idle.due) return
    this.#idle.sweep((fd) => {
      const client = this.#clients.get(fd)
      // It may have been accepted and be on its way here still.
      if (client === undefined || !this.#clients.isIdle(client)) return
      this.#context.counts.kick()
      client.protocol.closeReason = CLOSED_WHEN_IDLE
      this.#clients.close(client)
    })
  }

  describeConnections(asking: number): Iterable<ConnectionDescription> {
    const { calls, table } = this.#options
    return describeConnections(calls, table, this.#context.clock, asking)
  }

  // ---- watchers

  #watch(client: NodeClient): void {
    const { watchSlot } = client.protocol
    client.protocol.closeReason = CLOSED_BY_ERROR
    this.#options.table.note(client.number, WATCHED, this.#context.clock.now)
    this.#watching.set(watchSlot, client)
    const left = (): void => {
      if (this.#watching.get(watchSlot) !== client) return
      this.#watching.delete(watchSlot)
      this.#options.left(watchSlot)
    }
    client.stream?.once('end', left)
    client.raw.once('close', left)
    this.#options.watches(watchSlot)
    if (client.ended || client.raw.destroyed) left()
  }

  /** Lines for a watcher. */
  tell(slot: number, lines: Uint8Array): void {
    const stream = this.#watching.get(slot)?.stream
    stream?.write(lines, () => this.#options.took(slot, lines.length))
  }

  /** Nobody tells it anything any more. */
  dismiss(slot: number): void {
    const client = this.#watching.get(slot)
    this.#watching.delete(slot)
    if (client !== undefined) this.#clients.close(client)
  }
}

/** Of a client that never shook hands it is said elsewhere why. */
function endOf(client: NodeClient | undefined): Ending {
  if (client?.stream !== undefined) return endingOf(client.protocol)
  return { reason: client?.protocol.closeReason ?? CLOSED_BY_ERROR, trouble: undefined }
}

/** Called before and after a descriptor is closed. */
interface OnClose {
  closing(): void
  closed(): void
}

/** A socket over a descriptor, whose number belongs to somebody else as soon as it is closed. */
class HandedSocket extends Socket {
  readonly #onClose: OnClose

  constructor(fd: number, onClose: OnClose) {
    super({ fd, readable: true, writable: true, allowHalfOpen: true })
    this.#onClose = onClose
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#onClose.closing()
    super._destroy(error, callback)
    this.#onClose.closed()
  }
}

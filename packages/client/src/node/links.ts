// The connections of one node: opens them as calls come, up to as many as are asked for, and gives each
// call to one of them. Knows how much waits on each; whether the node is fit for use is the node's to say.
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls'
import { ArgumentError, ClosedError, type MemshardError } from '../errors.ts'
import type { NodeAddress } from './address.ts'
import type { Call } from './call.ts'
import { Connection, type ConnectionOptions, type ConnectionOwner } from './connection.ts'
import { LineConnection } from './line-connection.ts'
import { Transport } from './transport.ts'

export interface LinksOptions extends ConnectionOptions {
  /** Connections at most. */
  readonly connections: number
  /** For a node on TCP that says nothing about it itself. */
  readonly tls: TlsConnectionOptions | false
}

/** Calls that go to one connection before another is looked for: they leave in one write. */
const BATCH_CALLS = 50

export class Links {
  readonly #options: LinksOptions
  readonly #owner: ConnectionOwner
  readonly #transport: Transport
  readonly #name: string
  readonly #isSingle: boolean
  #connections: readonly Connection[] = []
  readonly #lineConnections = new Set<LineConnection>()
  /** The one that took the last call. */
  #current: Connection | undefined
  /** Until then, one having failed, no further connection is tried beside those that there are. */
  #openAfter = 0

  constructor(address: NodeAddress, options: LinksOptions, owner: ConnectionOwner) {
    this.#options = options
    this.#owner = owner
    this.#transport = new Transport(address, options.tls)
    this.#name = address.name
    this.#isSingle = options.connections === 1
  }

  /** Calls without an answer. */
  get inflight(): number {
    let calls = 0
    for (const connection of this.#connections) calls += connection.inflight
    return calls
  }

  /** Takes a call that has its deadline. Connects when there is no connection. */
  send(call: Call): void {
    const current = this.#current
    if (current !== undefined && (this.#isSingle || current.isCollecting(BATCH_CALLS))) {
      current.send(call)
    } else {
      this.#choose(call.issuedAt).send(call)
    }
  }

  /** A connection beside those, for answers that no call is to wait behind. The caller has to close it. */
  openLines(signal: AbortSignal | undefined): Promise<LineConnection> {
    if (this.#options.binary) {
      throw new ArgumentError('keys are listed in text, and this client speaks the binary protocol')
    }
    return LineConnection.open(
      this.#name,
      this.#transport,
      this.#options,
      signal,
      (connection) => this.#lineConnections.add(connection),
      (connection) => this.#lineConnections.delete(connection),
    )
  }

  /** Ends all connections and hands their calls back to the owner. */
  fail(error: MemshardError): void {
    for (const connection of this.#connections) connection.fail(error)
  }

  /** The same for the connections that are not open yet. */
  giveUpConnecting(error: MemshardError): void {
    for (const connection of this.#connections) if (!connection.isOpen) connection.fail(error)
  }

  /** To be called by the owner for a connection that has failed. */
  forget(connection: Connection): void {
    this.#connections = this.#connections.filter((other) => other !== connection)
    if (this.#current === connection) this.#current = this.#connections[0]
    this.#openAfter = performance.now() + this.#options.connectTimeout
  }

  /** Waits for the calls under way, then leaves no socket and no timer. What is listed ends at once. */
  async close(): Promise<void> {
    for (const lines of this.#lineConnections) lines.fail(new ClosedError({ node: this.#name }))
    await Promise.all(this.#connections.map((connection) => connection.close()))
  }

  /**
   * The open connection on which the least waits. If something waits on all of them, another is opened
   * for the calls to come: none is held up by its handshake.
   */
  #choose(now: number): Connection {
    let best: Connection | undefined
    for (const connection of this.#connections) {
      if (best === undefined || isBetter(connection, best)) best = connection
    }
    const { connections, maxInflight, maxQueuedBytes } = this.#options
    if (best === undefined) best = this.#open()
    else if (best.load > 0 && this.#connections.length < connections && now >= this.#openAfter) {
      this.#open()
    }
    if (!this.#isSingle) {
      // Until the next choice the others take nothing, so what they have now is the most they will have.
      let calls = maxInflight + best.inflight
      let bytes = maxQueuedBytes + best.queuedBytes
      for (const connection of this.#connections) {
        calls -= connection.inflight
        bytes -= connection.queuedBytes
      }
      best.limit(calls, bytes)
    }
    this.#current = best
    return best
  }

  #open(): Connection {
    const connection = new Connection(this.#name, this.#transport, this.#options, this.#owner)
    this.#connections = [...this.#connections, connection]
    return connection
  }
}

function isBetter(one: Connection, other: Connection): boolean {
  if (one.isOpen !== other.isOpen) return one.isOpen
  return one.load < other.load
}

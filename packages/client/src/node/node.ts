// One server of the pool: its connections, whether it is fit for use, and the probes that
// bring it back. Knows nothing of the other nodes: what becomes of its calls is the pool's decision.

import type { Codec } from '../codec/codec.ts'
import { AuthError, ClosedError, ConnectionError, type MemshardError } from '../errors.ts'
import { version } from '../wire/operations.ts'
import type { NodeAddress } from './address.ts'
import { Breaker, type BreakerOptions } from './breaker.ts'
import { Call } from './call.ts'
import type { Connection, ConnectionOwner } from './connection.ts'
import type { Counters } from './counters.ts'
import type { LineConnection } from './line-connection.ts'
import { Links, type LinksOptions } from './links.ts'

/** `ejected`: it has failed too often and gets no calls. `probing`: it is being asked whether it is back. */
export type NodeState = 'up' | 'ejected' | 'probing' | 'closed'

export interface NodeOwner {
  connected(node: Node): void
  disconnected(node: Node, error: MemshardError): void
  /** The node takes no more calls until `returned`. */
  ejected(node: Node, error: MemshardError): void
  returned(node: Node): void
  /** A call whose connection ended; `sent` when its bytes may have reached the node. */
  lost(node: Node, call: Call, sent: boolean, error: MemshardError): void
}

export class Node implements ConnectionOwner {
  readonly counters: Counters
  #address: NodeAddress
  readonly #connectTimeout: number
  readonly #links: Links
  readonly #breaker: Breaker
  readonly #owner: NodeOwner
  #state: NodeState = 'up'
  /** When connections last failed: those that were there then fail for the same reason. */
  #lostAt = Number.NEGATIVE_INFINITY
  #failure: MemshardError | undefined
  #probeTimer: NodeJS.Timeout | undefined

  constructor(
    address: NodeAddress,
    linksOptions: LinksOptions,
    breakerOptions: BreakerOptions,
    counters: Counters,
    owner: NodeOwner,
  ) {
    this.counters = counters
    this.#address = address
    this.#connectTimeout = linksOptions.connectTimeout
    this.#links = new Links(address, linksOptions, this)
    this.#breaker = new Breaker(breakerOptions)
    this.#owner = owner
  }

  get address(): NodeAddress {
    return this.#address
  }

  get name(): string {
    return this.#address.name
  }

  get state(): NodeState {
    return this.#state
  }

  /** Why it was ejected, or what its last probe met; undefined while it is up. */
  get failure(): MemshardError | undefined {
    return this.#state === 'up' ? undefined : this.#failure
  }

  get inflight(): number {
    return this.#links.inflight
  }

  /** Takes a call with its deadline. The node must be up. Connects when there is no connection. */
  send(call: Call): void {
    call.counters = this.counters
    this.#links.send(call)
  }

  /** A connection of its own for answers of any length, which the caller has to close. The node must be up. */
  openLines(signal: AbortSignal | undefined): Promise<LineConnection> {
    return this.#links.openLines(signal)
  }

  /** Its share of the keys is another one. */
  reweigh(weight: number): void {
    if (weight !== this.#address.weight) this.#address = { ...this.#address, weight }
  }

  /** As `close`, but calls that wait for a connection go back to the owner: another node has their keys. */
  retire(): Promise<void> {
    const closed = this.close()
    this.#links.giveUpConnecting(
      new ConnectionError(`${this.name} has left the pool`, { node: this.name }),
    )
    return closed
  }

  /** Waits for the calls under way, then leaves no socket and no timer. */
  async close(): Promise<void> {
    const probing = this.#state === 'probing'
    this.#state = 'closed'
    clearTimeout(this.#probeTimer)
    if (probing) this.#links.fail(new ClosedError({ node: this.name }))
    await this.#links.close()
  }

  opened(): void {
    this.counters.connects++
    this.#owner.connected(this)
  }

  answered(): void {
    if (this.#state === 'up') this.#breaker.succeeded()
  }

  timedOut(issuedAt: number): void {
    if (this.#state !== 'up' || !this.#breaker.failed(issuedAt, performance.now())) return
    this.#links.fail(
      new ConnectionError(`${this.name} let too many calls in a row pass their deadlines`, {
        node: this.name,
      }),
    )
  }

  failed(
    connection: Connection,
    error: MemshardError,
    sent: readonly Call[],
    unsent: readonly Call[],
  ): void {
    this.#links.forget(connection)
    this.counters.disconnects++
    if (this.#state !== 'closed') this.#owner.disconnected(this, error)
    if (this.#state === 'probing') {
      this.#probeLater(error)
      for (const probe of unsent.concat(sent)) probe.reject(error)
      return
    }
    const now = performance.now()
    const isNews = connection.begunAt >= this.#lostAt
    if (isNews) this.#lostAt = now
    // A node that closes a connection nobody waits on has not failed anyone.
    const waitedFor = sent.length + unsent.length > 0
    if (this.#state === 'up' && waitedFor) {
      const tooOften = this.#breaker.failed(isNews ? now : connection.begunAt, now)
      // A wrong password does not become right by being repeated at once.
      if (tooOften || error instanceof AuthError) this.#eject(error)
    }
    for (const call of sent) {
      // It was repeated on a connection that was as good as lost already.
      if (!isNews) call.retried = false
      if (!call.settled) this.#owner.lost(this, call, true, error)
    }
    for (const call of unsent) if (!call.settled) this.#owner.lost(this, call, false, error)
  }

  #eject(error: MemshardError): void {
    this.counters.ejections++
    this.#probeLater(error)
    this.#owner.ejected(this, error)
    this.#links.fail(error)
  }

  #probeLater(failure: MemshardError): void {
    this.#state = 'ejected'
    this.#failure = failure
    this.#probeTimer = setTimeout(this.#probe, this.#breaker.nextProbeDelay()).unref()
  }

  /** One `version` on a new connection, which is kept when it is answered. */
  readonly #probe = (): void => {
    this.#state = 'probing'
    const call = new Call(version, '', NO_CODEC)
    call.issuedAt = performance.now()
    call.deadline = call.issuedAt + this.#connectTimeout
    call.promise().then(
      () => {
        if (this.#state !== 'probing') return
        this.#state = 'up'
        this.#breaker.succeeded()
        this.#owner.returned(this)
      },
      (error: MemshardError) => this.#links.fail(error),
    )
    this.#links.send(call)
  }
}

const NO_CODEC: Codec<unknown> = {
  encode: () => ({ data: '', flags: 0 }),
  decode: () => undefined,
}

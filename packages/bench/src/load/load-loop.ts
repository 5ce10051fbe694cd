// The rule of the load: every caller sends `depth` requests in one piece, waits until all are answered, and
// sends the next, at once (a closed loop) or, with a schedule, when they are due (an open one). Records
// latency. Knows neither sockets nor what is asked: a driver asks what to send and tells what came.
import type { LatenciesByKind, LatencyRecorder } from '../measure/latency.ts'
import type { Tally } from '../workload/tally.ts'
import type { Caller, Conversation } from './conversation.ts'
import type { Timetable } from './schedule.ts'

export interface LoadLoopOptions {
  readonly callers: readonly Caller[]
  /** Requests that a caller sends in one piece. */
  readonly depth: number
  readonly tally: Tally
  readonly latency: LatenciesByKind
  /** With a schedule: latency from when a batch was sent, not from when it was due. */
  readonly latencyFromSending?: LatencyRecorder | undefined
  /** Requests to send altogether; Infinity leaves the end to the clock. */
  readonly requests: number
  /** When batches of requests are due; undefined: as soon as a caller is free. */
  readonly schedule?: Timetable | undefined
  /** Whether there is nothing more to ask when callers say so; undefined: then there is not. */
  readonly isEnded?: (() => boolean) | undefined
}

/** One caller's requests under way. */
export interface Exchange {
  readonly caller: Caller
  /** Requests sent, or being sent, and not answered. */
  outstanding: number
  /**
   * When the batch was due, in ms of `performance.now()`. Without a schedule that is when it was begun: the
   * moment at which the answers of the one before had been read, so the bench's own parsing counts too.
   */
  dueAt: number
  begunAt: number
  /** One of its connections is gone: it sends nothing more. */
  lost: boolean
}

export class LoadLoop {
  readonly exchanges: readonly Exchange[]
  /** A caller had nothing to ask yet: idle ones have to be asked again. */
  starved = false
  readonly #depth: number
  readonly #tally: Tally
  readonly #latency: LatenciesByKind
  readonly #latencyFromSending: LatencyRecorder | undefined
  readonly #schedule: Timetable | undefined
  readonly #isEnded: (() => boolean) | undefined
  #requestsLeft: number
  #outstanding = 0
  #open: number
  /** Callers that take part: those below this number. */
  #taking: number

  constructor(options: LoadLoopOptions) {
    this.exchanges = options.callers.map((caller) => {
      return { caller, outstanding: 0, dueAt: 0, begunAt: 0, lost: false }
    })
    this.#depth = options.depth
    this.#tally = options.tally
    this.#latency = options.latency
    this.#latencyFromSending = options.latencyFromSending
    this.#schedule = options.schedule
    this.#isEnded = options.isEnded
    this.#requestsLeft = options.requests
    this.#open = this.exchanges.length
    this.#taking = this.exchanges.length
  }

  /** Nothing is in flight and nothing may be sent any more, or no connection is left. */
  get finished(): boolean {
    return this.allLost || (this.#requestsLeft === 0 && this.#outstanding === 0)
  }

  /** The server has ended, or refuses to speak. */
  get allLost(): boolean {
    return this.#open === 0
  }

  /** Requests sent and not answered, over all connections. */
  get outstanding(): number {
    return this.#outstanding
  }

  /** From now on sends so many more requests, and is finished when they are answered. */
  limit(requests: number): void {
    this.#requestsLeft = requests
  }

  /** Lets only the first so many callers send, for a load that grows. */
  letTakePart(callers: number): void {
    this.#taking = callers
  }

  /** Requests are due at moments of their own. */
  get isScheduled(): boolean {
    return this.#schedule !== undefined
  }

  /** When the next batch is due, in ms of performance.now(); 0 when it is whenever a caller is free. */
  get due(): number {
    if (this.#requestsLeft === 0) return Number.POSITIVE_INFINITY
    if (!this.#schedule) return 0
    const { due } = this.#schedule
    if (due === Number.POSITIVE_INFINITY && this.#isEnded?.()) this.#requestsLeft = 0
    return due
  }

  /** The load begins; where it has begun already, it goes on. */
  start(now: number): void {
    this.#schedule?.start(now)
  }

  /** Makes the next batch of the exchange if one is due; `now` as of performance.now(). */
  begin(exchange: Exchange, index: number, now: number): boolean {
    if (exchange.outstanding > 0 || index >= this.#taking || exchange.lost || this.due > now) {
      return false
    }
    const dueAt = this.#schedule?.due ?? now
    const count = exchange.caller.begin(Math.min(this.#depth, this.#requestsLeft))
    if (count === 0) {
      // All callers share one source: nobody else has anything to ask either.
      if (this.#isEnded && !this.#isEnded()) this.starved = true
      else this.#requestsLeft = 0
      return false
    }
    this.#schedule?.take()
    exchange.dueAt = dueAt
    exchange.begunAt = now
    exchange.outstanding = count
    this.#outstanding += count
    this.#requestsLeft = Math.max(0, this.#requestsLeft - count)
    return true
  }

  /** Takes bytes that were read at `now`. False when the connection is of no more use. */
  received(
    exchange: Exchange,
    conversation: Conversation,
    bytes: Uint8Array,
    length: number,
    now: number,
  ): boolean {
    this.#tally.bytesReceived += length
    const completed = conversation.read(bytes, length)
    if (completed > 0) {
      exchange.outstanding -= completed
      this.#outstanding -= completed
      this.#record(conversation.answered, now - exchange.dueAt)
      this.#latencyFromSending?.record(now - exchange.begunAt, completed)
    }
    return conversation.broken === undefined
  }

  #record(answered: Uint32Array, elapsed: number): void {
    for (let kind = 0; kind < answered.length; kind++) {
      const count = answered[kind]!
      if (count === 0) continue
      this.#latency.record(kind, elapsed, count)
      answered[kind] = 0
    }
  }

  /** A connection of the exchange is gone: what the exchange still waits for counts as errors. */
  lost(exchange: Exchange, reason: string): void {
    if (exchange.lost) return
    exchange.lost = true
    this.#open--
    this.#outstanding -= exchange.outstanding
    this.#tally.fail(
      `a connection was lost: the server ${reason}`,
      Math.max(1, exchange.outstanding),
    )
    exchange.outstanding = 0
  }
}

// The rule of the load: every connection sends `depth` requests in one piece, waits until all are
// answered, and sends the next, at once or, with a schedule, when it is due. Keeps each connection's
// place on the tape and records latency. Knows no sockets: a driver asks what to send and tells what came.
import type { LatencyRecorder } from '../measure/latency.ts'
import { AnswerReader } from '../workload/answer-reader.ts'
import type { Tally } from '../workload/tally.ts'
import type { Tape } from '../workload/tape.ts'
import type { Schedule } from './schedule.ts'

export interface ClosedLoopOptions {
  readonly tape: Tape
  readonly tally: Tally
  readonly latency: LatencyRecorder
  readonly mayMiss: boolean
  /** Requests to send altogether; Infinity leaves the end to the clock. */
  readonly requests: number
  /** When batches of requests are due; undefined: as soon as a connection is free. */
  readonly schedule?: Schedule
}

/** One connection's part of the loop. */
export interface Exchange {
  readonly reader: AnswerReader
  /** The request on the tape that is sent next. */
  next: number
  /** Requests sent, or being sent, and not answered. */
  outstanding: number
  /** What of the tape's bytes has still to be sent: `[unsentFrom, unsentTo)`. */
  unsentFrom: number
  unsentTo: number
  /**
   * When the batch in flight was begun, in ms of `performance.now()`: the moment at which the answers
   * of the one before had been read, so the bench's own parsing counts as latency too. With a schedule,
   * the moment at which it was due.
   */
  begunAt: number
}

export class ClosedLoop {
  readonly tape: Tape
  readonly exchanges: readonly Exchange[]
  readonly tally: Tally
  readonly #latency: LatencyRecorder
  readonly #schedule: Schedule | undefined
  #requestsLeft: number
  #outstanding = 0
  #open: number

  constructor(options: ClosedLoopOptions) {
    const { tape, tally, mayMiss } = options
    const { connections, depth } = tape.workload
    this.tape = tape
    this.tally = tally
    this.#latency = options.latency
    this.#schedule = options.schedule
    this.#requestsLeft = options.requests
    this.#open = connections
    const batches = tape.length / depth
    this.exchanges = Array.from({ length: connections }, (_, index) => {
      // Evenly spread over the tape, and at the beginning of a batch.
      const firstRequest = Math.floor((index * batches) / connections) * depth
      return {
        reader: new AnswerReader({ tape, tally, mayMiss, firstRequest }),
        next: firstRequest,
        outstanding: 0,
        unsentFrom: 0,
        unsentTo: 0,
        begunAt: 0,
      }
    })
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

  /** When the next batch is due, in ms of performance.now(); 0 when it is whenever a connection is free. */
  get due(): number {
    if (this.#requestsLeft === 0) return Number.POSITIVE_INFINITY
    return this.#schedule?.due ?? 0
  }

  /** The load begins, or goes on after a pause. */
  start(now: number): void {
    this.#schedule?.start(now)
  }

  /** Puts the next batch into `unsentFrom..unsentTo` if one is due; `now` as of performance.now(). */
  begin(exchange: Exchange, now: number): boolean {
    if (exchange.outstanding > 0 || this.due > now) return false
    const { requestStart, workload, length } = this.tape
    const count = Math.min(workload.depth, this.#requestsLeft, length - exchange.next)
    exchange.unsentFrom = requestStart[exchange.next]!
    exchange.unsentTo = requestStart[exchange.next + count]!
    exchange.begunAt = this.#schedule?.take() ?? now
    exchange.outstanding = count
    exchange.next += count
    if (exchange.next === length) exchange.next = 0
    this.#outstanding += count
    this.#requestsLeft -= count
    return true
  }

  /** Takes bytes that were read at `now`. False when the connection is of no more use. */
  received(exchange: Exchange, bytes: Uint8Array, length: number, now: number): boolean {
    this.tally.bytesReceived += length
    const completed = exchange.reader.read(bytes, length, exchange.outstanding)
    if (completed > 0) {
      exchange.outstanding -= completed
      this.#outstanding -= completed
      this.#latency.record(now - exchange.begunAt, completed)
    }
    return exchange.reader.broken === undefined
  }

  /** The connection is gone: what it still owed counts as errors. */
  lost(exchange: Exchange, reason: string): void {
    this.#open--
    this.#outstanding -= exchange.outstanding
    this.tally.fail(
      `a connection was lost: the server ${exchange.reader.broken ?? reason}`,
      Math.max(1, exchange.outstanding),
    )
    exchange.outstanding = 0
  }
}

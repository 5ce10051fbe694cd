// When requests are due, if they come at a rate of their own and not when a connection is free: the
// latency of one that has to wait for a connection counts from the moment it was due. Knows no
// connections and no clock.
import type { Random } from '../workload/random.ts'

/** Arrivals at random moments, independent of each other (Poisson): gaps are exponentially distributed. */
export class Schedule {
  readonly #meanGapMs: number
  readonly #random: Random
  #due = Number.POSITIVE_INFINITY

  constructor(perSecond: number, random: Random) {
    this.#meanGapMs = 1_000 / perSecond
    this.#random = random
  }

  /** The first request is due now; what was due before is forgotten. */
  start(now: number): void {
    this.#due = now
  }

  /** When the next request is due, on the clock that `start` was told of. */
  get due(): number {
    return this.#due
  }

  /** Takes the next request off the schedule and tells when it was due. */
  take(): number {
    const due = this.#due
    this.#due -= Math.log(1 - this.#random()) * this.#meanGapMs
    return due
  }
}

// When requests are due, if they come at a rate of their own and not when a connection is free: the
// latency of one that has to wait for a connection counts from the moment it was due. Knows no
// connections and no clock.
import type { Random } from '../workload/random.ts'

/** `poisson`: at random moments, independent of each other. `constant`: evenly spaced. */
export const ARRIVALS = ['poisson', 'constant'] as const
export type Arrivals = (typeof ARRIVALS)[number]

/** What a load asks: when the next request is due. */
export interface Timetable {
  /** The first request is due now, if none was before. */
  start(now: number): void
  /** When the next request is due, on the clock that `start` was told of; Infinity where none is. */
  readonly due: number
  /** Goes on to the request after it. */
  take(): void
}

export class Schedule implements Timetable {
  readonly #nextGap: () => number
  #perMs: number
  #due = Number.POSITIVE_INFINITY
  /** While the rate grows: from when on, and for how long. */
  #rampFrom = 0
  #rampMs = 0

  /** `random` gives the gaps of `poisson`; without it arrivals are constant. */
  constructor(perSecond: number, random: Random | undefined) {
    this.#perMs = perSecond / 1_000
    // Of mean 1. Gaps of a Poisson process are exponentially distributed.
    this.#nextGap = random ? () => -Math.log(1 - random()) : () => 1
  }

  start(now: number): void {
    if (this.#due === Number.POSITIVE_INFINITY) this.#due = now
  }

  /** What was due until now and not sent is forgotten; requests come at this rate from now on. */
  restart(now: number, perSecond: number): void {
    this.#perMs = perSecond / 1_000
    this.#rampMs = 0
    this.#due = now
  }

  /** The rate grows from nothing to what it is, over so many milliseconds from now. */
  ramp(now: number, milliseconds: number): void {
    this.#due = now
    this.#rampFrom = now
    this.#rampMs = milliseconds
  }

  get due(): number {
    return this.#due
  }

  take(): void {
    this.#due = this.#after(this.#due, this.#nextGap())
  }

  /** The moment by which so many requests of the mean rate have come after `due`. */
  #after(due: number, requests: number): number {
    const into = due - this.#rampFrom
    if (into >= this.#rampMs) return due + requests / this.#perMs
    // A rate of r*t/T makes r*t^2/(2T) requests until t.
    const perMsSquared = this.#perMs / (2 * this.#rampMs)
    return this.#rampFrom + Math.sqrt(into * into + requests / perMsSquared)
  }
}

// Time in periods of equal length, the one under way and the one before: what counts over a window has two tables that
// take turns, and when a period is over the older one is emptied for the next. Knows the clock, not what is counted.
import type { Clock } from './clock.ts'
import type { SharedState } from './shared-state.ts'

const BEGAN = 0
const CURRENT = 1

export class Periods {
  readonly #clock: Clock
  readonly #seconds: number
  readonly #state: Int32Array

  constructor(state: SharedState, clock: Clock, seconds: number) {
    this.#clock = clock
    this.#seconds = seconds
    this.#state = state.int32(2)
  }

  /** Which of the two tables is that of the period under way, 0 or 1. */
  get current(): number {
    return this.#state[CURRENT]
  }

  get earlier(): number {
    return 1 - this.#state[CURRENT]
  }

  /** How much of the earlier period lies within one period's time from now, 0 to 1. */
  get earlierPart(): number {
    return Math.max(0, 1 - (this.#clock.now - this.#state[BEGAN]) / this.#seconds)
  }

  /** To be called before the tables are used: how many of them, from the current one on, are to be emptied now. */
  turn(): number {
    const state = this.#state
    const now = this.#clock.now
    // The cache's clock never is at 0.
    if (state[BEGAN] === 0) this.restart()
    const passed = now - state[BEGAN]
    if (passed >= 0 && passed < this.#seconds) return 0
    // A clock that was set back tells nothing of what went before.
    if (passed < 0 || passed >= 2 * this.#seconds) {
      this.restart()
      return 2
    }
    state[BEGAN] += this.#seconds
    state[CURRENT] = 1 - state[CURRENT]
    return 1
  }

  /** Begins a period now. */
  restart(): void {
    this.#state[BEGAN] = this.#clock.now
  }
}

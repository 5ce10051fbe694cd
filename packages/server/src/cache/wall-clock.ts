// The time of day to the microsecond, which no single call of the platform gives: Date has milliseconds
// and follows the system's clock, performance has microseconds and doesn't.

/** Past this difference the system's clock was set. */
const TOLERANCE_MS = 2

export class WallClock {
  /** Found at the first reading, because `performance` takes milliseconds to load: longer than much of a start. */
  #offset = 0

  /** Unix time in microseconds, whole. */
  get microseconds(): number {
    const now = Date.now()
    const precise = performance.now()
    if (Math.abs(precise + this.#offset - now) > TOLERANCE_MS) this.#offset = now - precise
    return Math.floor((precise + this.#offset) * 1000)
  }
}

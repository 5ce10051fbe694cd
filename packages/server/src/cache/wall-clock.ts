// The time of day to the microsecond, which no single call of the platform gives: Date has milliseconds
// and follows the system's clock, performance has microseconds and doesn't.

/** Past this difference the system's clock was set. */
const TOLERANCE_MS = 2

export class WallClock {
  #offset = Date.now() - performance.now()

  /** Unix time in microseconds, whole. */
  get microseconds(): number {
    const now = Date.now()
    const precise = performance.now()
    if (Math.abs(precise + this.#offset - now) > TOLERANCE_MS) this.#offset = now - precise
    return Math.floor((precise + this.#offset) * 1000)
  }
}

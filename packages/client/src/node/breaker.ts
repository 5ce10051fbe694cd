// Decides when a node has failed often enough to be left alone, and how long until it is asked again.
// Counts what it is told; knows no socket, no timer and no clock.

export interface BreakerOptions {
  /** Consecutive failures that eject a node. */
  readonly failures: number
  /** Milliseconds before the first probe. */
  readonly probeMin: number
  /** Milliseconds at most between probes. */
  readonly probeMax: number
}

export class Breaker {
  readonly #options: BreakerOptions
  #failures = 0
  #lastFailureAt = Number.NEGATIVE_INFINITY
  #probes = 0

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  /** The node answered. */
  succeeded(): void {
    this.#failures = 0
    this.#probes = 0
  }

  /**
   * An attempt begun at `begunAt` failed at `now` (milliseconds of one clock). Returns whether the node
   * is to be ejected. Attempts already under way when the last failure was counted say nothing new:
   * a hundred calls lost with one connection are one failure.
   */
  failed(begunAt: number, now: number): boolean {
    if (begunAt >= this.#lastFailureAt) {
      this.#lastFailureAt = now
      this.#failures++
    }
    return this.#failures >= this.#options.failures
  }

  /** Milliseconds to wait for the next probe: doubling from the least to the most, times 0.5 to 1.5. */
  nextProbeDelay(random: () => number = Math.random): number {
    const { probeMin, probeMax } = this.#options
    const delay = Math.min(probeMax, probeMin * 2 ** this.#probes)
    if (delay < probeMax) this.#probes++
    return delay * (0.5 + random())
  }
}

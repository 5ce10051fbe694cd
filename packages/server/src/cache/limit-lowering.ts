// Brings what is under a prefix down to its limit, when an operator has lowered it or a restart has: a few items under each
// hold of the lock. Knows how many; which of them go is the cache's.
import type { Cache } from './cache.ts'

/** Some 100 microseconds where items are small. */
const ITEMS_PER_STEP = 50

export class LimitLowering {
  readonly #cache: Cache

  constructor(cache: Cache) {
    this.#cache = cache
  }

  /** One step. True while there is more that could go now. */
  run(): boolean {
    const { lock, limits, options } = this.#cache
    if (!limits.lowering) return false
    lock.acquire()
    const more = this.#cache.lowerLimits(ITEMS_PER_STEP)
    lock.release()
    return more && options.evictionsEnabled
  }
}

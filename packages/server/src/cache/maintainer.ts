// The LRU maintainer: keeps HOT and WARM within their shares by moving items towards COLD, a bounded
// step at a time under the lock, as memcached's thread of that name. Knows no timers: whoever runs it
// asks how long to wait.
import type { Cache } from './cache.ts'
import { COLD, HOT, TEMP, WARM } from './lru.ts'
import { LRU_MAINTAINER_JUGGLES } from './statistics.ts'

/** Rounds of moves under one hold of the lock: some 50 microseconds, which nobody notices. */
const MOVES_PER_HOLD = 100
/** Rounds for one class before the next one's turn (memcached's number). */
const MOVES_PER_CLASS = 500

const MIN_PAUSE_MS = 1
/** While there is something to do, and no more than that: each waking costs more than what it does. */
const BUSY_PAUSE_MS = 8
const MAX_PAUSE_MS = 1000
/** Of the pause, by which the next is longer when there was nothing to do: a second after some 50 passes (memcached's). */
const LONGER = 1 / 8

export class Maintainer {
  readonly #cache: Cache
  #pauseMs = MIN_PAUSE_MS

  constructor(cache: Cache) {
    this.#cache = cache
  }

  /** One pass over all classes. Returns the milliseconds to wait before the next: the less, the busier. */
  run(): number {
    const cache = this.#cache
    let moves = 0
    let behind = false
    for (let slabClass = 1; slabClass <= cache.slabs.largestClass; slabClass++) {
      if (cache.lru.countOfClass(slabClass) === 0) continue
      const moved = this.#juggle(slabClass)
      moves += moved
      behind ||= moved >= MOVES_PER_CLASS
    }
    cache.lock.acquire()
    cache.statistics.add(LRU_MAINTAINER_JUGGLES, 1)
    cache.lock.release()
    this.#pauseMs = behind
      ? Math.max(MIN_PAUSE_MS, Math.min(this.#pauseMs, BUSY_PAUSE_MS) / 2)
      : Math.min(moves > 0 ? BUSY_PAUSE_MS : MAX_PAUSE_MS, longer(this.#pauseMs))
    return this.#pauseMs
  }

  #juggle(slabClass: number): number {
    const lock = this.#cache.lock
    let moves = 0
    for (let held = 0; held < MOVES_PER_CLASS / MOVES_PER_HOLD; held++) {
      lock.acquire()
      const moved = this.#moveSome(slabClass)
      lock.release()
      moves += moved
      if (moved < MOVES_PER_HOLD) break
    }
    return moves
  }

  #moveSome(slabClass: number): number {
    const { lru, tuning, pages } = this.#cache
    // While the LRU is flat all shares and ages are 0, so that HOT and WARM drain into COLD.
    const { segmented } = tuning
    const cold = segmented ? lru.tail(slabClass | COLD) : 0
    const coldAge = cold === 0 ? 0 : this.#cache.idleSeconds(cold)
    // Where items have to prove themselves to leave HOT, they don't by growing old.
    const agesOut = !(lru.admits && pages.limitReached)
    const hotAge = agesOut ? coldAge * tuning.hotMaxFactor : Number.POSITIVE_INFINITY
    const warmAge = coldAge * tuning.warmMaxFactor
    const total = segmented
      ? lru.bytes(slabClass | HOT) + lru.bytes(slabClass | WARM) + lru.bytes(slabClass | COLD)
      : 0
    let rounds = 0
    while (rounds < MOVES_PER_HOLD) {
      const moved =
        lru.pull(slabClass, TEMP, total, false, 0) +
        lru.pull(slabClass, HOT, total, false, hotAge) +
        lru.pull(slabClass, WARM, total, false, warmAge) +
        (segmented ? lru.pull(slabClass, COLD, total, false, 0) : 0)
      if (moved === 0) break
      rounds++
    }
    return rounds
  }
}

function longer(pauseMs: number): number {
  return pauseMs + Math.max(1, Math.floor(pauseMs * LONGER))
}

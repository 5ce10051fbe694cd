// The counters behind `stats`, in shared memory; written under the cache's lock. Knows their names, not
// how they are printed.
import { MAX_SLAB_CLASSES } from './arena.ts'
import type { SharedState } from './shared-state.ts'

// Counters of the whole server. What is also counted by class (hits, sets) is only counted there, and
// added up when somebody asks.
export const CMD_FLUSH = 0
export const CMD_META = 1
export const GET_MISSES = 2
export const GET_EXPIRED = 3
export const GET_FLUSHED = 4
export const DELETE_MISSES = 5
export const INCR_MISSES = 6
export const DECR_MISSES = 7
export const CAS_MISSES = 8
export const TOUCH_MISSES = 9
export const STORE_TOO_LARGE = 10
export const STORE_NO_MEMORY = 11
export const BYTES_READ = 12
export const BYTES_WRITTEN = 13
export const CURR_ITEMS = 14
export const TOTAL_ITEMS = 15
export const CURR_BYTES = 16
export const LRU_CRAWLER_STARTS = 17
export const LRU_MAINTAINER_JUGGLES = 18
export const SLABS_MOVED = 19
export const SLAB_REASSIGN_RESCUES = 20
export const SLAB_REASSIGN_CHUNK_RESCUES = 21
export const SLAB_REASSIGN_INLINE_RECLAIM = 22
export const SLAB_REASSIGN_BUSY_ITEMS = 23
export const SLAB_REASSIGN_BUSY_DELETES = 24
export const SLAB_REASSIGN_BUSY_NOMEM = 25
/** What page-mover.ts saw last when it had to wait; its number. */
export const SLAB_REASSIGN_LAST_BUSY_STATUS = 26
// Of the event log: events written and dropped, lines not sent and sent.
export const LOG_WORKER_WRITTEN = 27
export const LOG_WORKER_DROPPED = 28
export const LOG_WATCHER_SKIPPED = 29
export const LOG_WATCHER_SENT = 30
export const AUTH_CMDS = 31
export const AUTH_ERRORS = 32
export const CONN_YIELDS = 33
export const RESPONSE_OBJ_OOM = 34
export const READ_BUF_OOM = 35
export const COUNTERS = 36

/** What `stats reset` leaves alone: they say what is there, not what has happened. */
const GAUGES: readonly number[] = [CURR_ITEMS, CURR_BYTES]

// Counters of one slab class: first those of `stats slabs`, then those of `stats items`.
export const CLASS_CMD_SET = 0
export const CLASS_DELETE_HITS = 1
export const CLASS_INCR_HITS = 2
export const CLASS_DECR_HITS = 3
export const CLASS_CAS_HITS = 4
export const CLASS_CAS_BADVAL = 5
export const CLASS_TOUCH_HITS = 6
export const EVICTED = 7
export const EVICTED_NONZERO = 8
/** A gauge: seconds since last access of the item evicted last. */
export const EVICTED_TIME = 9
export const OUT_OF_MEMORY = 10
export const TAIL_REPAIRS = 11
export const RECLAIMED = 12
export const EXPIRED_UNFETCHED = 13
export const EVICTED_UNFETCHED = 14
export const EVICTED_ACTIVE = 15
export const CRAWLER_RECLAIMED = 16
export const CRAWLER_ITEMS_CHECKED = 17
export const LRU_TAIL_REFLOCKED = 18
export const MOVES_TO_COLD = 19
export const MOVES_TO_WARM = 20
export const MOVES_WITHIN_LRU = 21
export const DIRECT_RECLAIMS = 22
export const CLASS_COUNTERS = 24

/** LRU lists, by slab class | segment. */
const LISTS = 256

export class Statistics {
  readonly #counters: Float64Array
  readonly #classes: Float64Array
  readonly #hits: Float64Array

  constructor(state: SharedState) {
    this.#counters = state.float64(COUNTERS)
    this.#classes = state.float64(MAX_SLAB_CLASSES * CLASS_COUNTERS)
    this.#hits = state.float64(LISTS)
  }

  /** A fetch found an item in this LRU list: the one counter a hit costs. */
  hit(list: number): void {
    this.#hits[list]++
  }

  /** Fetches that found their item in a list. */
  hits(list: number): number {
    return this.#hits[list]
  }

  hitsOfClass(slabClass: number): number {
    let sum = 0
    for (let list = slabClass; list < LISTS; list += MAX_SLAB_CLASSES) sum += this.#hits[list]
    return sum
  }

  get getHits(): number {
    return this.#hits.reduce((sum, hits) => sum + hits, 0)
  }

  get(counter: number): number {
    return this.#counters[counter]
  }

  add(counter: number, amount: number): void {
    this.#counters[counter] += amount
  }

  set(counter: number, value: number): void {
    this.#counters[counter] = value
  }

  ofClass(slabClass: number, counter: number): number {
    return this.#classes[slabClass * CLASS_COUNTERS + counter]
  }

  addToClass(slabClass: number, counter: number, amount: number): void {
    this.#classes[slabClass * CLASS_COUNTERS + counter] += amount
  }

  setOfClass(slabClass: number, counter: number, value: number): void {
    this.#classes[slabClass * CLASS_COUNTERS + counter] = value
  }

  /** The sum over all classes. */
  total(counter: number): number {
    let sum = 0
    for (let slabClass = 0; slabClass < MAX_SLAB_CLASSES; slabClass++) {
      sum += this.ofClass(slabClass, counter)
    }
    return sum
  }

  reset(): void {
    const gauges = GAUGES.map((counter) => this.get(counter))
    this.#counters.fill(0)
    this.#classes.fill(0)
    this.#hits.fill(0)
    GAUGES.forEach((counter, i) => {
      this.#counters[counter] = gauges[i]
    })
  }
}

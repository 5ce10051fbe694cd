// What the crawler is asked to do, in shared memory: a command asks, the thread with the crawler does it,
// and everybody can see whether a crawl is under way. Knows nothing of how classes are crawled.
import { MAX_SLAB_CLASSES } from './arena.ts'
import type { SharedState } from './shared-state.ts'
import { LRU_CRAWLER_STARTS, type Statistics } from './statistics.ts'

const RUNNING = 0
const ITEMS_PER_CLASS = 1

export class Crawl {
  readonly #statistics: Statistics
  readonly #state: Int32Array
  /** By class: 1 if it is still to be crawled. */
  readonly #wanted: Int32Array

  constructor(state: SharedState, statistics: Statistics) {
    this.#statistics = statistics
    this.#state = state.int32(2)
    this.#wanted = state.int32(MAX_SLAB_CLASSES)
  }

  get running(): boolean {
    return this.#state[RUNNING] === 1
  }

  /** Items to look at in each class; 0: all. */
  get itemsPerClass(): number {
    return this.#state[ITEMS_PER_CLASS] >>> 0
  }

  /** Begins a crawl of the classes, for the crawler to carry out; false while another is under way. */
  begin(classes: Iterable<number>, itemsPerClass: number): boolean {
    if (this.running) return false
    this.#wanted.fill(0)
    for (const slabClass of classes) this.#wanted[slabClass] = 1
    this.#state[ITEMS_PER_CLASS] = itemsPerClass
    this.#state[RUNNING] = 1
    this.#statistics.add(LRU_CRAWLER_STARTS, 1)
    return true
  }

  /** The next class to crawl, which is then no longer wanted; 0 if there is none. */
  take(): number {
    const slabClass = this.#wanted.indexOf(1)
    if (slabClass <= 0) return 0
    this.#wanted[slabClass] = 0
    return slabClass
  }

  end(): void {
    this.#state[RUNNING] = 0
  }
}

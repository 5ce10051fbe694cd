// The one move of a slab page that is asked for or under way: who asks leaves it here, and the page mover
// finds it. Knows which moves can be asked for; not how one is done.

import { MAX_SLAB_CLASSES } from './arena.ts'
import type { SharedState } from './shared-state.ts'
import { GLOBAL_PAGE_POOL, type SlabPages } from './slab-pages.ts'

/** As a source: any class that has a page to spare. */
export const ANY_CLASS = -1

// What asking results in.
export const ASKED = 0
/** Another move is under way. */
export const BUSY = 1
export const BAD_CLASS = 2
/** A class never gives its last page away. */
export const NO_SPARE_PAGE = 3
export const SAME_CLASS = 4

const MIN_PAGES_OF_SOURCE = 2

const PENDING = 0
const SOURCE = 1
const DESTINATION = 2
const EVICTIONS_ALLOWED = 3
/** The class that was taken last when any would do. */
const LAST_PICKED = 4

export class PageMoves {
  readonly #pages: SlabPages
  readonly #state: Int32Array
  /** Pages moved, by class they came from and class they went to. */
  readonly #done: Float64Array
  readonly #largestClass: number

  constructor(pages: SlabPages, state: SharedState, largestClass: number) {
    this.#pages = pages
    this.#state = state.int32(5)
    this.#done = state.float64(MAX_SLAB_CLASSES * MAX_SLAB_CLASSES)
    this.#largestClass = largestClass
  }

  /**
   * Asks for a page to be moved from one class, or the global pool, to another. `evictionsAllowed`: items
   * may be evicted if there is no room for those of the page.
   */
  ask(source: number, destination: number, evictionsAllowed: boolean): number {
    const state = this.#state
    if (this.pending) return BUSY
    if (source === destination) return SAME_CLASS
    const from = source === ANY_CLASS ? this.#pick(destination) : source
    if (!this.#exists(from) || !this.#exists(destination)) return BAD_CLASS
    if (this.#pages.count(from) < MIN_PAGES_OF_SOURCE) return NO_SPARE_PAGE
    state[SOURCE] = from
    state[DESTINATION] = destination
    state[EVICTIONS_ALLOWED] = evictionsAllowed ? 1 : 0
    state[PENDING] = 1
    return ASKED
  }

  /** A move is asked for or under way. */
  get pending(): boolean {
    return this.#state[PENDING] === 1
  }

  get source(): number {
    return this.#state[SOURCE]
  }

  get destination(): number {
    return this.#state[DESTINATION]
  }

  get evictionsAllowed(): boolean {
    return this.#state[EVICTIONS_ALLOWED] === 1
  }

  /** A page has moved from one class, or the global pool, to another. */
  count(source: number, destination: number): void {
    this.#done[source * MAX_SLAB_CLASSES + destination]++
  }

  /** Every pair of classes between which pages were moved, and how many. */
  *counts(): Generator<readonly [source: number, destination: number, pages: number]> {
    for (const [pair, pages] of this.#done.entries()) {
      if (pages === 0) continue
      yield [Math.floor(pair / MAX_SLAB_CLASSES), pair % MAX_SLAB_CLASSES, pages]
    }
  }

  resetCounts(): void {
    this.#done.fill(0)
  }

  /** The move is done, or given up. */
  finish(): void {
    this.#state[PENDING] = 0
  }

  #exists(list: number): boolean {
    return list >= GLOBAL_PAGE_POOL && list <= this.#largestClass
  }

  /** The next class in turn with a page to spare, or -1. */
  #pick(destination: number): number {
    const state = this.#state
    for (let tries = 0; tries < this.#largestClass; tries++) {
      state[LAST_PICKED] = (state[LAST_PICKED] % this.#largestClass) + 1
      const picked = state[LAST_PICKED]
      if (picked !== destination && this.#pages.count(picked) >= MIN_PAGES_OF_SOURCE) return picked
    }
    return -1
  }
}

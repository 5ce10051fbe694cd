// The books of slab pages: which class each belongs to, in which order they came to it, which lie in the
// global pool, and how much memory that is. Knows pages by their numbers, and nothing of chunks.
import { type Arena, MAX_SLAB_CLASSES, PAGE_BYTES } from './arena.ts'
import type { SharedState } from './shared-state.ts'
import type { Tuning } from './tuning.ts'

/** The list of pages that belong to no class, and that any may take; in the place of a class's number. */
export const GLOBAL_PAGE_POOL = 0

// Further lists. Pages beyond the memory limit are counted no more; the kernel has their memory back a
// little later, when there is time for it.
const RELEASED = MAX_SLAB_CLASSES
const DISCARDED = MAX_SLAB_CLASSES + 1
const LISTS = MAX_SLAB_CLASSES + 2

const LAST_USED = 0
const SET = 0
const MALLOCED = 1

export class SlabPages {
  readonly #arena: Arena
  readonly #tuning: Tuning
  readonly #first: Int32Array
  readonly #last: Int32Array
  readonly #count: Int32Array
  /** By page: the next one of its list, and the class it belongs to or 0. */
  readonly #next: Int32Array
  readonly #class: Int32Array
  readonly #state: Int32Array
  readonly #bytes: Float64Array
  readonly #initialMallocedBytes: number

  /** `initialMallocedBytes` count as used, though nothing uses them. */
  constructor(arena: Arena, tuning: Tuning, state: SharedState, initialMallocedBytes: number) {
    this.#arena = arena
    this.#tuning = tuning
    this.#initialMallocedBytes = initialMallocedBytes
    this.#first = state.int32(LISTS)
    this.#last = state.int32(LISTS)
    this.#count = state.int32(LISTS)
    this.#next = state.int32(arena.pages)
    this.#class = state.int32(arena.pages)
    this.#state = state.int32(1)
    this.#bytes = state.float64(2)
    if (this.#bytes[SET] === 1) return
    this.#bytes[SET] = 1
    this.#bytes[MALLOCED] = initialMallocedBytes
  }

  /** Pages of a class, or of the global pool. */
  count(list: number): number {
    return this.#count[list]
  }

  /** The page that has been in the class or pool for longest, or 0. */
  first(list: number): number {
    return this.#first[list]
  }

  /** The page that came to the class or pool after this one of it, or 0. */
  next(page: number): number {
    return this.#next[page]
  }

  /** The class the page belongs to; 0 if to none. */
  classOf(page: number): number {
    return this.#class[page]
  }

  /** The class's first page after `page` in the order of their numbers, or 0. */
  after(slabClass: number, page: number): number {
    const last = this.#state[LAST_USED]
    for (let next = page + 1; next <= last; next++) {
      if (this.#class[next] === slabClass) return next
    }
    return 0
  }

  /** What all pages in classes and in the pool take. */
  get mallocedBytes(): number {
    return this.#bytes[MALLOCED]
  }

  get limitReached(): boolean {
    return this.#bytes[MALLOCED] >= this.#tuning.memoryLimitBytes
  }

  /** Whether the arena has addresses for so much memory. */
  hasRoomFor(limitBytes: number): boolean {
    return limitBytes <= (this.#arena.pages - 1 - MAX_SLAB_CLASSES) * PAGE_BYTES
  }

  /**
   * A further page for the class, from the pool if there is one; 0 if the limit is reached. `bytes` are what
   * a new one is counted as.
   */
  take(slabClass: number, bytes: number): number {
    let page = this.#pop(GLOBAL_PAGE_POOL)
    if (page === 0) {
      // A class may always have its first page: otherwise a size never seen before could not be stored.
      const beyond = this.#bytes[MALLOCED] + bytes > this.#tuning.memoryLimitBytes
      if (beyond && this.#count[slabClass] > 0) return 0
      page = this.#unusedPage()
      if (page === 0) return 0
      this.#bytes[MALLOCED] += bytes
    }
    this.#push(slabClass, page)
    return page
  }

  /** Gives the first page of a class or of the pool to another class or to the pool. Returns the page. */
  pass(from: number, to: number): number {
    const page = this.#pop(from)
    this.#push(to, page)
    if (to === GLOBAL_PAGE_POOL) this.releaseSurplus()
    return page
  }

  /** Takes pages out of the pool while there are more than the limit allows. */
  releaseSurplus(): void {
    const bytes = this.#bytes
    while (bytes[MALLOCED] > this.#tuning.memoryLimitBytes && this.#count[GLOBAL_PAGE_POOL] > 0) {
      this.#push(RELEASED, this.#pop(GLOBAL_PAGE_POOL))
      bytes[MALLOCED] -= PAGE_BYTES
    }
  }

  /** Gives the memory of one page that was released back to the system; false if there is none. */
  discardReleased(): boolean {
    const page = this.#pop(RELEASED)
    if (page === 0) return false
    this.#arena.discard(page)
    this.#push(DISCARDED, page)
    return true
  }

  /**
   * For recovery: makes all lists and counts anew from the class of each page. `rankOf` tells in which order a class
   * has its pages, from 0 to `ranks`; `bytesOf` what one counts for. False, and nothing is done, if there can't be such
   * pages.
   */
  startOver(
    largestClass: number,
    ranks: number,
    rankOf: (page: number) => number | undefined,
    bytesOf: (list: number) => number,
  ): boolean {
    const last = this.#state[LAST_USED]
    if (last < 0 || last >= this.#arena.pages) return false
    const ranked: number[][] = Array.from({ length: ranks }, () => [])
    for (let page = 1; page <= last; page++) {
      const list = this.#class[page]
      if (list < 0 || list > largestClass) return false
      const rank = list === GLOBAL_PAGE_POOL ? 0 : rankOf(page)
      if (rank === undefined) return false
      ranked[rank].push(page)
    }
    this.#first.fill(0)
    this.#last.fill(0)
    this.#count.fill(0)
    this.#bytes[MALLOCED] = this.#initialMallocedBytes
    for (const page of ranked.flat()) {
      const list = this.#class[page]
      this.#push(list, page)
      this.#bytes[MALLOCED] += bytesOf(list)
    }
    this.releaseSurplus()
    return true
  }

  /** For tests: the numbers of all pages that were ever used, each once. */
  *all(): Generator<number> {
    for (let list = 0; list < LISTS; list++) {
      for (let page = this.#first[list]; page !== 0; page = this.#next[page]) yield page
    }
  }

  /** How many pages were ever used: those up to this number. */
  get everUsed(): number {
    return this.#state[LAST_USED]
  }

  #unusedPage(): number {
    const page = this.#pop(RELEASED) || this.#pop(DISCARDED)
    if (page !== 0) return page
    const next = this.#state[LAST_USED] + 1
    if (next >= this.#arena.pages) return 0
    this.#state[LAST_USED] = next
    return next
  }

  #push(list: number, page: number): void {
    const last = this.#last[list]
    if (last === 0) this.#first[list] = page
    else this.#next[last] = page
    this.#last[list] = page
    this.#next[page] = 0
    this.#count[list]++
    this.#class[page] = list < MAX_SLAB_CLASSES ? list : 0
  }

  #pop(list: number): number {
    const page = this.#first[list]
    if (page === 0) return 0
    const next = this.#next[page]
    this.#first[list] = next
    if (next === 0) this.#last[list] = 0
    this.#count[list]--
    return page
  }
}

// The slab allocator: chunks of fixed sizes carved from 1 MiB pages, with memcached's size classes. One
// page at a time can be drained, so that another class can have it. Knows nothing of what is stored in a
// chunk, nor how room is made when none is free.
//
// Classes are chosen by what things take in memcached, so that each falls in the class it would fall in there;
// as everything takes less here, so does a chunk of a class, and a page holds more of them.
import { type Arena, MAX_SLAB_CLASSES, PAGE_BYTES, type Ref, UNIT_BYTES } from './arena.ts'
import { type Items, NOMINAL_HEADER_BYTES, SAVED_CHUNK_BYTES } from './item.ts'
import type { SharedState } from './shared-state.ts'
import { GLOBAL_PAGE_POOL, type SlabPages } from './slab-pages.ts'

const CHUNK_ALIGN_BYTES = 8
/** Classes given by `-o slab_sizes` may be too small for anything; they have chunks that can be free all the same. */
const MIN_CHUNK_BYTES = 24
/** A key of one byte, with memcached's NUL and CRLF. */
const SMALLEST_CONTENTS_BYTES = 4

export interface SlabOptions {
  /** `-f` */
  readonly growthFactor: number
  /** `-n` */
  readonly minimumItemSpaceBytes: number
  /** `-o slab_chunk_max`: values beyond it are chunked. */
  readonly slabChunkMaxBytes: number
  /** `-o slab_sizes`: chunk sizes, ascending, instead of those that the factor makes. */
  readonly slabSizesBytes: readonly number[] | undefined
  /** Pages can move between classes (no `-o no_slab_reassign`). */
  readonly slabReassignEnabled: boolean
}

/** Nominal chunk sizes by class number; class 0 is no class. As memcached's slabs_init. */
export function slabClassSizes(options: SlabOptions): readonly number[] {
  if (options.slabSizesBytes !== undefined) {
    return [0, ...options.slabSizesBytes.map(align), options.slabChunkMaxBytes]
  }
  const sizes = [0]
  const last = options.slabChunkMaxBytes / options.growthFactor
  let size = NOMINAL_HEADER_BYTES + options.minimumItemSpaceBytes
  while (sizes.length < MAX_SLAB_CLASSES - 1 && size < last) {
    size = align(size)
    sizes.push(size)
    size = Math.trunc(size * options.growthFactor)
  }
  sizes.push(options.slabChunkMaxBytes)
  return sizes
}

/** What a chunk of this nominal size takes. */
function chunkBytes(nominal: number): number {
  return Math.max(MIN_CHUNK_BYTES, nominal - SAVED_CHUNK_BYTES)
}

/** The most items that so much memory can hold. */
export function mostItems(arenaBytes: number, options: SlabOptions): number {
  const smallest = NOMINAL_HEADER_BYTES + SMALLEST_CONTENTS_BYTES
  const nominal = slabClassSizes(options).find((size) => size >= smallest) ?? smallest
  return Math.floor(arenaBytes / chunkBytes(nominal))
}

function align(size: number): number {
  return Math.ceil(size / CHUNK_ALIGN_BYTES) * CHUNK_ALIGN_BYTES
}

// Shared words.
/** The page being drained, or 0. */
const DRAINING = 0
/** How many of its chunks are out of use for good. */
const RETIRED = 1

// How far a page is carved, in the order in which a class has its pages.
export const FULL = 0
export const PARTLY = 1
export const UNTOUCHED = 2

export class Slabs {
  /** What a chunk of a class takes in memcached; index 0 unused. */
  readonly nominalSizes: readonly number[]
  /** What it takes here. */
  readonly chunkSizes: readonly number[]
  /** From the beginning of a chunk to that of the next. */
  readonly #distances: readonly number[]
  readonly largestClass: number

  readonly #arena: Arena
  readonly #items: Items
  readonly #pages: SlabPages
  readonly #options: SlabOptions
  /** Class by size in 8-byte steps: one load instead of a search. */
  readonly #classBySize: Uint8Array
  readonly #state: Int32Array
  readonly #freeHead: Int32Array
  readonly #freeCount: Int32Array
  /** By page: how many of its chunks were ever given out; the others hold anything. */
  readonly #carved: Int32Array
  /** By class: the page being carved. Those that came after it are untouched. */
  readonly #carvedPage: Int32Array

  /** `redZoneBytes`: left free behind every chunk, for who looks whether anything is written there. */
  constructor(
    arena: Arena,
    items: Items,
    pages: SlabPages,
    state: SharedState,
    options: SlabOptions,
    redZoneBytes = 0,
  ) {
    this.#arena = arena
    this.#items = items
    this.#pages = pages
    this.#options = options
    this.nominalSizes = slabClassSizes(options)
    this.chunkSizes = this.nominalSizes.map(chunkBytes)
    this.#distances = this.chunkSizes.map((bytes) => bytes + redZoneBytes)
    this.largestClass = this.chunkSizes.length - 1
    this.#classBySize = new Uint8Array(options.slabChunkMaxBytes / CHUNK_ALIGN_BYTES + 1)
    for (let slabClass = 1, from = 0; slabClass <= this.largestClass; slabClass++) {
      const end = Math.floor(this.nominalSizes[slabClass] / CHUNK_ALIGN_BYTES) + 1
      this.#classBySize.fill(slabClass, from, end)
      from = end
    }
    this.#state = state.int32(2)
    this.#freeHead = state.int32(MAX_SLAB_CLASSES)
    this.#freeCount = state.int32(MAX_SLAB_CLASSES)
    this.#carved = state.int32(arena.pages)
    this.#carvedPage = state.int32(MAX_SLAB_CLASSES)
  }

  /** The smallest class whose chunks hold what is of this nominal size, or 0 if none does. */
  classFor(size: number): number {
    const step = (size + CHUNK_ALIGN_BYTES - 1) >> 3
    return step < this.#classBySize.length ? this.#classBySize[step] : 0
  }

  chunksPerPage(slabClass: number): number {
    return Math.trunc(PAGE_BYTES / this.#distances[slabClass])
  }

  // ---- chunks

  /** A chunk of the class, or 0 if none is free and no page may be added. */
  allocate(slabClass: number): Ref {
    const chunk = this.allocateWithinPages(slabClass)
    if (chunk !== 0 || !this.#addPage(slabClass)) return chunk
    return this.#carve(slabClass)
  }

  /** A chunk from the pages that the class has, or 0. */
  allocateWithinPages(slabClass: number): Ref {
    const head = this.#freeHead[slabClass]
    if (head === 0) return this.#carve(slabClass)
    const next = this.#items.next(head)
    this.#freeHead[slabClass] = next
    if (next !== 0) this.#items.setPrevious(next, 0)
    this.#freeCount[slabClass]--
    return head
  }

  free(chunk: Ref, slabClass: number): void {
    if (this.#arena.pageOf(chunk) === this.#state[DRAINING]) {
      this.retire(chunk)
      return
    }
    const items = this.#items
    const head = this.#freeHead[slabClass]
    items.makeFree(chunk, head)
    if (head !== 0) items.setPrevious(head, chunk)
    this.#freeHead[slabClass] = chunk
    this.#freeCount[slabClass]++
  }

  /** Chunks that hold something, and those of a page being drained that never will again. */
  usedChunks(slabClass: number): number {
    const all = this.#pages.count(slabClass) * this.chunksPerPage(slabClass)
    return all - this.freeChunks(slabClass)
  }

  freeChunks(slabClass: number): number {
    return this.#freeCount[slabClass] + this.uncarvedChunks(slabClass)
  }

  /** Chunks of the class that were never given out; part of `freeChunks`. */
  uncarvedChunks(slabClass: number): number {
    const perPage = this.chunksPerPage(slabClass)
    let chunks = 0
    let page = this.#carvedPage[slabClass] || this.#pages.first(slabClass)
    for (; page !== 0; page = this.#pages.next(page)) chunks += perPage - this.#carved[page]
    return chunks
  }

  /** The head of the class's list of free chunks, which are linked as items are; 0 if it is empty. */
  firstFree(slabClass: number): Ref {
    return this.#freeHead[slabClass]
  }

  /** The chunk at an index in a page of the class. */
  chunkOf(slabClass: number, page: number, index: number): Ref {
    return this.#arena.refInPage(page, index * this.#distances[slabClass])
  }

  /** How many chunks of a page can be looked at, from index 0; none if it isn't the class's any more. */
  chunksIn(slabClass: number, page: number): number {
    return this.#pages.classOf(page) === slabClass ? this.#carved[page] : 0
  }

  #carve(slabClass: number): Ref {
    let page = this.#carvedPage[slabClass]
    if (page === 0 || this.#carved[page] === this.chunksPerPage(slabClass)) {
      page = page === 0 ? this.#pages.first(slabClass) : this.#pages.next(page)
      if (page === 0) return 0
      this.#carvedPage[slabClass] = page
    }
    const chunk = this.chunkOf(slabClass, page, this.#carved[page])
    // In this order: below `#carved` no chunk says what it was in another class.
    this.#items.blank(chunk)
    this.#carved[page]++
    return chunk
  }

  #addPage(slabClass: number): boolean {
    const page = this.#pages.take(slabClass, this.#pageBytes(slabClass))
    this.#carved[page] = 0
    return page !== 0
  }

  /** As memcached counts: where no page ever moves, its end that no chunk fits in counts for nothing. */
  #pageBytes(slabClass: number): number {
    const { slabReassignEnabled, slabChunkMaxBytes } = this.#options
    if (slabReassignEnabled || slabChunkMaxBytes !== PAGE_BYTES) return PAGE_BYTES
    return this.chunkSizes[slabClass] * this.chunksPerPage(slabClass)
  }

  // ---- moving a page

  /** The page being drained, or 0. */
  get drainingPage(): number {
    return this.#state[DRAINING]
  }

  /** Chunks of the page being drained that are out of use for good. */
  get retiredChunks(): number {
    return this.#state[RETIRED]
  }

  /**
   * Begins to drain the class's oldest page, for which it must have another: chunks of it that are freed
   * from now on are not given out again. Those that are free already are for the caller to retire.
   */
  startDraining(slabClass: number): number {
    const page = this.#pages.first(slabClass)
    const carvedPage = this.#carvedPage[slabClass]
    if (carvedPage === page || carvedPage === 0) {
      this.#carvedPage[slabClass] = this.#pages.next(page)
    }
    this.#state[DRAINING] = page
    this.#state[RETIRED] = 0
    return page
  }

  /** Takes a chunk of the page being drained out of use, which is in no list. */
  retire(chunk: Ref): void {
    this.#items.retire(chunk)
    this.#state[RETIRED]++
  }

  /** The same for one that is free. */
  retireFree(chunk: Ref, slabClass: number): void {
    const items = this.#items
    const next = items.next(chunk)
    const previous = items.previous(chunk)
    if (previous === 0) this.#freeHead[slabClass] = next
    else items.setNext(previous, next)
    if (next !== 0) items.setPrevious(next, previous)
    this.#freeCount[slabClass]--
    this.retire(chunk)
  }

  /** Nothing of the page being drained is in use. */
  get drained(): boolean {
    return this.#state[RETIRED] === this.#carved[this.#state[DRAINING]]
  }

  /** Gives the oldest page of a class, drained, or of the pool to another class or to the pool. */
  passPage(from: number, to: number): void {
    this.#state[DRAINING] = 0
    // Before it is another's: what lies in it means nothing there.
    this.#carved[this.#pages.first(from)] = 0
    this.#pages.pass(from, to)
  }

  // ---- recovery

  /**
   * For recovery, when the pages are in their lists: every chunk counts as in use from here on, up to where each page
   * was carved. Those that aren't are for the caller to free.
   */
  startOver(): void {
    this.#state.fill(0)
    this.#freeHead.fill(0)
    this.#freeCount.fill(0)
    this.#carvedPage.fill(0)
    for (let slabClass = 1; slabClass <= this.largestClass; slabClass++) {
      let page = this.#pages.first(slabClass)
      while (page !== 0 && this.carving(page) === FULL && this.#pages.next(page) !== 0) {
        page = this.#pages.next(page)
      }
      this.#carvedPage[slabClass] = page
    }
  }

  /** How far a page of a class is carved: UNTOUCHED, PARTLY, FULL; undefined if it can't be so far. */
  carving(page: number): number | undefined {
    const carved = this.#carved[page]
    const perPage = this.chunksPerPage(this.#pages.classOf(page))
    if (carved < 0 || carved > perPage) return undefined
    return carved === perPage ? FULL : carved > 0 ? PARTLY : UNTOUCHED
  }

  /** How many chunks of all pages were ever given out. */
  get carvedChunks(): number {
    let chunks = 0
    for (let page = 1; page <= this.#pages.everUsed; page++) chunks += this.#carved[page]
    return chunks
  }

  /** What a page of the class, or of the pool, counts for. */
  pageBytes(list: number): number {
    return list === GLOBAL_PAGE_POOL ? PAGE_BYTES : this.#pageBytes(list)
  }

  /** Whether this is where a chunk of the page's class begins that was given out. */
  isChunkOf(chunk: Ref, page: number): boolean {
    const slabClass = this.#pages.classOf(page)
    if (slabClass === 0) return false
    const bytes = ((chunk >>> 0) * UNIT_BYTES) % PAGE_BYTES
    const index = bytes / this.#distances[slabClass]
    return Number.isInteger(index) && index < this.#carved[page]
  }

  /** Leaves the page being drained where it is: what was taken out of use is free again. */
  abandonDraining(slabClass: number): void {
    const page = this.#state[DRAINING]
    const carved = this.#carved[page]
    this.#state[DRAINING] = 0
    for (let index = this.chunksPerPage(slabClass) - 1; index >= 0; index--) {
      const chunk = this.chunkOf(slabClass, page, index)
      if (index >= carved || this.#items.isRetired(chunk)) this.free(chunk, slabClass)
    }
    this.#carved[page] = this.chunksPerPage(slabClass)
  }
}

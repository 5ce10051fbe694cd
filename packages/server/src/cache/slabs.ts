// The slab allocator: chunks of fixed sizes carved from 1 MiB pages, with memcached's size classes and
// page accounting. Knows nothing of what is stored in a chunk, nor how room is made when none is free.
import { type Arena, MAX_SLAB_CLASSES, PAGE_BYTES, type Ref } from './arena.ts'
import type { Items } from './item.ts'
import type { SharedState } from './shared-state.ts'

const CHUNK_ALIGN_BYTES = 8
/** memcached's item header, which its class sizes start from (`sizeof(item)`). */
const MEMCACHED_HEADER_BYTES = 48

export interface SlabOptions {
  readonly memoryLimitBytes: number
  /** `-f` */
  readonly growthFactor: number
  /** `-n` */
  readonly minimumItemSpaceBytes: number
  /** `-o slab_chunk_max`: values beyond it are chunked. */
  readonly slabChunkMaxBytes: number
  /** `-o slab_sizes`: chunk sizes, ascending, instead of those that the factor makes. */
  readonly slabSizesBytes: readonly number[] | undefined
}

/** Chunk sizes by class number; class 0 is no class. As memcached's slabs_init. */
export function slabClassSizes(options: SlabOptions): readonly number[] {
  if (options.slabSizesBytes !== undefined) {
    return [0, ...options.slabSizesBytes.map(align), options.slabChunkMaxBytes]
  }
  const sizes = [0]
  const last = options.slabChunkMaxBytes / options.growthFactor
  let size = MEMCACHED_HEADER_BYTES + options.minimumItemSpaceBytes
  while (sizes.length < MAX_SLAB_CLASSES - 1 && size < last) {
    size = align(size)
    sizes.push(size)
    size = Math.trunc(size * options.growthFactor)
  }
  sizes.push(options.slabChunkMaxBytes)
  return sizes
}

function align(size: number): number {
  return Math.ceil(size / CHUNK_ALIGN_BYTES) * CHUNK_ALIGN_BYTES
}

// Shared words about pages.
const NEXT_PAGE = 0
const PAGES_USED = 1
const LIMIT_PAGES = 2

export class Slabs {
  /** Chunk size by class; index 0 unused. */
  readonly chunkSizes: readonly number[]
  readonly largestClass: number

  readonly #arena: Arena
  readonly #items: Items
  /** Class by size in 8-byte steps: one load instead of a search. */
  readonly #classBySize: Uint8Array
  readonly #pageState: Int32Array
  /** Owning class by page. */
  readonly #pageClass: Int32Array
  readonly #pages: Int32Array
  readonly #freeHead: Int32Array
  readonly #freeCount: Int32Array
  /** The page being carved and how many of its chunks are still untouched. */
  readonly #carvedPage: Int32Array
  readonly #uncarved: Int32Array
  readonly #used: Int32Array

  constructor(arena: Arena, items: Items, state: SharedState, options: SlabOptions) {
    this.#arena = arena
    this.#items = items
    this.chunkSizes = slabClassSizes(options)
    this.largestClass = this.chunkSizes.length - 1
    this.#classBySize = new Uint8Array(options.slabChunkMaxBytes / CHUNK_ALIGN_BYTES + 1)
    for (let step = 0, slabClass = 1; step < this.#classBySize.length; step++) {
      while (step * CHUNK_ALIGN_BYTES > this.chunkSizes[slabClass]) slabClass++
      this.#classBySize[step] = slabClass
    }
    this.#pageState = state.int32(4)
    this.#pageClass = state.int32(arena.pages)
    this.#pages = state.int32(MAX_SLAB_CLASSES)
    this.#freeHead = state.int32(MAX_SLAB_CLASSES)
    this.#freeCount = state.int32(MAX_SLAB_CLASSES)
    this.#carvedPage = state.int32(MAX_SLAB_CLASSES)
    this.#uncarved = state.int32(MAX_SLAB_CLASSES)
    this.#used = state.int32(MAX_SLAB_CLASSES)
    this.#pageState[LIMIT_PAGES] = Math.floor(options.memoryLimitBytes / PAGE_BYTES)
  }

  /** The smallest class whose chunks hold `size` bytes, or 0 if none does. */
  classFor(size: number): number {
    const step = (size + CHUNK_ALIGN_BYTES - 1) >> 3
    return step < this.#classBySize.length ? this.#classBySize[step] : 0
  }

  /** A chunk of the class, or 0 if none is free and no page may be added. */
  allocate(slabClass: number): Ref {
    const head = this.#freeHead[slabClass]
    if (head !== 0) {
      const next = this.#items.next(head)
      this.#freeHead[slabClass] = next
      if (next !== 0) this.#items.setPrevious(next, 0)
      this.#freeCount[slabClass]--
      this.#used[slabClass]++
      return head
    }
    if (this.#uncarved[slabClass] === 0 && !this.#addPage(slabClass)) return 0
    const index = this.chunksPerPage(slabClass) - this.#uncarved[slabClass]
    this.#uncarved[slabClass]--
    this.#used[slabClass]++
    return this.#arena.refInPage(this.#carvedPage[slabClass], index * this.chunkSizes[slabClass])
  }

  free(chunk: Ref, slabClass: number): void {
    const items = this.#items
    const head = this.#freeHead[slabClass]
    items.clear(chunk)
    items.setPrevious(chunk, 0)
    items.setNext(chunk, head)
    if (head !== 0) items.setPrevious(head, chunk)
    this.#freeHead[slabClass] = chunk
    this.#freeCount[slabClass]++
    this.#used[slabClass]--
  }

  chunksPerPage(slabClass: number): number {
    return Math.trunc(PAGE_BYTES / this.chunkSizes[slabClass])
  }

  pages(slabClass: number): number {
    return this.#pages[slabClass]
  }

  usedChunks(slabClass: number): number {
    return this.#used[slabClass]
  }

  freeChunks(slabClass: number): number {
    return this.#freeCount[slabClass] + this.#uncarved[slabClass]
  }

  /** The head of the class's list of free chunks, which are linked as items are; 0 if it is empty. */
  firstFree(slabClass: number): Ref {
    return this.#freeHead[slabClass]
  }

  /** Chunks of the class's last page that were never used; part of `freeChunks`. */
  uncarvedChunks(slabClass: number): number {
    return this.#uncarved[slabClass]
  }

  /** The class's first page after `page`, or 0. */
  nextPageOf(slabClass: number, page: number): number {
    const last = this.#pageState[NEXT_PAGE]
    for (let next = page + 1; next <= last; next++) {
      if (this.#pageClass[next] === slabClass) return next
    }
    return 0
  }

  /** The chunk at an index in a page of the class; one never used yet reads as free. */
  chunkOf(slabClass: number, page: number, index: number): Ref {
    return this.#arena.refInPage(page, index * this.chunkSizes[slabClass])
  }

  /** Pages given to classes. */
  get pagesUsed(): number {
    return this.#pageState[PAGES_USED]
  }

  /** Pages that belong to no class at the moment but were given to one before. */
  get globalPagePool(): number {
    return this.#pageState[NEXT_PAGE] - this.#pageState[PAGES_USED]
  }

  get memoryLimitReached(): boolean {
    return this.#pageState[PAGES_USED] >= this.#pageState[LIMIT_PAGES]
  }

  #addPage(slabClass: number): boolean {
    const state = this.#pageState
    // A class may always have its first page: otherwise a size never seen before could not be stored.
    if (this.memoryLimitReached && this.#pages[slabClass] > 0) return false
    const page = state[NEXT_PAGE] + 1
    if (page >= this.#arena.pages) return false
    state[NEXT_PAGE] = page
    state[PAGES_USED]++
    this.#pageClass[page] = slabClass
    this.#pages[slabClass]++
    this.#carvedPage[slabClass] = page
    this.#uncarved[slabClass] = this.chunksPerPage(slabClass)
    return true
  }
}

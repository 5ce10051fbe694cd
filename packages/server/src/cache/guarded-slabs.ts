// For tests only: a slab allocator that finds writes where nobody may write. Between chunks lie red zones; what is not
// part of an item is filled with a pattern, and so is what is free or out of use. Whatever of it has changed when a
// chunk is next given out or back, or when all is verified, was written out of bounds or after it was freed.
// Reads of such bytes give the pattern away, which is another for each cache. Knows one thread, and no recovery.
import { type Arena, PAGE_BYTES, type Ref, SEGMENT_SHIFT, UNIT_BYTES } from './arena.ts'
import { CHUNK_HEADER_BYTES, type ItemRef, type Items } from './item.ts'
import type { SharedState } from './shared-state.ts'
import type { SlabPages } from './slab-pages.ts'
import { type SlabOptions, Slabs } from './slabs.ts'

const RED_ZONE_BYTES = 32

// What a chunk is. Not carved yet: nothing.
const IN_USE = 1
const FREE = 2
const RETIRED = 3
const NAMES = ['not given out', 'in use', 'free', 'retired']

// Where a chunk that holds nothing is linked to others, and where it says so.
const LINKS_END = 8
const MARK_AT = 20
const MARK_END = 24

export class GuardedSlabs extends Slabs {
  readonly #arena: Arena
  readonly #items: Items
  readonly #pages: SlabPages
  readonly #pattern: Buffer
  /** Each of the arena's segments once more, in the type that compares ranges. */
  readonly #segments: readonly Buffer[]
  /** By reference: what the chunk is that begins there. */
  readonly #is: Uint8Array
  /** What an item takes of its chunk. To be replaced where there is more than what items know of themselves. */
  bytesOf: (item: ItemRef) => number
  #abandoning = false

  /** `pattern`: the byte that all is filled with which holds nothing. */
  constructor(
    pattern: number,
    arena: Arena,
    items: Items,
    pages: SlabPages,
    state: SharedState,
    options: SlabOptions,
  ) {
    super(arena, items, pages, state, options, RED_ZONE_BYTES)
    if (this.chunksPerPage(this.largestClass) === 0) {
      throw new Error('a page has no room for the largest chunk and its red zone')
    }
    this.#arena = arena
    this.#items = items
    this.#pages = pages
    this.bytesOf = (item) => items.bytesOf(item)
    this.#pattern = Buffer.alloc(PAGE_BYTES, pattern)
    this.#segments = arena.blocks.map(({ bytes }) =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
    )
    this.#is = new Uint8Array((arena.pages * PAGE_BYTES) / UNIT_BYTES)
  }

  /** @throws Error if anything was written where nothing belongs. */
  verify(): void {
    for (let slabClass = 1; slabClass <= this.largestClass; slabClass++) {
      let page = this.#pages.first(slabClass)
      for (; page !== 0; page = this.#pages.next(page)) {
        const chunks = this.chunksIn(slabClass, page)
        for (let index = 0; index < chunks; index++) {
          this.#verify(this.chunkOf(slabClass, page, index), slabClass)
        }
      }
    }
  }

  override allocateWithinPages(slabClass: number): Ref {
    const head = this.firstFree(slabClass)
    if (head !== 0) {
      this.#mustBe(head, FREE, 'given out')
      this.#verify(head, slabClass)
    }
    const chunk = super.allocateWithinPages(slabClass)
    if (chunk !== 0) this.#given(chunk, slabClass, head === 0)
    return chunk
  }

  override allocate(slabClass: number): Ref {
    const chunk = super.allocate(slabClass)
    // The first one of a page that was added for it.
    if (chunk !== 0 && this.#is[chunk >>> 0] !== IN_USE) this.#given(chunk, slabClass, true)
    return chunk
  }

  override free(chunk: Ref, slabClass: number): void {
    if (!this.#abandoning) {
      this.#mustBe(chunk, IN_USE, 'freed')
      this.#mustBeOf(chunk, slabClass)
      this.#verify(chunk, slabClass)
    }
    super.free(chunk, slabClass)
    if (this.#items.isRetired(chunk)) return
    this.#is[chunk >>> 0] = FREE
    this.#clear(chunk, slabClass, LINKS_END)
  }

  override retire(chunk: Ref): void {
    const slabClass = this.#classOf(chunk)
    if (this.#is[chunk >>> 0] !== FREE) this.#mustBe(chunk, IN_USE, 'retired')
    this.#verify(chunk, slabClass)
    super.retire(chunk)
    this.#is[chunk >>> 0] = RETIRED
    this.#clear(chunk, slabClass, 0)
  }

  override passPage(from: number, to: number): void {
    const page = this.#pages.first(from)
    const chunks = this.chunksIn(from, page)
    for (let index = 0; index < chunks; index++) {
      const chunk = this.chunkOf(from, page, index)
      this.#mustBe(chunk, RETIRED, 'passed on with its page')
      this.#verify(chunk, from)
      this.#is[chunk >>> 0] = 0
    }
    super.passPage(from, to)
  }

  override abandonDraining(slabClass: number): void {
    this.#abandoning = true
    super.abandonDraining(slabClass)
    this.#abandoning = false
  }

  /** Nothing of the chunk is an item's yet. */
  #given(chunk: Ref, slabClass: number, carved: boolean): void {
    this.#is[chunk >>> 0] = IN_USE
    if (carved) this.#mustBeOf(chunk, slabClass)
    this.#clear(chunk, slabClass, 0)
  }

  /** Fills a chunk that holds nothing, and its red zone; but for its mark, and for its links if it has any. */
  #clear(chunk: Ref, slabClass: number, from: number): void {
    const { bytes } = this.#arena.blockOf(chunk)
    const at = this.#arena.offsetOf(chunk)
    const byte = this.#pattern[0]
    bytes.fill(byte, at + from, at + MARK_AT)
    bytes.fill(byte, at + MARK_END, at + this.chunkSizes[slabClass] + RED_ZONE_BYTES)
  }

  #verify(chunk: Ref, slabClass: number): void {
    const items = this.#items
    const is = this.#is[chunk >>> 0]
    const end = this.chunkSizes[slabClass] + RED_ZONE_BYTES
    if (is === IN_USE && !items.isFree(chunk)) {
      const used = items.isChunk(chunk)
        ? CHUNK_HEADER_BYTES + items.chunkUsed(chunk)
        : this.bytesOf(chunk)
      if (used > this.chunkSizes[slabClass]) {
        throw damage(`chunk ${chunk} of class ${slabClass} says that it holds ${used} bytes`)
      }
      this.#mustBeClear(chunk, slabClass, used, end)
      return
    }
    this.#mustBeClear(chunk, slabClass, is === FREE ? LINKS_END : 0, MARK_AT)
    this.#mustBeClear(chunk, slabClass, MARK_END, end)
  }

  #mustBeClear(chunk: Ref, slabClass: number, from: number, to: number): void {
    const segment = this.#segments[chunk >>> SEGMENT_SHIFT]
    const at = this.#arena.offsetOf(chunk)
    if (this.#pattern.compare(segment, at + from, at + to, 0, to - from) === 0) return
    const written = segment.subarray(at + from, at + to).findIndex((b) => b !== this.#pattern[0])
    const what = NAMES[this.#is[chunk >>> 0]]
    const size = this.chunkSizes[slabClass]
    throw damage(
      `byte ${from + written} was written of a chunk of ${size} that is ${what} ` +
        `(${chunk}, class ${slabClass}), where nothing is from byte ${from} on`,
    )
  }

  #mustBe(chunk: Ref, what: number, becomes: string): void {
    const is = this.#is[chunk >>> 0]
    if (is !== what) throw damage(`chunk ${chunk} is ${becomes} while it is ${NAMES[is] ?? 'none'}`)
  }

  #mustBeOf(chunk: Ref, slabClass: number): void {
    const own = this.#classOf(chunk)
    if (own !== slabClass) throw damage(`chunk ${chunk} of class ${own} is used in ${slabClass}`)
  }

  #classOf(chunk: Ref): number {
    return this.#pages.classOf(this.#arena.pageOf(chunk))
  }
}

function damage(what: string): Error {
  return new Error(`memory damaged: ${what}`)
}

// Recovery: finds the items of an earlier process in the arena, whichever way that process ended, and makes
// everything anew that leads to them: hash table, lists, free chunks, counts. Trusts nothing that it reads. Knows
// the cache; not where its memory comes from.
//
// What it relies on is that stores reach the arena in the order in which the program makes them. All changes are made
// under one lock, so what a killed process leaves is what a single thread would that stopped between two stores:
//
// - An item is LINKED after the last of its bytes was written, and until before one of them is changed or freed. So a
//   linked item is complete, whatever was going on; all other chunks are free.
// - The word that says so is written when a chunk is carved. So below a page's carved count no chunk says what it was
//   in another class; above it nothing is looked at.
// - A page has no carved chunks when its class changes.
// - What an item replaces is not linked any more when it is. So a key is there twice only while its item is moved
//   to another chunk, and both are equal.
//
// One operation at most was under way. What that can't explain is damage.
import type { Ref } from './arena.ts'
import type { Cache } from './cache.ts'
import { ChunkSet } from './chunk-set.ts'
import {
  CHUNK_HEADER_BYTES,
  CHUNKED,
  classIn,
  type ItemRef,
  isChunked,
  isLinked,
  keyLengthIn,
  LIMIT_LINKS_BYTES,
  listIn,
  MAX_KEY_BYTES,
  pinsIn,
} from './item.ts'
import { ListRecovery } from './list-recovery.ts'
import { NO_LIMIT } from './prefix-limits.ts'
import { UNTOUCHED } from './slabs.ts'
import { SortedInsertion } from './sorted-insertion.ts'

/** The memory is not what a cache leaves, however it ended. */
export class DamagedArenaError extends Error {
  readonly code = 'ERR_MEMSHARD_DAMAGED_ARENA'
}

export interface Recovered {
  readonly items: number
  /** Items that were being moved or removed just then. */
  readonly dropped: number
}

/** As an operation leaves them that moves a large item: the old header and the new one. */
const MOST_DROPPED = 2

/**
 * To be called once, before anybody else works on the cache, over the arena of an earlier process and otherwise fresh
 * memory. The clock goes on by itself (`Clock.resume`).
 * @throws DamagedArenaError; then nothing in the memory is of use.
 */
export function recover(cache: Cache): Recovered {
  return new Recovery(cache).run()
}

class Recovery {
  readonly #cache: Cache
  readonly #used: ChunkSet
  readonly #lists = new ListRecovery()
  /** Chunks of large items, until it is known whose they are. */
  readonly #parts: Ref[] = []
  readonly #insertion: SortedInsertion
  #dropped = 0

  constructor(cache: Cache) {
    this.#cache = cache
    const { pages, slabs } = cache
    const possible = pages.startOver(
      slabs.largestClass,
      UNTOUCHED + 1,
      (page) => slabs.carving(page),
      (list) => slabs.pageBytes(list),
    )
    if (!possible) throw new DamagedArenaError('its table of pages is damaged')
    slabs.startOver()
    cache.table.startOver()
    this.#used = new ChunkSet(pages.everUsed)
    this.#insertion = new SortedInsertion(cache.table, slabs.carvedChunks)
  }

  run(): Recovered {
    const { pages, slabs } = this.#cache
    for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
      for (let page = pages.first(slabClass); page !== 0; page = pages.next(page)) {
        this.#sweep(page, slabClass)
      }
    }
    this.#insertion.finish()
    for (const item of this.#insertion.twins) this.#dropTwin(item)
    this.#settleParts()
    if (this.#dropped > MOST_DROPPED) throw new DamagedArenaError('items in it are damaged')
    this.#lists.link(this.#cache, this.#used)
    this.#cache.recovered()
    return { items: this.#cache.table.count, dropped: this.#dropped }
  }

  /** Looks at all chunks of a page that were ever given out. */
  #sweep(page: number, slabClass: number): void {
    const { items, slabs } = this.#cache
    const count = slabs.chunksIn(slabClass, page)
    for (let index = 0; index < count; index++) {
      const chunk = slabs.chunkOf(slabClass, page, index)
      const meta = items.meta(chunk)
      if (isLinked(meta)) this.#takeItem(chunk, meta, slabClass)
      else if (items.isChunk(chunk)) this.#parts.push(chunk)
      else slabs.free(chunk, slabClass)
    }
  }

  /** There may be many millions: what it needs of an item's header it reads once, and not by calls. */
  #takeItem(item: ItemRef, meta: number, slabClass: number): void {
    const { items, limits, slabs } = this.#cache
    const chunked = isChunked(meta)
    const valueLength = items.valueLength(item)
    const keyLength = keyLengthIn(meta)
    const bytes = items.ownBytes(meta, valueLength)
    const possible =
      keyLength > 0 &&
      keyLength <= MAX_KEY_BYTES &&
      valueLength >= 0 &&
      classIn(meta) === (chunked ? slabs.largestClass : slabClass) &&
      bytes <= slabs.chunkSizes[slabClass] &&
      (limits.count === 0 || bytes + this.#linksBytes(item) <= slabs.chunkSizes[slabClass]) &&
      (!chunked || items.headerClass(item) === slabClass)
    if (!possible) throw new DamagedArenaError(`the item at ${item >>> 0} is damaged`)
    if (chunked && !this.#claimParts(item)) {
      this.#drop(item, slabClass)
      return
    }
    // Whoever sent from it is gone.
    if (pinsIn(meta) > 0) items.removePins(item)
    this.#used.add(item)
    this.#lists.count(listIn(meta), items.sizeWith(meta, valueLength))
    this.#insertion.add(item, items.hashWith(item, meta))
  }

  #linksBytes(item: ItemRef): number {
    const { limits } = this.#cache
    return limits.count === 0 || limits.ofItem(item) === NO_LIMIT ? 0 : LIMIT_LINKS_BYTES
  }

  #dropTwin(item: ItemRef): void {
    const { items } = this.#cache
    if ((items.flags(item) & CHUNKED) !== 0) {
      throw new DamagedArenaError('a large item is in it twice')
    }
    // Moved from one to the other just then: one of them is enough.
    this.#used.delete(item)
    this.#lists.uncount(items.list(item), items.sizeOf(item))
    this.#drop(item, items.slabClass(item))
  }

  #drop(item: ItemRef, slabClass: number): void {
    this.#dropped++
    this.#cache.slabs.free(item, slabClass)
  }

  /** Whether all chunks of a large item are there, and its alone; then they are in use. */
  #claimParts(item: ItemRef): boolean {
    const { items } = this.#cache
    const length = items.valueLength(item)
    let filled = 0
    let previous = 0
    // No further than there are bytes: a circle has none.
    for (let chunk = items.firstChunk(item); chunk !== 0; chunk = items.next(chunk)) {
      if (!this.#isPart(chunk, previous, item)) return false
      const used = items.chunkUsed(chunk)
      filled += used
      if (used === 0 || filled > length) return false
      previous = chunk
    }
    if (filled !== length || items.lastChunk(item) !== previous) return false
    for (let chunk = items.firstChunk(item); chunk !== 0; chunk = items.next(chunk)) {
      this.#used.add(chunk)
    }
    return true
  }

  #isPart(chunk: Ref, previous: Ref, item: ItemRef): boolean {
    const { arena, items, pages, slabs } = this.#cache
    const page = arena.pageOf(chunk)
    if (page > pages.everUsed || !slabs.isChunkOf(chunk, page)) return false
    const slabClass = pages.classOf(page)
    const capacity = slabs.chunkSizes[slabClass] - CHUNK_HEADER_BYTES
    return (
      items.isChunk(chunk) &&
      items.chunkClass(chunk) === slabClass &&
      items.chunkItem(chunk) === item &&
      items.previous(chunk) === previous &&
      items.chunkCapacity(chunk) === capacity &&
      items.chunkUsed(chunk) <= capacity &&
      items.chunkUsed(chunk) > 0 &&
      !this.#used.has(chunk)
    )
  }

  /** Chunks that no item has claimed are free. */
  #settleParts(): void {
    const { arena, pages, slabs } = this.#cache
    for (const chunk of this.#parts) {
      // From here on the set is for items alone.
      if (this.#used.has(chunk)) this.#used.delete(chunk)
      else slabs.free(chunk, pages.classOf(arena.pageOf(chunk)))
    }
  }
}

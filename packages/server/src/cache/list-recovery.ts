// The LRU lists of an earlier process, as far as they hold together: each is followed from both ends, and what is
// reached from neither comes between. So the order of items outlives a process that was killed while it changed
// a link. Knows items and lists; which items there are it is told.
import type { Cache } from './cache.ts'
import type { ChunkSet } from './chunk-set.ts'
import type { ItemRef, Items } from './item.ts'

const LISTS = 256

export class ListRecovery {
  readonly #counts = new Int32Array(LISTS)
  readonly #bytes = new Float64Array(LISTS)
  /** How far a list was followed from its head, and from its tail; 0: not at all. */
  readonly #front = new Int32Array(LISTS)
  readonly #back = new Int32Array(LISTS)
  readonly #heads = new Int32Array(LISTS)
  readonly #tails = new Int32Array(LISTS)

  /** An item of this size belongs to the list. */
  count(list: number, size: number): void {
    this.#counts[list]++
    this.#bytes[list] += size
  }

  /** It doesn't after all. */
  uncount(list: number, size: number): void {
    this.#counts[list]--
    this.#bytes[list] -= size
  }

  /** Links the items that were counted, which are `left`; in the end none is. */
  link(cache: Cache, left: ChunkSet): void {
    const { items, lru } = cache
    this.#follow(cache, left)
    this.#insertOthers(items, left)
    for (let list = 0; list < LISTS; list++) {
      this.#join(items, list)
      lru.setList(list, this.#heads[list], this.#tails[list], this.#counts[list], this.#bytes[list])
    }
  }

  /** All ends take a step in turn: what one waits for from memory is on its way with that of the others. */
  #follow({ items, lru, arena, pages }: Cache, left: ChunkSet): void {
    const possible = (item: ItemRef, list: number): boolean =>
      arena.pageOf(item) <= pages.everUsed && left.has(item) && items.list(item) === list
    const fronts: number[] = []
    const backs: number[] = []
    const nextOf = Int32Array.from({ length: LISTS }, (_, list) => lru.head(list))
    const previousOf = Int32Array.from({ length: LISTS }, (_, list) => lru.tail(list))
    for (let list = 0; list < LISTS; list++) {
      if (this.#counts[list] === 0) continue
      fronts.push(list)
      backs.push(list)
    }
    while (fronts.length > 0 || backs.length > 0) {
      for (let i = fronts.length - 1; i >= 0; i--) {
        const list = fronts[i]
        const item = nextOf[list]
        const before = this.#front[list]
        if (item === 0 || !possible(item, list) || items.previous(item) !== before) {
          fronts.splice(i, 1)
          continue
        }
        left.delete(item)
        if (before === 0) this.#heads[list] = item
        this.#front[list] = item
        nextOf[list] = items.next(item)
      }
      for (let i = backs.length - 1; i >= 0; i--) {
        const list = backs[i]
        const item = previousOf[list]
        const after = this.#back[list]
        if (item === 0 || !possible(item, list) || items.next(item) !== after) {
          backs.splice(i, 1)
          continue
        }
        left.delete(item)
        if (after === 0) this.#tails[list] = item
        this.#back[list] = item
        previousOf[list] = items.previous(item)
      }
    }
  }

  /** Puts what is left behind what was followed from the head. */
  #insertOthers(items: Items, left: ChunkSet): void {
    for (const item of left.all()) {
      left.delete(item)
      const list = items.list(item)
      const before = this.#front[list]
      if (before === 0) this.#heads[list] = item
      else items.setNext(before, item)
      items.setPrevious(item, before)
      this.#front[list] = item
    }
  }

  /** Where the two parts of a list meet. Most lists are whole, and nothing is written. */
  #join(items: Items, list: number): void {
    const front = this.#front[list]
    const back = this.#back[list]
    if (front === 0) this.#heads[list] = back
    else if (items.next(front) !== back) items.setNext(front, back)
    if (back === 0) this.#tails[list] = front
    else if (items.previous(back) !== front) items.setPrevious(back, front)
  }
}

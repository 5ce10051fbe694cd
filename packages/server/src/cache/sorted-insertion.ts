// Items on their way into the hash table, sorted by which part of it they belong to before the first of them is put
// there: then a part is in the processor's cache while it is filled, and nobody waits for memory at every item.
// Knows references and hashes; what is done with each is its owner's.
import type { HashTable } from './hash-table.ts'
import type { ItemRef } from './item.ts'
import { discardMemory, MemoryBlock, preferHugePages } from './memory.ts'

/** So much of the table fits into a processor's own cache, with its overflow buckets: 256 KiB of it. */
const PART_BUCKETS = 4096
/** More places to write to in turn would themselves be waited for. */
const MOST_PARTS = 512
/** Of 8 bytes an item. A cache with more items than that has each part filled several times. */
const MOST_BYTES = 64 * 1024 * 1024
const ENTRY_BYTES = 8
/** Chance gives some parts more items than others. */
const SLACK_ITEMS = 64
const SLACK_SHARE = 1.05

export class SortedInsertion {
  readonly #mask: number
  readonly #shift: number
  /** Items of a part that may wait. */
  readonly #capacity: number
  /** Item and hash in turn, part by part. */
  readonly #waiting: MemoryBlock
  readonly #counts: Int32Array
  readonly #table: HashTable
  /** Items whose key another has that is in the table. */
  readonly twins: ItemRef[] = []

  /** For about so many items at most. */
  constructor(table: HashTable, items: number) {
    const { buckets } = table
    const parts = Math.min(MOST_PARTS, Math.max(1, buckets / PART_BUCKETS))
    this.#mask = buckets - 1
    this.#shift = Math.log2(buckets / parts)
    this.#capacity = Math.min(
      Math.floor(MOST_BYTES / ENTRY_BYTES / parts),
      Math.ceil((items / parts) * SLACK_SHARE) + SLACK_ITEMS,
    )
    const buffer = new SharedArrayBuffer(parts * this.#capacity * ENTRY_BYTES)
    preferHugePages(buffer)
    this.#waiting = new MemoryBlock(buffer)
    this.#counts = new Int32Array(parts)
    this.#table = table
  }

  /** The item is inserted sooner or later, at the latest by `finish`. */
  add(item: ItemRef, hash: number): void {
    const part = (hash & this.#mask) >>> this.#shift
    const count = this.#counts[part]
    const at = (part * this.#capacity + count) << 1
    const words = this.#waiting.words
    words[at] = item
    words[at + 1] = hash
    this.#counts[part] = count + 1
    if (count + 1 === this.#capacity) this.#insertPart(part)
  }

  finish(): void {
    for (let part = 0; part < this.#counts.length; part++) this.#insertPart(part)
    discardMemory(this.#waiting, 0, this.#waiting.size)
  }

  #insertPart(part: number): void {
    const table = this.#table
    const words = this.#waiting.words
    const from = (part * this.#capacity) << 1
    const to = from + (this.#counts[part] << 1)
    for (let at = from; at < to; at += 2) {
      if (table.insertUnlessThere(words[at], words[at + 1]) !== 0) this.twins.push(words[at])
    }
    this.#counts[part] = 0
  }
}

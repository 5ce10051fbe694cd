// Finds items by key: chained buckets in shared memory, grown by linear hashing (Litwin, 1980) in place,
// a few buckets with each insertion, so that growth never stops anybody. Knows only item headers.
//
// The whole table is reserved at once (the kernel commits what is touched). While the table doubles,
// bucket b of the old half is split into b and b + half; `split` says how far that has come.
import { hashKey } from './hash.ts'
import type { ItemRef, Items } from './item.ts'
import type { MemoryBlock } from './memory.ts'
import type { SharedState } from './shared-state.ts'

const POWER = 0
const EXPANDING = 1
const SPLIT = 2
const COUNT = 3

/** Doubling starts above this many items a bucket, as in memcached. */
const MAX_LOAD = 1.5
/** Splits with each insertion while the table doubles: done long before it would be due again. */
const SPLITS_PER_INSERT = 2

/** Smallest chunk size times MAX_LOAD: the table for an arena never needs more buckets than this allows. */
const ARENA_BYTES_PER_BUCKET = 96
const MAX_HASH_POWER = 28

export interface HashTableOptions {
  /** log2 of the number of buckets to start with (`-o hashpower`). */
  readonly hashPowerInitial: number
  readonly hashExpansionEnabled: boolean
}

/** The size of buffer a table for this arena needs; at least the initial size, at most 1 GiB. */
export function hashTableBytes(arenaBytes: number, hashPowerInitial: number): number {
  const power = Math.ceil(Math.log2(arenaBytes / ARENA_BYTES_PER_BUCKET))
  return 4 * 2 ** Math.min(MAX_HASH_POWER, Math.max(power, hashPowerInitial))
}

export class HashTable {
  readonly #buckets: Int32Array
  readonly #items: Items
  readonly #state: Int32Array
  readonly #maxPower: number

  constructor(
    buffer: SharedArrayBuffer,
    items: Items,
    state: SharedState,
    options: HashTableOptions,
  ) {
    this.#buckets = new Int32Array(buffer)
    this.#items = items
    this.#state = state.int32(4)
    const initial = Math.min(options.hashPowerInitial, Math.log2(this.#buckets.length))
    this.#maxPower = options.hashExpansionEnabled ? Math.log2(this.#buckets.length) : initial
    // Every thread constructs the table; it has its initial size once and is never shrunk.
    if (this.#state[POWER] === 0) this.#state[POWER] = initial
  }

  /** log2 of the buckets, those that are still being split included. */
  get power(): number {
    return this.#state[POWER]
  }

  /** The part of the buffer that is in use. */
  get usedBytes(): number {
    return 4 * 2 ** this.power
  }

  get expanding(): boolean {
    return this.#state[EXPANDING] === 1
  }

  get count(): number {
    return this.#state[COUNT]
  }

  /** Every item, bucket by bucket. The table must not change meanwhile. */
  *all(): Generator<ItemRef> {
    const buckets = 2 ** this.power
    for (let bucket = 0; bucket < buckets; bucket++) {
      let item = this.#buckets[bucket]
      for (; item !== 0; item = this.#items.hashNext(item)) yield item
    }
  }

  /**
   * One step of a walk over all items that may take its time: calls `visit` with the items of a bucket and
   * returns where to go on, 0 at the end (and 0 is where to begin). What is in the table throughout the walk
   * is visited exactly once, however much the table grows meanwhile: the cursor counts in the reversed bits
   * of bucket numbers, so that the buckets a visited one is split into count as visited (as Redis' SCAN).
   */
  scan(cursor: number, visit: (item: ItemRef) => void): number {
    const state = this.#state
    const buckets = 1 << state[POWER]
    const mask = (state[EXPANDING] === 1 ? buckets >>> 1 : buckets) - 1
    const bucket = cursor & mask
    this.#visit(bucket, visit)
    if (state[EXPANDING] === 1 && bucket < state[SPLIT]) this.#visit(bucket + mask + 1, visit)
    return reverseBits((reverseBits(cursor | ~mask) + 1) | 0)
  }

  #visit(bucket: number, visit: (item: ItemRef) => void): void {
    let item = this.#buckets[bucket]
    while (item !== 0) {
      const next = this.#items.hashNext(item)
      visit(item)
      item = next
    }
  }

  find(key: MemoryBlock, at: number, length: number, hash: number): ItemRef {
    const items = this.#items
    let item = this.#buckets[this.#bucketOf(hash)]
    while (item !== 0 && !items.hasKey(item, key, at, length)) item = items.hashNext(item)
    return item
  }

  /** Where a search for the hash begins; 0 if nowhere. */
  firstInBucket(hash: number): ItemRef {
    return this.#buckets[this.#bucketOf(hash)]
  }

  /** Adds an item whose key is not in the table. */
  insert(item: ItemRef, hash: number): void {
    const bucket = this.#bucketOf(hash)
    this.#items.setHashNext(item, this.#buckets[bucket])
    this.#buckets[bucket] = item
    const state = this.#state
    state[COUNT]++
    if (state[EXPANDING] === 1) {
      for (let i = 0; i < SPLITS_PER_INSERT && state[EXPANDING] === 1; i++) this.#splitNext()
    } else if (state[COUNT] > 2 ** state[POWER] * MAX_LOAD && state[POWER] < this.#maxPower) {
      state[POWER]++
      state[SPLIT] = 0
      state[EXPANDING] = 1
    }
  }

  remove(item: ItemRef, hash: number): void {
    const bucket = this.#bucketOf(hash)
    const next = this.#items.hashNext(item)
    if (this.#buckets[bucket] === item) this.#buckets[bucket] = next
    else this.#items.setHashNext(this.#beforeInChain(bucket, item), next)
    this.#items.setHashNext(item, 0)
    this.#state[COUNT]--
  }

  /** Puts an item in the place of another with the same key. */
  replace(old: ItemRef, item: ItemRef, hash: number): void {
    const bucket = this.#bucketOf(hash)
    this.#items.setHashNext(item, this.#items.hashNext(old))
    if (this.#buckets[bucket] === old) this.#buckets[bucket] = item
    else this.#items.setHashNext(this.#beforeInChain(bucket, old), item)
    this.#items.setHashNext(old, 0)
  }

  #beforeInChain(bucket: number, item: ItemRef): ItemRef {
    const items = this.#items
    let before = this.#buckets[bucket]
    for (;;) {
      if (before === 0) throw new Error('cache corrupt: an item to be removed is not in its bucket')
      const next = items.hashNext(before)
      if (next === item) return before
      before = next
    }
  }

  #bucketOf(hash: number): number {
    const state = this.#state
    const mask = (1 << state[POWER]) - 1
    const bucket = hash & mask
    if (state[EXPANDING] === 1) {
      const old = bucket & (mask >>> 1)
      if (old >= state[SPLIT]) return old
    }
    return bucket
  }

  #splitNext(): void {
    const state = this.#state
    const items = this.#items
    const half = 1 << (state[POWER] - 1)
    const bucket = state[SPLIT]
    let stay = 0
    let move = 0
    let item = this.#buckets[bucket]
    while (item !== 0) {
      const next = items.hashNext(item)
      const hash = hashKey(items.block(item), items.keyAt(item), items.keyLength(item))
      if ((hash & half) === 0) {
        items.setHashNext(item, stay)
        stay = item
      } else {
        items.setHashNext(item, move)
        move = item
      }
      item = next
    }
    this.#buckets[bucket] = stay
    this.#buckets[bucket + half] = move
    state[SPLIT] = bucket + 1
    if (bucket + 1 === half) state[EXPANDING] = 0
  }
}

function reverseBits(word: number): number {
  let bits = word
  bits = ((bits >>> 1) & 0x55555555) | ((bits & 0x55555555) << 1)
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2)
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4)
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8)
  return (bits >>> 16) | (bits << 16)
}

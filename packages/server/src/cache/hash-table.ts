// Finds items by key: buckets of one cache line in shared memory, grown by linear hashing (Litwin, 1980) in
// place, a bucket with each insertion, so that growth never stops anybody. Knows only items and their keys.
//
//   words 0-2   tags: 8 bits of the hash of each entry, 0 for an empty one
//   word  3     the next bucket of the chain, 0 for none
//   words 4-15  references to items, one for each tag
//
// A search compares four tags at once and looks at those items alone whose tag is right, so that a hit
// costs the bucket's line and the item, and a miss mostly the bucket's line. What a bucket has no place for
// goes into a chain of further ones, from the pool behind the buckets. In a chain only the last bucket is
// ever not full; so there are never more of the pool in use than there are items, divided by 12.
//
// The whole table is reserved at once (the kernel commits what is touched). While the table doubles,
// bucket b of the old half is split into b and b + half; `split` says how far that has come.
import { hashKey } from './hash.ts'
import type { ItemRef, Items } from './item.ts'
import { MemoryBlock, preferHugePages } from './memory.ts'
import type { SharedState } from './shared-state.ts'

const BUCKET_SHIFT = 4
const BUCKET_BYTES = 64
const TAG_WORDS = 3
const LINK = 3
const REFS = 4
const BUCKET_ITEMS = 12

// Shared words.
/** The number of buckets before doubling, less one. */
const MASK = 0
const EXPANDING = 1
const SPLIT = 2
const COUNT = 3
/** Overflow buckets: those in use, those ever used, and the first one given back (a bucket's number). */
const OVERFLOW_USED = 4
const OVERFLOW_TOUCHED = 5
const OVERFLOW_FREE = 6
const STATE_WORDS = 7

/**
 * Doubling starts when there are so many items a bucket: when all would be full if the hash were perfectly
 * even. 8 of memcached's buckets take as much memory, and are doubled above 12 items too.
 */
const MAX_LOAD = BUCKET_ITEMS
/** log2 of memcached's buckets (a pointer each) that take the memory of one of ours. */
const NOMINAL_POWER_OF_BUCKET = 3

/** With the pool below 2^27 buckets, so that the number of a word is a positive 32-bit number. */
const MAX_POWER = 26
const MIN_POWER = 1

export interface HashTableOptions {
  /** log2 of the number of buckets to start with, as memcached counts them (`-o hashpower`). */
  readonly hashPowerInitial: number
  readonly hashExpansionEnabled: boolean
}

/**
 * The size of buffer a table for so many items needs, and at least for the initial size: buckets, and a
 * pool of overflow buckets, fewer than those.
 */
export function hashTableBytes(maxItems: number, hashPowerInitial: number): number {
  const full = Math.ceil(maxItems / BUCKET_ITEMS)
  const wanted = Math.max(Math.ceil(Math.log2(full)), initialPower(hashPowerInitial), MIN_POWER)
  const buckets = 2 ** Math.min(wanted, MAX_POWER)
  const overflowBuckets = Math.min(full, buckets - 1)
  return (buckets + overflowBuckets) * BUCKET_BYTES + BUCKET_BYTES
}

function initialPower(hashPowerInitial: number): number {
  return Math.max(MIN_POWER, hashPowerInitial - NOMINAL_POWER_OF_BUCKET)
}

export class HashTable {
  readonly #words: Int32Array
  readonly #items: Items
  readonly #state: Int32Array
  readonly #maxMask: number
  /** The number of the first overflow bucket, and how many there are. */
  readonly #overflow: number
  readonly #overflowCount: number
  /** Where `find` found something last, which is mostly what is replaced next. */
  #foundAt = REFS
  /** The items of the chain that is being split or visited. */
  #gathered = new Int32Array(4 * BUCKET_ITEMS)

  constructor(
    buffer: SharedArrayBuffer,
    items: Items,
    state: SharedState,
    options: HashTableOptions,
  ) {
    this.#items = items
    this.#state = state.int32(STATE_WORDS)
    // One bucket's size is left for the alignment.
    const allBuckets = Math.floor(buffer.byteLength / BUCKET_BYTES) - 1
    const maxPower = Math.floor(Math.log2(allBuckets))
    const power = Math.min(initialPower(options.hashPowerInitial), maxPower)
    this.#overflow = 2 ** maxPower
    this.#overflowCount = allBuckets - this.#overflow
    this.#maxMask = 2 ** (options.hashExpansionEnabled ? maxPower : power) - 1
    // Every thread constructs the table; it has its initial size once and is never shrunk.
    if (this.#state[MASK] === 0) this.#state[MASK] = 2 ** power - 1
    // The first bucket begins at the start of a cache line: at the same one in every thread.
    const { address } = new MemoryBlock(buffer, 0, BUCKET_BYTES)
    this.#words = new Int32Array(buffer, (BUCKET_BYTES - (address % BUCKET_BYTES)) % BUCKET_BYTES)
  }

  /**
   * For recovery, over memory of zeros: an empty table as large as that of an earlier process, whose `state` this is.
   * A size that can't be is made one that can.
   */
  startOver(): void {
    const state = this.#state
    const grown = ((state[MASK] << 1) | 1) >>> 0
    const wanted = state[EXPANDING] === 1 ? grown : state[MASK] >>> 0
    const power = Math.max(MIN_POWER, 32 - Math.clz32(wanted))
    state.fill(0)
    state[MASK] = Math.min(2 ** power - 1, this.#maxMask)
    // It is about to be filled at once, at random, while nobody waits for a page of it to be cleared.
    const { buffer, byteOffset } = this.#words
    preferHugePages(buffer as SharedArrayBuffer, byteOffset, this.buckets * BUCKET_BYTES)
  }

  /** log2 of the buckets that memcached's table would have, those that are still being split included. */
  get power(): number {
    return Math.log2(this.buckets) + NOMINAL_POWER_OF_BUCKET
  }

  /** What the table takes, the overflow buckets in use included. */
  get usedBytes(): number {
    return (this.buckets + this.#state[OVERFLOW_USED]) * BUCKET_BYTES
  }

  get expanding(): boolean {
    return this.#state[EXPANDING] === 1
  }

  get count(): number {
    return this.#state[COUNT]
  }

  /** Overflow buckets in use. */
  get overflowBuckets(): number {
    return this.#state[OVERFLOW_USED]
  }

  /** Those that were ever used: in use, or given back. */
  get overflowBucketsTouched(): number {
    return this.#state[OVERFLOW_TOUCHED]
  }

  /** Without overflow buckets; those that are still being split included. */
  get buckets(): number {
    return (this.#state[MASK] + 1) * (this.#state[EXPANDING] + 1)
  }

  /** Every item, bucket by bucket. The table must not change meanwhile. */
  *all(): Generator<ItemRef> {
    const words = this.#words
    const buckets = this.buckets
    for (let first = 0; first < buckets; first++) {
      let bucket = first
      do {
        const base = bucket << BUCKET_SHIFT
        for (let entry = 0; entry < BUCKET_ITEMS; entry++) {
          if (words[base + REFS + entry] !== 0) yield words[base + REFS + entry]
        }
        bucket = words[base + LINK]
      } while (bucket !== 0)
    }
  }

  /** For tests: how many items each bucket of a chain holds, chain by chain. */
  *chains(): Generator<readonly number[]> {
    const words = this.#words
    for (let first = 0; first < this.buckets; first++) {
      const chain: number[] = []
      let bucket = first
      do {
        const base = bucket << BUCKET_SHIFT
        chain.push(words.subarray(base + REFS, base + REFS + BUCKET_ITEMS).filter(Boolean).length)
        bucket = words[base + LINK]
      } while (bucket !== 0)
      yield chain
    }
  }

  /**
   * One step of a walk over all items that may take its time: calls `visit` with the items of a bucket and
   * returns where to go on, 0 at the end (and 0 is where to begin). `visit` may remove the item it is given.
   * What is in the table throughout the walk is visited exactly once, however much the table grows
   * meanwhile: the cursor counts in the reversed bits of bucket numbers, so that the buckets a visited one
   * is split into count as visited (as Redis' SCAN).
   */
  scan(cursor: number, visit: (item: ItemRef) => void): number {
    const state = this.#state
    const mask = state[MASK]
    const bucket = cursor & mask
    this.#visit(bucket, visit)
    if (bucket < state[SPLIT]) this.#visit(bucket + mask + 1, visit)
    return reverseBits((reverseBits(cursor | ~mask) + 1) | 0)
  }

  #visit(bucket: number, visit: (item: ItemRef) => void): void {
    const count = this.#gather(bucket)
    for (let i = 0; i < count; i++) visit(this.#gathered[i])
  }

  find(key: MemoryBlock, at: number, length: number, hash: number): ItemRef {
    const words = this.#words
    const items = this.#items
    const tags = Math.imul(tagOf(hash), EVERY_BYTE)
    let bucket = this.#bucketOf(hash)
    do {
      const base = bucket << BUCKET_SHIFT
      for (let group = 0; group < TAG_WORDS; group++) {
        let matches = zeroBytes(words[base + group] ^ tags)
        while (matches !== 0) {
          const entry = base + REFS + (group << 2) + firstByte(matches)
          const item = words[entry]
          if (items.hasKey(item, key, at, length)) {
            this.#foundAt = entry
            return item
          }
          matches &= matches - 1
        }
      }
      bucket = words[base + LINK]
    } while (bucket !== 0)
    return 0
  }

  /** Begins to load the bucket of a hash: the result means nothing, and nothing waits for it. */
  load(hash: number): number {
    return this.#words[this.#bucketOf(hash) << BUCKET_SHIFT]
  }

  /** The item that a search for the hash is likely to find, from one look at its bucket; 0 if none. */
  candidate(hash: number): ItemRef {
    const words = this.#words
    const tags = Math.imul(tagOf(hash), EVERY_BYTE)
    const base = this.#bucketOf(hash) << BUCKET_SHIFT
    for (let group = 0; group < TAG_WORDS; group++) {
      const matches = zeroBytes(words[base + group] ^ tags)
      if (matches !== 0) return words[base + REFS + (group << 2) + firstByte(matches)]
    }
    return 0
  }

  /** Adds an item whose key is not in the table. */
  insert(item: ItemRef, hash: number): void {
    this.#put(this.#bucketOf(hash), item, tagOf(hash))
    this.#countInsertion()
  }

  #countInsertion(): void {
    const state = this.#state
    state[COUNT]++
    if (state[EXPANDING] === 1) {
      this.#splitNext()
    } else if (state[COUNT] > (state[MASK] + 1) * MAX_LOAD && state[MASK] < this.#maxMask) {
      state[EXPANDING] = 1
    }
  }

  /**
   * For recovery: adds an item, unless one with its key is there. Returns that, or 0. The item itself is looked at only
   * where another has its tag.
   */
  insertUnlessThere(item: ItemRef, hash: number): ItemRef {
    const words = this.#words
    const tag = tagOf(hash)
    const tags = Math.imul(tag, EVERY_BYTE)
    let base = this.#bucketOf(hash) << BUCKET_SHIFT
    for (;;) {
      for (let group = 0; group < TAG_WORDS; group++) {
        const word = words[base + group]
        for (let matches = zeroBytes(word ^ tags); matches !== 0; matches &= matches - 1) {
          const other = words[base + REFS + (group << 2) + firstByte(matches)]
          if (this.#items.haveSameKey(item, other)) return other
        }
        // Only the last bucket of a chain has an empty place.
        const empty = zeroBytes(word)
        if (empty !== 0) {
          const place = firstByte(empty)
          words[base + REFS + (group << 2) + place] = item
          words[base + group] = word | (tag << (place << 3))
          this.#countInsertion()
          return 0
        }
      }
      const link = words[base + LINK]
      if (link === 0) break
      base = link << BUCKET_SHIFT
    }
    const bucket = this.#takeOverflow()
    words[base + LINK] = bucket
    this.#set((bucket << BUCKET_SHIFT) + REFS, item, tag)
    this.#countInsertion()
    return 0
  }

  remove(item: ItemRef, hash: number): void {
    const words = this.#words
    const hole = this.#locate(item, hash)
    let before = -1
    let last = this.#bucketOf(hash)
    for (let link = words[(last << BUCKET_SHIFT) + LINK]; link !== 0; ) {
      before = last
      last = link
      link = words[(last << BUCKET_SHIFT) + LINK]
    }
    const base = last << BUCKET_SHIFT
    if (before === -1) {
      this.#clear(hole)
    } else {
      const filler = lastEntry(words, base)
      this.#set(hole, words[filler], this.#tagAt(filler))
      this.#clear(filler)
      if ((words[base] | words[base + 1] | words[base + 2]) === 0) {
        words[(before << BUCKET_SHIFT) + LINK] = 0
        this.#giveBack(last)
      }
    }
    this.#state[COUNT]--
  }

  /** Puts an item in the place of another with the same key. */
  replace(old: ItemRef, item: ItemRef, hash: number): void {
    const words = this.#words
    const entry = this.#foundAt
    words[words[entry] === old ? entry : this.#locate(old, hash)] = item
  }

  #bucketOf(hash: number): number {
    const state = this.#state
    const mask = state[MASK]
    const bucket = hash & mask
    return bucket < state[SPLIT] ? hash & ((mask << 1) | 1) : bucket
  }

  /** The word that holds the reference to an item of the table. */
  #locate(item: ItemRef, hash: number): number {
    const words = this.#words
    const tags = Math.imul(tagOf(hash), EVERY_BYTE)
    let bucket = this.#bucketOf(hash)
    do {
      const base = bucket << BUCKET_SHIFT
      for (let group = 0; group < TAG_WORDS; group++) {
        let matches = zeroBytes(words[base + group] ^ tags)
        while (matches !== 0) {
          const at = base + REFS + (group << 2) + firstByte(matches)
          if (words[at] === item) return at
          matches &= matches - 1
        }
      }
      bucket = words[base + LINK]
    } while (bucket !== 0)
    throw new Error('cache corrupt: an item of the table is not in its bucket')
  }

  #put(first: number, item: ItemRef, tag: number): void {
    const words = this.#words
    let base = first << BUCKET_SHIFT
    while (words[base + LINK] !== 0) base = words[base + LINK] << BUCKET_SHIFT
    for (let group = 0; group < TAG_WORDS; group++) {
      const empty = zeroBytes(words[base + group])
      if (empty !== 0) {
        this.#set(base + REFS + (group << 2) + firstByte(empty), item, tag)
        return
      }
    }
    const bucket = this.#takeOverflow()
    words[base + LINK] = bucket
    this.#set((bucket << BUCKET_SHIFT) + REFS, item, tag)
  }

  /** Fills the entry whose reference is the word `at`. */
  #set(at: number, item: ItemRef, tag: number): void {
    const words = this.#words
    const entry = (at & 15) - REFS
    const tagsAt = (at & ~15) + (entry >> 2)
    const shift = (entry & 3) << 3
    words[at] = item
    words[tagsAt] = (words[tagsAt] & ~(0xff << shift)) | (tag << shift)
  }

  #clear(at: number): void {
    this.#set(at, 0, 0)
  }

  #tagAt(at: number): number {
    const entry = (at & 15) - REFS
    return (this.#words[(at & ~15) + (entry >> 2)] >>> ((entry & 3) << 3)) & 0xff
  }

  /** @throws Error when the pool is empty, which takes more items than the table was made for. */
  #takeOverflow(): number {
    const state = this.#state
    let bucket = state[OVERFLOW_FREE]
    if (bucket !== 0) {
      const link = (bucket << BUCKET_SHIFT) + LINK
      state[OVERFLOW_FREE] = this.#words[link]
      this.#words[link] = 0
    } else {
      if (state[OVERFLOW_TOUCHED] === this.#overflowCount) {
        throw new Error('the hash table has more items than it was made for')
      }
      bucket = this.#overflow + state[OVERFLOW_TOUCHED]++
    }
    state[OVERFLOW_USED]++
    return bucket
  }

  #giveBack(bucket: number): void {
    const state = this.#state
    this.#words[(bucket << BUCKET_SHIFT) + LINK] = state[OVERFLOW_FREE]
    state[OVERFLOW_FREE] = bucket
    state[OVERFLOW_USED]--
  }

  /** Notes the items of a chain in `#gathered`; returns how many there are. */
  #gather(first: number): number {
    const words = this.#words
    let count = 0
    let bucket = first
    do {
      const base = bucket << BUCKET_SHIFT
      if (count + BUCKET_ITEMS > this.#gathered.length) {
        const more = new Int32Array(this.#gathered.length * 2)
        more.set(this.#gathered)
        this.#gathered = more
      }
      for (let at = base + REFS; at < base + REFS + BUCKET_ITEMS; at++) {
        if (words[at] !== 0) this.#gathered[count++] = words[at]
      }
      bucket = words[base + LINK]
    } while (bucket !== 0)
    return count
  }

  /** Takes everything out of a bucket and puts it where it belongs with one more bit of the hash. */
  #splitNext(): void {
    const state = this.#state
    const items = this.#items
    const half = state[MASK] + 1
    const bucket = state[SPLIT]
    const count = this.#gather(bucket)
    this.#empty(bucket)
    for (let i = 0; i < count; i++) {
      const item = this.#gathered[i]
      const hash = hashKey(items.block(item), items.keyAt(item), items.keyLength(item))
      this.#put((hash & half) === 0 ? bucket : bucket + half, item, tagOf(hash))
    }
    if (bucket + 1 < half) {
      state[SPLIT] = bucket + 1
    } else {
      state[MASK] = half * 2 - 1
      state[SPLIT] = 0
      state[EXPANDING] = 0
    }
  }

  #empty(first: number): void {
    const words = this.#words
    let bucket = first
    do {
      const base = bucket << BUCKET_SHIFT
      const next = words[base + LINK]
      words.fill(0, base, base + (1 << BUCKET_SHIFT))
      if (bucket !== first) this.#giveBack(bucket)
      bucket = next
    } while (bucket !== 0)
  }
}

const EVERY_BYTE = 0x01010101

/** Bits that choose a bucket only in the largest tables, and never 0, which marks an empty entry. */
function tagOf(hash: number): number {
  const tag = hash >>> 24
  return tag === 0 ? 1 : tag
}

/** The top bit of each byte of the word that is zero; no other bit. */
function zeroBytes(word: number): number {
  return ~(((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word | 0x7f7f7f7f)
}

/** The number of the lowest byte with a bit set; there must be one. */
function firstByte(bits: number): number {
  return (31 - Math.clz32(bits & -bits)) >> 3
}

/** The word of a bucket's last reference; there must be one. */
function lastEntry(words: Int32Array, base: number): number {
  let at = base + REFS + BUCKET_ITEMS - 1
  while (words[at] === 0) at--
  return at
}

function reverseBits(word: number): number {
  let bits = word
  bits = ((bits >>> 1) & 0x55555555) | ((bits & 0x55555555) << 1)
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2)
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4)
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8)
  return (bits >>> 16) | (bits << 16)
}

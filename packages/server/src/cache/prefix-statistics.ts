// Counts of what was asked by the prefix of keys, for `stats detail`: a hash table in shared memory that
// only grows, up to a number of prefixes. As memcached's stats_prefix.c, order of the prefixes included.
// Knows bytes of keys, no items; callers hold the cache's lock.
import { hashKey } from './hash.ts'
import { MAX_KEY_BYTES } from './item.ts'
import { copyBytes, equalBytes, MemoryBlock } from './memory.ts'
import { SharedState } from './shared-state.ts'

export interface PrefixOptions {
  /** `-D`: the byte that ends a prefix. */
  readonly prefixDelimiter: number
  /** Whether counting begins at once. */
  readonly prefixStatisticsEnabled: boolean
}

/** Further prefixes are not counted (memcached's limit). */
export const MAX_PREFIXES = 65536

// Counters of a prefix.
export const PREFIX_GETS = 0
export const PREFIX_HITS = 1
export const PREFIX_SETS = 2
export const PREFIX_DELETES = 3
const COUNTERS = 4

const BUCKETS = 256
/** The prefix's length, then its bytes. */
const TEXT_BYTES = 1 + 255

const STARTED = 0
const ENABLED = 1
const COUNT = 2
const GENERATION = 3

/** The address space it takes; memory is taken as prefixes come. */
export const PREFIX_STATISTICS_BYTES =
  1024 * 1024 + (MAX_PREFIXES + 1) * (4 + COUNTERS * 8 + TEXT_BYTES)

export class PrefixStatistics {
  readonly #delimiter: number
  readonly #state: Int32Array
  readonly #buckets: Int32Array
  readonly #next: Int32Array
  readonly #counters: Float64Array
  readonly #texts: MemoryBlock

  constructor(buffer: SharedArrayBuffer, options: PrefixOptions) {
    this.#delimiter = options.prefixDelimiter
    const state = new SharedState(buffer)
    this.#state = state.int32(4)
    this.#buckets = state.int32(BUCKETS)
    this.#next = state.int32(MAX_PREFIXES + 1)
    this.#counters = state.float64((MAX_PREFIXES + 1) * COUNTERS)
    const texts = state.int32(((MAX_PREFIXES + 1) * TEXT_BYTES) / 4)
    this.#texts = new MemoryBlock(buffer, texts.byteOffset, texts.byteLength)
    if (this.#state[STARTED] === 1) return
    this.#state[STARTED] = 1
    this.enabled = options.prefixStatisticsEnabled
  }

  get enabled(): boolean {
    return this.#state[ENABLED] === 1
  }

  set enabled(on: boolean) {
    this.#state[ENABLED] = on ? 1 : 0
  }

  /** Changes when the prefixes are forgotten, and their numbers with them. */
  get generation(): number {
    return this.#state[GENERATION]
  }

  /** Forgets all prefixes. */
  clear(): void {
    this.#buckets.fill(0)
    this.#state[COUNT] = 0
    this.#state[GENERATION]++
  }

  countGet(key: MemoryBlock, at: number, length: number, hit: boolean): void {
    const prefix = this.#find(key, at, length)
    if (prefix === 0) return
    this.#counters[prefix * COUNTERS + PREFIX_GETS]++
    if (hit) this.#counters[prefix * COUNTERS + PREFIX_HITS]++
  }

  countSet(key: MemoryBlock, at: number, length: number): void {
    this.#count(key, at, length, PREFIX_SETS)
  }

  countDelete(key: MemoryBlock, at: number, length: number): void {
    this.#count(key, at, length, PREFIX_DELETES)
  }

  /** The prefix after another in the order of the report; of 0 the first one, 0 at the end. */
  next(prefix: number): number {
    let bucket = 0
    if (prefix !== 0) {
      const following = this.#next[prefix]
      if (following !== 0) return following
      bucket = this.#bucketOf(prefix) + 1
    }
    while (bucket < BUCKETS && this.#buckets[bucket] === 0) bucket++
    return bucket < BUCKETS ? this.#buckets[bucket] : 0
  }

  counter(prefix: number, counter: number): number {
    return this.#counters[prefix * COUNTERS + counter]
  }

  /** A prefix's bytes, in Latin-1. */
  text(prefix: number): string {
    const { bytes } = this.#texts
    const at = prefix * TEXT_BYTES
    return Buffer.from(bytes.subarray(at + 1, at + 1 + bytes[at])).toString('latin1')
  }

  #count(key: MemoryBlock, at: number, length: number, counter: number): void {
    const prefix = this.#find(key, at, length)
    if (prefix !== 0) this.#counters[prefix * COUNTERS + counter]++
  }

  /** The number of the key's prefix, made if need be; 0 if it has none or there are too many. */
  #find(key: MemoryBlock, at: number, keyLength: number): number {
    const length = this.#prefixLength(key, at, Math.min(keyLength, MAX_KEY_BYTES))
    if (length < 0) return 0
    const bucket = hashKey(key, at, length) & (BUCKETS - 1)
    let prefix = this.#buckets[bucket]
    for (; prefix !== 0; prefix = this.#next[prefix]) {
      const text = prefix * TEXT_BYTES
      if (
        this.#texts.bytes[text] === length &&
        equalBytes(this.#texts, text + 1, key, at, length)
      ) {
        return prefix
      }
    }
    return this.#add(key, at, length, bucket)
  }

  #add(key: MemoryBlock, at: number, length: number, bucket: number): number {
    const state = this.#state
    if (state[COUNT] === MAX_PREFIXES) return 0
    const prefix = ++state[COUNT]
    this.#texts.bytes[prefix * TEXT_BYTES] = length
    copyBytes(key, at, this.#texts, prefix * TEXT_BYTES + 1, length)
    this.#counters.fill(0, prefix * COUNTERS, (prefix + 1) * COUNTERS)
    this.#next[prefix] = this.#buckets[bucket]
    this.#buckets[bucket] = prefix
    return prefix
  }

  /** Bytes before the delimiter; -1 without one. A NUL ends the search, as memcached's strings do. */
  #prefixLength(key: MemoryBlock, at: number, keyLength: number): number {
    const { bytes } = key
    for (let length = 0; length < keyLength; length++) {
      const byte = bytes[at + length]
      if (byte === this.#delimiter) return length
      if (byte === 0) return -1
    }
    return -1
  }

  #bucketOf(prefix: number): number {
    const at = prefix * TEXT_BYTES
    return hashKey(this.#texts, at + 1, this.#texts.bytes[at]) & (BUCKETS - 1)
  }
}

// The keys that occur most in a stream, found in bounded memory: HeavyKeeper (Gong et al., "HeavyKeeper: An Accurate
// Algorithm for Finding Top-k Elephant Flows", USENIX ATC 2018). Each key has a bucket in each of two rows, and a
// bucket belongs to one key at a time: others wear its count down, the less likely the larger it is, so that small
// ones give way and large ones stay. A count is never too large, but for keys whose hashes are equal.
//
// Knows hashes and bytes of keys; callers hold the cache's lock.
import { KeyList, keyListBytes } from './key-list.ts'
import type { MemoryBlock } from './memory.ts'
import type { SharedState } from './shared-state.ts'

const ROWS = 2
const COLUMN_BITS = 11
const COLUMNS = 1 << COLUMN_BITS
const BUCKETS = ROWS * COLUMNS
/** Odd numbers whose products spread a hash over the columns of each row. */
const SPREAD = [0x9e3779b1, 0x85ebca6b]
/** The paper's base: a count of n is worn down with a probability of this to the power of -n. */
const DECAY_BASE = 1.08
/** Larger counts are safe: less than one time in 10,000. */
const DECAYS = 128
const DECAY = Float64Array.from({ length: DECAYS }, (_, count) => DECAY_BASE ** -count)

/** Keys whose bytes are kept. */
export const KEYS_KEPT = 128

export const HEAVY_KEEPER_BYTES = BUCKETS * (4 + 8) + 3 * 64 + keyListBytes(KEYS_KEPT)

export class HeavyKeeper {
  /** The keys with the largest counts. */
  readonly keys: KeyList
  /** Whose a bucket is: the key's whole hash. */
  readonly #owners: Int32Array
  readonly #counts: Float64Array
  /** Samples, and what they stand for. */
  readonly #sums: Float64Array

  constructor(state: SharedState) {
    this.#owners = state.int32(BUCKETS)
    this.#counts = state.float64(BUCKETS)
    this.#sums = state.float64(1)
    this.keys = new KeyList(state, KEYS_KEPT)
  }

  get samples(): number {
    return this.#sums[0]
  }

  clear(): void {
    this.#owners.fill(0)
    this.#counts.fill(0)
    this.#sums.fill(0)
    this.keys.clear()
  }

  /** Counts a sample that stands for `weight` occurrences. */
  add(hash: number, key: MemoryBlock, at: number, length: number, weight: number): void {
    this.#sums[0]++
    let count = 0
    for (let row = 0; row < ROWS; row++) {
      count = Math.max(count, this.#addToRow(bucketOf(hash, row), hash, weight))
    }
    if (count > this.keys.least) this.keys.put(hash, key, at, length, count)
  }

  /** How often the key with this hash has occurred, at most; 0 if others have worn it down. */
  count(hash: number): number {
    let count = 0
    for (let row = 0; row < ROWS; row++) {
      const bucket = bucketOf(hash, row)
      if (this.#owners[bucket] === hash) count = Math.max(count, this.#counts[bucket])
    }
    return count
  }

  /** The count after that, or 0 if the bucket stays another's. */
  #addToRow(bucket: number, hash: number, weight: number): number {
    const counts = this.#counts
    if (this.#owners[bucket] !== hash && counts[bucket] > 0) {
      const worn = (counts[bucket] / weight) | 0
      if (worn >= DECAYS || Math.random() >= DECAY[worn]) return 0
      counts[bucket] -= weight
      if (counts[bucket] > 0) return 0
      counts[bucket] = 0
    }
    this.#owners[bucket] = hash
    counts[bucket] += weight
    return counts[bucket]
  }
}

function bucketOf(hash: number, row: number): number {
  return row * COLUMNS + (Math.imul(hash ^ (hash >>> 15), SPREAD[row]) >>> (32 - COLUMN_BITS))
}

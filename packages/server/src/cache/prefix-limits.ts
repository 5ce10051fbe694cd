// Limits on what may be stored under prefixes of keys: which limit a key is under, how much is there, and in which
// order. The items under a limit are a list of their own, linked through words that only they have (item.ts), so that
// the oldest of them is found at once. How much a limit is may change; which prefixes have one may not, because it is told
// by an item's key whether it has these words. Knows keys and links; what leaves the cache, and when, is the cache's.
import type { ItemRef, Items } from './item.ts'
import { equalBytes, MemoryBlock } from './memory.ts'
import type { SharedState } from './shared-state.ts'

/** Each key that is stored is compared with the prefixes one by one. */
export const MAX_PREFIX_LIMITS = 64

export interface PrefixLimit {
  /** In Latin-1; 1 to 250 bytes. */
  readonly prefix: string
  /** As the statistic `bytes` counts them. */
  readonly bytes: number
}

/** The size of a limit that is none for now. */
export const UNLIMITED = Number.MAX_SAFE_INTEGER

/** What `of` says of most keys. */
export const NO_LIMIT = -1

// What is counted of a limit.
export const LIMITED_BYTES = 0
export const LIMITED_ITEMS = 1
export const LIMITED_EVICTIONS = 2
export const LIMITED_REFUSALS = 3
const COUNTERS = 4

export class PrefixLimits {
  /**
   * As they were given at the start. The longest first: a key is under the longest limit that it begins with, and under
   * no other.
   */
  readonly limits: readonly PrefixLimit[]
  readonly #texts: readonly MemoryBlock[]
  readonly #items: Items
  readonly #heads: Int32Array
  readonly #tails: Int32Array
  readonly #counters: Float64Array
  /** How much each limit is now. */
  readonly #bytes: Float64Array
  /**
   * What stores make room for: more than that while what is too much since a limit was lowered leaves bit by bit. So no
   * store evicts more than makes room for itself.
   */
  readonly #inForce: Float64Array

  constructor(limits: readonly PrefixLimit[], state: SharedState, items: Items) {
    this.limits = [...limits].sort((a, b) => b.prefix.length - a.prefix.length)
    this.#texts = this.limits.map(({ prefix }) => blockOf(prefix))
    this.#items = items
    this.#heads = state.int32(limits.length)
    this.#tails = state.int32(limits.length)
    this.#counters = state.float64(limits.length * COUNTERS)
    this.#bytes = state.float64(limits.length)
    this.#inForce = state.float64(limits.length)
    // Every thread constructs them, some when an operator has changed them already.
    for (const [limit, { bytes }] of this.limits.entries()) {
      if (this.#bytes[limit] === 0) this.change(limit, bytes)
    }
  }

  get count(): number {
    return this.limits.length
  }

  /** The number of the limit that a key is under, or `NO_LIMIT`. */
  of(key: MemoryBlock, at: number, keyLength: number): number {
    const { limits } = this
    for (let limit = 0; limit < limits.length; limit++) {
      const { length } = limits[limit].prefix
      if (keyLength >= length && equalBytes(this.#texts[limit], 0, key, at, length)) return limit
    }
    return NO_LIMIT
  }

  /** The number of the limit of exactly this prefix, in Latin-1, or `NO_LIMIT`. */
  ofPrefix(prefix: string): number {
    return this.limits.findIndex((limit) => limit.prefix === prefix)
  }

  /** How much it is now; `UNLIMITED` where it isn't any. */
  bytesOf(limit: number): number {
    return this.#bytes[limit]
  }

  /** From now on it is so much. What is too much then stays until somebody makes it go. */
  change(limit: number, bytes: number): void {
    this.#bytes[limit] = bytes
    this.settle(limit)
  }

  /** What is there is as much as may be, unless the limit is more. */
  settle(limit: number): void {
    this.#inForce[limit] = Math.max(this.#bytes[limit], this.counted(limit, LIMITED_BYTES))
  }

  /** Whether there is still too much somewhere since a limit was lowered. */
  get lowering(): boolean {
    for (let limit = 0; limit < this.count; limit++) {
      if (this.#inForce[limit] > this.#bytes[limit]) return true
    }
    return false
  }

  ofItem(item: ItemRef): number {
    const items = this.#items
    return this.of(items.block(item), items.keyAt(item), items.keyLength(item))
  }

  counted(limit: number, counter: number): number {
    return this.#counters[limit * COUNTERS + counter]
  }

  increment(limit: number, counter: number): void {
    this.#counters[limit * COUNTERS + counter]++
  }

  /** Of what has happened; what is there stays counted. */
  resetCounts(): void {
    for (let limit = 0; limit < this.count; limit++) {
      this.#counters[limit * COUNTERS + LIMITED_EVICTIONS] = 0
      this.#counters[limit * COUNTERS + LIMITED_REFUSALS] = 0
    }
  }

  /** Whether there is more than what stores make room for. */
  isExceeded(limit: number): boolean {
    return this.counted(limit, LIMITED_BYTES) > this.#inForce[limit]
  }

  /** Whether so many bytes more are as much as the limit at most. */
  hasRoomFor(limit: number, moreBytes: number): boolean {
    return this.counted(limit, LIMITED_BYTES) + moreBytes <= this.#bytes[limit]
  }

  newest(limit: number): ItemRef {
    return this.#heads[limit]
  }

  oldest(limit: number): ItemRef {
    return this.#tails[limit]
  }

  /** An item of `size` bytes is there, as the newest. */
  add(limit: number, item: ItemRef, size: number): void {
    this.#linkFirst(limit, item)
    this.#count(limit, 1, size)
  }

  /** The same, as the oldest. */
  addLast(limit: number, item: ItemRef, size: number): void {
    const items = this.#items
    const tail = this.#tails[limit]
    items.setNextUnderLimit(item, 0)
    items.setPreviousUnderLimit(item, tail)
    if (tail === 0) this.#heads[limit] = item
    else items.setNextUnderLimit(tail, item)
    this.#tails[limit] = item
    this.#count(limit, 1, size)
  }

  remove(limit: number, item: ItemRef, size: number): void {
    this.#unlink(limit, item)
    this.#count(limit, -1, -size)
  }

  /** Makes it the newest. */
  renew(limit: number, item: ItemRef): void {
    this.#unlink(limit, item)
    this.#linkFirst(limit, item)
  }

  /** Puts a copy of an item, which has another place, in its stead. */
  replace(limit: number, old: ItemRef, item: ItemRef): void {
    const items = this.#items
    const next = items.nextUnderLimit(old)
    const previous = items.previousUnderLimit(old)
    items.setNextUnderLimit(item, next)
    items.setPreviousUnderLimit(item, previous)
    if (next === 0) this.#tails[limit] = item
    else items.setPreviousUnderLimit(next, item)
    if (previous === 0) this.#heads[limit] = item
    else items.setNextUnderLimit(previous, item)
  }

  #linkFirst(limit: number, item: ItemRef): void {
    const items = this.#items
    const head = this.#heads[limit]
    items.setNextUnderLimit(item, head)
    items.setPreviousUnderLimit(item, 0)
    if (head === 0) this.#tails[limit] = item
    else items.setPreviousUnderLimit(head, item)
    this.#heads[limit] = item
  }

  #unlink(limit: number, item: ItemRef): void {
    const items = this.#items
    const next = items.nextUnderLimit(item)
    const previous = items.previousUnderLimit(item)
    if (next === 0) this.#tails[limit] = previous
    else items.setPreviousUnderLimit(next, previous)
    if (previous === 0) this.#heads[limit] = next
    else items.setNextUnderLimit(previous, next)
  }

  #count(limit: number, items: number, bytes: number): void {
    const counters = this.#counters
    counters[limit * COUNTERS + LIMITED_ITEMS] += items
    counters[limit * COUNTERS + LIMITED_BYTES] += bytes
  }
}

/** With room behind the text for comparisons that read whole words. */
function blockOf(latin1: string): MemoryBlock {
  const block = new MemoryBlock(new ArrayBuffer(latin1.length + 8))
  block.bytes.set(Buffer.from(latin1, 'latin1'))
  return block
}

// Prefixes of keys under which everything stored so far is dead, each by one entry that says up to when: what an
// invalidation costs does not depend on how many items it kills. Knows keys and moments; not how items are found.
//
// A moment is the CAS unique that was given last: what is stored later has a larger one. Two kinds of items can't be
// told by that, those without CAS (-C) and those whose client has chosen it (`ms` with E). They are told by the second
// of their last access, as flush_all does, so that of them also what is stored in the invalidation's second is dead.
import type { ItemRef, Items } from './item.ts'
import type { MemoryBlock } from './memory.ts'
import type { SharedState } from './shared-state.ts'

/** Prefixes at once. What is dead is reclaimed when there are half as many, which makes room for others. */
export const MAX_INVALIDATIONS = 1024
const SWEEP_FROM = MAX_INVALIDATIONS / 2
const MAX_PREFIX_BYTES = 250

// An entry: what it is found by, up to when it kills, in which round it was made; then the prefix.
const HASH = 0
const LENGTH = 1
const CAS_LOW = 2
const CAS_HIGH = 3
const ACCESSED = 4
const ROUND = 5
const PREFIX = 6
const ENTRY_WORDS = PREFIX + 64

/** A power of two, and twice as many as entries: searches are short. */
const SLOTS = 2 * MAX_INVALIDATIONS

const COUNT = 0
/** Each sweep begins a round: entries of earlier ones are done when it is over. */
const CURRENT_ROUND = 1
/** Of the sweep under way, the round that it began; 0 without one. */
const SWEEPING = 2
/** The longest prefix: further bytes of keys are not looked at. */
const LONGEST = 3
/** From here on, a bit for each length that some prefix has. */
const LENGTHS = 4
const LENGTH_WORDS = 8

// FNV-1a (Fowler, Noll, Vo), because it has the hash of every prefix of a key on its way.
const FNV_OFFSET = 0x811c9dc5 | 0
const FNV_PRIME = 0x01000193

/** A moment up to which items are dead. */
export interface Moment {
  readonly casLow: number
  readonly casHigh: number
  /** The second, on the cache's clock, that accesses are noted as. */
  readonly accessed: number
}

export class PrefixInvalidations {
  readonly #items: Items
  readonly #state: Int32Array
  readonly #entries: Int32Array
  readonly #bytes: Uint8Array
  /** Entry numbers + 1 by their hashes, searched linearly; 0 is free. */
  readonly #slots: Int32Array

  /** `state` is kept with the items: what it kills must not come back with them. */
  constructor(state: SharedState, items: Items) {
    this.#items = items
    this.#state = state.int32(LENGTHS + LENGTH_WORDS)
    this.#entries = state.int32(MAX_INVALIDATIONS * ENTRY_WORDS)
    this.#slots = state.int32(SLOTS)
    const { buffer, byteOffset, byteLength } = this.#entries
    this.#bytes = new Uint8Array(buffer, byteOffset, byteLength)
  }

  /** Prefixes under which something may still be dead. */
  get count(): number {
    return this.#state[COUNT]
  }

  /** Whether it is time to reclaim what is dead, so that entries become free. */
  get sweepIsDue(): boolean {
    return this.count >= SWEEP_FROM && this.#state[SWEEPING] === 0
  }

  /** Kills what is stored under the prefix so far. False if there is no room for a further prefix. */
  add(block: MemoryBlock, at: number, length: number, moment: Moment): boolean {
    const hash = hashOf(block, at, length)
    let entry = this.#find(block, at, length, hash)
    const isNew = entry < 0
    if (isNew && this.count === MAX_INVALIDATIONS) return false
    if (isNew) entry = this.count
    const words = this.#entries
    const first = entry * ENTRY_WORDS
    // The larger half first: who finds the entry between two stores, after a crash, kills too much rather than too little.
    words[first + CAS_HIGH] = moment.casHigh
    words[first + CAS_LOW] = moment.casLow
    words[first + ACCESSED] = moment.accessed
    words[first + ROUND] = this.#state[CURRENT_ROUND]
    if (!isNew) return true
    words[first + HASH] = hash
    words[first + LENGTH] = length
    this.#bytes.set(block.bytes.subarray(at, at + length), (first + PREFIX) * 4)
    this.#index(entry)
    this.#state[COUNT] = entry + 1
    return true
  }

  /** Whether the item is under a prefix that was invalidated after it was stored. Not for the case that there is none. */
  kills(item: ItemRef): boolean {
    const items = this.#items
    const { view } = items.block(item)
    const at = items.keyAt(item)
    const state = this.#state
    const longest = Math.min(items.keyLength(item), state[LONGEST])
    let hash = FNV_OFFSET
    for (let length = 1; length <= longest; length++) {
      hash = Math.imul(hash ^ view.getUint8(at + length - 1), FNV_PRIME)
      if ((state[LENGTHS + (length >>> 5)] & (1 << (length & 31))) === 0) continue
      const entry = this.#find(items.block(item), at, length, hash)
      if (entry >= 0 && this.#isBefore(item, entry)) return true
    }
    return false
  }

  // ---- sweeping

  /** Somebody begins to look at every item, and reclaims those that are dead. */
  beginSweep(): void {
    this.#state[SWEEPING] = ++this.#state[CURRENT_ROUND]
  }

  /** Every item was looked at since: what was invalidated before is gone. */
  endSweep(): void {
    const state = this.#state
    const round = state[SWEEPING]
    if (round === 0) return
    const words = this.#entries
    let kept = 0
    // Nothing is found while entries move: a crash leaves those that are counted, in one place or the other.
    this.#slots.fill(0)
    state.fill(0, LONGEST, LENGTHS + LENGTH_WORDS)
    for (let entry = 0; entry < state[COUNT]; entry++) {
      const first = entry * ENTRY_WORDS
      if (words[first + ROUND] - round < 0) continue
      words.copyWithin(kept * ENTRY_WORDS, first, first + ENTRY_WORDS)
      kept++
    }
    state[COUNT] = kept
    this.startOver()
    state[SWEEPING] = 0
  }

  /** Makes anew what entries are found by. To be called first over the memory of a process that may have been killed. */
  startOver(): void {
    const state = this.#state
    state[COUNT] = Math.max(0, Math.min(state[COUNT], MAX_INVALIDATIONS))
    state[SWEEPING] = 0
    this.#slots.fill(0)
    state.fill(0, LONGEST, LENGTHS + LENGTH_WORDS)
    for (let entry = 0; entry < state[COUNT]; entry++) this.#index(entry)
  }

  #index(entry: number): void {
    const first = entry * ENTRY_WORDS
    const length = this.#entries[first + LENGTH] & 0xff
    let slot = this.#entries[first + HASH] & (SLOTS - 1)
    while (this.#slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1)
    this.#slots[slot] = entry + 1
    const state = this.#state
    state[LENGTHS + (length >>> 5)] |= 1 << (length & 31)
    state[LONGEST] = Math.max(state[LONGEST], length)
  }

  /** The entry of exactly this prefix, or -1. */
  #find(block: MemoryBlock, at: number, length: number, hash: number): number {
    const words = this.#entries
    let slot = hash & (SLOTS - 1)
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & (SLOTS - 1)) {
      const entry = this.#slots[slot] - 1
      const first = entry * ENTRY_WORDS
      if (words[first + HASH] !== hash || words[first + LENGTH] !== length) continue
      if (this.#hasPrefix(first, block, at, length)) return entry
    }
    return -1
  }

  #hasPrefix(first: number, block: MemoryBlock, at: number, length: number): boolean {
    const from = (first + PREFIX) * 4
    for (let i = 0; i < length; i++) {
      if (this.#bytes[from + i] !== block.view.getUint8(at + i)) return false
    }
    return true
  }

  #isBefore(item: ItemRef, entry: number): boolean {
    const items = this.#items
    const words = this.#entries
    const first = entry * ENTRY_WORDS
    if (!items.casEnabled || items.hasGivenCas(item)) {
      return items.accessed(item) <= words[first + ACCESSED]
    }
    const high = items.casHigh(item) >>> 0
    const upToHigh = words[first + CAS_HIGH] >>> 0
    if (high !== upToHigh) return high < upToHigh
    return items.casLow(item) >>> 0 <= words[first + CAS_LOW] >>> 0
  }
}

function hashOf(block: MemoryBlock, at: number, length: number): number {
  let hash = FNV_OFFSET
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ block.view.getUint8(at + i), FNV_PRIME)
  return hash
}

/** Whether a prefix can be one of keys. */
export function isPrefix(length: number): boolean {
  return length > 0 && length <= MAX_PREFIX_BYTES
}

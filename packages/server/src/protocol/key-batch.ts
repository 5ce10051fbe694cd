// Keys that are about to be looked up: read, hashed and found together, a batch at a time. A lookup in a large
// cache waits for main memory two or three times (bucket, item, value); started together, the waits of a whole
// batch overlap. Knows where keys stand in a list or in lines of plain gets, nothing else of commands.
import type { Cache } from '../cache/cache.ts'
import { addWord, finishHash, hashKey } from '../cache/hash.ts'
import { MAX_KEY_BYTES } from '../cache/item.ts'
import type { MemoryBlock } from '../cache/memory.ts'

/** As many as a core can have on their way, and few enough that the first is not evicted by the last. */
export const MAX_BATCH_KEYS = 16

const GET_ = 0x20746567
const CRLF = 0x0a0d
const SPACE = 32
const LETTER_A = 97
const LETTER_Z = 122
/** Command names are at most this long (`flush_all`, `verbosity`); data lines mostly have no such word. */
const MAX_COMMAND_BYTES = 9

/** What a lookup reads of an item lies mostly in its first cache lines, its value included. */
const WORDS_PER_CACHE_LINE = 16

export class KeyBatch {
  readonly #cache: Cache
  readonly #items = new Int32Array(MAX_BATCH_KEYS)
  /** Of each key: its first byte, the byte after its last, and its hash. */
  readonly start = new Int32Array(MAX_BATCH_KEYS)
  readonly end = new Int32Array(MAX_BATCH_KEYS)
  readonly hash = new Int32Array(MAX_BATCH_KEYS)
  count = 0
  /** What was loaded early, so that it is not optimised away. */
  loaded = 0

  constructor(cache: Cache) {
    this.#cache = cache
  }

  /**
   * Takes the keys of the plain gets at `from`, as many as follow one another, at most `most`: lines of `get`, one
   * key and CRLF, complete before `end`. The line of each ends 2 bytes after its key. How many are in `count`.
   */
  takeGets(block: MemoryBlock, from: number, end: number, most: number): void {
    const { view } = block
    const limit = Math.min(most, MAX_BATCH_KEYS)
    this.count = 0
    let at = from
    while (this.count < limit && at + 4 <= end && view.getInt32(at, true) === GET_) {
      const keyEnd = this.#scanKey(block, at + 4)
      if (keyEnd < 0 || keyEnd + 2 > end || view.getUint16(keyEnd, true) !== CRLF) break
      if (!this.#accept(at + 4, keyEnd)) break
      at = keyEnd + 2
    }
    if (this.count > 1) this.load()
  }

  /** Adds the key of a command at `from`, if there is one before `end`; returns where to look on. */
  addCommand(block: MemoryBlock, from: number, end: number): number {
    const { bytes } = block
    const last = Math.min(end, from + MAX_COMMAND_BYTES)
    let at = from
    while (at < last && bytes[at] >= LETTER_A && bytes[at] <= LETTER_Z) at++
    if (at === from || at === end || bytes[at] !== SPACE) return at
    const keyEnd = this.#scanKey(block, at + 1)
    if (keyEnd < 0 || keyEnd > end) return at
    this.#accept(at + 1, keyEnd)
    return keyEnd
  }

  /** Takes the next keys of a list. None but at the end of it, or where a key is too long. */
  takeList(block: MemoryBlock, from: number, end: number): void {
    const { bytes } = block
    this.count = 0
    let at = from
    while (this.count < MAX_BATCH_KEYS) {
      while (at < end && bytes[at] === SPACE) at++
      if (at === end) break
      const start = at
      at = this.#scanKey(block, start)
      const odd = at < 0 || (at !== end && (at > end || bytes[at] !== SPACE))
      if (odd) at = this.#scanOddKey(block, start, end)
      if (!this.#accept(start, at)) break
    }
    if (this.count > 1) this.load()
  }

  /** Adds a key whose end is known. */
  addRange(block: MemoryBlock, start: number, end: number): void {
    if (this.#accept(start, end)) this.hash[this.count - 1] = hashKey(block, start, end - start)
  }

  /** Begins the memory accesses: in rounds, so that the loads within each are independent of one another. */
  load(): void {
    const { table, items } = this.#cache
    const { count, hash } = this
    const found = this.#items
    let loaded = 0
    for (let i = 0; i < count; i++) loaded ^= table.load(hash[i])
    for (let i = 0; i < count; i++) found[i] = table.candidate(hash[i])
    for (let i = 0; i < count; i++) {
      const item = found[i]
      if (item === 0) continue
      // Any field will do: it brings the cache line. Of the value most is in the two that follow.
      const { words } = items.block(item)
      const at = items.offset(item) >> 2
      loaded ^= words[at]
      const further = at + 2 * WORDS_PER_CACHE_LINE
      if (further < words.length) loaded ^= words[at + WORDS_PER_CACHE_LINE] ^ words[further]
    }
    this.loaded = loaded
  }

  /**
   * Hashes the key at `start` while looking for its end, four bytes at a time. Returns the position of the first
   * byte up to a space; -1 if the key is too long, or too near the block's end to be read so.
   */
  #scanKey(block: MemoryBlock, start: number): number {
    const { view } = block
    const last = Math.min(start + MAX_KEY_BYTES, block.size - 4)
    let hash = 0
    let at = start
    for (; at <= last; at = (at + 4) | 0) {
      const word = view.getInt32(at, true)
      // The high bit is set of the first byte below 0x21, and of none before it (Mycroft, 1987).
      const low = (word - 0x21212121) & ~word & 0x80808080
      if (low === 0) {
        hash = addWord(hash, word)
        continue
      }
      const tailBits = 24 - Math.clz32(low & -low)
      const end = at + (tailBits >> 3)
      this.hash[this.count] = finishHash(hash, word & ((1 << tailBits) - 1), end - start)
      return end
    }
    return -1
  }

  /** The end of a key with control characters in it, or at the end of the block. */
  #scanOddKey(block: MemoryBlock, start: number, end: number): number {
    let at = start
    while (at < end && block.bytes[at] !== SPACE) at++
    this.hash[this.count] = hashKey(block, start, at - start)
    return at
  }

  #accept(start: number, end: number): boolean {
    if (end === start || end - start > MAX_KEY_BYTES) return false
    this.start[this.count] = start
    this.end[this.count++] = end
    return true
  }
}

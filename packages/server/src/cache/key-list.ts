// The few keys with the largest numbers, in shared memory: a table of fixed size from which the least goes when a
// larger comes. Knows bytes of keys, not what the numbers mean; callers hold the cache's lock.
import { MAX_KEY_BYTES } from './item.ts'
import { copyBytes, equalBytes, MemoryBlock } from './memory.ts'
import type { SharedState } from './shared-state.ts'

const TEXT_BYTES = 256

/** Shared memory that a list of so many keys takes. */
export function keyListBytes(capacity: number): number {
  return capacity * (4 + 4 + 8 + TEXT_BYTES) + 5 * 64
}

export class KeyList {
  readonly #capacity: number
  readonly #count: Int32Array
  /** The least number that gets in; 0 while there is room. */
  readonly #least: Float64Array
  readonly #hashes: Int32Array
  readonly #lengths: Int32Array
  readonly #numbers: Float64Array
  readonly #texts: MemoryBlock

  constructor(state: SharedState, capacity: number) {
    this.#capacity = capacity
    this.#count = state.int32(1)
    this.#least = state.float64(1)
    this.#hashes = state.int32(capacity)
    this.#lengths = state.int32(capacity)
    this.#numbers = state.float64(capacity)
    const texts = state.int32((capacity * TEXT_BYTES) / 4)
    this.#texts = new MemoryBlock(texts.buffer, texts.byteOffset, texts.byteLength)
  }

  get count(): number {
    return this.#count[0]
  }

  /** What a number has to exceed for its key to get in. */
  get least(): number {
    return this.#least[0]
  }

  clear(): void {
    this.#count[0] = 0
    this.#least[0] = 0
  }

  /** Gives a key, whose hash it is, a number: the one it has, a new place, or that of the least. */
  put(hash: number, key: MemoryBlock, at: number, length: number, number: number): void {
    const place = this.find(hash, key, at, length)
    if (place >= 0) {
      const wasLeast = this.#numbers[place] === this.least
      this.#numbers[place] = number
      if (wasLeast || number < this.least) this.#findLeast()
      return
    }
    if (length > MAX_KEY_BYTES) return
    if (this.count < this.#capacity) {
      this.#write(this.#count[0]++, hash, key, at, length, number)
    } else if (number > this.least) {
      this.#write(this.#numbers.indexOf(this.least), hash, key, at, length, number)
    } else {
      return
    }
    if (this.count === this.#capacity) this.#findLeast()
  }

  /** The place of a key, or -1. */
  find(hash: number, key: MemoryBlock, at: number, length: number): number {
    const { count } = this
    for (let i = 0; i < count; i++) {
      if (this.#hashes[i] !== hash || this.#lengths[i] !== length) continue
      if (equalBytes(this.#texts, i * TEXT_BYTES, key, at, length)) return i
    }
    return -1
  }

  hash(place: number): number {
    return this.#hashes[place]
  }

  number(place: number): number {
    return this.#numbers[place]
  }

  /** A key's bytes. */
  text(place: number): Buffer {
    const from = place * TEXT_BYTES
    return Buffer.from(this.#texts.bytes.subarray(from, from + this.#lengths[place]))
  }

  #write(
    place: number,
    hash: number,
    key: MemoryBlock,
    at: number,
    length: number,
    number: number,
  ): void {
    this.#hashes[place] = hash
    this.#lengths[place] = length
    this.#numbers[place] = number
    copyBytes(key, at, this.#texts, place * TEXT_BYTES, length)
  }

  #findLeast(): void {
    const numbers = this.#numbers
    if (this.count < this.#capacity) return
    let least = numbers[0]
    for (let i = 1; i < this.#capacity; i++) if (numbers[i] < least) least = numbers[i]
    this.#least[0] = least
  }
}

// How often keys were evicted lately, roughly: what tells an item that comes back again and again from one that
// nobody will ask for. Knows hashes of keys, and nothing of items.
//
// A count-min sketch (Cormode and Muthukrishnan, 2005) of 4-bit counters, two for each key, both in one cache line;
// only the lower one is raised (conservative update). Counts are halved in time, as in TinyLFU (Einziger, Friedman
// and Manes, 2017), but a few with each eviction instead of all at once, so that nobody ever waits for it.
import type { SharedState } from './shared-state.ts'

/** Of memory for items: a small item of 160 bytes has five. */
const BYTES_PER_COUNTER = 32
const COUNTERS_PER_WORD = 8
const WORDS_PER_LINE = 16
const MIN_WORDS = 16 * WORDS_PER_LINE
/** Beyond it, an index would take more bits than the hash has to spare. */
const MAX_WORDS = 2 ** 27

const MAX_COUNT = 15
/** All counts are halved once in so many evictions per item held. */
const EVICTIONS_PER_HALVING = 10
/** Words halved with one eviction at most: about a microsecond. */
const MAX_WORDS_PER_EVICTION = 1024
const ALL_BUT_TOP_BITS = 0x77777777

/** Halving that evictions so far have earned and that is still to be done. */
const DUE = 0

/** The size of buffer that counts for so much memory need. */
export function evictionCountsBytes(memoryBytes: number): number {
  const words = memoryBytes / BYTES_PER_COUNTER / COUNTERS_PER_WORD
  return 4 * Math.min(MAX_WORDS, Math.max(MIN_WORDS, 2 ** Math.round(Math.log2(words))))
}

export class EvictionCounts {
  readonly #words: Int32Array
  readonly #lineShift: number
  readonly #due: Float64Array
  /** The next word to be halved. */
  readonly #next: Int32Array

  constructor(buffer: SharedArrayBuffer, state: SharedState) {
    this.#words = new Int32Array(buffer)
    this.#lineShift = 32 - Math.log2(this.#words.length / WORDS_PER_LINE)
    this.#due = state.float64(1)
    this.#next = state.int32(1)
  }

  /** Whether anything is counted. */
  get enabled(): boolean {
    return this.#words.length > 0
  }

  /** How often the key with this hash was evicted, 0 to 15; other keys may make it too high. */
  of(hash: number): number {
    const line = this.#lineOf(hash)
    const places = placesOf(hash)
    return Math.min(this.#at(line, places), this.#at(line, places >>> 7))
  }

  /** Counts an eviction, while the cache holds so many items. */
  add(hash: number, itemsHeld: number): void {
    const line = this.#lineOf(hash)
    const places = placesOf(hash)
    const count = Math.min(this.#at(line, places), this.#at(line, places >>> 7))
    if (count < MAX_COUNT) {
      this.#raise(line, places, count)
      this.#raise(line, places >>> 7, count)
    }
    this.#halveSome(itemsHeld)
  }

  #lineOf(hash: number): number {
    return (Math.imul(hash, 0x9e3779b1) >>> this.#lineShift) * WORDS_PER_LINE
  }

  /** The counter at a place of the line: 3 bits for the counter in its word, 4 for the word. */
  #at(line: number, place: number): number {
    return (this.#words[line + ((place >>> 3) & 15)] >>> ((place & 7) << 2)) & 15
  }

  #raise(line: number, place: number, from: number): void {
    if (this.#at(line, place) !== from) return
    this.#words[line + ((place >>> 3) & 15)] += 1 << ((place & 7) << 2)
  }

  #halveSome(itemsHeld: number): void {
    const words = this.#words
    const perWord = EVICTIONS_PER_HALVING * itemsHeld
    let due = this.#due[DUE] + words.length
    let next = this.#next[0]
    for (let n = 0; n < MAX_WORDS_PER_EVICTION && due >= perWord; n++) {
      words[next] = (words[next] >>> 1) & ALL_BUT_TOP_BITS
      next = (next + 1) & (words.length - 1)
      due -= perWord
    }
    this.#next[0] = next
    this.#due[DUE] = due >= perWord ? 0 : due
  }
}

/** Two places in a line, of 7 bits each. */
function placesOf(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return mixed >>> 18
}

// Looks at the keys of requests that are about to be executed, and begins the memory accesses they will
// need. A lookup in a large cache waits for main memory two or three times (bucket, item, neighbours);
// started together, the waits of a whole batch overlap. Only a hint: what it guesses wrong costs time,
// never correctness. Knows where keys stand in a line or a packet, nothing else of commands.
import type { Cache } from '../cache/cache.ts'
import { hashKey } from '../cache/hash.ts'
import { MAX_KEY_BYTES } from '../cache/item.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import { BODY_LENGTH_AT, EXTRAS_LENGTH_AT, HEADER_BYTES, KEY_LENGTH_AT } from './binary-request.ts'
import { findLineEnd } from './line-end.ts'

/** As many as a core can have on their way, and few enough that the first is not evicted by the last. */
const MAX_KEYS = 16

const SPACE = 32
const CR = 13
const LETTER_A = 97
const LETTER_Z = 122
/** Command names are at most this long (`flush_all`, `verbosity`); data lines mostly have no such word. */
const MAX_COMMAND_BYTES = 9

export class Lookahead {
  readonly #cache: Cache
  readonly #starts = new Int32Array(MAX_KEYS)
  readonly #ends = new Int32Array(MAX_KEYS)
  readonly #hashes = new Int32Array(MAX_KEYS)
  readonly #items = new Int32Array(MAX_KEYS)
  #block: MemoryBlock | undefined
  #count = 0
  #next = 0
  /** Up to here the block was looked at. */
  #end = 0

  constructor(cache: Cache) {
    this.#cache = cache
  }

  /** Whether what begins at `at` was not looked at yet. */
  endsBefore(at: number): boolean {
    return at >= this.#end
  }

  forget(): void {
    this.#block = undefined
    this.#count = 0
    this.#next = 0
    this.#end = 0
  }

  /** Looks at the first keys of the commands in `from`..`end`. */
  lookAtLines(block: MemoryBlock, from: number, end: number): void {
    const bytes = block.bytes
    this.#begin(block)
    let at = from
    while (at < end && this.#count < MAX_KEYS) {
      let i = at
      const last = Math.min(end, at + MAX_COMMAND_BYTES)
      while (i < last && bytes[i] >= LETTER_A && bytes[i] <= LETTER_Z) i++
      const isCommand = i < end && bytes[i] === SPACE && i > at
      const lineEnd = findLineEnd(block, i, end)
      if (lineEnd === end) break
      if (isCommand) this.#add(bytes, i + 1, lineEnd)
      at = lineEnd + 1
    }
    this.#end = at
    this.#load()
  }

  /** Looks at the keys of the binary requests in `from`..`end`. */
  lookAtPackets(block: MemoryBlock, from: number, end: number): void {
    const { view } = block
    this.#begin(block)
    let at = from
    while (end - at >= HEADER_BYTES && this.#count < MAX_KEYS) {
      const start = at + HEADER_BYTES + view.getUint8(at + EXTRAS_LENGTH_AT)
      const keyEnd = start + view.getUint16(at + KEY_LENGTH_AT)
      if (keyEnd > end) break
      this.#note(start, keyEnd)
      at += HEADER_BYTES + view.getUint32(at + BODY_LENGTH_AT)
    }
    this.#end = at
    this.#load()
  }

  /** Looks at the next keys of a list. */
  lookAtKeys(block: MemoryBlock, from: number, end: number): void {
    this.#begin(block)
    let at = from
    while (at < end && this.#count < MAX_KEYS) at = this.#add(block.bytes, at, end) + 1
    this.#end = at
    this.#load()
  }

  /** The hash of the key at `at`..`end` if it was looked at and is used in order; else computes it. */
  hashOf(block: MemoryBlock, at: number, end: number): number {
    let i = this.#next
    if (block === this.#block) {
      while (i < this.#count && this.#starts[i] < at) i++
      this.#next = i
      if (i < this.#count && this.#starts[i] === at && this.#ends[i] === end) {
        this.#next = i + 1
        return this.#hashes[i]
      }
    }
    return hashKey(block, at, end - at)
  }

  #begin(block: MemoryBlock): void {
    this.#block = block
    this.#count = 0
    this.#next = 0
  }

  #add(bytes: Uint8Array, from: number, end: number): number {
    let at = from
    while (at < end && bytes[at] === SPACE) at++
    const start = at
    while (at < end && bytes[at] !== SPACE && bytes[at] !== CR) at++
    this.#note(start, at)
    return at
  }

  #note(start: number, end: number): void {
    if (end === start || end - start > MAX_KEY_BYTES) return
    this.#starts[this.#count] = start
    this.#ends[this.#count++] = end
  }

  /** In three rounds, so that the loads within each are independent of one another. */
  #load(): void {
    const { table, items } = this.#cache
    const count = this.#count
    const block = this.#block
    if (block === undefined) return
    for (let i = 0; i < count; i++) {
      const start = this.#starts[i]
      this.#hashes[i] = hashKey(block, start, this.#ends[i] - start)
    }
    for (let i = 0; i < count; i++) this.#items[i] = table.candidate(this.#hashes[i])
    for (let i = 0; i < count; i++) {
      // Any field will do: it brings the header's cache line, which the search reads.
      if (this.#items[i] !== 0) this.#items[i] = items.meta(this.#items[i])
    }
  }
}

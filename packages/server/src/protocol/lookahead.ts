// Looks at the keys of requests that are about to be executed, so that the memory accesses they will need are
// begun together (key-batch.ts). Only a hint: what it guesses wrong costs time, never correctness. Knows where
// keys stand in a line or a packet, nothing else of commands.
import type { Cache } from '../cache/cache.ts'
import { hashKey } from '../cache/hash.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import { BODY_LENGTH_AT, EXTRAS_LENGTH_AT, HEADER_BYTES, KEY_LENGTH_AT } from './binary-request.ts'
import { KeyBatch, MAX_BATCH_KEYS } from './key-batch.ts'
import { findLineEnd } from './line-end.ts'

export class Lookahead {
  readonly #keys: KeyBatch
  #block: MemoryBlock | undefined
  #next = 0
  /** Up to here the block was looked at. */
  #end = 0

  constructor(cache: Cache) {
    this.#keys = new KeyBatch(cache)
  }

  /** Whether what begins at `at` was not looked at yet. */
  endsBefore(at: number): boolean {
    return at >= this.#end
  }

  forget(): void {
    this.#block = undefined
    this.#end = 0
  }

  /** Looks at the first keys of the commands in `from`..`end`. */
  lookAtLines(block: MemoryBlock, from: number, end: number): void {
    this.#begin(block)
    let at = from
    while (at < end && this.#keys.count < MAX_BATCH_KEYS) {
      const lineEnd = findLineEnd(block, this.#keys.addCommand(block, at, end), end)
      if (lineEnd === end) break
      at = lineEnd + 1
    }
    this.#end = at
    this.#keys.load()
  }

  /** Looks at the keys of the binary requests in `from`..`end`. */
  lookAtPackets(block: MemoryBlock, from: number, end: number): void {
    const { view } = block
    this.#begin(block)
    let at = from
    while (end - at >= HEADER_BYTES && this.#keys.count < MAX_BATCH_KEYS) {
      const start = at + HEADER_BYTES + view.getUint8(at + EXTRAS_LENGTH_AT)
      const keyEnd = start + view.getUint16(at + KEY_LENGTH_AT)
      if (keyEnd > end) break
      this.#keys.addRange(block, start, keyEnd)
      at += HEADER_BYTES + view.getUint32(at + BODY_LENGTH_AT)
    }
    this.#end = at
    this.#keys.load()
  }

  /** The hash of the key at `at`..`end` if it was looked at and is used in order; else computes it. */
  hashOf(block: MemoryBlock, at: number, end: number): number {
    const keys = this.#keys
    if (block === this.#block) {
      let i = this.#next
      while (i < keys.count && keys.start[i] < at) i++
      this.#next = i
      if (i < keys.count && keys.start[i] === at && keys.end[i] === end) {
        this.#next = i + 1
        return keys.hash[i]
      }
    }
    return hashKey(block, at, end - at)
  }

  #begin(block: MemoryBlock): void {
    this.#block = block
    this.#keys.count = 0
    this.#next = 0
  }
}

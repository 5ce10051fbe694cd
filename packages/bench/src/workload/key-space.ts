// The text of the keys of a synthetic load: a prefix and the key's number, as long as it has to be.
// Knows nothing of which keys are asked for.
import type { KeySpace } from './operation.ts'
import { largestSize, type Sizes, sizeOfKey } from './sizes.ts'

/** Out of the way of an application's keys. */
const PREFIX = 'bench:'
const DIGIT_0 = 48
/** So that the length of a key has nothing to do with the size of its value. */
const SALT = 0x6b65_7973

/** Keys like `bench:0000000042`. There is room for the number of the last key in each, if for nothing else. */
export class SyntheticKeys implements KeySpace {
  readonly keys: number
  readonly longest: number
  readonly #prefix = Buffer.from(PREFIX)
  /** The number of each key is written with as many digits at least. */
  readonly #digits: number
  readonly #lengthOf: (key: number) => number

  /** `keys` of them, at most 2^32, with these lengths in bytes. */
  constructor(keys: number, keyBytes: Sizes) {
    this.keys = keys
    this.#digits = String(keys - 1).length
    this.#lengthOf = sizeOfKey(keyBytes, SALT)
    this.longest = Math.max(largestSize(keyBytes), this.#digits)
  }

  /** No two keys are the same: those of one length have the same prefix, and their numbers differ. */
  write(key: number, to: Uint8Array, at: number): number {
    const prefix = this.#prefix
    const length = Math.max(this.#lengthOf(key), this.#digits)
    const end = at + length
    const prefixEnd = at + Math.min(prefix.length, length - this.#digits)
    for (let index = 0; at + index < prefixEnd; index++) to[at + index] = prefix[index]!
    let place = end
    for (let left = key; left > 0; ) {
      const tens = (left / 10) >>> 0
      to[--place] = DIGIT_0 + left - tens * 10
      left = tens
    }
    while (place > prefixEnd) to[--place] = DIGIT_0
    return end
  }

  text(key: number): string {
    const bytes = Buffer.allocUnsafe(this.longest)
    return bytes.toString('latin1', 0, this.write(key, bytes, 0))
  }
}

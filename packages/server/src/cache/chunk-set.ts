// A set of chunks of the arena: a bit for each 8-byte unit that one may begin at. Knows nothing of what is in them.
import { PAGE_BYTES, type Ref, UNIT_BYTES } from './arena.ts'

const WORD_BITS = 32
const WORDS_PER_PAGE = PAGE_BYTES / UNIT_BYTES / WORD_BITS

export class ChunkSet {
  readonly #words: Int32Array

  /** For chunks of the pages up to this number. */
  constructor(lastPage: number) {
    this.#words = new Int32Array((lastPage + 1) * WORDS_PER_PAGE)
  }

  has(chunk: Ref): boolean {
    return (this.#words[chunk >>> 5] & (1 << (chunk & 31))) !== 0
  }

  add(chunk: Ref): void {
    this.#words[chunk >>> 5] |= 1 << (chunk & 31)
  }

  delete(chunk: Ref): void {
    this.#words[chunk >>> 5] &= ~(1 << (chunk & 31))
  }

  /** All of them, by address. Those that were yielded may be deleted. */
  *all(): Generator<Ref> {
    for (let word = 0; word < this.#words.length; word++) {
      for (let bits = this.#words[word]; bits !== 0; bits &= bits - 1) {
        yield (word * WORD_BITS + 31 - Math.clz32(bits & -bits)) | 0
      }
    }
  }
}

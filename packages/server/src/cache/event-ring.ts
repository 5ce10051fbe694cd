// A bounded queue of records in shared memory. Whoever holds the cache's lock writes, one thread reads
// without it. Knows words and their order, nothing of what they mean.

const HEAD = 0
const TAIL = 1
/** Words of shared state the ring needs beside its records. */
export const RING_STATE_WORDS = 2

/** In place of a record's length: the next record is at the beginning. */
const WRAP = 0

export class EventRing {
  readonly #words: Int32Array
  readonly #ends: Int32Array

  constructor(words: Int32Array, ends: Int32Array) {
    this.#words = words
    this.#ends = ends
  }

  // ---- writing, under the lock

  /**
   * Room for a record of so many words, the first of which is the ring's own. Returns where, or -1 if the
   * reader is too far behind. Nothing is written until `commit`.
   */
  reserve(length: number): number {
    const size = this.#words.length
    const head = this.#ends[HEAD]
    const tail = Atomics.load(this.#ends, TAIL)
    // Head and tail at the same place mean empty, so a record must never end at the tail.
    if (head < tail) return length < tail - head ? head : -1
    if (length < size - head || (length === size - head && tail > 0)) return head
    if (length >= tail) return -1
    this.#words[head] = WRAP
    return 0
  }

  /** The record at `at`, as `reserve` returned it, is complete: the reader may have it. */
  commit(at: number, length: number): void {
    this.#words[at] = length
    const end = at + length
    Atomics.store(this.#ends, HEAD, end === this.#words.length ? 0 : end)
  }

  // ---- reading, in one thread

  /** Where the records end that are complete by now. */
  get end(): number {
    return Atomics.load(this.#ends, HEAD)
  }

  /** Where the oldest record is, or -1 if there is none before `end`. */
  first(end: number): number {
    const tail = this.#ends[TAIL]
    if (tail === end) return -1
    return this.#words[tail] === WRAP ? 0 : tail
  }

  /** The record at `at`, as `first` returned it, isn't needed any more. */
  drop(at: number): void {
    const end = at + this.#words[at]
    Atomics.store(this.#ends, TAIL, end === this.#words.length ? 0 : end)
  }
}

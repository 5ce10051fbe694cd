// Hands out typed arrays from one block of memory, in order. Every thread constructs the same objects
// in the same order over the same memory, so the construction order *is* the memory layout.
// Knows nothing of what the arrays mean.

/** Room for all the cache's shared scalars and per-class tables; checked when they are laid out. */
export const SHARED_STATE_BYTES = 512 * 1024

const CACHE_LINE_BYTES = 64

export class SharedState {
  readonly #buffer: ArrayBufferLike
  readonly #end: number
  #used: number

  constructor(buffer: ArrayBufferLike, offset = 0, size = buffer.byteLength - offset) {
    this.#buffer = buffer
    this.#used = offset
    this.#end = offset + size
  }

  int32(length: number): Int32Array {
    return new Int32Array(this.#buffer, this.#take(length * 4), length)
  }

  /** For counters: exact up to 2^53. */
  float64(length: number): Float64Array {
    return new Float64Array(this.#buffer, this.#take(length * 8), length)
  }

  #take(bytes: number): number {
    const at = this.#used
    this.#used += Math.ceil(bytes / CACHE_LINE_BYTES) * CACHE_LINE_BYTES
    if (this.#used > this.#end) throw new RangeError('shared state needs more than its memory')
    return at
  }
}

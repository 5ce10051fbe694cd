// Hands out typed arrays from one SharedArrayBuffer, in order. Every thread constructs the same objects
// in the same order over the same buffer, so the construction order *is* the memory layout.
// Knows nothing of what the arrays mean.

/** Room for all the cache's shared scalars and per-class tables; checked when they are laid out. */
export const SHARED_STATE_BYTES = 512 * 1024

const CACHE_LINE_BYTES = 64

export class SharedState {
  readonly #buffer: SharedArrayBuffer
  #used = 0

  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer
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
    if (this.#used > this.#buffer.byteLength) {
      throw new RangeError(`shared state needs more than ${this.#buffer.byteLength} bytes`)
    }
    return at
  }
}

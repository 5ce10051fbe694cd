// Makes pieces of bytes that are cut anywhere into pieces of whole lines. Knows nothing of what lines say.
import type { TraceBytes } from './trace-bytes.ts'

/** Without its line feed. Of a longer line so many bytes and one more are kept, by which it is known. */
export const LINE_BYTES_MAX = 64 * 1024

const LINE_FEED = 10

export class WholeLines {
  readonly #bytes: TraceBytes
  /** The beginning of a line whose end has not come. */
  readonly #begun = new Uint8Array(LINE_BYTES_MAX + 2)
  #begunBytes = 0
  /** What comes after a line that was begun in the piece before. */
  #next: Uint8Array | undefined

  constructor(bytes: TraceBytes) {
    this.#bytes = bytes
  }

  /** Bytes that end with a line feed, also at the end of the file; undefined when there are none yet. */
  take(): Uint8Array | undefined {
    if (this.#next !== undefined) {
      const lines = this.#next
      this.#next = undefined
      return lines
    }
    for (let piece = this.#bytes.take(); piece !== undefined; piece = this.#bytes.take()) {
      const lines = this.#split(piece)
      if (lines !== undefined) return lines
    }
    return this.#bytes.ended && this.#begunBytes > 0 ? this.#endBegun() : undefined
  }

  get ended(): boolean {
    return this.#next === undefined && this.#begunBytes === 0 && this.#bytes.ended
  }

  #split(piece: Uint8Array): Uint8Array | undefined {
    const end = piece.lastIndexOf(LINE_FEED) + 1
    if (end === 0) {
      this.#begin(piece)
      return undefined
    }
    if (this.#begunBytes === 0) {
      this.#begin(piece.subarray(end))
      return piece.subarray(0, end)
    }
    const first = piece.indexOf(LINE_FEED)
    this.#begin(piece.subarray(0, first))
    const line = this.#endBegun()
    if (first + 1 < end) this.#next = piece.subarray(first + 1, end)
    this.#begin(piece.subarray(end))
    return line
  }

  #begin(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, LINE_BYTES_MAX + 1 - this.#begunBytes)
    this.#begun.set(kept, this.#begunBytes)
    this.#begunBytes += kept.length
  }

  #endBegun(): Uint8Array {
    this.#begun[this.#begunBytes] = LINE_FEED
    const line = this.#begun.slice(0, this.#begunBytes + 1)
    this.#begunBytes = 0
    return line
  }
}

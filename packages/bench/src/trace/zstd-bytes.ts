// Decompresses zstd piece by piece, when pieces are taken: what one piece takes is shorter than a pause that
// would show in latencies. Knows no files and no lines.
import { Decompress } from 'fzstd'
import type { TraceBytes } from './trace-bytes.ts'
import { traceError } from './trace-error.ts'

/** Compressed: a few blocks of at most 128 KiB of text, a millisecond or two. */
const STEP_BYTES = 16 * 1024

/** A frame of data, or one that is to be skipped, with which files of several frames begin. */
export function isZstd(bytes: Uint8Array): boolean {
  const [first, second, third, fourth] = bytes
  if (first === 0x28) return second === 0xb5 && third === 0x2f && fourth === 0xfd
  return (first! & 0xf0) === 0x50 && second === 0x2a && third === 0x4d && fourth === 0x18
}

/**
 * Not by node:zlib where it has zstd: that silently ends after the first of several frames
 * (nodejs/node#64741), and silently takes a file that is cut off for a whole one (nodejs/node#64592).
 */
export class ZstdBytes implements TraceBytes {
  readonly #compressed: TraceBytes
  readonly #name: string
  readonly #decoder = new Decompress((bytes) => {
    if (bytes.length > 0) this.#decoded.push(bytes)
  })
  readonly #decoded: Uint8Array[] = []
  #piece: Uint8Array = new Uint8Array(0)
  #at = 0
  #over = false

  constructor(compressed: TraceBytes, name: string) {
    this.#compressed = compressed
    this.#name = name
  }

  take(): Uint8Array | undefined {
    while (this.#decoded.length === 0 && !this.#over && this.#nextPiece()) {
      const end = Math.min(this.#at + STEP_BYTES, this.#piece.length)
      this.#push(this.#piece.subarray(this.#at, end), this.#over)
      this.#at = end
    }
    return this.#decoded.shift()
  }

  get ended(): boolean {
    return this.#over && this.#decoded.length === 0
  }

  get position(): number {
    return this.#compressed.position - (this.#piece.length - this.#at)
  }

  get size(): number | undefined {
    return this.#compressed.size
  }

  async ready(): Promise<void> {
    if (this.#decoded.length === 0 && this.#at === this.#piece.length) {
      await this.#compressed.ready()
    }
  }

  close(): Promise<void> {
    return this.#compressed.close()
  }

  /** There are compressed bytes, or it is known that there are no more. */
  #nextPiece(): boolean {
    if (this.#at < this.#piece.length) return true
    this.#piece = this.#compressed.take() ?? new Uint8Array(0)
    this.#at = 0
    this.#over = this.#piece.length === 0 && this.#compressed.ended
    return this.#piece.length > 0 || this.#over
  }

  #push(bytes: Uint8Array, last: boolean): void {
    try {
      this.#decoder.push(bytes, last)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw traceError(`the trace ${this.#name} is damaged or cut off: ${reason}`, error)
    }
  }
}

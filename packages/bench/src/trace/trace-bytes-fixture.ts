// For tests: the bytes of a file that arrive as the test says. Knows no file.
import type { TraceBytes } from './trace-bytes.ts'

export class ScriptedBytes implements TraceBytes {
  position = 0
  readonly size: number
  readonly #pieces: Uint8Array[]
  readonly #late: boolean
  #arrived = false

  /** `late`: each piece arrives only when it is waited for. */
  constructor(pieces: readonly Uint8Array[], { late = false } = {}) {
    this.#pieces = [...pieces]
    this.#late = late
    this.size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  }

  take(): Uint8Array | undefined {
    if (this.#late && !this.#arrived) return undefined
    this.#arrived = false
    const piece = this.#pieces.shift()
    this.position += piece?.length ?? 0
    return piece
  }

  get ended(): boolean {
    return this.#pieces.length === 0
  }

  async ready(): Promise<void> {
    this.#arrived = true
  }

  async close(): Promise<void> {}
}

/** Cuts into pieces of the given lengths, in turn; they are at least 1. */
export function cut(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = lengths[pieces.length % lengths.length]!
    pieces.push(new Uint8Array(bytes.subarray(at, at + length)))
    at += length
  }
  return pieces
}

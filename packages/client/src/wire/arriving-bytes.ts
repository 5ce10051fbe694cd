// What a node has announced and of which a part has come. Its memory grows with what comes: a node that announces a
// gigabyte and sends nothing costs no gigabyte. Knows lengths, nothing of what the bytes are.

/** Up to this all of it is taken at once; almost no value is larger. */
const FIRST_BYTES = 4 * 1024 * 1024

export class ArrivingBytes {
  /** As it was announced. */
  readonly length: number
  #bytes: Buffer
  #filled = 0

  constructor(length: number) {
    this.length = length
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(length, FIRST_BYTES))
  }

  get missing(): number {
    return this.length - this.#filled
  }

  /** Takes what it still lacks of `chunk[from..to)`; returns where the chunk goes on. */
  take(chunk: Buffer, from: number, to: number): number {
    const end = Math.min(to, from + this.missing)
    const filled = this.#filled + end - from
    if (filled > this.#bytes.length) this.#grow(filled)
    chunk.copy(this.#bytes, this.#filled, from, end)
    this.#filled = filled
    return end
  }

  /** The bytes, once none is missing. */
  get bytes(): Buffer {
    return this.#bytes
  }

  #grow(needed: number): void {
    const larger = Math.min(this.length, Math.max(needed, 2 * this.#bytes.length))
    const bytes = Buffer.allocUnsafeSlow(larger)
    this.#bytes.copy(bytes, 0, 0, this.#filled)
    this.#bytes = bytes
  }
}

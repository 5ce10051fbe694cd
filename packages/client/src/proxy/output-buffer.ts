// Collects what a client is answered in one round of the event loop: small pieces copied behind each other, large ones
// by reference between them. Knows no protocol. Small as long as the client's answers are, because there is one for each.

const FIRST_BYTES = 2 * 1024
const MAX_BYTES = 64 * 1024
/** Copying more than this costs more than one more element of a vectored write. */
const INLINE_MAX_BYTES = 16 * 1024

/** What takes the bytes: a socket. */
export interface Sink {
  readonly writableLength: number
  write(bytes: Uint8Array): unknown
  cork(): void
  uncork(): void
}

export class OutputBuffer {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  /** What is collected and not in `#parts` is `#buffer[#start..#end)`. */
  #start = 0
  #end = 0
  #parts: Buffer[] = []
  #partBytes = 0

  /** Bytes that wait to be handed to the sink. */
  get length(): number {
    return this.#partBytes + this.#end - this.#start
  }

  /** Copies `source[from..to)`. */
  copy(source: Buffer, from: number, to: number): void {
    const length = to - from
    if (length > INLINE_MAX_BYTES) {
      this.take(Buffer.from(source.subarray(from, to)))
      return
    }
    if (this.#end + length > this.#buffer.length) this.#turn(length)
    this.#end += source.copy(this.#buffer, this.#end, from, to)
  }

  /** Text in Latin-1. */
  text(text: string): void {
    const { length } = text
    if (length > INLINE_MAX_BYTES) {
      this.take(Buffer.from(text, 'latin1'))
      return
    }
    if (this.#end + length > this.#buffer.length) this.#turn(length)
    const buffer = this.#buffer
    let end = this.#end
    for (let i = 0; i < length; i++) buffer[end++] = text.charCodeAt(i)
    this.#end = end
  }

  /** Takes bytes that nobody will change, without copying them unless they are few. */
  take(bytes: Buffer): void {
    if (bytes.length <= INLINE_MAX_BYTES) {
      this.copy(bytes, 0, bytes.length)
      return
    }
    this.#cut()
    this.#parts.push(bytes)
    this.#partBytes += bytes.length
  }

  /** Hands everything to the sink, in order. */
  flush(sink: Sink): void {
    if (this.#parts.length === 0) {
      if (this.#end === this.#start) return
      sink.write(this.#buffer.subarray(this.#start, this.#end))
    } else {
      this.#cut()
      sink.cork()
      for (const part of this.#parts) sink.write(part)
      sink.uncork()
      this.#parts = []
      this.#partBytes = 0
    }
    this.#start = this.#end
    if (sink.writableLength === 0) {
      this.#start = 0
      this.#end = 0
    }
  }

  #cut(): void {
    if (this.#end === this.#start) return
    this.#parts.push(this.#buffer.subarray(this.#start, this.#end))
    this.#partBytes += this.#end - this.#start
    this.#start = this.#end
  }

  /** Goes on in new memory, twice as much as before. */
  #turn(needed: number): void {
    this.#cut()
    const bytes = Math.min(MAX_BYTES, this.#buffer.length * 2)
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(bytes, needed))
    this.#start = 0
    this.#end = 0
  }
}

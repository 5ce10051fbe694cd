// Collects the bytes of commands until they leave in one write: small ones copied into one buffer,
// large values by reference between them. Knows tokens and framing, not which commands exist.
import { BINARY_KEY } from './key.ts'

const BUFFER_BYTES = 64 * 1024
/** Copying up to this many bytes costs less than one more element of a vectored write. */
const INLINE_MAX_BYTES = 16 * 1024
/** Room for everything of one command but its value: key, flags and the other tokens. */
const COMMAND_MAX_BYTES = 1536
const SPACE = 0x20
const CR = 0x0d
const LF = 0x0a

export class CommandWriter {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  /** What is collected and not yet in `#parts` is `#buffer[#start..#end)`. */
  #start = 0
  #end = 0
  #parts: Uint8Array[] = []
  #partBytes = 0
  /** The line under way needs the flag `b`. */
  #hasBinaryKey = false

  /** How many bytes are collected. */
  get length(): number {
    return this.#partBytes + this.#end - this.#start
  }

  /** Starts a command: its name, which is two letters or a word, in ASCII. */
  command(name: string): void {
    if (this.#end + COMMAND_MAX_BYTES > BUFFER_BYTES) this.#turn()
    this.#ascii(name)
  }

  /** A space and the key, behind others of a list. */
  listedKey(key: string): void {
    if (this.#end + COMMAND_MAX_BYTES > BUFFER_BYTES) this.#turn()
    this.key(key, key.length)
  }

  /** A space and the key; `byteLength` is what `keyByteLength` said of it, or BINARY_KEY. */
  key(key: string, byteLength: number): void {
    this.#buffer[this.#end++] = SPACE
    if (byteLength !== BINARY_KEY) this.text(key, byteLength)
    else {
      this.#ascii(key)
      this.#hasBinaryKey = true
    }
  }

  /** A space and a token of ASCII, of at most 100 bytes. */
  token(token: string): void {
    this.#buffer[this.#end++] = SPACE
    this.#ascii(token)
  }

  /** A space and a whole number from 0 to 2^53. */
  number(value: number): void {
    this.#buffer[this.#end++] = SPACE
    this.#decimal(value)
  }

  /** A space, one letter and the number belonging to it: `T60`. */
  flag(letter: string, value: number): void {
    this.#buffer[this.#end++] = SPACE
    this.#buffer[this.#end++] = letter.charCodeAt(0)
    this.#decimal(value)
  }

  endLine(): void {
    if (this.#hasBinaryKey) {
      this.#hasBinaryKey = false
      this.token('b')
    }
    this.#buffer[this.#end++] = CR
    this.#buffer[this.#end++] = LF
  }

  /** A value and the line end after it. A large one must not be changed until it has been sent. */
  value(value: Uint8Array | string, byteLength: number): void {
    this.payload(value, byteLength)
    this.endLine()
  }

  /** A value as it is, with room for a line end after it. */
  payload(value: Uint8Array | string, byteLength: number): void {
    if (byteLength > INLINE_MAX_BYTES) {
      this.#cut()
      this.#parts.push(typeof value === 'string' ? Buffer.from(value) : value)
      this.#partBytes += byteLength
    } else {
      if (this.#end + byteLength + 2 > BUFFER_BYTES) this.#turn()
      if (typeof value === 'string') this.#buffer.write(value, this.#end)
      else this.#buffer.set(value, this.#end)
      this.#end += byteLength
    }
  }

  /** The first bytes of a small buffer, which may be changed afterwards. */
  bytes(source: Buffer, byteLength: number): void {
    this.#end += source.copy(this.#buffer, this.#end, 0, byteLength)
  }

  /** A key or token of that length in UTF-8, with nothing before it. */
  text(text: string, byteLength: number): void {
    if (byteLength === text.length) this.#ascii(text)
    else this.#end += this.#buffer.write(text, this.#end)
  }

  /** Hands over everything collected, in order. The parts must be sent before `reuse` is called. */
  take(): readonly Uint8Array[] {
    this.#cut()
    const parts = this.#parts
    this.#parts = []
    this.#partBytes = 0
    return parts
  }

  /** To be called right after `take` when all that was ever taken has left: the buffer is filled anew. */
  reuse(): void {
    this.#start = 0
    this.#end = 0
  }

  #ascii(text: string): void {
    const buffer = this.#buffer
    const length = text.length
    let end = this.#end
    for (let i = 0; i < length; i++) buffer[end++] = text.charCodeAt(i)
    this.#end = end
  }

  #decimal(value: number): void {
    if (value < 0 || value > 999_999_999) {
      this.#ascii(String(value))
      return
    }
    let digits = 1
    for (let limit = 10; value >= limit; limit *= 10) digits++
    let rest = value | 0
    for (let at = this.#end + digits - 1; at >= this.#end; at--) {
      const tenth = (rest / 10) | 0
      this.#buffer[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    this.#end += digits
  }

  #cut(): void {
    if (this.#end === this.#start) return
    this.#parts.push(this.#buffer.subarray(this.#start, this.#end))
    this.#partBytes += this.#end - this.#start
    this.#start = this.#end
  }

  #turn(): void {
    this.#cut()
    this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
    this.#start = 0
    this.#end = 0
  }
}

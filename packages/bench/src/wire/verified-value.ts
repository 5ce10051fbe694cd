// Values that say what they are, so that whoever gets one back can check every byte. Of 12 bytes and more: the
// key's number, the version and the length, 32 bits each, high byte first, then filler of (key, version).
// Shorter ones have room for less: a byte of a bit that marks them as short, three bits of the key and four of
// the length, then bytes of (key, length); so which version a short value is can't be told.
// Knows nothing of which versions a key may have.
import { fillerStart, matchFiller, mix32, type ValueMemory, writeFiller } from './value-filler.ts'

export const HEADER_BYTES = 12
/** Above all keys, so that their first byte is never that of a short value. */
export const VERIFIED_KEYS_MAX = 2 ** 31
const SHORT_MARK = 0x80

/** There must be room for `length` bytes at `at`. */
export function writeVerifiedValue(
  key: number,
  version: number,
  to: ValueMemory,
  at: number,
  length: number,
): void {
  const { view } = to
  if (length < HEADER_BYTES) {
    for (let index = 0; index < length; index++) {
      view.setUint8(at + index, shortByte(key, length, index))
    }
    return
  }
  view.setUint32(at, key)
  view.setUint32(at + 4, version)
  view.setUint32(at + 8, length)
  writeFiller(fillerStart(key, version), to, at + HEADER_BYTES, length - HEADER_BYTES)
}

function shortByte(key: number, length: number, index: number): number {
  if (index === 0) return SHORT_MARK | ((mix32(key, 0) & 7) << 4) | length
  return mix32(key, length * HEADER_BYTES + index) & 0xff
}

/** Checks one value after the other, in pieces of any size. */
export class ValueCheck {
  /** What is wrong with the present value, as the end of "... holds"; undefined while nothing is. */
  wrong: string | undefined
  /** The version that the present value says it has; undefined where it is too short to say. */
  version: number | undefined
  #key = 0
  #length = 0
  /** Bytes of the present value that have come. */
  #taken = 0
  #fillerStart = 0
  readonly #head = new Uint8Array(HEADER_BYTES)
  readonly #headView = new DataView(this.#head.buffer)
  /** The last bytes that came, and a view of them: a driver reads into the same again and again. */
  #bytes: Uint8Array = this.#head
  #view: DataView = this.#headView

  /** A value of so many bytes comes, that should be one of the key's. */
  begin(key: number, length: number): void {
    this.wrong = undefined
    this.version = undefined
    this.#key = key
    this.#length = length
    this.#taken = 0
  }

  /** The next `count` bytes of the value are those from `at` on. */
  take(bytes: Uint8Array, at: number, count: number): void {
    const headBytes = Math.min(HEADER_BYTES, this.#length)
    const end = at + count
    let from = at
    if (this.#taken < headBytes) {
      while (from < end && this.#taken < headBytes) this.#head[this.#taken++] = bytes[from++]!
      if (this.#taken === headBytes) this.#judgeHead()
    }
    if (from === end) return
    if (this.wrong === undefined) this.#matchFiller(bytes, from, end - from)
    this.#taken += end - from
  }

  #judgeHead(): void {
    if (this.#length < HEADER_BYTES) {
      this.#judgeShort()
      return
    }
    const view = this.#headView
    const key = view.getUint32(0)
    const version = view.getUint32(4)
    const length = view.getUint32(8)
    if (key === this.#key && length === this.#length) {
      this.version = version
      this.#fillerStart = fillerStart(key, version)
    } else if (key >= VERIFIED_KEYS_MAX) {
      this.wrong = `${this.#length} bytes that begin like no value of this load of that length`
    } else {
      this.wrong = `${this.#length} bytes, which say they are version ${version} of key number ${key}, of ${length} bytes`
    }
  }

  #judgeShort(): void {
    for (let index = 0; index < this.#length; index++) {
      if (this.#head[index] !== shortByte(this.#key, this.#length, index)) {
        this.wrong = `${this.#length} bytes, of which byte ${index} is wrong`
        return
      }
    }
  }

  #matchFiller(bytes: Uint8Array, at: number, count: number): void {
    const skipped = this.#taken - HEADER_BYTES
    const matched = matchFiller(this.#fillerStart, skipped, this.#viewOf(bytes), at, count)
    if (matched < count) {
      this.wrong = `${this.#length} bytes of version ${this.version}, of which byte ${this.#taken + matched} is wrong`
    }
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    return this.#view
  }
}

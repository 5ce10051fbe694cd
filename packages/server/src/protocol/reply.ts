// The answers to one batch of requests: bytes written here, and spans that lie in the arena and are sent
// from there. Several connections' answers may lie one after the other in a block: the last is the one that
// is being written. Knows how to write; neither what the answers mean nor how they are sent.
import { writeU32, writeU64 } from '../cache/decimal.ts'
import { copyBytes, MemoryBlock } from '../cache/memory.ts'

/** Values longer than this are sent from where they are in the arena. */
export const INLINE_VALUE_MAX_BYTES = 8 * 1024
/** A batch ends when its answers reach this: the rest of the buffer is room for the last of them. */
const FULL_AT_BYTES = 48 * 1024
/** The size of a reply's buffer. */
export const REPLY_BYTES = FULL_AT_BYTES + INLINE_VALUE_MAX_BYTES + 4 * 1024
/** What a client that reads nothing can keep in use of the arena, beyond one value. */
const FULL_AT_SPAN_BYTES = 1024 * 1024
const FIRST_SPANS = 64

const SPACE = 32

export class Reply {
  readonly block: MemoryBlock
  readonly #answerBytes: number
  #fullAt: number
  /** Where the answer that is being written begins in `block`; before it lie others'. */
  start = 0
  /** Where it ends so far. */
  length = 0
  spanCount = 0
  spanBytes = 0
  /** Where in the written bytes each span belongs, ascending. */
  spanAt: Int32Array = new Int32Array(FIRST_SPANS)
  /** The chunk each span lies in, and its byte offset in that chunk's memory block. */
  spanChunk: Int32Array = new Int32Array(FIRST_SPANS)
  spanOffset: Int32Array = new Int32Array(FIRST_SPANS)
  spanLength: Int32Array = new Int32Array(FIRST_SPANS)
  /** The item to unpin once the span was sent; 0 for all but an item's last. */
  spanItem: Int32Array = new Int32Array(FIRST_SPANS)

  /** `fullAtBytes` 1 makes it full with a single answer: one command's, one key's. */
  constructor(block = new MemoryBlock(new ArrayBuffer(REPLY_BYTES)), fullAtBytes = FULL_AT_BYTES) {
    this.block = block
    this.#answerBytes = fullAtBytes
    this.#fullAt = fullAtBytes
  }

  /** No further request may be executed before this much was sent. */
  get full(): boolean {
    return this.length >= this.#fullAt || this.spanBytes >= FULL_AT_SPAN_BYTES
  }

  get totalBytes(): number {
    return this.length - this.start + this.spanBytes
  }

  /** Whether a further answer has room. */
  get hasRoom(): boolean {
    return this.block.size - this.length >= REPLY_BYTES
  }

  /** How many bytes the answer may still get. */
  get room(): number {
    return this.start + REPLY_BYTES - this.length
  }

  /** Begins another answer behind what is there, none of which is a span. */
  begin(): void {
    this.start = this.length
    this.#fullAt = this.start + this.#answerBytes
  }

  /** Takes the answer back. */
  drop(): void {
    this.length = this.start
    this.spanCount = 0
    this.spanBytes = 0
  }

  /** Makes room for other answers; whoever needed these has them. */
  clear(): void {
    this.length = 0
    this.begin()
  }

  /** Moves the answer, pins and all, into an empty reply. */
  moveTo(other: Reply): void {
    for (let i = 0; i < this.spanCount; i++) {
      const at = this.spanAt[i] - this.start
      other.copy(this.block, this.start + other.length, at - other.length)
      other.span(this.spanChunk[i], this.spanOffset[i], this.spanLength[i], this.spanItem[i])
    }
    other.copy(this.block, this.start + other.length, this.length - this.start - other.length)
    this.drop()
  }

  byte(value: number): void {
    this.block.view.setUint8(this.length++, value)
  }

  /** 32 bits, the most significant first. */
  int32(value: number): void {
    this.block.view.setInt32(this.length, value)
    this.length += 4
  }

  /** A fixed text of ours. */
  text(bytes: Uint8Array): void {
    const view = this.block.view
    let at = this.length
    for (let i = 0; i < bytes.length; i++) view.setUint8(at++, bytes[i])
    this.length = at
  }

  /** Text made for the occasion, Latin-1; not for the hot path. The caller sees to it that it fits. */
  string(text: string): void {
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i))
  }

  copy(source: MemoryBlock, from: number, length: number): void {
    copyBytes(source, from, this.block, this.length, length)
    this.length += length
  }

  number(value: number): void {
    this.length = writeU32(this.block, this.length, value)
  }

  number64(low: number, high: number): void {
    this.length = writeU64(this.block, this.length, low, high)
  }

  /** A meta flag: a space and its letter. */
  flag(letter: number): void {
    this.byte(SPACE)
    this.byte(letter)
  }

  crlf(): void {
    this.block.view.setUint16(this.length, 0x0d0a)
    this.length += 2
  }

  span(chunk: number, offset: number, length: number, item: number): void {
    if (this.spanCount === this.spanAt.length) this.#growSpans()
    const i = this.spanCount++
    this.spanAt[i] = this.length
    this.spanChunk[i] = chunk
    this.spanOffset[i] = offset
    this.spanLength[i] = length
    this.spanItem[i] = item
    this.spanBytes += length
  }

  #growSpans(): void {
    this.spanAt = doubled(this.spanAt)
    this.spanChunk = doubled(this.spanChunk)
    this.spanOffset = doubled(this.spanOffset)
    this.spanLength = doubled(this.spanLength)
    this.spanItem = doubled(this.spanItem)
  }
}

function doubled(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}

/** A fixed answer line, CRLF included. */
export function line(text: string): Uint8Array {
  return Buffer.from(`${text}\r\n`, 'latin1')
}

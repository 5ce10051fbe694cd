// The bytes that one connection sends: they grow to what a batch needs and are used again for the next. Knows how
// keys and values are written, which are the same in all protocols.
import type { KeySpace } from '../workload/operation.ts'
import { KEY_BYTES_MAX } from '../workload/workload.ts'
import { ADD_COUNTER, keyPrefixOf, type RequestKind } from './request-kinds.ts'
import { fillerStart, writeFiller } from './value-filler.ts'
import { writeVerifiedValue } from './verified-value.ts'

const FIRST_BYTES = 1_024
/** More than all that a request has beside its keys and its value. */
const FRAME_BYTES = 64
const DIGIT_1 = 49

export class RequestBuffer {
  bytes = new Uint8Array(FIRST_BYTES)
  /** Of the same bytes. */
  view = new DataView(this.bytes.buffer)
  /** Where what is to be sent ends. */
  length = 0
  /** The text of the key that was written last is `bytes[keyStart .. keyEnd)`. */
  keyStart = 0
  keyEnd = 0
  readonly #keySpace: KeySpace

  constructor(keySpace: KeySpace) {
    this.#keySpace = keySpace
  }

  /** Makes room for a request of one key, or one key of a request, with a value of so many bytes. */
  reserve(valueBytes: number): void {
    const needed = this.length + FRAME_BYTES + this.#keySpace.longest + valueBytes
    if (needed > this.bytes.length) this.#grow(needed)
  }

  /** Bytes before this one are of no more use; those from there on move to the beginning. */
  dropUntil(at: number): void {
    if (at < this.length) this.bytes.copyWithin(0, at, this.length)
    this.length -= at
  }

  /** Writes the text of a key, as requests of this kind have it. Returns where it ends. */
  putKey(at: number, kind: RequestKind, key: number): number {
    const prefix = keyPrefixOf(kind)
    let end = at
    if (prefix !== 0) this.bytes[end++] = prefix
    // With a prefix it may be longer than servers take.
    end = Math.min(at + KEY_BYTES_MAX, this.#keySpace.write(key, this.bytes, end))
    this.keyStart = at
    this.keyEnd = end
    return end
  }

  /** Writes a value for the key; of version 0: one that says nothing of itself. Returns where it ends. */
  putValue(at: number, kind: RequestKind, key: number, version: number, bytes: number): number {
    if (kind === ADD_COUNTER) this.bytes.fill(DIGIT_1, at, at + bytes)
    else if (version === 0) writeFiller(fillerStart(key, version), this, at, bytes)
    else writeVerifiedValue(key, version, this, at, bytes)
    return at + bytes
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
    this.view = new DataView(larger.buffer)
  }
}

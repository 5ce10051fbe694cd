// Answers of memcached's binary protocol: a header of fixed length, then extras, key and value, or, of an error,
// its text. Each must be to what was asked, which the opaque tells, and have the key that was asked for.
import { APPEND, GET, INCR } from '../workload/operation.ts'
import {
  ANSWER_MAGIC,
  GETKQ,
  HEADER_BYTES,
  NOOP,
  opcodeOf,
  STATUS_EXISTS,
  STATUS_NOT_FOUND,
  STATUS_NOT_STORED,
  STATUS_OK,
} from './binary-packets.ts'
import type { Outcomes } from './outcomes.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { ADD_COUNTER, type RequestKind, stores } from './request-kinds.ts'
import { quote, type WireReader } from './wire-reader.ts'

/** Of an error's text so many characters are kept. */
const MESSAGE_MAX = 100

export class BinaryReader implements WireReader {
  broken: string | undefined
  readonly #pending: PendingRequests
  readonly #outcomes: Outcomes
  readonly #output: RequestBuffer
  /** A header whose end has not come. */
  readonly #head = new Uint8Array(HEADER_BYTES)
  #headBytes = 0
  #opcode = 0
  #status = 0
  #inBody = false
  /** Bytes still to come of the body's parts. */
  #extrasLeft = 0
  #keyLeft = 0
  #valueLeft = 0
  /** Where in the output the rest of the key is. */
  #keyAt = 0
  #message = ''

  constructor(pending: PendingRequests, outcomes: Outcomes, output: RequestBuffer) {
    this.#pending = pending
    this.#outcomes = outcomes
    this.#output = output
  }

  read(bytes: Uint8Array, length: number): void {
    let at = 0
    while (at < length && this.broken === undefined) {
      if (this.#inBody) at = this.#takeBody(bytes, at, length)
      else at = this.#takeHeader(bytes, at, length)
    }
  }

  #takeHeader(bytes: Uint8Array, from: number, length: number): number {
    if (this.#pending.outstanding === 0) {
      this.broken = `sent ${length - from} bytes that nobody asked for`
      return length
    }
    if (this.#headBytes === 0 && length - from >= HEADER_BYTES) {
      this.#readHeader(bytes, from)
      return from + HEADER_BYTES
    }
    let at = from
    while (at < length && this.#headBytes < HEADER_BYTES)
      this.#head[this.#headBytes++] = bytes[at++]!
    if (this.#headBytes === HEADER_BYTES) {
      this.#headBytes = 0
      this.#readHeader(this.#head, 0)
    }
    return at
  }

  #readHeader(bytes: Uint8Array, at: number): void {
    const opcode = bytes[at + 1]!
    const keyBytes = (bytes[at + 2]! << 8) | bytes[at + 3]!
    const extrasBytes = bytes[at + 4]!
    const valueBytes = read32(bytes, at + 8) - keyBytes - extrasBytes
    const entry = read32(bytes, at + 12)
    this.#opcode = opcode
    this.#status = (bytes[at + 6]! << 8) | bytes[at + 7]!
    this.#extrasLeft = extrasBytes
    this.#keyLeft = keyBytes
    this.#valueLeft = valueBytes
    if (bytes[at] !== ANSWER_MAGIC || !this.#isDue(entry) || valueBytes < 0) {
      const packet = Buffer.from(bytes.subarray(at, at + HEADER_BYTES)).toString('hex')
      this.broken = `answered a packet that begins ${packet} to a ${this.#outcomes.dueText}`
      return
    }
    if (!this.#hasRightKey(entry, keyBytes)) {
      this.broken = `answered another key to a ${this.#outcomes.dueText}`
      return
    }
    if (this.#bringsValue) this.#outcomes.beginValue(entry, valueBytes)
    if (keyBytes + extrasBytes + valueBytes > 0) this.#inBody = true
    else this.#endAnswer()
  }

  /** Whether there may be an answer to the entry now, of that opcode. */
  #isDue(entry: number): boolean {
    const { dueKind, dueEntry, dueEntriesEnd, nextEntry } = this.#pending
    if (dueEntriesEnd - dueEntry === 1)
      return this.#opcode === opcodeOf(dueKind) && entry === dueEntry
    if (this.#opcode === NOOP) return entry === dueEntriesEnd - 1
    return this.#opcode === GETKQ && entry >= nextEntry && entry < dueEntriesEnd
  }

  /** By its length; the text is compared as it comes. Only a value must have one. */
  #hasRightKey(entry: number, keyBytes: number): boolean {
    if (keyBytes === 0) return !this.#bringsValue
    const { keyStart, keyEnd } = this.#pending
    this.#keyAt = keyStart[entry]!
    return keyBytes === keyEnd[entry]! - this.#keyAt
  }

  get #bringsValue(): boolean {
    return this.#pending.dueKind === GET && this.#status === STATUS_OK && this.#opcode !== NOOP
  }

  #takeBody(bytes: Uint8Array, from: number, length: number): number {
    let at = from
    if (this.#extrasLeft > 0) {
      const step = Math.min(this.#extrasLeft, length - at)
      this.#extrasLeft -= step
      at += step
    } else if (this.#keyLeft > 0) {
      at = this.#takeKey(bytes, at, length)
    } else {
      const step = Math.min(this.#valueLeft, length - at)
      this.#takeValue(bytes, at, step)
      this.#valueLeft -= step
      at += step
    }
    if (this.#extrasLeft + this.#keyLeft + this.#valueLeft === 0 && this.broken === undefined) {
      this.#inBody = false
      this.#endAnswer()
    }
    return at
  }

  #takeKey(bytes: Uint8Array, from: number, length: number): number {
    const sent = this.#output.bytes
    const keyAt = this.#keyAt
    const count = Math.min(this.#keyLeft, length - from)
    for (let index = 0; index < count; index++) {
      if (bytes[from + index] !== sent[keyAt + index]) {
        this.broken = `answered another key to a ${this.#outcomes.dueText}`
        return length
      }
    }
    this.#keyAt += count
    this.#keyLeft -= count
    return from + count
  }

  #takeValue(bytes: Uint8Array, at: number, count: number): void {
    if (this.#bringsValue) {
      this.#outcomes.takeValue(bytes, at, count)
    } else if (this.#status !== STATUS_OK && this.#message.length < MESSAGE_MAX) {
      this.#message += Buffer.from(bytes.subarray(at, at + count)).toString('latin1')
    }
  }

  #endAnswer(): void {
    const outcomes = this.#outcomes
    const { dueKind, dueEntry, dueEntriesEnd } = this.#pending
    const message = this.#message
    this.#message = ''
    const ofSeveral = dueEntriesEnd - dueEntry > 1
    if (this.#opcode === NOOP) {
      outcomes.endGet()
    } else if (this.#bringsValue) {
      outcomes.endValue()
      if (!ofSeveral) outcomes.endGet()
    } else if (dueKind === GET && this.#status === STATUS_NOT_FOUND) {
      // Of several, one that is missing is told by what does not come.
      if (!ofSeveral) outcomes.endGet()
    } else if (this.#status === STATUS_OK || isAbsence(dueKind, this.#status)) {
      outcomes.endChange(this.#status === STATUS_OK)
    } else {
      const reason = `answered status ${this.#status}, ${quote(message)}`
      if (ofSeveral) outcomes.refuseKey(reason)
      else outcomes.refuse(reason)
    }
  }
}

/** Whether the status means that the key was not there, or, for an add, that it was. */
function isAbsence(kind: RequestKind, status: number): boolean {
  switch (status) {
    case STATUS_NOT_FOUND:
      return !stores(kind)
    case STATUS_NOT_STORED:
      // Two may create the same number at the same time: one of them hears this.
      return kind === APPEND || kind === INCR
    case STATUS_EXISTS:
      return kind === ADD_COUNTER
    default:
      return false
  }
}

function read32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  )
}

// Answers of the two text protocols: lines, of which some announce a value. Lines are understood where they lie in
// the bytes that came, and only one that is split is put together elsewhere; values are passed on in pieces.
// Knows what one-line answers to changes look like; classic-reader.ts and meta-reader.ts know those to gets.
import { isText, SPACE } from './answer-text.ts'
import type { Outcomes } from './outcomes.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { latin1 } from './request-text.ts'
import { quote, type WireReader } from './wire-reader.ts'

/** No line of an answer is longer: the longest key and four numbers. */
const LINE_BYTES_MAX = 512
const CARRIAGE_RETURN = 13
const LINE_FEED = 10
const LINE_END_BYTES = 2

/** One-line answers that end a request without doing what it asked; the next answer follows in step. */
const REFUSAL = /^(ERROR|CLIENT_ERROR|SERVER_ERROR|NOT_STORED|EXISTS|NOT_FOUND|NS|EX|NF|BUSY)\b/

/** By kind of request, the line that says it was done, and the one that its key was not there. Empty: none. */
export interface ChangeAnswers {
  readonly done: readonly Uint8Array[]
  readonly absent: readonly Uint8Array[]
}

export function changeAnswers(done: string, absent: string): ChangeAnswers {
  return { done: done.split(',').map(latin1), absent: absent.split(',').map(latin1) }
}

export abstract class TextReader implements WireReader {
  broken: string | undefined
  protected readonly pending: PendingRequests
  protected readonly outcomes: Outcomes
  protected readonly output: RequestBuffer
  readonly #changeAnswers: ChangeAnswers
  /** Bytes still to come of a value with the line end behind it. */
  #valueLeft = 0
  /** A line whose end has not come. */
  readonly #line = new Uint8Array(LINE_BYTES_MAX)
  #lineBytes = 0

  constructor(
    pending: PendingRequests,
    outcomes: Outcomes,
    output: RequestBuffer,
    answers: ChangeAnswers,
  ) {
    this.pending = pending
    this.outcomes = outcomes
    this.output = output
    this.#changeAnswers = answers
  }

  /** A line has come, `bytes[from .. to)` without its end. */
  protected abstract readLine(bytes: Uint8Array, from: number, to: number): void

  /** The value that `beginValue` announced has come. */
  protected abstract endValue(): void

  read(bytes: Uint8Array, length: number): void {
    let at = 0
    while (at < length && this.broken === undefined) {
      if (this.#valueLeft > 0) at = this.#takeValue(bytes, at, length)
      else at = this.#takeLine(bytes, at, length)
    }
  }

  protected beginValue(entry: number, bytes: number): void {
    this.outcomes.beginValue(entry, bytes)
    this.#valueLeft = bytes + LINE_END_BYTES
  }

  /** A line that answers anything but a get. */
  protected readChange(bytes: Uint8Array, from: number, to: number): void {
    const { done, absent } = this.#changeAnswers
    const kind = this.pending.dueKind
    if (isText(done[kind]!, bytes, from, to)) this.outcomes.endChange(true)
    else if (isText(absent[kind]!, bytes, from, to)) this.outcomes.endChange(false)
    else this.readOther(bytes, from, to)
  }

  /** A line that is no answer to what was asked: an error, or nonsense. */
  protected readOther(bytes: Uint8Array, from: number, to: number): void {
    const line = Buffer.from(bytes.subarray(from, to)).toString('latin1')
    if (REFUSAL.test(line)) this.refuse(`answered ${quote(line)}`)
    else this.broken = `answered ${quote(line)} to a ${this.outcomes.dueText}`
  }

  protected refuse(reason: string): void {
    this.outcomes.refuse(reason)
  }

  /** Which entry of the get whose answer is due has the key that begins there; -1: none that nothing has come of. */
  protected entryOfKey(bytes: Uint8Array, from: number, to: number): number {
    const { pending } = this
    const end = pending.dueEntriesEnd
    for (let entry = pending.nextEntry; entry < end; entry++) {
      if (this.#beginsWithKey(entry, bytes, from, to)) return entry
    }
    return -1
  }

  #beginsWithKey(entry: number, bytes: Uint8Array, from: number, to: number): boolean {
    const { keyStart, keyEnd } = this.pending
    const sent = this.output.bytes
    const end = keyEnd[entry]!
    let at = from
    for (let key = keyStart[entry]!; key < end; key++) {
      if (at === to || bytes[at] !== sent[key]) return false
      at++
    }
    return at === to || bytes[at] === SPACE
  }

  #takeValue(bytes: Uint8Array, from: number, length: number): number {
    const left = this.#valueLeft
    const end = Math.min(from + left, length)
    const lineEnd = from + left - LINE_END_BYTES
    const valueEnd = Math.min(lineEnd, end)
    if (valueEnd > from) this.outcomes.takeValue(bytes, from, valueEnd - from)
    for (let at = Math.max(from, lineEnd); at < end; at++) {
      if (bytes[at] !== (at === lineEnd ? CARRIAGE_RETURN : LINE_FEED)) {
        this.broken = 'sent a value that does not end where it said'
        return end
      }
    }
    this.#valueLeft = left - (end - from)
    if (this.#valueLeft === 0) {
      this.outcomes.endValue()
      this.endValue()
    }
    return end
  }

  /** Returns where the line ends, or, if its end has not come, all that has. */
  #takeLine(bytes: Uint8Array, from: number, length: number): number {
    if (this.pending.outstanding === 0) {
      this.broken = `sent ${length - from} bytes that nobody asked for`
      return length
    }
    let end = from
    while (end < length && bytes[end] !== LINE_FEED) end++
    if (this.#lineBytes === 0 && end < length) {
      this.#endLine(bytes, from, end)
      return end + 1
    }
    this.#keep(bytes, from, end)
    if (end === length || this.broken !== undefined) return end
    const kept = this.#lineBytes
    this.#lineBytes = 0
    this.#endLine(this.#line, 0, kept)
    return end + 1
  }

  #keep(bytes: Uint8Array, from: number, to: number): void {
    const kept = this.#lineBytes
    if (kept + to - from > LINE_BYTES_MAX) {
      const line = Buffer.from(this.#line.subarray(0, kept)).toString('latin1')
      this.broken = `answered a line without an end, ${quote(line)}`
      return
    }
    this.#line.set(bytes.subarray(from, to), kept)
    this.#lineBytes = kept + to - from
  }

  #endLine(bytes: Uint8Array, from: number, lineFeed: number): void {
    const to = lineFeed - 1
    if (to >= from && bytes[to] === CARRIAGE_RETURN) this.readLine(bytes, from, to)
    else this.readOther(bytes, from, lineFeed)
  }
}

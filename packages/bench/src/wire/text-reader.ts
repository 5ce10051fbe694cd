// Answers of the two text protocols: lines, of which some announce a value. Lines are understood where they lie in
// the bytes that came, and only one that is split is put together elsewhere; values are passed on in pieces.
// Knows what one-line answers to changes look like; classic-reader.ts and meta-reader.ts know those to gets.
import { beginsWith, CARRIAGE_RETURN, LINE_END_BYTES, LINE_FEED, SPACE } from './answer-text.ts'
import type { Outcomes } from './outcomes.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { latin1 } from './request-text.ts'
import { quote, type WireReader } from './wire-reader.ts'

/** No line of an answer is longer: the longest key and four numbers. */
const LINE_BYTES_MAX = 512

/** One-line answers that end a request without doing what it asked; the next answer follows in step. */
const REFUSAL = /^(ERROR|CLIENT_ERROR|SERVER_ERROR|NOT_STORED|EXISTS|NOT_FOUND|NS|EX|NF|BUSY)\b/

/** By kind of request, the line that says it was done, and the one that its key was not there. */
export interface ChangeAnswers {
  readonly done: readonly (Uint8Array | undefined)[]
  readonly absent: readonly (Uint8Array | undefined)[]
}

/** Of lists with commas, in which what is empty never comes. */
export function changeAnswers(done: string, absent: string): ChangeAnswers {
  const lines = (list: string): (Uint8Array | undefined)[] =>
    list.split(',').map((line) => (line === '' ? undefined : latin1(`${line}\r\n`)))
  return { done: lines(done), absent: lines(absent) }
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

  /**
   * Where a whole line begins that answers what was asked, takes it and returns where it ends; otherwise 0.
   * If it announces a value, that is told to `beginValue`.
   */
  protected abstract readLine(bytes: Uint8Array, from: number, to: number): number

  /** That value has come. */
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

  /** `readLine` for all but gets. */
  protected readChange(bytes: Uint8Array, from: number, to: number): number {
    const { dueKind } = this.pending
    const done = this.#changeAnswers.done[dueKind]
    if (done !== undefined && beginsWith(done, bytes, from, to)) {
      this.outcomes.endChange(true)
      return from + done.length
    }
    const absent = this.#changeAnswers.absent[dueKind]
    if (absent !== undefined && beginsWith(absent, bytes, from, to)) {
      this.outcomes.endChange(false)
      return from + absent.length
    }
    return 0
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
    return at < to && (bytes[at] === SPACE || bytes[at] === CARRIAGE_RETURN)
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

  #takeLine(bytes: Uint8Array, from: number, length: number): number {
    if (this.pending.outstanding === 0) return this.#breakOff(length - from, length)
    const end = this.#lineBytes === 0 ? this.readLine(bytes, from, length) : 0
    return end > 0 ? end : this.#takeOther(bytes, from, length)
  }

  /** Puts together a line that is split, or is not the one that is due. Returns where it ends, or all that has come. */
  #takeOther(bytes: Uint8Array, from: number, length: number): number {
    const lineFeed = bytes.subarray(0, length).indexOf(LINE_FEED, from)
    const end = lineFeed === -1 ? length : lineFeed + 1
    const kept = this.#lineBytes
    const lineBytes = kept + end - from
    const line = this.#line
    if (lineBytes > LINE_BYTES_MAX) {
      const text = Buffer.from(kept > 0 ? line.subarray(0, kept) : bytes.subarray(from, end))
      this.broken = `answered a line without an end, ${quote(text.toString('latin1'))}`
      return length
    }
    line.set(bytes.subarray(from, end), kept)
    this.#lineBytes = lineBytes
    if (lineFeed === -1) return end
    this.#lineBytes = 0
    if (this.readLine(line, 0, lineBytes) === 0) this.#readOther(line.subarray(0, lineBytes))
    return end
  }

  /** A line that is no answer to what was asked: an error, or nonsense. */
  #readOther(bytes: Uint8Array): void {
    const line = Buffer.from(bytes).toString('latin1').trimEnd()
    if (REFUSAL.test(line)) this.refuse(`answered ${quote(line)}`)
    else this.broken = `answered ${quote(line)} to a ${this.outcomes.dueText}`
  }

  #breakOff(bytes: number, length: number): number {
    this.broken = `sent ${bytes} bytes that nobody asked for`
    return length
  }
}

// Answers of the two text protocols: lines, of which some announce a value. Lines are understood where they lie in
// the bytes that came, and only one that is split is put together elsewhere; values are passed on in pieces.
// Knows what one-line answers to changes look like; classic-reader.ts and meta-reader.ts know those to gets.
import { GET } from '../workload/operation.ts'
import { CARRIAGE_RETURN, isText, LINE_FEED, SPACE } from './answer-text.ts'
import type { Outcomes } from './outcomes.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { latin1 } from './request-text.ts'
import { quote, type WireReader } from './wire-reader.ts'

/** No line of an answer is longer: the longest key and four numbers. */
const LINE_BYTES_MAX = 512
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

  /**
   * A get is to be answered: where a whole line begins that announces a value of its, tells `beginValue` and
   * returns where the line ends; otherwise 0.
   */
  protected abstract readValueLine(bytes: Uint8Array, from: number, to: number): number

  /** That value has come. */
  protected abstract endValue(): void

  /** Another line has come, `bytes[from .. to)` without its end. False where it is no answer to what was asked. */
  protected abstract readLine(bytes: Uint8Array, from: number, to: number): boolean

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

  /** The same of a line that should answer anything but a get. */
  protected readChange(bytes: Uint8Array, from: number, to: number): boolean {
    const { done, absent } = this.#changeAnswers
    const kind = this.pending.dueKind
    const isDone = isText(done[kind]!, bytes, from, to)
    if (!isDone && !isText(absent[kind]!, bytes, from, to)) return false
    this.outcomes.endChange(isDone)
    return true
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

  /** Returns where the line ends, or, if its end has not come, all that has. */
  #takeLine(bytes: Uint8Array, from: number, length: number): number {
    if (this.pending.outstanding === 0) return this.#breakOff(length - from, length)
    if (this.#lineBytes > 0) return this.#takePart(bytes, from, length)
    const valueStart = this.pending.dueKind === GET ? this.readValueLine(bytes, from, length) : 0
    if (valueStart > 0) return valueStart
    const end = endOfAnyLine(bytes, from, length)
    if (bytes[end - 1] !== LINE_FEED) return this.#takePart(bytes, from, length)
    this.#endLine(bytes, from, end)
    return end
  }

  /** Puts a line together whose end had not come. */
  #takePart(bytes: Uint8Array, from: number, length: number): number {
    const kept = this.#lineBytes
    const end = endOfAnyLine(bytes, from, length)
    const lineBytes = kept + end - from
    const line = this.#line
    if (lineBytes > LINE_BYTES_MAX) {
      const text = Buffer.from(line.subarray(0, kept)).toString('latin1')
      this.broken = `answered a line without an end, ${quote(text)}`
      return length
    }
    line.set(bytes.subarray(from, end), kept)
    this.#lineBytes = lineBytes
    if (line[lineBytes - 1] !== LINE_FEED) return end
    this.#lineBytes = 0
    const isValueLine = this.pending.dueKind === GET && this.readValueLine(line, 0, lineBytes) > 0
    if (!isValueLine) this.#endLine(line, 0, lineBytes)
    return end
  }

  /** A line has come that announces no value; its end is a part of it. */
  #endLine(bytes: Uint8Array, from: number, end: number): void {
    const to = end - LINE_END_BYTES
    const isEnded = to >= from && bytes[to] === CARRIAGE_RETURN
    if (!isEnded || !this.readLine(bytes, from, to)) this.#readOther(bytes, from, end)
  }

  /** An error, or nonsense. */
  #readOther(bytes: Uint8Array, from: number, to: number): void {
    const line = Buffer.from(bytes.subarray(from, to)).toString('latin1').trimEnd()
    if (REFUSAL.test(line)) this.refuse(`answered ${quote(line)}`)
    else this.broken = `answered ${quote(line)} to a ${this.outcomes.dueText}`
  }

  #breakOff(bytes: number, length: number): number {
    this.broken = `sent ${bytes} bytes that nobody asked for`
    return length
  }
}

/** Behind the line feed, or, where there is none, behind all there is. */
function endOfAnyLine(bytes: Uint8Array, from: number, length: number): number {
  let at = from
  while (at < length) if (bytes[at++] === LINE_FEED) break
  return at
}

// Answers of memcached's classic text protocol.
import { GET, INCR } from '../workload/operation.ts'
import {
  beginsWith,
  endOfDigits,
  endOfLine,
  LINE_END_BYTES,
  readLength,
  SPACE,
} from './answer-text.ts'
import type { Outcomes } from './outcomes.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { latin1 } from './request-text.ts'
import { changeAnswers, TextReader } from './text-reader.ts'

const VALUE = latin1('VALUE ')
const END = latin1('END\r\n')
/** By kind of request; an incr is answered with the number. */
const CHANGE_ANSWERS = changeAnswers(
  ',STORED,DELETED,,STORED,TOUCHED,STORED,STORED',
  ',,NOT_FOUND,NOT_FOUND,NOT_STORED,NOT_FOUND,,NOT_STORED',
)

export class ClassicReader extends TextReader {
  constructor(pending: PendingRequests, outcomes: Outcomes, output: RequestBuffer) {
    super(pending, outcomes, output, CHANGE_ANSWERS)
  }

  protected override readLine(bytes: Uint8Array, from: number, to: number): number {
    const { dueKind } = this.pending
    if (dueKind === GET) {
      if (!beginsWith(END, bytes, from, to)) return this.#readValueLine(bytes, from, to)
      this.outcomes.endGet()
      return from + END.length
    }
    if (dueKind === INCR) {
      const end = endOfLine(bytes, endOfDigits(bytes, from, to), to)
      if (end > from + LINE_END_BYTES) {
        this.outcomes.endChange(true)
        return end
      }
    }
    return this.readChange(bytes, from, to)
  }

  protected override endValue(): void {}

  /** `VALUE <key> <flags> <bytes>` */
  #readValueLine(bytes: Uint8Array, from: number, to: number): number {
    if (!beginsWith(VALUE, bytes, from, to)) return 0
    const keyStart = from + VALUE.length
    const entry = this.entryOfKey(bytes, keyStart, to)
    if (entry === -1) return 0
    const flagsStart = keyStart + this.pending.keyEnd[entry]! - this.pending.keyStart[entry]! + 1
    const flagsEnd = endOfDigits(bytes, flagsStart, to)
    if (flagsEnd === flagsStart || bytes[flagsEnd] !== SPACE) return 0
    const lengthEnd = endOfDigits(bytes, flagsEnd + 1, to)
    const length = readLength(bytes, flagsEnd + 1, lengthEnd)
    const end = endOfLine(bytes, lengthEnd, to)
    if (length === -1 || end === 0) return 0
    this.beginValue(entry, length)
    return end
  }
}

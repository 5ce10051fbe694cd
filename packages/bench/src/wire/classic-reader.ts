// Answers of memcached's classic text protocol.
import { GET, INCR } from '../workload/operation.ts'
import { beginsWith, endOfDigits, endOfLine, isText, readLength, SPACE } from './answer-text.ts'
import type { Outcomes } from './outcomes.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { latin1 } from './request-text.ts'
import { changeAnswers, TextReader } from './text-reader.ts'

const VALUE = latin1('VALUE ')
const END = latin1('END')
/** By kind of request; an incr is answered with the number. */
const CHANGE_ANSWERS = changeAnswers(
  ',STORED,DELETED,,STORED,TOUCHED,STORED,STORED',
  ',,NOT_FOUND,NOT_FOUND,NOT_STORED,NOT_FOUND,,NOT_STORED',
)

export class ClassicReader extends TextReader {
  constructor(pending: PendingRequests, outcomes: Outcomes, output: RequestBuffer) {
    super(pending, outcomes, output, CHANGE_ANSWERS)
  }

  /** `VALUE <key> <flags> <bytes>` */
  protected override readValueLine(bytes: Uint8Array, from: number, to: number): number {
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

  protected override endValue(): void {}

  protected override readLine(bytes: Uint8Array, from: number, to: number): boolean {
    const kind = this.pending.dueKind
    if (kind === GET) {
      if (!isText(END, bytes, from, to)) return false
      this.outcomes.endGet()
      return true
    }
    if (kind === INCR && from < to && endOfDigits(bytes, from, to) === to) {
      this.outcomes.endChange(true)
      return true
    }
    return this.readChange(bytes, from, to)
  }
}

// Answers of memcached's classic text protocol.
import { GET, INCR } from '../workload/operation.ts'
import { beginsWith, isNumber, isText, readLength, SPACE } from './answer-text.ts'
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

  protected override readLine(bytes: Uint8Array, from: number, to: number): void {
    const { pending, outcomes } = this
    if (pending.dueKind === GET) {
      if (beginsWith(VALUE, bytes, from, to)) this.#readValueLine(bytes, from, to)
      else if (isText(END, bytes, from, to)) outcomes.endGet()
      else this.readOther(bytes, from, to)
    } else if (pending.dueKind === INCR && isNumber(bytes, from, to)) {
      outcomes.endChange(true)
    } else {
      this.readChange(bytes, from, to)
    }
  }

  protected override endValue(): void {}

  /** `VALUE <key> <flags> <bytes>` */
  #readValueLine(bytes: Uint8Array, from: number, to: number): void {
    const { pending } = this
    const keyStart = from + VALUE.length
    const entry = this.entryOfKey(bytes, keyStart, to)
    if (entry === -1) {
      this.readOther(bytes, from, to)
      return
    }
    const flagsStart = keyStart + pending.keyEnd[entry]! - pending.keyStart[entry]! + 1
    let flagsEnd = flagsStart
    while (flagsEnd < to && bytes[flagsEnd] !== SPACE) flagsEnd++
    const length = readLength(bytes, flagsEnd + 1, to)
    if (length === -1 || !isNumber(bytes, flagsStart, flagsEnd)) this.readOther(bytes, from, to)
    else this.beginValue(entry, length)
  }
}

// Answers of memcached's meta protocol.
import { GET } from '../workload/operation.ts'
import { beginsWith, isText, readLength, SPACE } from './answer-text.ts'
import type { Outcomes } from './outcomes.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { latin1 } from './request-text.ts'
import { changeAnswers, TextReader } from './text-reader.ts'

const VALUE = latin1('VA ')
const MISS = latin1('EN')
const NO_MORE = latin1('MN')
const KEY = latin1(' k')
/** By kind of request. */
const CHANGE_ANSWERS = changeAnswers(',HD,HD,HD,HD,HD,HD,HD', ',,NF,NF,NS,EN,,NS')

export class MetaReader extends TextReader {
  constructor(pending: PendingRequests, outcomes: Outcomes, output: RequestBuffer) {
    super(pending, outcomes, output, CHANGE_ANSWERS)
  }

  protected override readLine(bytes: Uint8Array, from: number, to: number): void {
    if (this.pending.dueKind !== GET) this.readChange(bytes, from, to)
    else if (beginsWith(VALUE, bytes, from, to)) this.#readValueLine(bytes, from, to)
    else if (isText(this.#ofSeveral ? NO_MORE : MISS, bytes, from, to)) this.outcomes.endGet()
    else this.readOther(bytes, from, to)
  }

  protected override endValue(): void {
    if (!this.#ofSeveral) this.outcomes.endGet()
  }

  /** An error to one of several quiet gets does not end their answer. */
  protected override refuse(reason: string): void {
    if (this.#ofSeveral) this.outcomes.refuseKey(reason)
    else this.outcomes.refuse(reason)
  }

  /** Whether the answer that is due is to a get of several keys. */
  get #ofSeveral(): boolean {
    return this.pending.dueEntriesEnd - this.pending.dueEntry > 1
  }

  /** `VA <bytes>`, and of several ` k<key>` */
  #readValueLine(bytes: Uint8Array, from: number, to: number): void {
    const { pending } = this
    const lengthStart = from + VALUE.length
    let lengthEnd = lengthStart
    while (lengthEnd < to && bytes[lengthEnd] !== SPACE) lengthEnd++
    const length = readLength(bytes, lengthStart, lengthEnd)
    const entry = this.#ofSeveral
      ? this.#entryOfFlag(bytes, lengthEnd, to)
      : lengthEnd === to
        ? pending.dueEntry
        : -1
    if (length === -1 || entry === -1) this.readOther(bytes, from, to)
    else this.beginValue(entry, length)
  }

  #entryOfFlag(bytes: Uint8Array, from: number, to: number): number {
    return beginsWith(KEY, bytes, from, to) ? this.entryOfKey(bytes, from + KEY.length, to) : -1
  }
}

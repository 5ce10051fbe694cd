// Answers of memcached's meta protocol.
import { GET } from '../workload/operation.ts'
import { beginsWith, endOfDigits, endOfLine, readLength } from './answer-text.ts'
import type { Outcomes } from './outcomes.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { latin1 } from './request-text.ts'
import { changeAnswers, TextReader } from './text-reader.ts'

const VALUE = latin1('VA ')
const MISS = latin1('EN\r\n')
const NO_MORE = latin1('MN\r\n')
const KEY = latin1(' k')
/** By kind of request. */
const CHANGE_ANSWERS = changeAnswers(',HD,HD,HD,HD,HD,HD,HD', ',,NF,NF,NS,EN,,NS')

export class MetaReader extends TextReader {
  constructor(pending: PendingRequests, outcomes: Outcomes, output: RequestBuffer) {
    super(pending, outcomes, output, CHANGE_ANSWERS)
  }

  protected override readLine(bytes: Uint8Array, from: number, to: number): number {
    if (this.pending.dueKind !== GET) return this.readChange(bytes, from, to)
    const last = this.#ofSeveral ? NO_MORE : MISS
    if (!beginsWith(last, bytes, from, to)) return this.#readValueLine(bytes, from, to)
    this.outcomes.endGet()
    return from + last.length
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
  #readValueLine(bytes: Uint8Array, from: number, to: number): number {
    if (!beginsWith(VALUE, bytes, from, to)) return 0
    const lengthStart = from + VALUE.length
    const lengthEnd = endOfDigits(bytes, lengthStart, to)
    const length = readLength(bytes, lengthStart, lengthEnd)
    if (length === -1) return 0
    if (!this.#ofSeveral) return this.#begin(this.pending.dueEntry, length, bytes, lengthEnd, to)
    if (!beginsWith(KEY, bytes, lengthEnd, to)) return 0
    const keyStart = lengthEnd + KEY.length
    const entry = this.entryOfKey(bytes, keyStart, to)
    if (entry === -1) return 0
    const keyEnd = keyStart + this.pending.keyEnd[entry]! - this.pending.keyStart[entry]!
    return this.#begin(entry, length, bytes, keyEnd, to)
  }

  /** Begins the value if its line ends there. Returns where the line's end does, or 0. */
  #begin(entry: number, length: number, bytes: Uint8Array, lineEnd: number, to: number): number {
    const end = endOfLine(bytes, lineEnd, to)
    if (end > 0) this.beginValue(entry, length)
    return end
  }
}

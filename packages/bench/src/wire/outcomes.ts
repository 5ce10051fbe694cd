// What the answers of one connection mean: counted in the tally, told to the ledger and the observer, and the
// cause of what is asked next. Knows which request an answer is for; knows no protocol.
import { APPEND, DELETE, GET, INCR, OPERATIONS, SET, TOUCH } from '../workload/operation.ts'
import type { Tally } from '../workload/tally.ts'
import type { FollowUps } from './follow-ups.ts'
import type { Observer } from './observer.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { ADD_COUNTER, countedAs, nameOf, SET_APPENDED } from './request-kinds.ts'
import type { ValueLedger } from './value-ledger.ts'
import { ValueCheck } from './verified-value.ts'

export interface OutcomesOptions {
  readonly tally: Tally
  readonly mayMiss: boolean
  readonly fillMisses: boolean
  readonly ledger?: ValueLedger | undefined
  readonly observer?: Observer | undefined
}

const COUNTER_BYTES = 1

export class Outcomes {
  /** Requests that were answered, by kind of operation, whatever the answer. */
  readonly answered = new Uint32Array(OPERATIONS.length)
  readonly #options: OutcomesOptions
  readonly #pending: PendingRequests
  readonly #output: RequestBuffer
  readonly #followUps: FollowUps
  readonly #check: ValueCheck | undefined
  /** Whose value is coming. */
  #valueEntry = 0
  /** A key of the present get was refused: of the others that nothing came of, it can't be told why. */
  #keyRefused = false

  constructor(
    options: OutcomesOptions,
    pending: PendingRequests,
    output: RequestBuffer,
    followUps: FollowUps,
  ) {
    this.#options = options
    this.#pending = pending
    this.#output = output
    this.#followUps = followUps
    if (options.ledger) this.#check = new ValueCheck()
  }

  /**
   * The key of this entry has a value, whose bytes come next. The keys before it in the same get that nothing
   * has come of have none.
   */
  beginValue(entry: number, bytes: number): void {
    const pending = this.#pending
    if (pending.nextEntry < entry) this.#missUntil(entry)
    pending.nextEntry = entry + 1
    this.#valueEntry = entry
    this.#check?.begin(pending.key[entry]!, bytes)
  }

  /** The next bytes of that value. */
  takeValue(bytes: Uint8Array, at: number, count: number): void {
    this.#check?.take(bytes, at, count)
  }

  endValue(): void {
    if (this.#check) this.#judgeValue(this.#check)
    this.#options.observer?.hit(this.#pending.key[this.#valueEntry]!)
  }

  /** The answer to a get is complete: the keys that nothing has come of have no value. */
  endGet(): void {
    const pending = this.#pending
    const end = pending.dueEntriesEnd
    if (pending.nextEntry < end) this.#missUntil(end)
    if (!this.#keyRefused) this.#options.tally.operations[GET]! += end - pending.dueEntry
    this.#keyRefused = false
    this.#endAnswer()
  }

  /** One key of a get was refused; the answer goes on. */
  refuseKey(reason: string): void {
    this.#keyRefused = true
    this.#options.tally.fail(reason)
  }

  /** Any other request was carried out, or, where `found` is false, its key was not there. */
  endChange(found: boolean): void {
    const pending = this.#pending
    const { tally, ledger, observer } = this.#options
    const kind = pending.dueKind
    const entry = pending.dueEntry
    const key = pending.key[entry]!
    const ttl = pending.ttl[entry]!
    tally.operations[countedAs(kind)]!++
    if (kind === SET) {
      ledger?.succeed(key)
      observer?.stored(key, ttl)
    } else if (kind === DELETE) {
      ledger?.succeed(key)
      observer?.deleted(key)
    } else if (kind === TOUCH) {
      if (found) observer?.stored(key, ttl)
    } else if (kind === INCR) {
      if (!found) this.#followUps.push(ADD_COUNTER, key, COUNTER_BYTES, ttl)
    } else if (kind === APPEND) {
      if (!found) this.#followUps.push(SET_APPENDED, key, pending.valueBytes[entry]!, ttl)
    }
    this.#endAnswer()
  }

  /** The server said that it did not do what was asked. */
  refuse(reason: string): void {
    const pending = this.#pending
    const { tally, ledger } = this.#options
    tally.fail(reason)
    const kind = pending.dueKind
    if (kind === SET || kind === DELETE) ledger?.fail(pending.key[pending.dueEntry]!)
    this.#keyRefused = false
    this.#endAnswer()
  }

  /** The request whose answer is due, for a sentence: `set of "bench:42"`. */
  get dueText(): string {
    const { dueKind, nextEntry, dueEntriesEnd } = this.#pending
    return `${nameOf(dueKind)} of ${this.#keyText(Math.min(nextEntry, dueEntriesEnd - 1))}`
  }

  #endAnswer(): void {
    this.answered[countedAs(this.#pending.dueKind)]!++
    this.#pending.endAnswer()
  }

  /** Nothing has come of the present get's keys before this entry. */
  #missUntil(entry: number): void {
    if (this.#keyRefused) return
    for (let missing = this.#pending.nextEntry; missing < entry; missing++) this.#miss(missing)
  }

  #miss(entry: number): void {
    const { tally, mayMiss, fillMisses, ledger, observer } = this.#options
    const { key, valueBytes, ttl } = this.#pending
    const number = key[entry]!
    tally.misses++
    if (!mayMiss) tally.fail('missed a key that was stored before the run')
    observer?.miss(number)
    // Of a key that another thread writes, that thread will see the miss too.
    if (fillMisses && (ledger === undefined || ledger.owns(number))) {
      this.#followUps.push(SET, number, valueBytes[entry]!, ttl[entry]!)
    }
  }

  #judgeValue({ wrong, version }: ValueCheck): void {
    const entry = this.#valueEntry
    const floor = this.#pending.floor[entry]!
    const issued = this.#options.ledger!.issued(this.#pending.key[entry]!)
    const impossible = version !== undefined && (version < Math.max(1, floor) || version > issued)
    if (wrong === undefined && issued > 0 && !impossible) return
    const seen = wrong ?? (version === undefined ? 'a value' : `version ${version}`)
    const allowed =
      issued === 0
        ? 'nothing has been stored there'
        : `only versions ${Math.max(1, floor)} to ${issued} are possible`
    this.#options.tally.mismatch(`key ${this.#keyText(entry)} holds ${seen}, where ${allowed}`)
  }

  #keyText(entry: number): string {
    const { keyStart, keyEnd } = this.#pending
    const bytes = this.#output.bytes.subarray(keyStart[entry], keyEnd[entry])
    return JSON.stringify(Buffer.from(bytes).toString('latin1'))
  }
}

// Operations that answers call for, first in, first out: the next batch begins with them. A source like any
// other, whose kinds may be any of request-kinds.ts. Knows nothing of why they are called for.
import type { Operation, OperationSource } from '../workload/operation.ts'
import type { RequestKind } from './request-kinds.ts'

const COLUMNS = 4

export class FollowUps implements OperationSource {
  /** Four numbers each: kind, key, bytes of value, time to live. */
  #rows = new Int32Array(16 * COLUMNS)
  #first = 0
  #end = 0

  push(kind: RequestKind, key: number, valueBytes: number, ttl: number): void {
    if (this.#end === this.#rows.length) this.#makeRoom()
    const rows = this.#rows
    let at = this.#end
    rows[at++] = kind
    rows[at++] = key
    rows[at++] = valueBytes
    rows[at++] = ttl
    this.#end = at
  }

  next(operation: Operation): boolean {
    if (this.#first === this.#end) return false
    const rows = this.#rows
    let at = this.#first
    operation.kind = rows[at++]!
    operation.key = rows[at++]!
    operation.valueBytes = rows[at++]!
    operation.ttl = rows[at++]!
    this.#first = at
    if (at === this.#end) {
      this.#first = 0
      this.#end = 0
    }
    return true
  }

  #makeRoom(): void {
    const waiting = this.#rows.subarray(this.#first, this.#end)
    // Half of the room is enough for those that wait, unless there are more of them.
    const rows =
      waiting.length > this.#rows.length / 2
        ? new Int32Array(this.#rows.length * 2)
        : new Int32Array(this.#rows.length)
    rows.set(waiting)
    this.#rows = rows
    this.#first = 0
    this.#end = waiting.length
  }
}

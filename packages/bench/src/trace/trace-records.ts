// Lines of a trace as numbers, in columns, read ahead of whoever plays them: a ring that is filled at one end
// and emptied at the other. Knows no bytes and no texts.
import type { OperationKind } from '../workload/operation.ts'

export class TraceRecords {
  readonly capacity: number
  /** In seconds, since whenever the trace counts from. */
  readonly time: Float64Array
  readonly kind: Uint8Array
  readonly key: Uint32Array
  readonly valueBytes: Uint32Array
  /** In seconds. */
  readonly ttl: Uint32Array
  /** How often in a row; at least 1. */
  readonly count: Uint32Array
  /** Index of the oldest. */
  first = 0
  length = 0

  /** `capacity` is a power of two. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.time = new Float64Array(capacity)
    this.kind = new Uint8Array(capacity)
    this.key = new Uint32Array(capacity)
    this.valueBytes = new Uint32Array(capacity)
    this.ttl = new Uint32Array(capacity)
    this.count = new Uint32Array(capacity)
  }

  get full(): boolean {
    return this.length === this.capacity
  }

  /** The index of the one that comes `distance` after the oldest. */
  at(distance: number): number {
    return (this.first + distance) & (this.capacity - 1)
  }

  /** There must be room for it. */
  add(
    time: number,
    kind: OperationKind,
    key: number,
    valueBytes: number,
    ttl: number,
    count: number,
  ): void {
    const at = (this.first + this.length) & (this.capacity - 1)
    this.time[at] = time
    this.kind[at] = kind
    this.key[at] = key
    this.valueBytes[at] = valueBytes
    this.ttl[at] = ttl
    this.count[at] = count
    this.length++
  }

  /** Forgets the oldest. */
  drop(): void {
    this.first = (this.first + 1) & (this.capacity - 1)
    this.length--
  }
}

// When the operations of a trace are due: as they were recorded, from the moment at which the load begins.
// Knows nothing of what they are.
import type { Timetable } from '../load/schedule.ts'
import type { TraceOperations } from './trace-operations.ts'

export class TraceTimetable implements Timetable {
  readonly #operations: TraceOperations
  #startedAt: number | undefined

  constructor(operations: TraceOperations) {
    this.#operations = operations
  }

  start(now: number): void {
    this.#startedAt ??= now
  }

  get due(): number {
    return (this.#startedAt ?? Number.POSITIVE_INFINITY) + this.#operations.nextDueMs
  }

  take(): void {
    // The operations go on by themselves when one is drawn.
  }
}

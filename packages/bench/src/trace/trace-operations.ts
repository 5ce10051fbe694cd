// Plays a trace: its records are the operations of a load, at the times at which they were recorded or as fast
// as they are asked for. Knows no clock and no file.
import type { Operation, OperationSource } from '../workload/operation.ts'
import type { Progress } from './progress-bar.ts'
import { traceError } from './trace-error.ts'
import type { TraceReader } from './trace-reader.ts'

export interface TraceOperationsOptions {
  /** 1: as it was recorded; 10: ten times as fast. Undefined: when operations are asked for, at once. */
  readonly speed?: number
}

/** Lines that are decoded when nothing is left to draw: 0.1 ms. */
const STEP = 256
/** In seconds. A server takes a larger number for a date, in 1970, and lets the item expire at once. */
const TTL_MAX = 30 * 24 * 60 * 60
const NOT_YET = Number.POSITIVE_INFINITY

export class TraceOperations implements OperationSource {
  /** Operations drawn. */
  played = 0
  readonly #reader: TraceReader
  readonly #speed: number | undefined
  /** How often the oldest record is still to be played; 0: as often as it says. */
  #repeats = 0
  /** Times are in seconds of the trace. */
  #begin: number | undefined
  /** Of the operation that was drawn last, or, when it is known, of the next. */
  #due = Number.NEGATIVE_INFINITY
  /** Operations of one time that are still to be played, and how far apart; with none left, the next is not known. */
  #runLeft = 0
  #gap = 0

  /** Throws a BenchError when it is to be played as recorded, and does not say when anything was. */
  constructor(reader: TraceReader, { speed }: TraceOperationsOptions = {}) {
    if (speed !== undefined && !reader.layout.columns.includes('time')) {
      throw traceError(
        `${reader.name} has no times: play it at full speed, or name its column "time"`,
      )
    }
    this.#reader = reader
    this.#speed = speed
  }

  /**
   * False when there is nothing to draw: at the end, or, while not `ended`, because the disk is slower than the
   * load: then `refill`, or let the event loop run. Throws what `TraceReader.decode` throws.
   */
  next(operation: Operation): boolean {
    const { records } = this.#reader
    if (!this.#look()) return false
    const at = records.first
    operation.kind = records.kind[at]!
    operation.key = records.key[at]!
    operation.valueBytes = records.valueBytes[at]!
    operation.ttl = Math.min(records.ttl[at]!, TTL_MAX)
    if (this.#repeats === 0) this.#repeats = records.count[at]!
    this.#repeats--
    if (this.#repeats === 0) this.#reader.advance()
    this.played++
    if (this.#runLeft > 0) {
      this.#runLeft--
      this.#due += this.#gap
    }
    return true
  }

  /** Waits for the disk, when there was nothing to draw; false at the end. */
  async refill(): Promise<boolean> {
    await this.#reader.fill()
    return !this.ended
  }

  /** All of the trace was drawn. */
  get ended(): boolean {
    return this.#reader.ended && this.#reader.records.length === 0
  }

  /**
   * When the next operation is due, in ms since the first was; never less than before. 0 at full speed. Infinity
   * when there is none, or not yet.
   */
  get nextDueMs(): number {
    if (this.#speed === undefined) return 0
    if (!this.#look() || this.#begin === undefined) return NOT_YET
    return ((this.#due - this.#begin) * 1_000) / this.#speed
  }

  get progress(): Progress {
    const { position, size } = this.#reader
    return { bytes: position, size, operations: this.played }
  }

  /** Whether there is an operation; if so, it is known when it is due. */
  #look(): boolean {
    const { records } = this.#reader
    if (records.length === 0) {
      this.#reader.decode(STEP)
      if (records.length === 0) return false
    }
    if (this.#speed !== undefined && this.#runLeft === 0) this.#beginRun()
    return true
  }

  /**
   * Most traces tell whole seconds: operations of the same one are spread over it evenly, at most until the next
   * time that the trace tells. One that is out of order is due no sooner than the one before it.
   */
  #beginRun(): void {
    const { records } = this.#reader
    const time = records.time[records.first]!
    let operations = 0
    let distance = 0
    for (; distance < records.length; distance++) {
      const at = records.at(distance)
      if (records.time[at] !== time) break
      operations += records.count[at]!
    }
    const following = distance < records.length ? records.time[records.at(distance)]! : time
    const end = following > time ? Math.min(following, time + 1) : time + 1
    this.#begin ??= time
    this.#due = Math.max(this.#due, time)
    const spread = Number.isInteger(time) ? Math.max(0, end - this.#due) : 0
    this.#gap = spread / operations
    this.#runLeft = operations
  }
}

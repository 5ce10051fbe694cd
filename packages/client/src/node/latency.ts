// How long the calls of a node took, in percentiles. Knows no call and reads no clock.
import { createHistogram } from 'node:perf_hooks'
import type { Operation } from '../wire/command.ts'

/** Milliseconds from calls to their answers. Percentiles are exact to three digits. */
export interface Latency {
  /** Calls that were answered, with a value, a miss or an error. */
  readonly count: number
  readonly min: number
  readonly mean: number
  readonly max: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
}

/** Is told of every answer. */
export interface LatencyRecorder {
  /** Undefined where percentiles are not kept, and before the first answer. */
  readonly latency: Latency | undefined
  record(operation: Operation, milliseconds: number): void
}

const MICROSECONDS = 1000

export class LatencyPercentiles implements LatencyRecorder {
  /** Of microseconds. */
  readonly #histogram = createHistogram()

  /** A histogram takes whole numbers above 0. */
  record(_: Operation, milliseconds: number): void {
    const microseconds = Math.round(milliseconds * MICROSECONDS)
    this.#histogram.record(microseconds > 0 ? microseconds : 1)
  }

  get latency(): Latency | undefined {
    const histogram = this.#histogram
    if (histogram.count === 0) return undefined
    const percentile = (percent: number): number => histogram.percentile(percent) / MICROSECONDS
    return {
      count: histogram.count,
      min: histogram.min / MICROSECONDS,
      mean: histogram.mean / MICROSECONDS,
      max: histogram.max / MICROSECONDS,
      p50: percentile(50),
      p90: percentile(90),
      p99: percentile(99),
      p999: percentile(99.9),
    }
  }
}

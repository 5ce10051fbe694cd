// Latencies in a high dynamic range histogram (Gil Tene's, through hdr-histogram-js): three
// significant digits from a nanosecond to a minute. Knows nothing of where they come from.
import { build, type Histogram } from 'hdr-histogram-js'
import { OPERATIONS, type OperationKind } from '../workload/operation.ts'

/** In microseconds. */
export interface LatencySummary {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly p9999: number
  readonly max: number
  /** Number of requests. */
  readonly count: number
}

const NANOSECONDS_PER_MS = 1e6
const NANOSECONDS_PER_US = 1e3
const LONGEST_NS = 60e9

/** An empty one, as all are: those of several threads can be added up. */
export function latencyHistogram(): Histogram {
  return build({
    bitBucketSize: 64,
    numberOfSignificantValueDigits: 3,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_NS,
  })
}

export class LatencyRecorder {
  #histogram = latencyHistogram()

  /** `count` requests that took so many milliseconds; more than a minute is recorded as a minute. */
  record(milliseconds: number, count: number): void {
    const nanoseconds = Math.min(LONGEST_NS, Math.round(milliseconds * NANOSECONDS_PER_MS))
    this.#histogram.recordValueWithCount(nanoseconds, count)
  }

  /** What was recorded since it was last taken. */
  take(): Histogram {
    const taken = this.#histogram
    this.#histogram = latencyHistogram()
    return taken
  }

  summary(): LatencySummary {
    return latencySummary(this.#histogram)
  }
}

/** A recorder for each kind of operation; one that never came has none. */
export class LatenciesByKind {
  readonly #recorders: (LatencyRecorder | undefined)[] = OPERATIONS.map(() => undefined)

  record(kind: OperationKind, milliseconds: number, count: number): void {
    const recorder = this.#recorders[kind]
    if (recorder) recorder.record(milliseconds, count)
    else this.#recordFirst(kind, milliseconds, count)
  }

  /** What was recorded since it was last taken, by kind. */
  take(): HistogramsByKind {
    return this.#recorders.map((recorder) => recorder?.take())
  }

  #recordFirst(kind: OperationKind, milliseconds: number, count: number): void {
    const recorder = new LatencyRecorder()
    this.#recorders[kind] = recorder
    recorder.record(milliseconds, count)
  }
}

export type HistogramsByKind = readonly (Histogram | undefined)[]

/** All of them in one. */
export function sumOfHistograms(histograms: HistogramsByKind): Histogram {
  const sum = latencyHistogram()
  for (const histogram of histograms) {
    if (histogram && histogram.totalCount > 0) sum.add(histogram)
  }
  return sum
}

export function latencySummary(histogram: Histogram): LatencySummary {
  // A bucket is told by its upper end, which may lie above the highest value in it.
  const at = (percentile: number): number =>
    Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / NANOSECONDS_PER_US
  const empty = histogram.totalCount === 0
  return {
    mean: empty ? 0 : histogram.mean / NANOSECONDS_PER_US,
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    p9999: at(99.99),
    max: empty ? 0 : histogram.maxValue / NANOSECONDS_PER_US,
    count: histogram.totalCount,
  }
}

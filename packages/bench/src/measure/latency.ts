// Latencies in a high dynamic range histogram (Gil Tene's, through hdr-histogram-js): three
// significant digits from a nanosecond to a minute. Knows nothing of where they come from.
import { build, type Histogram } from 'hdr-histogram-js'

/** In microseconds. */
export interface LatencySummary {
  readonly mean: number
  readonly p50: number
  readonly p90: number
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

export class LatencyRecorder {
  readonly #histogram: Histogram = build({
    bitBucketSize: 64,
    numberOfSignificantValueDigits: 3,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_NS,
  })

  /** `count` requests that took so many milliseconds; more than a minute is recorded as a minute. */
  record(milliseconds: number, count: number): void {
    const nanoseconds = Math.min(LONGEST_NS, Math.round(milliseconds * NANOSECONDS_PER_MS))
    this.#histogram.recordValueWithCount(nanoseconds, count)
  }

  reset(): void {
    this.#histogram.reset()
  }

  summary(): LatencySummary {
    const histogram = this.#histogram
    const at = (percentile: number): number =>
      histogram.getValueAtPercentile(percentile) / NANOSECONDS_PER_US
    const empty = histogram.totalCount === 0
    return {
      mean: empty ? 0 : histogram.mean / NANOSECONDS_PER_US,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      p9999: at(99.99),
      max: empty ? 0 : histogram.maxValue / NANOSECONDS_PER_US,
      count: histogram.totalCount,
    }
  }
}

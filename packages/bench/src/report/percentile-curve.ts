// The percentiles of a histogram as a curve to be drawn. Knows nothing of where its latencies come from.
import type { Histogram } from 'hdr-histogram-js'
import type { PercentilePoint } from '../measure/interval.ts'

const NANOSECONDS_PER_US = 1e3
/** 1/(1-p) of 99.9999 %. */
const FURTHEST = 1e6

/**
 * `points` points from the least value on, evenly spaced in log 1/(1-p), as HdrHistogram's plots are: each
 * nine of the percentile has as much room as the one before. The last is 99.9999, or, where fewer than a
 * million values were recorded, the percentile below which all but one of them lie. The histogram holds
 * nanoseconds. Empty for an empty one.
 */
export function percentileCurve(histogram: Histogram, points: number): PercentilePoint[] {
  const { totalCount, maxValue } = histogram
  if (totalCount === 0) return []
  const furthest = Math.min(FURTHEST, totalCount)
  const steps = furthest > 1 ? points - 1 : 0
  return Array.from({ length: steps + 1 }, (_, step) => {
    const percentile = step === 0 ? 0 : 100 * (1 - furthest ** (-step / steps))
    // A bucket is told by its upper end, which may lie above all that is in it.
    const nanoseconds = Math.min(histogram.getValueAtPercentile(percentile), maxValue)
    return { percentile, microseconds: nanoseconds / NANOSECONDS_PER_US }
  })
}

// The latencies of runs as files that HdrHistogram's tools read: the interval log (V2, compressed, base64) of
// HistogramLogProcessor and HistogramLogAnalyzer, and the percentile distribution (.hgrm) of its plotter.
// hdr-histogram-js encodes; this says what. Knows no other report.
import { type Histogram, HistogramLogWriter } from 'hdr-histogram-js'
import type { Interval } from '../measure/interval.ts'

export interface LoggedRun {
  readonly label: string
  /** When second 0 of its intervals was, in milliseconds since the epoch. */
  readonly startedAt: number
  readonly intervals: readonly Interval[]
}

/** The tools show values in ms, unless they are told otherwise. */
const NANOSECONDS_PER_MS = 1e6
const NANOSECONDS_PER_US = 1e3
/** Lines of the distribution each time that the rest of the values halves; what the tools write themselves. */
const TICKS_PER_HALF_DISTANCE = 5

/**
 * Runs are in the order in which they began. Values are nanoseconds. The measured intervals only: a warm-up would be lost in the log's totals. Each line
 * has the run's label as its tag, where the format has no place for spaces and commas: they become `_`.
 */
export function histogramLog(runs: readonly LoggedRun[]): string {
  let text = ''
  const writer = new HistogramLogWriter((line) => {
    text += line
  })
  const startedAt = runs[0]?.startedAt ?? 0
  const seconds = (startedAt / 1e3).toFixed(3)
  writer.outputComment('[Latencies of memshard-bench, in nanoseconds]')
  writer.outputLogFormatVersion()
  // The writer's own line of the start time has an empty one after it, and the time in no standard form.
  writer.outputComment(`[StartTime: ${seconds} (seconds since epoch), ${iso(startedAt)}]`)
  writer.outputComment(`[BaseTime: ${seconds} (seconds since epoch)]`)
  writer.outputLegend()
  for (const run of runs) {
    const begin = (run.startedAt - startedAt) / 1e3
    for (const { at, seconds, latency } of run.intervals) {
      if (at < 0) continue
      latency.tag = run.label.replaceAll(/[\s,]+/g, '_')
      const from = begin + at
      writer.outputIntervalHistogram(latency, from, from + seconds, NANOSECONDS_PER_MS)
    }
  }
  return text
}

/** Of a histogram of nanoseconds; in microseconds. */
export function percentileDistribution(histogram: Histogram): string {
  return histogram.outputPercentileDistribution(TICKS_PER_HALF_DISTANCE, NANOSECONDS_PER_US)
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

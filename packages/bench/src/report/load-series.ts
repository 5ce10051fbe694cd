// The intervals of a run as columns. Knows nothing of files and pages.
import type { Histogram } from 'hdr-histogram-js'
import type { Interval, Series } from '../measure/interval.ts'
import { GET } from '../workload/operation.ts'

const NANOSECONDS_PER_US = 1e3

/** All intervals, in their order; those of a warm-up are below second 0. */
export function seriesOf(intervals: readonly Interval[]): Series {
  const rate = (count: (interval: Interval) => number): number[] =>
    intervals.map((interval) => perSecond(count(interval), interval.seconds))
  const percentile = (of: number): (number | null)[] =>
    intervals.map(({ latency }) =>
      answered(latency, () => latency.getValueAtPercentile(of) / NANOSECONDS_PER_US),
    )
  return {
    at: intervals.map(({ at }) => at),
    seconds: intervals.map(({ seconds }) => seconds),
    operationsPerSecond: rate(({ counts }) => total(counts.operations)),
    requestsPerSecond: rate(({ counts }) => counts.requests),
    hitRatio: intervals.map(({ counts }) => hitRatioOf(counts.operations[GET] ?? 0, counts.misses)),
    errors: intervals.map(({ counts }) => counts.errors),
    receivedBytesPerSecond: rate(({ counts }) => counts.bytesReceived),
    p50: percentile(50),
    p99: percentile(99),
    p999: percentile(99.9),
    max: intervals.map(({ latency }) =>
      answered(latency, () => latency.maxValue / NANOSECONDS_PER_US),
    ),
    serverLoad: intervals.map(({ server }) => server?.load ?? null),
    serverResidentBytes: intervals.map(({ server }) => server?.residentBytes ?? null),
    generatorLoad: intervals.map(({ generator }) => generator.load),
  }
}

/** 0 to 1, of the keys asked for; null where none was. */
export function hitRatioOf(keysAskedFor: number, misses: number): number | null {
  return keysAskedFor === 0 ? null : 1 - misses / keysAskedFor
}

/** Nothing was done in no time. */
export function perSecond(count: number, seconds: number): number {
  return seconds > 0 ? count / seconds : 0
}

export function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

function answered(latency: Histogram, value: () => number): number | null {
  return latency.totalCount === 0 ? null : value()
}

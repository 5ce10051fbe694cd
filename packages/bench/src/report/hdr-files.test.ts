import { type Histogram, HistogramLogReader, listTags } from 'hdr-histogram-js'
import { describe, expect, test } from 'vitest'
import { histogramLog, percentileDistribution } from './hdr-files.ts'
import { fixtureIntervals, fixtureRun } from './run-fixture.ts'

const START = Date.parse('2026-11-23T18:47:52.610Z')

function readBack(log: string): Histogram[] {
  const reader = new HistogramLogReader(log, 64)
  const read: Histogram[] = []
  for (let next = reader.nextIntervalHistogram(); next; next = reader.nextIntervalHistogram()) {
    read.push(next)
  }
  return read
}

describe('the interval log', () => {
  const intervals = fixtureIntervals({ intervals: 3 })

  test('gives back every interval, when it was and all its latencies', () => {
    const read = readBack(histogramLog([{ label: 'get', startedAt: START, intervals }]))
    expect(read).toHaveLength(3)
    for (const [index, histogram] of read.entries()) {
      const { latency } = intervals[index]!
      expect(histogram.tag).toBe('get')
      expect(histogram.startTimeStampMsec).toBeCloseTo(START + index * 1e3, 0)
      expect(histogram.endTimeStampMsec).toBeCloseTo(START + (index + 1) * 1e3, 0)
      expect(histogram.totalCount).toBe(latency.totalCount)
      for (const percentile of [0, 50, 90, 99, 99.9, 100]) {
        expect(histogram.getValueAtPercentile(percentile)).toBe(
          latency.getValueAtPercentile(percentile),
        )
      }
    }
  })

  test('keeps runs apart by their tags, which have no place for spaces and commas', () => {
    const log = histogramLog([
      { label: 'ours, new', startedAt: START, intervals },
      { label: 'memcached', startedAt: START + 60_000, intervals },
    ])
    expect(listTags(log)).toEqual(['ours_new', 'memcached'])
    expect(readBack(log)[3]!.startTimeStampMsec).toBeCloseTo(START + 60_000, 0)
  })

  test('begins with what the tools look for, and shows the longest in milliseconds', () => {
    const log = histogramLog([{ label: 'get', startedAt: START, intervals }])
    const lines = log.split('\n')
    expect(lines.slice(0, 5)).toEqual([
      '#[Latencies of memshard-bench, in nanoseconds]',
      '#[Histogram log format version 1.3]',
      '#[StartTime: 1795459672.610 (seconds since epoch), 2026-11-23T18:47:52.610Z]',
      '#[BaseTime: 1795459672.610 (seconds since epoch)]',
      '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ])
    const [tag, start, length, max] = lines[5]!.split(',')
    expect([tag, start, length]).toEqual(['Tag=get', '0.000', '1.000'])
    expect(Number(max)).toBeCloseTo(intervals[0]!.latency.maxValue / 1e6, 3)
  })

  test('leaves a warm-up out', () => {
    const warm = intervals.map((interval) => ({ ...interval, at: interval.at - 2 }))
    expect(
      readBack(histogramLog([{ label: 'get', startedAt: START, intervals: warm }])),
    ).toHaveLength(1)
  })
})

test('the percentile distribution is in microseconds', () => {
  const { latency } = fixtureRun()
  const lines = percentileDistribution(latency).split('\n')
  expect(lines[0]).toMatch(/^ +Value +Percentile TotalCount 1\/\(1-Percentile\)$/)
  const points = lines
    .filter((line) => /^ *[\d.]+ /.test(line))
    .map((line) => line.trim().split(/ +/).map(Number))
  expect(points.length).toBeGreaterThan(40)
  for (const [value, percentile] of points) {
    const exact = latency.getValueAtPercentile(percentile! * 100) / 1e3
    expect(value! / exact).toBeCloseTo(1, 2)
  }
  expect(points.at(-1)!.slice(1, 3)).toEqual([1, latency.totalCount])
  expect(lines.join('\n')).toMatch(/#\[Mean +=.*\n#\[Max +=/)
})

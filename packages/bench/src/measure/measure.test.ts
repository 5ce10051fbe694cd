import { describe, expect, test } from 'vitest'
import { DELETE, GET, SET } from '../workload/operation.ts'
import { cpuUsed, parseSchedstat, parseStat, readCpuTime } from './cpu-time.ts'
import { LatenciesByKind, LatencyRecorder, latencySummary, sumOfHistograms } from './latency.ts'
import { spreadOf, straddlesOne } from './statistics.ts'

describe('CPU time', () => {
  test('is found in a stat file behind a name with brackets and spaces', () => {
    const stat = '42 (odd ) name) S 1 42 42 0 -1 4194304 100 0 0 0 123 456 7 8 20 0 4 0 99 0 0'
    expect(parseStat(stat)).toEqual({ userTicks: 123, systemTicks: 456 })
    expect(() => parseStat('nonsense')).toThrow('stat file')
  })

  test('is the first field of a schedstat file', () => {
    expect(parseSchedstat('1342672478 2249441 48\n')).toBe(1_342_672_478)
  })

  test.runIf(process.platform === 'linux')('of this process grows with its work', () => {
    const before = readCpuTime(process.pid)
    const end = performance.now() + 200
    while (performance.now() < end);
    const used = cpuUsed(before, readCpuTime(process.pid))
    expect(used.seconds).toBeGreaterThan(0)
  })

  test('of nobody is an error that names the process', () => {
    expect(() => readCpuTime(2 ** 30)).toThrow('--pid 1073741824')
  })

  test('is split in user and system only when there is enough of it', () => {
    const at = (seconds: number, userTicks: number, systemTicks: number) =>
      ({ seconds, userTicks, systemTicks, source: 'schedstat' }) as const
    expect(cpuUsed(at(1, 10, 90), at(2, 40, 160)).userShare).toBe(0.3)
    expect(cpuUsed(at(1, 10, 90), at(1.01, 11, 90)).userShare).toBeUndefined()
  })
})

describe('latency', () => {
  test('comes back in microseconds, to three digits', () => {
    const recorder = new LatencyRecorder()
    for (let i = 1; i <= 1_000; i++) recorder.record(i / 1_000, 1)
    const { p50, p99, max, count, mean } = recorder.summary()
    expect(count).toBe(1_000)
    expect(p50 / 500).toBeCloseTo(1, 2)
    expect(p99 / 990).toBeCloseTo(1, 2)
    expect(max / 1_000).toBeCloseTo(1, 2)
    expect(mean / 500.5).toBeCloseTo(1, 2)
  })

  test('counts a whole batch at once, and is empty when it was taken', () => {
    const recorder = new LatencyRecorder()
    recorder.record(0.25, 16)
    expect(recorder.take().totalCount).toBe(16)
    expect(recorder.summary()).toMatchObject({ count: 0, mean: 0, p99: 0, max: 0 })
  })

  test('of several kinds of operation is that of each, and of all', () => {
    const latencies = new LatenciesByKind()
    latencies.record(GET, 1, 3)
    latencies.record(SET, 5, 1)
    const taken = latencies.take()
    expect([taken[GET]?.totalCount, taken[SET]?.totalCount, taken[DELETE]]).toEqual([
      3,
      1,
      undefined,
    ])
    expect(latencySummary(sumOfHistograms(taken)).count).toBe(4)
    expect(latencySummary(sumOfHistograms(latencies.take())).count).toBe(0)
  })

  test('of more than a minute is a minute', () => {
    const recorder = new LatencyRecorder()
    recorder.record(100_000_000, 1)
    expect(recorder.summary().max / 60e6).toBeCloseTo(1, 2)
  })
})

describe('rounds', () => {
  test('have a median and a spread', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3 })
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, low: 1, high: 4 })
  })

  test('that disagree on who is cheaper are noise', () => {
    expect(straddlesOne(spreadOf([0.9, 0.95, 1.02]))).toBe(true)
    expect(straddlesOne(spreadOf([0.7, 0.75, 0.8]))).toBe(false)
  })
})

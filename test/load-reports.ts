// Load reports that nobody measured, for the test of the page that shows them: two runs of a minute, the same
// every time, with the shapes of real ones. Knows no page.
import type { LoadReport, ReportedRun } from '@memshard/bench'

export interface ReportOptions {
  readonly label: string
  /** Of most requests. */
  readonly microseconds: number
  readonly operationsPerSecond: number
  readonly hitRatio?: number
  /** Latency from when a request was sent, too. */
  readonly openLoop?: boolean
  readonly errors?: number
  readonly complaints?: readonly string[]
}

const SECONDS = 60
const CURVE_POINTS = 200

export function madeUpReport(...runs: ReportOptions[]): LoadReport {
  return {
    schema: 'memshard-bench/load/1',
    environment: {
      date: '2026-11-23T18:47:52.610Z',
      node: 'v20.20.2',
      cpu: 'AMD EPYC 9R14',
      cores: 2,
      memoryBytes: 23.5 * 2 ** 30,
      kernel: 'Linux 6.18.44',
      loadAverage: [0.21, 0.33, 0.27],
      commit: '1583016',
    },
    commandLine: '--server 127.0.0.1:11211 --workloads etc --duration 60s --html report.html',
    runs: runs.map(madeUpRun),
  }
}

function madeUpRun(options: ReportOptions): ReportedRun {
  const { label, microseconds, operationsPerSecond, hitRatio = 0.93 } = options
  const { openLoop = false, errors = 0, complaints = [] } = options
  const seconds = Array.from({ length: SECONDS }, (_, second) => second)
  const wave = (second: number): number =>
    1 + 0.04 * Math.sin(second / 3) + 0.02 * Math.sin(second * 7)
  const column = (value: (second: number) => number): number[] => seconds.map(value)
  // Once in the minute the server stalls.
  const stall = (second: number): number => (second === 37 ? 6 : 1)
  const operations = operationsPerSecond * SECONDS
  const at = (percentile: number): number => latencyAt(microseconds, percentile)
  const latency = {
    mean: microseconds * 1.1,
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    p9999: at(99.99),
    max: at(99.99999),
    count: operations,
  }
  const kind = (name: string, share: number): ReportedRun['byOperation'][number] => ({
    name,
    operations: operations * share,
    perSecond: operationsPerSecond * share,
    latency,
  })
  return {
    label,
    server: '127.0.0.1:11211',
    version: '1.6.41',
    workload: 'etc: 30 get : 1 set, 1,000,000 keys, 50 connections, 1 in flight on each',
    driver: 'epoll',
    threads: 1,
    rate: openLoop ? operationsPerSecond : undefined,
    seconds: SECONDS,
    interrupted: false,
    summary: {
      operations,
      operationsPerSecond,
      requestsPerSecond: operationsPerSecond,
      receivedBytesPerSecond: operationsPerSecond * 320,
      hitRatio,
      misses: operations * (1 - hitRatio),
      total: { gets: (operations * 30) / 31, sets: operations / 31 },
      errors,
      latency,
      server: {
        microsecondsPerOperation: 0.93e6 / operationsPerSecond,
        load: 0.93,
        userShare: 0.22,
        source: 'schedstat',
      },
      generator: { microsecondsPerOperation: 4.4, load: 0.62, userShare: 0.3, source: 'getrusage' },
      generatorIsBottleneck: false,
    },
    byOperation: [kind('get', 30 / 31), kind('set', 1 / 31)],
    percentiles: curve((percentile) => at(percentile) * (percentile > 99.9 ? 1.6 : 1)),
    uncorrected: openLoop ? curve((percentile) => at(percentile) * 0.7) : undefined,
    series: {
      at: seconds,
      seconds: column(() => 1),
      operationsPerSecond: column((second) => (operationsPerSecond * wave(second)) / stall(second)),
      requestsPerSecond: column((second) => (operationsPerSecond * wave(second)) / stall(second)),
      hitRatio: column((second) => hitRatio - 0.3 * Math.exp(-second / 8)),
      errors: column(() => 0),
      receivedBytesPerSecond: column(() => operationsPerSecond * 320),
      p50: column((second) => at(50) * wave(second)),
      p99: column((second) => at(99) * wave(second + 5) * stall(second)),
      p999: column((second) => at(99.9) * wave(second * 2) * stall(second)),
      max: column((second) => at(99.99) * wave(second * 3) * stall(second) ** 2),
      serverLoad: column((second) => 0.93 * wave(second)),
      serverResidentBytes: column((second) => 70e6 + 900e6 * (1 - Math.exp(-second / 15))),
      generatorLoad: column((second) => 0.62 * wave(second)),
    },
    complaints,
  }
}

/** A Pareto tail: ten times as long for each three nines. */
function latencyAt(microseconds: number, percentile: number): number {
  return microseconds * (0.7 + 0.25 * (1 - percentile / 100) ** (-1 / 3))
}

function curve(at: (percentile: number) => number): { percentile: number; microseconds: number }[] {
  return Array.from({ length: CURVE_POINTS }, (_, index) => {
    const percentile = 100 * (1 - 10 ** ((-6 * index) / (CURVE_POINTS - 1)))
    return { percentile, microseconds: at(percentile) }
  })
}

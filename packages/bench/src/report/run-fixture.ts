// A run that was never made, for the tests of reports: the same every time, with latencies that look like those
// of a server. Knows no report.
import type { Interval, ProcessUse } from '../measure/interval.ts'
import { latencyHistogram, latencySummary } from '../measure/latency.ts'
import type { RunRecord, RunResult } from '../run.ts'
import { OPERATIONS } from '../workload/operation.ts'
import { seededRandom } from '../workload/random.ts'
import { DEFAULT_WORKLOAD } from '../workload/workload.ts'
import type { Environment } from './environment.ts'

export interface FixtureOptions {
  readonly seed?: number
  readonly intervals?: number
  readonly requestsPerInterval?: number
  /** Of most requests; few take ten times as long, and more. */
  readonly microseconds?: number
  /** Of the gets. */
  readonly missRatio?: number
  readonly server?: ProcessUse | undefined
}

const GENERATOR: ProcessUse = { load: 0.62, residentBytes: 90e6 }
const SERVER: ProcessUse = { load: 0.93, residentBytes: 71e6 }
/** Of the requests, by kind of operation; the rest are gets. */
const SET_SHARE = 0.1

export function fixtureEnvironment(): Environment {
  return {
    date: '2026-11-23T18:47:52.610Z',
    node: 'v20.20.2',
    cpu: 'AMD EPYC',
    cores: 2,
    memoryBytes: 23.5 * 2 ** 30,
    kernel: 'Linux 6.18.44',
    loadAverage: [0.21, 0.33, 0.27],
    commit: '1583016',
  }
}

/** Intervals of a second, nine gets for each set. */
export function fixtureIntervals(options: FixtureOptions = {}): Interval[] {
  const { seed = 1, intervals = 5, requestsPerInterval = 1_000, microseconds = 250 } = options
  const { missRatio = 0, server = SERVER } = options
  const random = seededRandom(seed)
  return Array.from({ length: intervals }, (_, at) => {
    const latency = latencyHistogram()
    for (let request = 0; request < requestsPerInterval; request++) {
      // A Pareto tail: one in a thousand takes ten times as long.
      const microsecondsTaken = microseconds * (0.8 + 0.2 * (1 - random()) ** (-2 / 3))
      latency.recordValue(Math.round(microsecondsTaken * 1e3))
    }
    const sets = Math.round(requestsPerInterval * SET_SHARE)
    const gets = requestsPerInterval - sets
    return {
      at,
      seconds: 1,
      counts: {
        operations: [gets, sets, 0, 0, 0, 0],
        requests: requestsPerInterval,
        misses: Math.round(gets * missRatio),
        errors: 0,
        bytesReceived: gets * 140,
      },
      latency,
      server,
      generator: GENERATOR,
    }
  })
}

/** The run of such intervals; `changes` are what is not as usual. */
export function fixtureRun(
  options: FixtureOptions = {},
  changes: Omit<Partial<RunResult>, 'latencyFromSending'> &
    Pick<Partial<RunRecord>, 'latencyFromSending'> = {},
): RunRecord {
  const intervals = fixtureIntervals(options)
  const sum = (value: (interval: Interval) => number): number =>
    intervals.reduce((total, interval) => total + value(interval), 0)
  const latency = latencyHistogram()
  for (const interval of intervals) latency.add(interval.latency)
  const seconds = intervals.length
  const summary = latencySummary(latency)
  const byKind = OPERATIONS.map((name, kind) => {
    const operations = sum(({ counts }) => counts.operations[kind]!)
    return { name, operations, operationsPerSecond: operations / seconds, latency: summary }
  })
  const operations = byKind.reduce((total, kind) => total + kind.operations, 0)
  const misses = sum(({ counts }) => counts.misses)
  const { latencyFromSending, ...changed } = changes
  const result: RunResult = {
    workload: DEFAULT_WORKLOAD,
    serverVersion: '1.6.18',
    driver: 'epoll',
    threads: 1,
    pace: undefined,
    seconds,
    operations,
    byOperation: byKind.filter((kind) => kind.operations > 0),
    operationsPerSecond: operations / seconds,
    requestsPerSecond: summary.count / seconds,
    receivedBytesPerSecond: sum(({ counts }) => counts.bytesReceived) / seconds,
    misses,
    hitRatio: 1 - misses / byKind[0]!.operations,
    latency: summary,
    latencyFromSending: latencyFromSending && latencySummary(latencyFromSending),
    serverCpu: { microsecondsPerOperation: 6.62, load: 0.93, userShare: 0.17, source: 'schedstat' },
    generatorCpu: {
      microsecondsPerOperation: 4.4,
      load: 0.62,
      userShare: 0.31,
      source: 'getrusage',
    },
    total: { gets: 0, sets: 0 },
    errors: 0,
    complaints: [],
    interrupted: false,
    ...changed,
  }
  return { result, intervals, latency, latencyFromSending }
}

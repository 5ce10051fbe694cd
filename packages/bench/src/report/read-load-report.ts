// Reads a load report back from the text of its file, and refuses what is none. Knows every field of the
// record, and nothing of what is done with it.
import { BenchError } from '../errors.ts'
import type { PercentilePoint, Series } from '../measure/interval.ts'
import type { LatencySummary } from '../measure/latency.ts'
import {
  listOf,
  optional,
  orNull,
  type Reader,
  readConstant,
  readFlag,
  readNumber,
  readText,
  record,
  WrongShape,
} from './checked-json.ts'
import type { Environment } from './environment.ts'
import {
  LOAD_REPORT_SCHEMA,
  type LoadReport,
  type OperationCount,
  type ReportedCpu,
  type ReportedRun,
  type RunSummary,
} from './load-report.ts'

const environment = record<Environment>({
  date: readText,
  node: readText,
  cpu: readText,
  cores: readNumber,
  memoryBytes: readNumber,
  kernel: readText,
  loadAverage: listOf(readNumber),
  commit: optional(readText),
})

const latency = record<LatencySummary>({
  mean: readNumber,
  p50: readNumber,
  p90: readNumber,
  p95: readNumber,
  p99: readNumber,
  p999: readNumber,
  p9999: readNumber,
  max: readNumber,
  count: readNumber,
})

const cpu = record<ReportedCpu>({
  microsecondsPerOperation: orNull(readNumber),
  load: readNumber,
  userShare: orNull(readNumber),
  source: readText,
})

const summary = record<RunSummary>({
  operations: readNumber,
  operationsPerSecond: readNumber,
  requestsPerSecond: readNumber,
  receivedBytesPerSecond: readNumber,
  hitRatio: orNull(readNumber),
  misses: readNumber,
  total: record<RunSummary['total']>({ gets: readNumber, sets: readNumber }),
  errors: readNumber,
  latency,
  uncorrectedLatency: optional(latency),
  server: optional(cpu),
  generator: cpu,
  generatorIsBottleneck: readFlag,
})

const numbers = listOf(readNumber)
const numbersOrNulls = listOf(orNull(readNumber))

const columns = record<Series>({
  at: numbers,
  seconds: numbers,
  operationsPerSecond: numbers,
  requestsPerSecond: numbers,
  hitRatio: numbersOrNulls,
  errors: numbers,
  receivedBytesPerSecond: numbers,
  p50: numbersOrNulls,
  p99: numbersOrNulls,
  p999: numbersOrNulls,
  max: numbersOrNulls,
  serverLoad: numbersOrNulls,
  serverResidentBytes: numbersOrNulls,
  generatorLoad: numbers,
})

const series: Reader<Series> = (value, path) => {
  const read = columns(value, path)
  const intervals = read.at.length
  for (const [name, column] of Object.entries(read)) {
    if (column.length !== intervals) {
      throw new WrongShape(`${path}.${name}`, `a column of ${intervals} intervals, as at is`)
    }
  }
  return read
}

const curve = listOf(record<PercentilePoint>({ percentile: readNumber, microseconds: readNumber }))

const run = record<ReportedRun>({
  label: readText,
  server: readText,
  version: optional(readText),
  workload: readText,
  driver: readText,
  threads: readNumber,
  rate: optional(readNumber),
  seconds: readNumber,
  interrupted: readFlag,
  summary,
  byOperation: listOf(
    record<OperationCount>({
      name: readText,
      operations: readNumber,
      perSecond: readNumber,
      latency,
    }),
  ),
  percentiles: curve,
  uncorrected: optional(curve),
  series,
  complaints: listOf(readText),
})

const loadReport = record<LoadReport>({
  // The first field: what another program wrote is told by it.
  schema: readConstant(LOAD_REPORT_SCHEMA),
  environment,
  commandLine: readText,
  runs: listOf(run),
})

/** `name` is the file's, for the {@link BenchError} that tells why it is no load report. */
export function readLoadReport(text: string, name: string): LoadReport {
  try {
    return loadReport(JSON.parse(text), 'report')
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof WrongShape)) throw cause
    throw new BenchError(
      'USAGE',
      `${name} is no load report (${cause.message}): give a file that memshard-bench wrote with --json`,
      { cause },
    )
  }
}

// The record of measured runs: what --json writes, what --html, --csv and the text show, and what
// `memshard-bench report` reads back. Plain data that JSON can hold: what there is not is absent or null.
// Knows neither how it was measured (reported-run.ts makes it) nor how it looks.
import type { PercentilePoint, Series } from '../measure/interval.ts'
import type { LatencySummary } from '../measure/latency.ts'
import type { Environment } from './environment.ts'

/** Changes when a reader of the old record would misread the new one. */
export const LOAD_REPORT_SCHEMA = 'memshard-bench/load/1'

export interface LoadReport {
  readonly schema: typeof LOAD_REPORT_SCHEMA
  readonly environment: Environment
  /** The program's arguments, as they could be typed again. */
  readonly commandLine: string
  readonly runs: readonly ReportedRun[]
}

export interface ReportedRun {
  /** What tells it from the other runs of the report. */
  readonly label: string
  /** The address, or several. */
  readonly server: string
  /** As in its answer to `version`. */
  readonly version?: string | undefined
  /** The workload in one line. */
  readonly workload: string
  readonly driver: string
  readonly threads: number
  /** Requests per second that were to be sent, of an open loop. Undefined: a closed loop. */
  readonly rate?: number | undefined
  /** Length of the measured part; all that follows is of this part. */
  readonly seconds: number
  /** It ended before its time. */
  readonly interrupted: boolean
  readonly summary: RunSummary
  /** The kinds of which there were any. */
  readonly byOperation: readonly OperationCount[]
  /** Of requests; in an open loop from when each was due, so that a stall shows in all it holds up. */
  readonly percentiles: readonly PercentilePoint[]
  /** The same from when each was sent, of an open loop: coordinated omission included. */
  readonly uncorrected?: readonly PercentilePoint[] | undefined
  readonly series: Series
  /** The first few different errors. */
  readonly complaints: readonly string[]
}

export interface RunSummary {
  /** Keys asked for, stored, ... Requests are fewer where one asks for several keys. */
  readonly operations: number
  readonly operationsPerSecond: number
  readonly requestsPerSecond: number
  readonly receivedBytesPerSecond: number
  /** 0 to 1, of the keys asked for; null where none was. */
  readonly hitRatio: number | null
  /** Keys asked for by gets that had no value. */
  readonly misses: number
  /** Over the whole run, fill and warm-up included: what the server's own counters tell. */
  readonly total: { readonly gets: number; readonly sets: number }
  readonly errors: number
  /** In microseconds, as all latencies here; zeros where nothing was answered. */
  readonly latency: LatencySummary
  /** From when each was sent, of an open loop. */
  readonly uncorrectedLatency?: LatencySummary | undefined
  /** Undefined where the server's process is not known. */
  readonly server?: ReportedCpu | undefined
  readonly generator: ReportedCpu
  /** The load was limited by who made it; in an open loop, the rate was not reached. */
  readonly generatorIsBottleneck: boolean
}

export interface ReportedCpu {
  /** Null where there was no operation. */
  readonly microsecondsPerOperation: number | null
  /** Of one core: 1.5 is one and a half of them. */
  readonly load: number
  /** 0 to 1, of the CPU time; null where it is too little to tell. */
  readonly userShare: number | null
  /** Which of the system's accounts it is from. */
  readonly source: string
}

export interface OperationCount {
  readonly name: string
  readonly operations: number
  readonly perSecond: number
  /** Of its requests. */
  readonly latency: LatencySummary
}

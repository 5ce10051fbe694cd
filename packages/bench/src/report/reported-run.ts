// Makes the record of a run that reports are made of. Knows nothing of how it was measured, nor how it looks.
import { type CpuCost, generatorIsBottleneck, type RunRecord } from '../run.ts'
import type { ReportedCpu, ReportedRun } from './load-report.ts'
import { seriesOf } from './load-series.ts'
import { percentileCurve } from './percentile-curve.ts'

/** What a run does not know of itself. */
export interface RunTitle {
  readonly label: string
  readonly server: string
  readonly workload: string
}

/** Enough that a curve is smooth on a wide page. */
const CURVE_POINTS = 240

export function reportedRun(title: RunTitle, record: RunRecord): ReportedRun {
  const { result, intervals, latency, latencyFromSending } = record
  return {
    ...title,
    version: result.serverVersion,
    driver: result.driver,
    threads: result.threads,
    rate: result.pace?.requestsPerSecond,
    seconds: result.seconds,
    interrupted: result.interrupted,
    summary: {
      operations: result.operations,
      operationsPerSecond: finite(result.operationsPerSecond),
      requestsPerSecond: finite(result.requestsPerSecond),
      receivedBytesPerSecond: finite(result.receivedBytesPerSecond),
      hitRatio: result.hitRatio ?? null,
      misses: result.misses,
      total: result.total,
      errors: result.errors,
      latency: result.latency,
      uncorrectedLatency: result.latencyFromSending,
      server: result.serverCpu && reportedCpu(result.serverCpu),
      generator: reportedCpu(result.generatorCpu),
      generatorIsBottleneck: generatorIsBottleneck(result),
    },
    byOperation: result.byOperation.map(({ name, operations, operationsPerSecond, latency }) => ({
      name,
      operations,
      perSecond: finite(operationsPerSecond),
      latency,
    })),
    percentiles: percentileCurve(latency, CURVE_POINTS),
    uncorrected: latencyFromSending && percentileCurve(latencyFromSending, CURVE_POINTS),
    series: seriesOf(intervals),
    complaints: result.complaints,
  }
}

function reportedCpu(cost: CpuCost): ReportedCpu {
  const { microsecondsPerOperation, load, userShare, source } = cost
  return {
    microsecondsPerOperation: Number.isFinite(microsecondsPerOperation)
      ? microsecondsPerOperation
      : null,
    load: finite(load),
    userShare: userShare ?? null,
    source,
  }
}

/** Nothing was done in no time: JSON has no number for what that is per second. */
function finite(perSecond: number): number {
  return Number.isFinite(perSecond) ? perSecond : 0
}

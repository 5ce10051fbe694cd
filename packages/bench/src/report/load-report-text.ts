// A load report as a page of text. Knows how it looks; nothing of how it was measured.
import type { LatencySummary } from '../measure/latency.ts'
import { environmentLines } from './environment.ts'
import {
  alignedTable,
  formatByteRate,
  formatCount,
  formatMicroseconds,
  formatPercent,
  significant,
} from './format.ts'
import type { LoadReport, ReportedCpu, ReportedRun } from './load-report.ts'
import { summaryRows } from './summary-rows.ts'

export function loadReportText({ environment, runs }: LoadReport): string {
  const lines = [
    ...environmentLines(environment),
    ...runs.flatMap((run) => ['', ...runLines(run)]),
    ...(runs.length > 1 ? ['', ...sideBySide(runs)] : []),
  ]
  return `${lines.join('\n')}\n`
}

function runLines(run: ReportedRun): string[] {
  const { summary } = run
  return [
    `${run.label}: ${run.workload}`,
    field('server', `${run.server}, ${run.version ?? 'of unknown version'}`),
    field('driven by', drivenBy(run)),
    field('throughput', throughput(run)),
    ...(summary.hitRatio === null ? [] : [field('hit ratio', hitPercent(summary.hitRatio))]),
    ...latencyLines(run),
    ...operationLines(run),
    ...(summary.server ? [field('server cpu', cpuText(summary.server))] : []),
    field('load cpu', cpuText(summary.generator)),
    field(
      'measured',
      `${formatCount(summary.operations)} operations in ${significant(run.seconds)} s`,
    ),
    ...notes(run).map((note) => field('note', note)),
    ...(summary.errors > 0
      ? [field('ERRORS', `${formatCount(summary.errors)}: ${run.complaints.join('; ')}`)]
      : []),
  ]
}

function drivenBy({ driver, threads, rate }: ReportedRun): string {
  const loop = rate === undefined ? 'closed loop' : `open loop of ${formatCount(rate)} requests/s`
  return `${driver}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${loop}`
}

function throughput({ summary }: ReportedRun): string {
  const perRequest = summary.requestsPerSecond < summary.operationsPerSecond * 0.999
  return (
    `${formatCount(summary.operationsPerSecond)} operations/s` +
    (perRequest ? ` in ${formatCount(summary.requestsPerSecond)} requests/s` : '') +
    `, ${formatByteRate(summary.receivedBytesPerSecond)} received`
  )
}

/** In an open loop both: what a caller waits, and what a tool that waits for answers would have seen. */
function latencyLines({ summary: { latency, uncorrectedLatency } }: ReportedRun): string[] {
  if (!uncorrectedLatency) return [field('latency', percentiles(latency))]
  return [
    field('latency', `${percentiles(latency)}  (from when a request was due)`),
    field('', `${percentiles(uncorrectedLatency)}  (from when it was sent)`),
  ]
}

function percentiles(latency: LatencySummary): string {
  const named = [
    ['p50', latency.p50],
    ['p90', latency.p90],
    ['p95', latency.p95],
    ['p99', latency.p99],
    ['p99.9', latency.p999],
    ['p99.99', latency.p9999],
    ['max', latency.max],
  ] as const
  return named.map(([name, value]) => `${name} ${formatMicroseconds(value)}`).join('  ')
}

/** Of each kind, where there are several. */
function operationLines({ byOperation, summary }: ReportedRun): string[] {
  if (byOperation.length < 2) return []
  return byOperation.map(({ name, operations, perSecond, latency }) =>
    field(
      name,
      `${formatCount(perSecond)}/s, ${formatPercent(operations / summary.operations)}, ` +
        `p50 ${formatMicroseconds(latency.p50)}  p99 ${formatMicroseconds(latency.p99)}  ` +
        `p99.9 ${formatMicroseconds(latency.p999)}`,
    ),
  )
}

function notes({ summary, rate, interrupted }: ReportedRun): string[] {
  const bottleneck =
    rate === undefined
      ? 'the generator used nearly all of its cores: throughput and latency are partly its own'
      : `the rate of ${formatCount(rate)} requests/s was not reached`
  return [
    ...(interrupted ? ['interrupted before its time'] : []),
    ...(summary.generatorIsBottleneck ? [bottleneck] : []),
  ]
}

function sideBySide(runs: readonly ReportedRun[]): string[] {
  const rows = summaryRows(runs)
    .filter(({ compared }) => compared)
    .map(({ name, cells }) => [
      name,
      ...cells.flatMap(({ text, relation }, index) => (index === 0 ? [text] : [text, relation])),
    ])
  const head = runs.flatMap(({ label }, index) => (index === 0 ? [label] : [label, '']))
  return alignedTable(['', ...head], rows, 1)
}

function cpuText({ microsecondsPerOperation, load, userShare, source }: ReportedCpu): string {
  const cost =
    microsecondsPerOperation === null
      ? ''
      : `${significant(microsecondsPerOperation)} us/operation, `
  const share = userShare === null ? '' : `, ${formatPercent(userShare)} in user mode`
  return `${cost}${formatPercent(load)} of a core${share} (by ${source})`
}

function hitPercent(ratio: number): string {
  return `${(ratio * 100).toFixed(2)} %`
}

function field(name: string, value: string): string {
  return `  ${name.padEnd(11)} ${value}`
}

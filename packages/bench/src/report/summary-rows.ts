// The summaries of runs side by side: a row for each measure, what each run reached in it, how that relates to
// the first run, and who is best. Text and HTML show the same rows. Knows nothing of how they look.
import { formatByteRate, formatCount, formatMicroseconds, significant } from './format.ts'
import type { ReportedRun } from './load-report.ts'

export interface SummaryRow {
  readonly group: 'Throughput' | 'Latency' | 'Latency from when it was sent' | 'CPU'
  readonly name: string
  /** One run can be better in it than another. */
  readonly compared: boolean
  /** In the order of the runs. */
  readonly cells: readonly SummaryCell[]
}

export interface SummaryCell {
  readonly text: string
  /** To the first run: `1.24x`, or `+1.20` points of a percentage. Empty for the first, and where there is none. */
  readonly relation: string
  readonly best: boolean
}

interface Measure {
  readonly group: SummaryRow['group']
  readonly name: string
  readonly value: (run: ReportedRun) => number | null | undefined
  readonly format: (value: number) => string
  /** Undefined where neither is: it only explains the others. */
  readonly better?: 'higher' | 'lower'
  /** A ratio where it is not said otherwise. */
  readonly relation?: 'points'
}

/** What differs by less is noise: several are the best then, and none is if all are. */
const AS_GOOD = 0.01
const AS_GOOD_POINTS = 0.001
const MISSING = '-'

const percentOfCore = (load: number): string => `${Math.round(load * 100)} %`

const MEASURES: readonly Measure[] = [
  {
    group: 'Throughput',
    name: 'operations/s',
    value: ({ summary }) => summary.operationsPerSecond,
    format: formatCount,
    better: 'higher',
  },
  {
    group: 'Throughput',
    name: 'requests/s',
    value: ({ summary }) =>
      // Where every request is one operation the line above says it.
      summary.requestsPerSecond < summary.operationsPerSecond * 0.999
        ? summary.requestsPerSecond
        : undefined,
    format: formatCount,
    better: 'higher',
  },
  {
    group: 'Throughput',
    name: 'received',
    value: ({ summary }) => summary.receivedBytesPerSecond,
    format: formatByteRate,
  },
  {
    group: 'Throughput',
    name: 'hit ratio',
    value: ({ summary }) => summary.hitRatio,
    format: (ratio) => `${(ratio * 100).toFixed(2)} %`,
    better: 'higher',
    relation: 'points',
  },
  {
    group: 'Throughput',
    name: 'errors',
    value: ({ summary }) => summary.errors,
    format: formatCount,
  },
  ...latencies('Latency', ({ summary }) => summary.latency),
  ...latencies('Latency from when it was sent', ({ summary }) => summary.uncorrectedLatency),
  {
    group: 'CPU',
    name: 'server, us/operation',
    value: ({ summary }) => summary.server?.microsecondsPerOperation,
    format: significant,
    better: 'lower',
  },
  {
    group: 'CPU',
    name: 'server, of a core',
    value: ({ summary }) => summary.server?.load,
    format: percentOfCore,
  },
  {
    group: 'CPU',
    name: 'load, us/operation',
    value: ({ summary }) => summary.generator.microsecondsPerOperation,
    format: significant,
  },
  {
    group: 'CPU',
    name: 'load, of a core',
    value: ({ summary }) => summary.generator.load,
    format: percentOfCore,
  },
]

/** Those measures that at least one run has. */
export function summaryRows(runs: readonly ReportedRun[]): SummaryRow[] {
  return MEASURES.flatMap((measure) => {
    const values = runs.map((run) => measure.value(run) ?? undefined)
    if (values.every((value) => value === undefined)) return []
    const best = bestOf(measure, values)
    const cells = values.map((value, index) => ({
      text: value === undefined ? MISSING : measure.format(value),
      relation: index === 0 ? '' : relationOf(measure, value, values[0]),
      best: best.has(index),
    }))
    const { group, name, better } = measure
    return [{ group, name, compared: better !== undefined, cells }]
  })
}

function latencies(
  group: SummaryRow['group'],
  latency: (run: ReportedRun) => ReportedRun['summary']['latency'] | undefined,
): Measure[] {
  const named = [
    ['mean', 'mean'],
    ['p50', 'p50'],
    ['p90', 'p90'],
    ['p95', 'p95'],
    ['p99', 'p99'],
    ['p99.9', 'p999'],
    ['p99.99', 'p9999'],
    ['max', 'max'],
  ] as const
  return named.map(([name, key]) => ({
    group,
    name,
    // What nobody measured has no latency, not one of zero.
    value: (run) => (latency(run)?.count ? latency(run)?.[key] : undefined),
    format: formatMicroseconds,
    better: 'lower',
  }))
}

function relationOf(
  { better, relation }: Measure,
  value: number | undefined,
  first: number | undefined,
): string {
  if (better === undefined || value === undefined || first === undefined) return ''
  if (relation === 'points') {
    const points = ((value - first) * 100).toFixed(2)
    return Number(points) === 0 ? '' : Number(points) > 0 ? `+${points}` : points
  }
  return first > 0 ? `${ratioText(value / first)}x` : ''
}

/** 0.98, 1.24, 12.3, 123. */
function ratioText(ratio: number): string {
  return ratio < 1 ? ratio.toFixed(2) : significant(ratio)
}

function bestOf(
  { better, relation }: Measure,
  values: readonly (number | undefined)[],
): ReadonlySet<number> {
  const known = values.filter((value) => value !== undefined)
  if (better === undefined || known.length < 2) return new Set()
  const top = better === 'higher' ? Math.max(...known) : Math.min(...known)
  const noise = relation === 'points' ? AS_GOOD_POINTS : top * AS_GOOD
  const asGood = values.flatMap((value, index) =>
    value !== undefined && Math.abs(value - top) <= noise ? [index] : [],
  )
  return new Set(asGood.length === known.length ? [] : asGood)
}

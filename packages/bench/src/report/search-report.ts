// The steps of a search for the highest rate, as a page of text. Knows how it looks; nothing of how it was
// measured.
import type { SearchResult } from '../search.ts'
import { describeWorkload } from '../workload/workload.ts'
import { type Environment, environmentLines } from './environment.ts'
import { alignedTable, formatCount, formatMicroseconds } from './format.ts'

const PERCENTILE_NAMES = {
  p50: 'p50',
  p90: 'p90',
  p95: 'p95',
  p99: 'p99',
  p999: 'p99.9',
  p9999: 'p99.99',
} as const

export function searchReport(environment: Environment, results: readonly SearchResult[]): string {
  return `${[...environmentLines(environment), ...results.flatMap(resultLines)].join('\n')}\n`
}

function resultLines({
  workload,
  objective,
  steps,
  best,
  errors,
  complaints,
}: SearchResult): string[] {
  const aim = `${PERCENTILE_NAMES[objective.percentile]} < ${formatMicroseconds(objective.microseconds)}`
  const head = ['rate', 'reached', 'p50', 'p99', 'p99.9', 'max', aim]
  const rows = steps.map(({ rate, reached, latency, holds }) => [
    formatCount(rate),
    formatCount(reached),
    ...[latency.p50, latency.p99, latency.p999, latency.max].map(formatMicroseconds),
    holds ? 'holds' : 'no',
  ])
  return [
    '',
    `${workload.name}: ${describeWorkload(workload)}`,
    ...alignedTable(head, rows, 0),
    best
      ? `${aim} holds up to ${formatCount(best.rate)} requests/s`
      : `${aim} does not hold at any rate that was tried: begin with a lower --rate`,
    ...(errors > 0 ? [`ERRORS: ${formatCount(errors)}: ${complaints.join('; ')}`] : []),
  ]
}

// The intervals of runs as CSV (RFC 4180), for spreadsheets and scripts: one line an interval, a field left
// empty where there is no value. Knows nothing of how they were measured.
import type { Series } from '../measure/interval.ts'
import type { ReportedRun } from './load-report.ts'

const COLUMNS: readonly (readonly [title: string, column: keyof Series])[] = [
  ['at_seconds', 'at'],
  ['seconds', 'seconds'],
  ['operations_per_second', 'operationsPerSecond'],
  ['requests_per_second', 'requestsPerSecond'],
  ['hit_ratio', 'hitRatio'],
  ['errors', 'errors'],
  ['received_bytes_per_second', 'receivedBytesPerSecond'],
  ['latency_p50_us', 'p50'],
  ['latency_p99_us', 'p99'],
  ['latency_p99.9_us', 'p999'],
  ['latency_max_us', 'max'],
  ['server_cores', 'serverLoad'],
  ['server_resident_bytes', 'serverResidentBytes'],
  ['generator_cores', 'generatorLoad'],
]

/** More than was measured. */
const DIGITS = 9

export function csvReport(runs: readonly Pick<ReportedRun, 'label' | 'series'>[]): string {
  const head = ['run', ...COLUMNS.map(([title]) => title)]
  const lines = runs.flatMap(({ label, series }) =>
    series.at.map((_, index) => [
      label,
      ...COLUMNS.map(([, column]) => numeral(series[column][index] ?? null)),
    ]),
  )
  return [head, ...lines].map((fields) => `${fields.map(field).join(',')}\r\n`).join('')
}

function numeral(value: number | null): string {
  return value === null ? '' : String(Number(value.toPrecision(DIGITS)))
}

function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

// The table of --compare, as text for a terminal and as markdown for a page.
// Knows how it looks; nothing of how it was measured.
import type { Comparison, ComparisonColumn, ComparisonRow } from '../compare.ts'
import type { Spread } from '../measure/statistics.ts'
import type { Placement } from '../servers.ts'
import { describeWorkload } from '../workload/workload.ts'
import { type Environment, environmentLines } from './environment.ts'
import {
  alignedTable,
  formatCount,
  formatMicroseconds,
  formatRatio,
  markdownTable,
  significant,
} from './format.ts'

const TABLE_HEAD = [
  'workload',
  'server',
  'CPU us/op',
  'CPU ratio',
  'low-high',
  'op/s',
  'op/s ratio',
  'p50',
  'p99',
  'p99.9',
  'marks',
]
const NAME_COLUMNS = 2

export interface CompareSetting {
  readonly environment: Environment
  readonly placement: Placement | undefined
  readonly rounds: number
  /** What was typed after the name of the bench. */
  readonly commandLine: string
}

export function compareText(comparison: Comparison, setting: CompareSetting): string {
  if (comparison.rows.length === 0) return 'interrupted before the first workload was finished\n'
  const legend = comparison.rows.map(
    (row) => `  ${row.workload.name}: ${describeWorkload(row.workload)}`,
  )
  return page(
    settingLines(comparison, setting),
    alignedTable(TABLE_HEAD, tableRows(comparison), NAME_COLUMNS),
    readingLines(setting),
    legend,
    notes(comparison).map((note) => `NOTE ${note}`),
  )
}

export function compareMarkdown(comparison: Comparison, setting: CompareSetting): string {
  const code = (line: string): string => `- ${line}`
  const legend = comparison.rows.map(
    (row) => `- \`${row.workload.name}\`: ${describeWorkload(row.workload)}`,
  )
  return page(
    ['```sh', `memshard-bench ${setting.commandLine}`, '```'],
    settingLines(comparison, setting).map(code),
    markdownTable(TABLE_HEAD, tableRows(comparison), NAME_COLUMNS),
    [readingLines(setting).join(' ')],
    legend,
    notes(comparison).map(code),
  )
}

function page(...blocks: readonly (readonly string[])[]): string {
  const filled = blocks.filter((block) => block.length > 0)
  return `${filled.map((block) => block.join('\n')).join('\n\n')}\n`
}

function settingLines(comparison: Comparison, setting: CompareSetting): string[] {
  const { placement } = setting
  return [
    ...environmentLines(setting.environment),
    placement
      ? `server on core ${placement.server}, load on core ${placement.load}`
      : 'server and load are not pinned to cores',
    ...comparison.servers.map(
      (server) => `${server.label}: ${server.commandLine} (${server.version ?? 'unknown version'})`,
    ),
  ]
}

function tableRows(comparison: Comparison): string[][] {
  return comparison.rows.flatMap((row) =>
    row.columns.map((column, index) => [
      index === 0 ? row.workload.name : '',
      column.label,
      significant(column.cpu.median),
      column.relative ? formatRatio(column.relative.cpu.median) : '1',
      column.relative ? formatRange(column.relative.cpu) : '',
      formatCount(column.throughput.median),
      column.relative ? formatRatio(column.relative.throughput.median) : '1',
      formatMicroseconds(column.latency.p50.median),
      formatMicroseconds(column.latency.p99.median),
      formatMicroseconds(column.latency.p999.median),
      marks(column),
    ]),
  )
}

function formatRange(spread: Spread): string {
  return `${formatRatio(spread.low)}-${formatRatio(spread.high)}`
}

function marks(column: ComparisonColumn): string {
  return [
    column.errors > 0 ? 'errors' : '',
    column.generatorWasBottleneck ? 'generator' : '',
    column.relative?.noiseExceedsDifference ? 'noise' : '',
  ]
    .filter((mark) => mark !== '')
    .join(' ')
}

function readingLines(setting: CompareSetting): string[] {
  return [
    `Medians of ${setting.rounds} rounds; ratios are of the same round, below 1 is cheaper (CPU) or slower (op/s).`,
    'CPU is user and system time of the server process; an operation is one key.',
  ]
}

function notes(comparison: Comparison): string[] {
  const { rows } = comparison
  const bottleneck = names(rows, (column) => column.generatorWasBottleneck)
  const noise = names(rows, (column) => column.relative?.noiseExceedsDifference ?? false)
  const complaints = rows.flatMap((row) =>
    row.columns.flatMap((column) =>
      [...new Set(column.rounds.flatMap((round) => round.complaints))].map(
        (complaint) => `errors: ${row.workload.name}, ${column.label}: ${complaint}`,
      ),
    ),
  )
  return [
    ...(bottleneck
      ? [
          `generator: it used over 90 % of its core in ${bottleneck}; throughput and latency there are partly its own.`,
        ]
      : []),
    ...(noise
      ? [
          `noise: the rounds disagree on which server is cheaper in ${noise}; the difference is smaller than the spread.`,
        ]
      : []),
    ...(comparison.complete ? [] : ['interrupted: workloads that were not finished are left out.']),
    ...complaints,
  ]
}

function names(
  rows: readonly ComparisonRow[],
  marked: (column: ComparisonColumn) => boolean,
): string {
  return rows
    .filter((row) => row.columns.some(marked))
    .map((row) => row.workload.name)
    .join(', ')
}

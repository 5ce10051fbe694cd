// Which column of a trace says what, told from its first line. Reads no operations.
import { traceError } from './trace-error.ts'

/** `twitter`: seven columns without a header (github.com/twitter/cache-trace). `csv`: a header names them. */
export type TraceFormat = 'twitter' | 'csv'

export const TRACE_FORMATS: readonly TraceFormat[] = ['twitter', 'csv']

/** What a column says. */
export type ColumnRole =
  | 'time'
  | 'key'
  | 'keyBytes'
  | 'operation'
  /** How often the operation was asked for at that time. */
  | 'count'
  | 'valueBytes'
  | 'ttl'
  /** Nothing that matters here. */
  | 'other'

export interface TraceLayout {
  readonly format: TraceFormat
  readonly columns: readonly ColumnRole[]
}

const TWITTER: TraceLayout = {
  format: 'twitter',
  columns: ['time', 'key', 'keyBytes', 'valueBytes', 'other', 'operation', 'ttl'],
}

/** Names of columns that we know, in small letters. */
const ROLES: Readonly<Record<string, ColumnRole>> = {
  time: 'time',
  timestamp: 'time',
  op_time: 'time',
  key: 'key',
  key_size: 'keyBytes',
  op: 'operation',
  operation: 'operation',
  op_count: 'count',
  size: 'valueBytes',
  value_size: 'valueBytes',
  ttl: 'ttl',
}

/** Tells the layout from the first line; throws a BenchError when it is neither. */
export function layoutOf(
  firstLine: string,
  forced: TraceFormat | undefined,
  path: string,
): TraceLayout {
  const names = firstLine
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((name) => name.trim().replaceAll('"', '').toLowerCase())
  const isHeader = names.includes('key')
  if (forced === 'twitter' || (forced === undefined && !isHeader)) {
    if (names.length >= TWITTER.columns.length) return TWITTER
    throw traceError(`${unknown(path, firstLine)}, which is not Twitter's seven columns either`)
  }
  const columns = names.map((name) => ROLES[name] ?? 'other')
  for (const role of ['key', 'operation'] as const) {
    if (!columns.includes(role)) throw traceError(unknown(path, firstLine))
  }
  const twice = columns.find((role, at) => role !== 'other' && columns.indexOf(role) !== at)
  if (twice !== undefined) {
    throw traceError(`${path} has several columns for one thing (${twice}) in its header`)
  }
  return { format: 'csv', columns }
}

function unknown(path: string, firstLine: string): string {
  const shown = firstLine.length > 80 ? `${firstLine.slice(0, 80)}...` : firstLine
  return `${path} does not begin with a header that names the columns "key" and "op", but with ${JSON.stringify(shown)}`
}

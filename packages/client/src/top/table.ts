// Rows of one kind as lines of a width: sorted by one column, without the columns that find no room.
// Pure; knows neither nodes nor keys.
import { fitted } from './figures.ts'
import type { Ink, Paint } from './paint.ts'

export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  /** What rows are sorted by: text upwards, numbers downwards. Nothing comes last. */
  readonly order: (row: Row) => string | number | undefined
  /** Columns with higher numbers go first when there is no room for all. */
  readonly expendable: number
  /** Text stands left, numbers right. */
  readonly isText?: boolean
  readonly ink?: (row: Row) => Ink | undefined
  /** Not more, of texts. */
  readonly atMost?: number
}

const BETWEEN = 2

/** The line of titles, and one for each row. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  sortedBy: number,
  width: number,
  paint: Paint,
): string[] {
  const sorting = columns[sortedBy]
  const titles = columns.map((column) => column.title + (column === sorting ? '▾' : ''))
  const widths = columns.map(({ text, atMost = 60 }, i) =>
    Math.max(
      (titles[i] as string).length,
      Math.min(atMost, Math.max(0, ...rows.map((row) => [...text(row)].length))),
    ),
  )
  const shown = columnsWithRoom(columns, widths, width)
  const line = (cell: (i: number) => string): string =>
    ` ${shown.map(cell).join(' '.repeat(BETWEEN))}`
  const head = line((i) => {
    const title = fitted(titles[i] as string, widths[i] as number, !columns[i]?.isText)
    return paint(columns[i] === sorting ? 'strong' : 'faint', title)
  })
  const body = sorted(rows, sorting).map((row) =>
    line((i) => {
      const { text, isText, ink } = columns[i] as Column<Row>
      return paint(ink?.(row), fitted(text(row), widths[i] as number, !isText))
    }),
  )
  return [head, ...body]
}

/** Their places, in order. The first column always stays, as narrow as the line. */
function columnsWithRoom<Row>(
  columns: readonly Column<Row>[],
  widths: number[],
  width: number,
): number[] {
  let shown = columns.map((_, i) => i)
  const needed = (): number => shown.reduce((sum, i) => sum + (widths[i] as number) + BETWEEN, -1)
  while (shown.length > 1 && needed() > width) {
    const least = shown
      .slice(1)
      .reduce((a, b) =>
        (columns[b] as Column<Row>).expendable >= (columns[a] as Column<Row>).expendable ? b : a,
      )
    shown = shown.filter((i) => i !== least)
  }
  if (needed() > width) widths[0] = Math.max(1, width - 1)
  return shown
}

export function sorted<Row>(rows: readonly Row[], by: Column<Row> | undefined): readonly Row[] {
  if (by === undefined) return rows
  return [...rows].sort((a, b) => {
    const [x, y] = [by.order(a), by.order(b)]
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined)
    if (typeof x === 'number' && typeof y === 'number') return y - x
    return String(x) < String(y) ? -1 : String(x) > String(y) ? 1 : 0
  })
}

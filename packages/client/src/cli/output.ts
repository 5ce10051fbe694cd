// How results are shown: aligned tables and bare values for people, JSON for programs. Knows no command.
import type { Surroundings } from './surroundings.ts'

export type Cell = string | number | boolean | undefined
export type Row = Readonly<Record<string, Cell>>

const BETWEEN_COLUMNS = '  '

export class Output {
  readonly json: boolean
  readonly onTerminal: boolean
  readonly #write: Surroundings['out']

  constructor({ out, onTerminal }: Surroundings, json: boolean) {
    this.#write = out
    this.json = json
    this.onTerminal = onTerminal
  }

  /** A line for people. */
  async line(text: string): Promise<void> {
    await this.#write(`${text}\n`)
  }

  /** A line of JSON. */
  async document(value: unknown): Promise<void> {
    await this.#write(`${JSON.stringify(value, bigintsAsNumbers)}\n`)
  }

  /** What was asked for, as it is: bytes unchanged, and a line end only where a person reads. */
  async value(value: Uint8Array | string): Promise<void> {
    await this.#write(value)
    if (this.onTerminal) await this.#write('\n')
  }

  /** Rows of the same columns: a table for people, an array for programs. */
  async table(rows: readonly Row[]): Promise<void> {
    if (this.json) await this.document(rows)
    else if (rows.length > 0) await this.#write(alignedTable(rows))
  }
}

/** JSON has one kind of number; a counter beyond 2^53 is told as text. */
function bigintsAsNumbers(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/** Numbers to the right, everything else to the left; the columns are those of the first row. */
export function alignedTable(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const widths = columns.map((column) =>
    Math.max(column.length, ...rows.map((row) => text(row[column]).length)),
  )
  const isNumeric = columns.map((column) => rows.every((row) => isNumber(row[column])))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (isNumeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join(BETWEEN_COLUMNS)
      .trimEnd()
  const body = rows.map((row) => line(columns.map((column) => text(row[column]))))
  return `${[line(columns), ...body].join('\n')}\n`
}

function text(cell: Cell): string {
  return cell === undefined ? '' : String(cell)
}

function isNumber(cell: Cell): boolean {
  return cell === undefined || typeof cell === 'number' || /^-?[\d.]+%?$/.test(String(cell))
}

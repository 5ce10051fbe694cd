// The commands in numbers: how many, how fast, how large. Knows what is told of a command.
import type { CommandFigures } from '../page-data.ts'
import { bytes, count, microseconds } from './format.ts'
import { type Column, Table } from './table.ts'

interface Row extends CommandFigures {
  /** The rate of the most frequent one. */
  readonly most: number
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'Command', name: true, text: ({ name }) => name },
  {
    head: 'Per second',
    text: ({ perSecond }) => count(perSecond),
    bar: ({ perSecond, most }) => (most === 0 ? 0 : perSecond / most),
  },
  {
    head: 'p50',
    title: 'Half of the requests took at most so long',
    text: ({ p50 }) => microseconds(p50),
  },
  { head: 'p90', text: ({ p90 }) => microseconds(p90) },
  { head: 'p99', text: ({ p99 }) => microseconds(p99) },
  { head: 'p99.9', text: ({ p999 }) => microseconds(p999) },
  { head: 'Longest', title: 'Since the start', text: ({ max }) => microseconds(max) },
  { head: 'In', text: ({ bytesInPerSecond }) => perSecond(bytesInPerSecond) },
  { head: 'Out', text: ({ bytesOutPerSecond }) => perSecond(bytesOutPerSecond) },
]

function perSecond(value: number | null): string {
  return value === null ? '–' : `${bytes(value)}/s`
}

export class CommandTable {
  readonly #table = new Table('Commands', COLUMNS, { key: ({ name }: Row) => name })
  readonly element = this.#table.element

  show(commands: readonly CommandFigures[]): void {
    const most = Math.max(0, ...commands.map((command) => command.perSecond))
    this.#table.show(commands.map((command) => ({ ...command, most })))
  }
}

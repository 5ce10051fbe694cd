// Prefixes with a limit, a row each: how full, and what it costs them. Knows what is told of one.
import type { LimitedPrefix } from '../page-data.ts'
import { bytes, count } from './format.ts'
import { readable } from './key-lists.ts'
import { type Column, Table } from './table.ts'

const COLUMNS: readonly Column<LimitedPrefix>[] = [
  { head: 'Prefix', name: true, text: ({ prefix }) => readable(prefix) },
  {
    head: 'Of its limit',
    text: ({ bytes: used, limitBytes }) =>
      limitBytes === 0 ? `${bytes(used)}, no limit` : `${bytes(used)} of ${bytes(limitBytes)}`,
    bar: ({ bytes: used, limitBytes }) => (limitBytes === 0 ? 0 : Math.min(1, used / limitBytes)),
  },
  { head: 'Items', text: ({ items }) => count(items) },
  {
    head: 'Evicted',
    title: 'Items that made room for others under the same prefix',
    text: ({ evictions }) => count(evictions),
  },
  {
    head: 'Refused',
    title: 'Items larger than the limit, or too much with -M',
    text: ({ refusals }) => count(refusals),
  },
]

export function limitTable(): Table<LimitedPrefix> {
  return new Table('Limits of prefixes', COLUMNS, { key: ({ prefix }) => prefix })
}

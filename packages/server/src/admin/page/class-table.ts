// The slab classes in numbers, a row each. Knows what is told of a class.
import type { SlabClass } from '../page-data.ts'
import { bytes, count, duration, percent } from './format.ts'
import { fillOf } from './memory-layout.ts'
import { type Column, Table } from './table.ts'

const COLUMNS: readonly Column<SlabClass>[] = [
  { head: 'Class', name: true, text: ({ id }) => `${id}` },
  { head: 'Chunk', title: 'Bytes of a chunk', text: ({ chunkBytes }) => bytes(chunkBytes) },
  { head: 'Pages', text: ({ pages }) => count(pages) },
  { head: 'Items', text: ({ items }) => count(items) },
  {
    head: 'Chunks used',
    text: ({ usedChunks, freeChunks }) =>
      `${count(usedChunks)} of ${count(usedChunks + freeChunks)}`,
    bar: (slab) => 1 - fillOf(slab).free,
  },
  {
    head: 'Lost',
    title: 'Of the used chunks, what their items did not ask for',
    text: (slab) => {
      const { requested, lost } = fillOf(slab)
      return requested + lost === 0 ? '–' : percent(lost / (requested + lost))
    },
  },
  {
    head: 'Hot, warm, cold',
    title: 'Items by LRU list, in percent',
    text: ({ hot, warm, cold, temporary }) => {
      const all = hot + warm + cold + temporary
      if (all === 0) return '–'
      return [hot, warm, cold].map((part) => Math.round((part / all) * 100)).join(' · ')
    },
  },
  {
    head: 'Oldest',
    title: 'Idle time of the oldest item',
    text: ({ oldestAge }) => duration(oldestAge),
  },
  { head: 'Evicted', text: ({ evicted }) => count(evicted) },
  {
    head: 'At age',
    title: 'Idle time of what was evicted last',
    text: ({ evicted, evictedAge }) => (evicted === 0 ? '–' : duration(evictedAge)),
  },
  { head: 'Hits', text: ({ hits }) => count(hits) },
  { head: 'Sets', text: ({ sets }) => count(sets) },
  {
    head: 'Refused',
    title: 'Items refused for want of memory',
    text: ({ outOfMemory }) => count(outOfMemory),
  },
]

export function classTable(): Table<SlabClass> {
  return new Table('Slab classes', COLUMNS, { key: ({ id }) => `${id}` })
}

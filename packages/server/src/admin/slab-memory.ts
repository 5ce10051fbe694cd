// Slab classes as the page draws them, from `stats slabs` and `stats items`. Knows the statistics' names.
import type { Memory, SlabClass } from './page-data.ts'
import { bySlabClass, NO_STATISTICS, type NodeStatistics, numberOf } from './statistics-text.ts'

const MIB = 1024 * 1024

export function slabMemory({ general, slabs, items, memshard }: NodeStatistics): Memory {
  const itemClasses = bySlabClass(items, 'items:')
  const classes = Array.from(bySlabClass(slabs), ([id, slab]): SlabClass => {
    const item = itemClasses.get(id) ?? NO_STATISTICS
    const ofSlab = (name: string): number => numberOf(slab, name) ?? 0
    const ofItem = (name: string): number => numberOf(item, name) ?? 0
    return {
      id: Number(id),
      chunkBytes: ofSlab('chunk_size'),
      pages: ofSlab('total_pages'),
      usedChunks: ofSlab('used_chunks'),
      freeChunks: ofSlab('free_chunks'),
      items: ofItem('number'),
      // Until 1.5.17 memcached told it here.
      requestedBytes: numberOf(item, 'mem_requested') ?? ofSlab('mem_requested'),
      hot: ofItem('number_hot'),
      warm: ofItem('number_warm'),
      cold: ofItem('number_cold'),
      temporary: ofItem('number_temp'),
      evicted: ofItem('evicted'),
      evictedAge: ofItem('evicted_time'),
      oldestAge: ofItem('age'),
      hits: ofSlab('get_hits'),
      sets: ofSlab('cmd_set'),
      outOfMemory: ofItem('outofmemory'),
    }
  })
  return {
    limitBytes: numberOf(general, 'limit_maxbytes') ?? 0,
    pageBytes: MIB,
    poolPages: numberOf(general, 'slab_global_page_pool') ?? 0,
    classes: classes.sort((one, other) => one.id - other.id),
    moves: Array.from(memshard, ([name, pages]) => {
      const [, from, to] = /^page_moves:(\d+):(\d+)$/.exec(name) ?? []
      return { from: Number(from), to: Number(to), pages: Number(pages) }
    }).filter(({ from, to }) => Number.isInteger(from) && Number.isInteger(to)),
  }
}

// All living items of a cache that nobody changes, the hottest first: WARM, then HOT and TEMP, then COLD, and within
// these by the time of the last access, class by class from the heads of their lists. Knows lists and items.
import { MAX_SLAB_CLASSES } from './arena.ts'
import type { Cache } from './cache.ts'
import type { ItemRef } from './item.ts'
import { COLD, HOT, TEMP, WARM } from './lru.ts'

/** Kinds of lists that count as equally hot. */
const HEATS: readonly (readonly number[])[] = [[WARM], [HOT, TEMP], [COLD]]
/** So many items of a list are taken at a time: neighbours are as hot as each other. */
const AT_ONCE = 32

export function* itemsByHeat(cache: Cache): Generator<ItemRef> {
  for (const segments of HEATS) yield* byAccess(cache, segments)
}

function* byAccess(cache: Cache, segments: readonly number[]): Generator<ItemRef> {
  const { items, lru } = cache
  const next: ItemRef[] = []
  for (const segment of segments) {
    for (let slabClass = 1; slabClass < MAX_SLAB_CLASSES; slabClass++) {
      const head = lru.head(slabClass | segment)
      if (head !== 0) next.push(head)
    }
  }
  while (next.length > 0) {
    let hottest = 0
    for (let i = 1; i < next.length; i++) {
      if (items.accessed(next[i]) > items.accessed(next[hottest])) hottest = i
    }
    for (let taken = 0; taken < AT_ONCE && next[hottest] !== 0; taken++) {
      const item = next[hottest]
      next[hottest] = items.next(item)
      if (!cache.isDead(item)) yield item
    }
    if (next[hottest] === 0) next.splice(hottest, 1)
  }
}

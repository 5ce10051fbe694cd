// The lists of one slab class: which items leave when memory is full, and how the maintainer moves the
// others. The class of 200,000-byte values has room for five of them in its one page.
import { describe, expect, test } from 'vitest'
import type { Cache } from './cache.ts'
import {
  blockOf,
  fetch,
  find,
  keyOf,
  keyOfItem,
  MEGABYTE,
  makeCache,
  set,
  textOf,
} from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import type { CacheOptions } from './cache-memory.ts'
import { COLD, HOT, TEMP, WARM } from './lru.ts'
import { Maintainer } from './maintainer.ts'
import {
  CURR_ITEMS,
  DIRECT_RECLAIMS,
  EVICTED,
  EVICTED_NONZERO,
  EVICTED_TIME,
  EVICTED_UNFETCHED,
  EXPIRED_UNFETCHED,
  LRU_MAINTAINER_JUGGLES,
  LRU_TAIL_REFLOCKED,
  MOVES_TO_COLD,
  MOVES_TO_WARM,
  MOVES_WITHIN_LRU,
  OUT_OF_MEMORY,
  RECLAIMED,
} from './statistics.ts'
import { ADD, STORED, StoreRequest, store } from './store.ts'

const VALUE = new Uint8Array(200_000)
const ROOM = 5

function crowded(options: Partial<CacheOptions> = {}): Cache {
  return makeCache({ memoryLimitBytes: MEGABYTE, ...options })
}

function setAll(cache: Cache, keys: string, expiry = 0): void {
  for (const key of keys) set(cache, key, VALUE, { expiry })
}

/** The keys that are in the cache. */
function left(cache: Cache): string {
  return [...cache.table.all()]
    .map((item) => keyOfItem(cache, item))
    .sort()
    .join('')
}

/** A list from its head, the newest, to its tail. */
function listed(cache: Cache, segment: number): string {
  let keys = ''
  const slabClass = cache.slabs.classFor(VALUE.length + 100)
  for (let item = cache.lru.head(slabClass | segment); item !== 0; item = cache.items.next(item)) {
    keys += keyOfItem(cache, item)
  }
  return keys
}

const count = (cache: Cache, counter: number): number => cache.statistics.total(counter)

describe('when memory is full', () => {
  test('the oldest items go first', () => {
    const cache = crowded()
    setAll(cache, 'abcde')
    expect(left(cache)).toBe('abcde')
    setAll(cache, 'fg')
    expect(left(cache)).toBe('cdefg')
    expect(count(cache, EVICTED)).toBe(2)
    expect(count(cache, EVICTED_UNFETCHED)).toBe(2)
    expect(count(cache, DIRECT_RECLAIMS)).toBeGreaterThanOrEqual(2)
    expect(cache.statistics.get(CURR_ITEMS)).toBe(ROOM)
    checkInvariants(cache)
  })

  test('one that was fetched once goes too, one fetched twice stays', () => {
    const cache = crowded()
    setAll(cache, 'abcde')
    fetch(cache, 'a')
    fetch(cache, 'b')
    fetch(cache, 'b')
    setAll(cache, 'fg')
    expect(left(cache)).toBe('bdefg')
    expect(listed(cache, WARM)).toBe('b')
    expect(count(cache, EVICTED)).toBe(2)
    expect(count(cache, EVICTED_UNFETCHED)).toBe(1)
    checkInvariants(cache)
  })

  test('what is found dead at the tail goes instead', () => {
    const cache = crowded()
    setAll(cache, 'a')
    setAll(cache, 'b', cache.clock.now + 1)
    setAll(cache, 'cde')
    cache.clock.tick(10)
    // `a` is evicted before `b` is at the tail.
    setAll(cache, 'fg')
    expect(left(cache)).toBe('cdefg')
    expect(count(cache, EVICTED)).toBe(1)
    expect(count(cache, RECLAIMED)).toBe(1)
    expect(count(cache, EXPIRED_UNFETCHED)).toBe(1)
  })

  test('what was flushed goes instead', () => {
    const cache = crowded()
    setAll(cache, 'abcde')
    cache.flush(0)
    setAll(cache, 'fghij')
    expect(left(cache)).toBe('fghij')
    expect(count(cache, EVICTED)).toBe(0)
    expect(count(cache, RECLAIMED)).toBe(5)
  })

  test('the statistics tell how old the evicted were, and whether they would have expired', () => {
    const cache = crowded()
    setAll(cache, 'ab', cache.clock.now + 1000)
    setAll(cache, 'cde')
    cache.clock.tick(100)
    setAll(cache, 'fgh')
    expect(count(cache, EVICTED_NONZERO)).toBe(2)
    expect(count(cache, EVICTED_TIME)).toBe(100)
  })

  test('other classes keep what they have', () => {
    const cache = crowded()
    set(cache, 'small', 'x')
    setAll(cache, 'abcdefg')
    expect(textOf(cache, 'small')).toBe('x')
  })

  test('with evictions disabled nothing is stored, but the dead still make room', () => {
    const cache = crowded({ evictionsEnabled: false })
    setAll(cache, 'abcd')
    setAll(cache, 'e', cache.clock.now + 5)
    expect(set(cache, 'f', VALUE)).toBeUndefined()
    expect(count(cache, OUT_OF_MEMORY)).toBe(1)
    expect(left(cache)).toBe('abcde')
    cache.flush(0)
    expect(set(cache, 'f', VALUE)).toBeDefined()
    expect(count(cache, EVICTED)).toBe(0)
    checkInvariants(cache)
  })
})

describe('an item that a reply sends from', () => {
  test('is passed over by eviction', () => {
    const cache = crowded()
    setAll(cache, 'abcde')
    const item = find(cache, 'a')
    cache.pin(item)
    setAll(cache, 'fghi')
    expect(left(cache)).toBe('afghi')
    expect(count(cache, LRU_TAIL_REFLOCKED)).toBeGreaterThan(0)
    cache.unpin(item)
    setAll(cache, 'j')
    expect(left(cache)).toBe('fghij')
    checkInvariants(cache)
  })

  test('keeps its memory after it was deleted, until it was sent', () => {
    const cache = crowded()
    setAll(cache, 'abcde')
    const item = find(cache, 'c')
    cache.pin(item)
    cache.pin(item)
    cache.unlink(item)
    setAll(cache, 'f')
    // `a` had to go: the memory of `c` is still in use.
    expect(left(cache)).toBe('bdef')
    checkInvariants(cache)
    cache.unpin(item)
    checkInvariants(cache)
    setAll(cache, 'g')
    expect(left(cache)).toBe('defg')
    cache.unpin(item)
    setAll(cache, 'h')
    expect(left(cache)).toBe('defgh')
    checkInvariants(cache)
  })

  test('keeps its bytes while others are stored under its key', () => {
    const cache = crowded()
    set(cache, 'a', VALUE.slice().fill(1))
    const item = find(cache, 'a')
    cache.pin(item)
    for (let round = 0; round < 20; round++) set(cache, 'a', VALUE.slice().fill(2))
    const { items } = cache
    const at = items.valueAt(item)
    const bytes = items.block(item).bytes.subarray(at, at + VALUE.length)
    expect(bytes.every((byte) => byte === 1)).toBe(true)
    cache.unpin(item)
    checkInvariants(cache)
  })

  test('when all are like that, nothing can be stored', () => {
    const cache = crowded()
    setAll(cache, 'abcde')
    const items = [...cache.table.all()]
    for (const item of items) cache.pin(item)
    expect(set(cache, 'f', VALUE)).toBeUndefined()
    for (const item of items) cache.unpin(item)
    expect(set(cache, 'f', VALUE)).toBeDefined()
    checkInvariants(cache)
  })
})

describe('the maintainer', () => {
  const ten = 'abcdefghij'

  function settle(cache: Cache): void {
    const maintainer = new Maintainer(cache)
    for (let round = 0; round < 20; round++) maintainer.run()
    checkInvariants(cache)
  }

  test('keeps a fifth of the bytes in HOT, the newest', () => {
    const cache = makeCache()
    setAll(cache, ten)
    expect(listed(cache, HOT)).toBe('jihgfedcba')
    settle(cache)
    expect(listed(cache, HOT)).toBe('ji')
    expect(listed(cache, COLD)).toBe('hgfedcba')
    expect(count(cache, MOVES_TO_COLD)).toBe(8)
    expect(cache.statistics.get(LRU_MAINTAINER_JUGGLES)).toBe(20)
  })

  test('is not waited for when HOT is long: what is stored moves the oldest on', () => {
    const cache = makeCache()
    const total = 10_000
    const small = new Uint8Array(10)
    for (let i = 0; i < total; i++) set(cache, String(i).padStart(5, '0'), small)
    const slabClass = cache.items.slabClass([...cache.table.all()][0]!)
    const hot = cache.lru.count(slabClass | HOT)
    expect(hot).toBe(total / 5)
    expect(cache.lru.count(slabClass | COLD)).toBe(total - hot)
    expect(keyOfItem(cache, cache.lru.tail(slabClass | HOT))).toBe(
      String(total - hot).padStart(5, '0'),
    )
    expect(count(cache, MOVES_TO_COLD)).toBe(total - hot)
    checkInvariants(cache)
  })

  test('moves active items from HOT to WARM', () => {
    const cache = makeCache()
    setAll(cache, ten)
    for (const key of 'aacc') fetch(cache, key)
    settle(cache)
    expect(listed(cache, WARM)).toBe('ca')
    expect(listed(cache, COLD)).toBe('hgfedb')
    expect(count(cache, MOVES_TO_WARM)).toBe(2)
  })

  test('keeps two fifths in WARM, and among them the active', () => {
    const cache = makeCache()
    setAll(cache, ten)
    // Six become active: two too many for WARM.
    for (const key of 'abcdef') {
      fetch(cache, key)
      fetch(cache, key)
    }
    settle(cache)
    expect(listed(cache, HOT)).toBe('ji')
    expect(listed(cache, WARM)).toBe('fedc')
    expect([...listed(cache, COLD)].sort().join('')).toBe('abgh')
    // `c` is next to leave; fetched, it is kept and others go.
    fetch(cache, 'c')
    setAll(cache, 'k')
    for (const key of 'kk') fetch(cache, key)
    settle(cache)
    expect(listed(cache, WARM)).toContain('c')
    expect(count(cache, MOVES_WITHIN_LRU)).toBe(1)
  })

  test('lets what nobody has asked for in long go from HOT and WARM', () => {
    const cache = makeCache()
    setAll(cache, ten)
    settle(cache)
    expect(listed(cache, HOT)).toBe('ji')
    cache.clock.tick(100)
    settle(cache)
    expect(listed(cache, HOT)).toBe('')
    expect(listed(cache, COLD)).toBe('jihgfedcba')
  })

  test('frees what it finds dead at the tails', () => {
    const cache = makeCache()
    setAll(cache, ten, cache.clock.now + 5)
    settle(cache)
    cache.clock.tick(10)
    settle(cache)
    expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
    expect(count(cache, RECLAIMED)).toBe(10)
  })

  test('comes sooner the more there is to do, and falls asleep slowly', () => {
    const cache = makeCache()
    const maintainer = new Maintainer(cache)
    const pauses = [maintainer.run()]
    while (pauses.at(-1)! < 1000 && pauses.length < 100) pauses.push(maintainer.run())
    expect(pauses.slice(0, 3)).toEqual([2, 3, 4])
    expect(pauses.at(-1)).toBe(1000)
    const seconds = pauses.reduce((sum, pause) => sum + pause) / 1000
    expect(seconds).toBeGreaterThan(5)
    expect(seconds).toBeLessThan(15)
    setAll(cache, ten)
    expect(maintainer.run()).toBe(8)
    expect(maintainer.run()).toBe(9)
  })
})

describe('an item in COLD', () => {
  test('moves to WARM when it is fetched for the second time', () => {
    const cache = makeCache()
    setAll(cache, 'abcdefghij')
    new Maintainer(cache).run()
    expect(listed(cache, COLD)).toBe('hgfedcba')
    fetch(cache, 'a')
    expect(listed(cache, COLD)).toContain('a')
    fetch(cache, 'a')
    expect(listed(cache, WARM)).toBe('a')
    checkInvariants(cache)
  })
})

describe('with a temporary TTL', () => {
  const short = 60

  test('items that live no longer are in TEMP, where nothing is moved or evicted', () => {
    const cache = crowded({ temporaryTtlSeconds: short })
    setAll(cache, 'a', cache.clock.now + short)
    setAll(cache, 'b', cache.clock.now + short + 1)
    setAll(cache, 'c')
    expect(listed(cache, TEMP)).toBe('a')
    expect(listed(cache, HOT)).toBe('cb')
    fetch(cache, 'a')
    fetch(cache, 'a')
    setAll(cache, 'defghi')
    expect(left(cache)).toBe('afghi')
    checkInvariants(cache)
  })

  test('they leave when they have expired', () => {
    const cache = makeCache({ temporaryTtlSeconds: short })
    setAll(cache, 'abc', cache.clock.now + short)
    cache.clock.tick(short + 1)
    new Maintainer(cache).run()
    expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
  })
})

describe('with a flat LRU', () => {
  test('there is one list, and an item moves to its head when fetched after a minute', () => {
    const cache = crowded({ segmented: false })
    setAll(cache, 'abcde')
    expect(listed(cache, COLD)).toBe('edcba')
    cache.clock.tick(60)
    fetch(cache, 'a')
    expect(listed(cache, COLD)).toBe('edcba')
    cache.clock.tick(61)
    fetch(cache, 'a')
    expect(listed(cache, COLD)).toBe('aedcb')
    setAll(cache, 'fg')
    expect(left(cache)).toBe('adefg')
    expect(count(cache, EVICTED)).toBe(2)
    checkInvariants(cache)
  })
})

test('`add` on an existing key keeps it in memory', () => {
  const cache = crowded({ segmented: false })
  setAll(cache, 'abcde')
  cache.clock.tick(61)
  const key = keyOf('a')
  // The refused item takes memory for a moment: let there be some.
  cache.unlink(find(cache, 'e'))
  const item = cache.allocate(key.block, 0, 1, 0, 0, VALUE.length, 0)
  cache.fill(item, 0, blockOf(VALUE), 0, VALUE.length)
  const request = new StoreRequest()
  request.reset(ADD)
  expect(store(cache, item, key.hash, request)).not.toBe(STORED)
  setAll(cache, 'fg')
  expect(left(cache)).toBe('acdfg')
})

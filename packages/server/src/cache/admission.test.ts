// Which items are kept when memory is full: those that have proved themselves, against all that is merely new.
// There is one page of values of 10,000 bytes, which holds about a hundred.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Cache } from './cache.ts'
import { fetch, find, keyOfItem, MEGABYTE, makeCache, set } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import type { CacheOptions } from './cache-memory.ts'
import type { ItemRef } from './item.ts'
import { COLD, HOT, WARM } from './lru.ts'
import { Maintainer } from './maintainer.ts'
import {
  CURR_ITEMS,
  EVICTED,
  EVICTED_UNFETCHED,
  MOVES_TO_COLD,
  MOVES_TO_WARM,
  RECLAIMED,
} from './statistics.ts'

const VALUE = new Uint8Array(10_000)
const CLASS = 22

interface Past {
  /** How many of the items have been asked for again, so that they are in WARM. */
  readonly inWarm?: number
  /** Whether those in COLD have been fetched, once. */
  readonly fetched?: boolean
}

/** Full of `old:0`, `old:1`, ..., the newest fifth in HOT, ten in WARM and the others, fetched, in COLD. */
function fullCache(options: Partial<CacheOptions> = {}, past: Past = {}): Cache {
  const { inWarm = 10, fetched = true } = past
  const cache = makeCache({ memoryLimitBytes: MEGABYTE, ...options })
  const room = cache.slabs.chunksPerPage(CLASS)
  for (let n = 0; n < room; n++) set(cache, `old:${n}`, VALUE)
  for (let n = 0; n < inWarm; n++) for (let time = 0; time < 2; time++) fetch(cache, `old:${n}`)
  maintain(cache)
  if (fetched) for (const key of keysIn(cache, COLD)) fetch(cache, key)
  expect(count(cache, EVICTED)).toBe(0)
  return cache
}

function maintain(cache: Cache): void {
  const maintainer = new Maintainer(cache)
  for (let round = 0; round < 10; round++) maintainer.run()
}

const count = (cache: Cache, counter: number): number => cache.statistics.total(counter)

function keysIn(cache: Cache, segment: number): string[] {
  const keys: string[] = []
  let item = cache.lru.head(CLASS | segment)
  for (; item !== 0; item = cache.items.next(item)) keys.push(keyOfItem(cache, item))
  return keys
}

/** Stores new items, each once, until the one with this key has left HOT. */
function passThroughHot(cache: Cache, key: string, name = 'scan'): void {
  for (let n = 0; keysIn(cache, HOT).includes(key); n++) set(cache, `${name}:${n}`, VALUE)
}

describe('what is new and unfetched', () => {
  test('goes again and evicts little of COLD', () => {
    const cache = fullCache()
    const cold = keysIn(cache, COLD)
    const scanned = 2 * cold.length
    for (let n = 0; n < scanned; n++) set(cache, `scan:${n}`, VALUE)
    const left = keysIn(cache, COLD).filter((key) => key.startsWith('old'))
    expect(left.length).toBeGreaterThan(0.8 * cold.length)
    expect(find(cache, `scan:${scanned - 1}`)).not.toBe(0)
    expect(count(cache, EVICTED)).toBe(scanned)
    expect(count(cache, EVICTED_UNFETCHED)).toBeGreaterThan(0.8 * scanned)
    checkInvariants(cache)
  })

  test('gets its chance when that has not been asked for in long', () => {
    const cache = fullCache()
    for (let n = 0; n < 5000; n++) set(cache, `scan:${n}`, VALUE)
    expect(keysIn(cache, COLD).filter((key) => key.startsWith('old'))).toEqual([])
  })

  test('HOT keeps the share that it may have, and the maintainer finds nothing to do', () => {
    const cache = fullCache()
    const moves = count(cache, MOVES_TO_COLD)
    for (let n = 0; n < 100; n++) {
      set(cache, `scan:${n}`, VALUE)
      maintain(cache)
    }
    const share = cache.lru.count(CLASS | HOT) / cache.lru.countOfClass(CLASS)
    expect(share).toBeGreaterThan(0.17)
    expect(share).toBeLessThanOrEqual(0.2)
    expect(count(cache, MOVES_TO_COLD) - moves).toBeLessThan(20)
  })

  test('leaves HOT by its age only while memory is not full', () => {
    const cache = fullCache()
    cache.clock.tick(100)
    const hot = cache.lru.count(CLASS | HOT)
    maintain(cache)
    expect(cache.lru.count(CLASS | HOT)).toBe(hot)
    const roomy = makeCache()
    set(roomy, 'a', VALUE)
    maintain(roomy)
    roomy.clock.tick(100)
    maintain(roomy)
    expect(keysIn(roomy, COLD)).toEqual(['a'])
  })
})

describe('what is new and unfetched, all the same,', () => {
  function expectAllRenewed(cache: Cache): void {
    const room = cache.slabs.chunksPerPage(CLASS)
    for (let n = 0; n < room; n++) {
      set(cache, `new:${n}`, VALUE)
      maintain(cache)
    }
    expect(keysIn(cache, COLD).filter((key) => key.startsWith('old'))).toEqual([])
    checkInvariants(cache)
  }

  test('evicts what is as unfetched, and older', () => {
    expectAllRenewed(fullCache({}, { fetched: false }))
  })

  test('evicts the oldest while hardly anything is asked for again', () => {
    expectAllRenewed(fullCache({}, { inWarm: 4 }))
  })

  test('takes the memory of what is dead', () => {
    const cache = fullCache()
    for (const key of [...keysIn(cache, HOT), ...keysIn(cache, COLD)]) {
      cache.items.setExpiry(find(cache, key), cache.clock.now + 5)
    }
    cache.clock.tick(10)
    const dead = cache.lru.count(CLASS | HOT) + cache.lru.count(CLASS | COLD)
    for (let n = 0; n < dead; n++) set(cache, `new:${n}`, VALUE)
    expect(count(cache, EVICTED)).toBe(0)
    expect(count(cache, RECLAIMED)).toBe(dead)
    checkInvariants(cache)
  })
})

describe('what has been fetched', () => {
  test('once, takes the place of the oldest in COLD', () => {
    const cache = fullCache()
    set(cache, 'new', VALUE)
    fetch(cache, 'new')
    const oldest = keysIn(cache, COLD).at(-1)!
    passThroughHot(cache, 'new')
    expect(keysIn(cache, COLD)[0]).toBe('new')
    expect(find(cache, oldest)).toBe(0)
    checkInvariants(cache)
  })

  test('twice, moves to WARM, and one in COLD does too', () => {
    const cache = fullCache()
    const old = keysIn(cache, COLD)[0]!
    set(cache, 'new', VALUE)
    for (const key of ['new', 'new', old, old]) fetch(cache, key)
    passThroughHot(cache, 'new')
    expect(keysIn(cache, WARM).slice(0, 2)).toEqual(['new', old])
    expect(count(cache, MOVES_TO_WARM)).toBe(12)
    for (let n = 0; n < 1000; n++) set(cache, `more:${n}`, VALUE)
    expect(find(cache, 'new')).not.toBe(0)
    expect(find(cache, old)).not.toBe(0)
    checkInvariants(cache)
  })
})

describe('what comes back', () => {
  test('after it was evicted, is admitted to COLD', () => {
    const cache = fullCache()
    set(cache, 'again', VALUE)
    passThroughHot(cache, 'again')
    expect(find(cache, 'again')).toBe(0)
    set(cache, 'again', VALUE)
    passThroughHot(cache, 'again', 'other')
    expect(keysIn(cache, COLD)[0]).toBe('again')
    checkInvariants(cache)
  })

  test('comes back too when it is replaced, if it was fetched in between', () => {
    const cache = fullCache()
    set(cache, 'written', VALUE)
    set(cache, 'written', VALUE)
    set(cache, 'read and written', VALUE)
    fetch(cache, 'read and written')
    set(cache, 'read and written', VALUE)
    passThroughHot(cache, 'read and written')
    expect(keysIn(cache, COLD)[0]).toBe('read and written')
    expect(find(cache, 'written')).toBe(0)
  })
})

describe('there is no choice', () => {
  test('with a flat LRU, without admission, or where nothing may be evicted', () => {
    for (const options of [{ segmented: false }, { admissionEnabled: false }]) {
      const cache = fullCache(options)
      maintain(cache)
      for (let n = 0; n < 100; n++) {
        set(cache, `scan:${n}`, VALUE)
        maintain(cache)
      }
      expect(keysIn(cache, COLD).filter((key) => key.startsWith('old'))).toEqual([])
    }
    const cache = fullCache({ evictionsEnabled: false })
    expect(set(cache, 'new', VALUE)).toBeUndefined()
    expect(count(cache, EVICTED)).toBe(0)
  })

  test('when a reply sends from one of the two: it stays', () => {
    for (const segment of [HOT, COLD]) {
      const cache = fullCache()
      const item = cache.lru.tail(CLASS | segment)
      cache.pin(item)
      for (let n = 0; n < 300; n++) {
        set(cache, `scan:${n}`, VALUE)
        checkInvariants(cache)
      }
      expect(find(cache, keyOfItem(cache, item))).toBe(item)
      cache.unpin(item)
    }
  })
})

/** A generator by Tommy Ettinger (mulberry32): the streams are the same in every run. */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('the share of hits', () => {
  const KEYS = 1000
  const REQUESTS = 30_000

  /** Who misses a key stores it. A request is one of a scan through all keys with this probability. */
  function hitRatio(exponent: number, scan: number, options: Partial<CacheOptions>): number {
    const cache = fullCache(options)
    const random = seededRandom(1)
    const sums = [0]
    for (let rank = 1; rank <= KEYS; rank++) sums.push(sums.at(-1)! + rank ** -exponent)
    let hits = 0
    for (let n = 0; n < REQUESTS; n++) {
      const wanted = random() * sums[KEYS]!
      const rank = sums.findIndex((sum) => sum > wanted)
      const key = random() < scan ? `key:${n % KEYS}` : `key:${rank}`
      if (fetch(cache, key) !== 0) hits++
      else set(cache, key, VALUE)
      if (n % 10 === 0) new Maintainer(cache).run()
    }
    checkInvariants(cache)
    return hits / REQUESTS
  }

  test.each([
    ['Zipf 0.7', 0.7, 0, 0.01],
    ['Zipf 1.0', 1, 0, 0.01],
    ['Zipf 1.0 and a scan', 1, 0.2, 0.01],
  ])('is larger with %s than that of an LRU', (_name, exponent, scan, by) => {
    const lru = hitRatio(exponent, scan, { admissionEnabled: false })
    expect(hitRatio(exponent, scan, {})).toBeGreaterThan(lru + by)
  })
})

test('whatever happens, nothing is lost and nothing is there twice', () => {
  const key = fc.integer({ min: 0, max: 150 }).map((n) => `key:${n}`)
  const step = fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({ set: key, bytes: fc.integer({ min: 8900, max: 10_900 }) }),
    },
    { weight: 6, arbitrary: fc.record({ fetch: key }) },
    { weight: 1, arbitrary: fc.record({ remove: key }) },
    { weight: 1, arbitrary: fc.record({ pin: key }) },
    { weight: 1, arbitrary: fc.record({ seconds: fc.integer({ min: 1, max: 50 }) }) },
    { weight: 1, arbitrary: fc.constant({ maintain: true }) },
  )
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 300 }), (steps) => {
      const cache = fullCache()
      const pinned: ItemRef[] = []
      let now = 0
      for (const each of steps) {
        if ('set' in each) set(cache, each.set, new Uint8Array(each.bytes), { expiry: now + 40 })
        else if ('fetch' in each) fetch(cache, each.fetch)
        else if ('maintain' in each) maintain(cache)
        else if ('seconds' in each) {
          now += each.seconds
          cache.clock.tick(now)
        } else {
          const item = find(cache, 'remove' in each ? each.remove : each.pin)
          if (item === 0) continue
          if ('remove' in each) cache.unlink(item)
          else {
            cache.pin(item)
            pinned.push(item)
          }
        }
      }
      checkInvariants(cache)
      for (const item of pinned) cache.unpin(item)
      checkInvariants(cache)
      expect(cache.statistics.get(CURR_ITEMS)).toBeLessThanOrEqual(cache.slabs.chunksPerPage(CLASS))
    }),
    { numRuns: 60 },
  )
})

import { describe, expect, test } from 'vitest'
import type { Cache } from './cache.ts'
import { fetch, find, keyOf, makeCache, set, textOf } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { Crawler, requestSweep } from './crawler.ts'
import { MAX_INVALIDATIONS } from './prefix-invalidations.ts'

function invalidate(cache: Cache, prefix: string): boolean {
  const { block, length } = keyOf(prefix)
  return cache.invalidatePrefix(block, 0, length)
}

/** The crawl that was asked for, to its end. */
function sweep(cache: Cache): void {
  requestSweep(cache)
  const crawler = new Crawler(cache)
  while (crawler.run());
}

describe('an invalidated prefix', () => {
  test('kills what is under it so far, and nothing else', () => {
    const cache = makeCache()
    for (const key of ['user:1', 'user:22', 'user', 'users:1', 'a:user:1', 'user:'])
      set(cache, key, 'v')
    expect(invalidate(cache, 'user:')).toBe(true)
    for (const key of ['user:1', 'user:22', 'user:']) expect(textOf(cache, key)).toBeUndefined()
    for (const key of ['user', 'users:1', 'a:user:1']) expect(textOf(cache, key)).toBe('v')
    checkInvariants(cache)
  })

  test('is no delimiter: any bytes that keys begin with, a whole key too', () => {
    const cache = makeCache()
    for (const key of ['a', 'ab', 'abc', 'b', '\xff\x00', 'k'.repeat(250)]) set(cache, key, 'v')
    for (const prefix of ['ab', '\xff', 'k'.repeat(250)]) invalidate(cache, prefix)
    expect(
      ['a', 'ab', 'abc', 'b', '\xff\x00', 'k'.repeat(250)].map((key) => textOf(cache, key)),
    ).toEqual(['v', undefined, undefined, 'v', undefined, undefined])
  })

  test('lets live what is stored later in the same second, until it is invalidated again', () => {
    const cache = makeCache()
    for (let round = 0; round < 5; round++) {
      set(cache, 'p:1', `${round}`)
      expect(textOf(cache, 'p:1')).toBe(`${round}`)
      invalidate(cache, 'p:')
      expect(textOf(cache, 'p:1')).toBeUndefined()
    }
    expect(cache.invalidations.count).toBe(1)
  })

  test('kills what was fetched and touched since it was stored', () => {
    const cache = makeCache()
    set(cache, 'p:1', 'v')
    cache.clock.tick(100)
    fetch(cache, 'p:1')
    fetch(cache, 'p:1')
    invalidate(cache, 'p')
    expect(textOf(cache, 'p:1')).toBeUndefined()
  })

  test('of items whose client has chosen their CAS unique, kills all of that second too', () => {
    const cache = makeCache()
    const setGiven = (key: string, cas: number): void => {
      const item = set(cache, key, 'v')
      if (item !== undefined) cache.items.setGivenCas(item, cas, 0)
    }
    setGiven('p:low', 1)
    setGiven('p:high', 0x7fff_ffff)
    invalidate(cache, 'p:')
    setGiven('p:same second', 0x7fff_ffff)
    cache.clock.tick(1)
    setGiven('p:later', 1)
    expect(['p:low', 'p:high', 'p:same second'].map((key) => textOf(cache, key))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(textOf(cache, 'p:later')).toBe('v')
  })

  test('kills without CAS uniques too', () => {
    const cache = makeCache({ casEnabled: false })
    set(cache, 'p:1', 'v')
    set(cache, 'q:1', 'v')
    invalidate(cache, 'p:')
    expect(textOf(cache, 'p:1')).toBeUndefined()
    cache.clock.tick(1)
    set(cache, 'p:2', 'v')
    expect(textOf(cache, 'p:2')).toBe('v')
    expect(textOf(cache, 'q:1')).toBe('v')
  })

  test('is forgotten when everything was looked at since', () => {
    const cache = makeCache()
    for (let i = 0; i < 2000; i++) set(cache, `p${i % 10}:${i}`, 'v')
    for (let i = 0; i < 9; i++) invalidate(cache, `p${i}:`)
    requestSweep(cache)
    // Invalidated while the sweep is under way: it may have looked at some of them already.
    invalidate(cache, 'p0:')
    invalidate(cache, 'p9:')
    const crawler = new Crawler(cache)
    while (crawler.run());
    expect(cache.itemsHeld).toBeLessThanOrEqual(200)
    expect(cache.invalidations.count).toBe(2)
    sweep(cache)
    expect(cache.invalidations.count).toBe(0)
    expect(cache.itemsHeld).toBe(0)
    set(cache, 'p0:1', 'v')
    expect(textOf(cache, 'p0:1')).toBe('v')
    checkInvariants(cache)
  })

  test('finds no room beside too many others, until they are reclaimed', () => {
    const cache = makeCache()
    set(cache, 'p7:x', 'v')
    for (let i = 0; i < MAX_INVALIDATIONS; i++) expect(invalidate(cache, `p${i}:`)).toBe(true)
    expect(cache.invalidations.sweepIsDue).toBe(true)
    expect(invalidate(cache, 'one more')).toBe(false)
    expect(invalidate(cache, 'p5:')).toBe(true)
    expect(find(cache, 'p7:x')).toBe(0)
    sweep(cache)
    expect(cache.invalidations.count).toBe(0)
    expect(invalidate(cache, 'one more')).toBe(true)
  })
})

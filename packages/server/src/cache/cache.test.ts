// The cache's own behaviour, case by case; cache-model.test.ts has everything at once, at random.
import { describe, expect, test } from 'vitest'
import { fetch, makeCache, set, textOf } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { CURR_ITEMS, GET_EXPIRED, GET_FLUSHED } from './statistics.ts'

describe('flush', () => {
  test('kills what was stored before, and nothing stored after it in the same second', () => {
    const cache = makeCache()
    set(cache, 'before', '1')
    cache.flush(0)
    set(cache, 'after', '2')
    expect(textOf(cache, 'before')).toBeUndefined()
    expect(textOf(cache, 'after')).toBe('2')
    cache.flush(0)
    set(cache, 'last', '3')
    expect(textOf(cache, 'after')).toBeUndefined()
    expect(textOf(cache, 'last')).toBe('3')
    expect(cache.statistics.get(GET_FLUSHED)).toBe(1)
    checkInvariants(cache)
  })

  test('kills items fetched in its very second, wherever they are in their lists', () => {
    const cache = makeCache()
    set(cache, 'fetched', '1')
    cache.clock.tick(5)
    set(cache, 'newer', '2')
    cache.clock.tick(10)
    fetch(cache, 'fetched')
    fetch(cache, 'fetched')
    cache.flush(0)
    expect(textOf(cache, 'fetched')).toBeUndefined()
    expect(textOf(cache, 'newer')).toBeUndefined()
  })

  test('with a deadline lets items live until then', () => {
    const cache = makeCache()
    set(cache, 'before', '1')
    cache.flush(cache.clock.now + 10)
    cache.clock.tick(8)
    set(cache, 'meanwhile', '2')
    expect(textOf(cache, 'before')).toBe('1')
    cache.clock.tick(10)
    set(cache, 'after', '3')
    expect(textOf(cache, 'before')).toBeUndefined()
    expect(textOf(cache, 'meanwhile')).toBeUndefined()
    expect(textOf(cache, 'after')).toBe('3')
  })

  test('with a new deadline does not revive what an earlier one has killed', () => {
    const cache = makeCache()
    set(cache, 'a', '1')
    cache.clock.tick(5)
    cache.flush(0)
    cache.flush(cache.clock.now + 100)
    expect(textOf(cache, 'a')).toBeUndefined()
    set(cache, 'b', '2')
    cache.flush(cache.clock.now + 2)
    cache.clock.tick(10)
    cache.flush(cache.clock.now + 100)
    expect(textOf(cache, 'b')).toBeUndefined()
  })
})

test('an expired item is found no more, and counted once', () => {
  const cache = makeCache()
  set(cache, 'a', '1', { expiry: cache.clock.now + 2 })
  cache.clock.tick(1)
  expect(textOf(cache, 'a')).toBe('1')
  cache.clock.tick(2)
  expect(textOf(cache, 'a')).toBeUndefined()
  expect(textOf(cache, 'a')).toBeUndefined()
  expect(cache.statistics.get(GET_EXPIRED)).toBe(1)
  expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
})

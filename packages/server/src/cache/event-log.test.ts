import { describe, expect, test } from 'vitest'
import { Automover } from './automover.ts'
import type { Cache } from './cache.ts'
import { find, MEGABYTE, makeCache, set } from './cache-fixture.ts'
import {
  EVICTION,
  EVICTIONS,
  FETCHERS,
  FOUND_LIVING,
  FOUND_NOTHING,
  ITEM_GET,
  type LogEvent,
  MUTATIONS,
  SLAB_MOVE,
  SYSTEM_EVENTS,
} from './event-log.ts'
import { GLOBAL_PAGE_POOL } from './slab-pages.ts'
import { EVICTED, LOG_WORKER_DROPPED, LOG_WORKER_WRITTEN } from './statistics.ts'
import { MAX_WATCHERS } from './watch-slots.ts'

function taken(cache: Cache): LogEvent[] {
  const events: LogEvent[] = []
  const { end } = cache.events
  for (let event = cache.events.take(end); event; event = cache.events.take(end)) events.push(event)
  return events
}

const keyOf = ({ bytes }: LogEvent): string => Buffer.from(bytes).toString('latin1')

describe('events', () => {
  test('are only collected for who watches, and only those of the streams that are watched', () => {
    const cache = makeCache()
    find(cache, 'a')
    expect(taken(cache)).toEqual([])
    const slot = cache.events.addWatcher(FETCHERS)
    set(cache, 'a', 'value')
    find(cache, 'a')
    const events = taken(cache)
    expect(events.map(({ type, numbers }) => [type, numbers[0]])).toEqual([
      [ITEM_GET, FOUND_NOTHING],
      [ITEM_GET, FOUND_LIVING],
    ])
    cache.events.slots.release(slot)
    find(cache, 'a')
    expect(taken(cache)).toEqual([])
    expect(cache.statistics.get(LOG_WORKER_WRITTEN)).toBe(2)
  })

  test('carry numbers in order, and the time', () => {
    const cache = makeCache()
    cache.events.addWatcher(FETCHERS | MUTATIONS)
    const before = Date.now()
    for (let i = 0; i < 100; i++) set(cache, `key:${i}`, 'x')
    const events = taken(cache)
    expect(events).toHaveLength(200)
    events.forEach((event, i) => {
      expect(event.id).toBe(i + 2)
      const milliseconds = event.seconds * 1000 + event.microseconds / 1000
      expect(Math.abs(milliseconds - before)).toBeLessThan(60_000)
      expect(keyOf(event)).toBe(`key:${i >> 1}`)
    })
  })

  test('an eviction tells of each item evicted', () => {
    const cache = makeCache({ memoryLimitBytes: MEGABYTE })
    cache.events.addWatcher(EVICTIONS)
    for (let i = 0; i < 20; i++) set(cache, `big:${i}`, new Uint8Array(200_000))
    const evicted = taken(cache)
    expect(evicted.length).toBe(cache.statistics.total(EVICTED))
    expect(evicted.length).toBeGreaterThan(10)
    expect(evicted.every(({ type }) => type === EVICTION)).toBe(true)
    expect(evicted.map(keyOf)).toEqual(evicted.map((_, i) => `big:${i}`))
  })

  test('the automover tells which page it wants moved, and whether that could begin', () => {
    const cache = makeCache({ slabAutomoveWindow: 3 })
    cache.events.addWatcher(SYSTEM_EVENTS)
    const automover = new Automover(cache)
    for (let i = 0; i < 50; i++) set(cache, `big:${i}`, new Uint8Array(100_000))
    const slabClass = cache.items.slabClass(find(cache, 'big:0'))
    cache.lru.unlinkSince(0)
    for (let seconds = 1; seconds < 20 && !automover.run(); seconds++) cache.clock.tick(seconds)
    // The page mover doesn't run here: the first move is still pending when the next one is asked for.
    cache.clock.tick(20)
    expect(automover.run()).toBe(false)
    expect(taken(cache).map(({ type, numbers }) => [type, numbers])).toEqual([
      [SLAB_MOVE, [slabClass, GLOBAL_PAGE_POOL, 1]],
      [SLAB_MOVE, [slabClass, GLOBAL_PAGE_POOL, 0]],
    ])
  })

  test.each([0, 100, 1000])('that find no room in %i bytes are dropped and counted', (bytes) => {
    const cache = makeCache({ eventLogBytes: bytes })
    cache.events.addWatcher(FETCHERS)
    for (let i = 0; i < 100; i++) find(cache, 'some key')
    const events = taken(cache)
    expect(events.length).toBeLessThan(bytes / 40 + 1)
    expect(cache.statistics.get(LOG_WORKER_WRITTEN)).toBe(events.length)
    expect(cache.statistics.get(LOG_WORKER_DROPPED)).toBe(100 - events.length)
    // Those before the gap are whole.
    expect(events.every((event) => keyOf(event) === 'some key')).toBe(true)
  })

  test('a full log has room again when it was read', () => {
    const cache = makeCache({ eventLogBytes: 1000 })
    cache.events.addWatcher(FETCHERS)
    for (let i = 0; i < 100; i++) find(cache, 'x')
    taken(cache)
    find(cache, 'later')
    expect(taken(cache).map(keyOf)).toEqual(['later'])
  })
})

test('watchers have a slot each, and one that is free again is taken again', () => {
  const { events } = makeCache()
  const slots = Array.from({ length: MAX_WATCHERS }, () => events.addWatcher(FETCHERS))
  expect(new Set(slots).size).toBe(MAX_WATCHERS)
  expect(events.addWatcher(FETCHERS)).toBe(-1)
  expect(events.slots.count).toBe(MAX_WATCHERS)
  events.slots.release(7)
  expect(events.addWatcher(EVICTIONS)).toBe(7)
  expect(events.slots.active).toBe(FETCHERS | EVICTIONS)
  events.slots.release(7)
  expect(events.slots.active).toBe(FETCHERS)
})

test('a client is only to be had once it was handed over', () => {
  const { slots } = makeCache().events
  const slot = slots.claim(FETCHERS, 1)
  expect(slots.client(slot)).toBeUndefined()
  slots.handOver(slot, 12)
  expect(slots.client(slot)).toBe(12)
  slots.release(slot)
  expect(slots.claim(FETCHERS, 2)).toBe(slot)
  expect(slots.client(slot)).toBeUndefined()
})

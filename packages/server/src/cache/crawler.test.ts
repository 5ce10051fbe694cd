import { describe, expect, test } from 'vitest'
import type { Cache } from './cache.ts'
import { find, MEGABYTE, makeCache, set } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { Crawler, requestCrawl } from './crawler.ts'
import { CRAWLER_STATUS, type LogEvent, SYSTEM_EVENTS } from './event-log.ts'
import { COLD, HOT, TEMP, WARM } from './lru.ts'
import {
  CRAWLER_ITEMS_CHECKED,
  CRAWLER_RECLAIMED,
  CURR_ITEMS,
  EXPIRED_UNFETCHED,
  LRU_CRAWLER_STARTS,
} from './statistics.ts'

/** Runs what is due; the number of crawls it began. */
function crawl(cache: Cache, crawler: Crawler): number {
  const before = cache.statistics.get(LRU_CRAWLER_STARTS)
  while (crawler.run()) checkInvariants(cache)
  return cache.statistics.get(LRU_CRAWLER_STARTS) - before
}

/** The seconds at which a crawl begins, up to `until`. */
function crawlTimes(cache: Cache, until: number): number[] {
  const crawler = new Crawler(cache)
  const times: number[] = []
  for (let seconds = 0; seconds <= until; seconds++) {
    cache.clock.tick(seconds)
    if (crawl(cache, crawler) > 0) times.push(seconds)
  }
  return times
}

describe('expired items that nobody asks for', () => {
  test('are freed, the others left alone', () => {
    const cache = makeCache()
    const crawler = new Crawler(cache)
    const { now } = cache.clock
    for (let n = 0; n < 3000; n++) {
      set(cache, `key:${n}`, 'x', { expiry: n % 3 === 0 ? 0 : now + (n % 3) * 50 })
    }
    cache.clock.tick(70)
    expect(crawl(cache, crawler)).toBe(1)
    expect(cache.statistics.get(CURR_ITEMS)).toBe(2000)
    expect(cache.statistics.total(CRAWLER_RECLAIMED)).toBe(1000)
    expect(cache.statistics.total(EXPIRED_UNFETCHED)).toBe(1000)
    expect(cache.statistics.total(CRAWLER_ITEMS_CHECKED)).toBe(3000)
    expect(find(cache, 'key:0')).not.toBe(0)
    expect(find(cache, 'key:2')).not.toBe(0)
  })

  test('are freed also when they are so large that they lie in chunks', () => {
    const cache = makeCache({ maxItemSizeBytes: 8 * MEGABYTE })
    const crawler = new Crawler(cache)
    set(cache, 'large', new Uint8Array(3 * MEGABYTE), { expiry: cache.clock.now + 10 })
    cache.clock.tick(70)
    crawl(cache, crawler)
    expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
    expect(cache.slabs.usedChunks(cache.slabs.largestClass)).toBe(0)
  })

  test('are freed after a flush too', () => {
    const cache = makeCache()
    const crawler = new Crawler(cache)
    set(cache, 'a', 'x')
    cache.clock.tick(10)
    cache.flush(0)
    set(cache, 'b', 'x')
    cache.clock.tick(70)
    crawl(cache, crawler)
    expect(cache.statistics.get(CURR_ITEMS)).toBe(1)
    expect(find(cache, 'b')).not.toBe(0)
  })

  test('stay in memory while a reply sends from them', () => {
    const cache = makeCache()
    const crawler = new Crawler(cache)
    const item = set(cache, 'a', 'x', { expiry: cache.clock.now + 10 }) ?? 0
    const slabClass = cache.items.slabClass(item)
    cache.pin(item)
    cache.clock.tick(70)
    crawl(cache, crawler)
    expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
    expect(cache.slabs.usedChunks(slabClass)).toBe(1)
    cache.unpin(item)
    expect(cache.slabs.usedChunks(slabClass)).toBe(0)
  })
})

describe('a class is crawled', () => {
  test('first after a minute, then the less often the less there is to free', () => {
    const cache = makeCache()
    set(cache, 'a', 'x')
    // Each wait is a minute longer than the one before, and five seconds.
    expect(crawlTimes(cache, 600)).toEqual([60, 185, 370])
  })

  test('once an hour at least', () => {
    const cache = makeCache()
    set(cache, 'a', 'x')
    const times = crawlTimes(cache, 2 * 86400)
    const waits = times.slice(1).map((time, i) => time - times[i])
    expect(Math.max(...waits)).toBe(3605)
  })

  test('every minute while items keep expiring', () => {
    const cache = makeCache()
    for (let n = 0; n < 1000; n++) {
      set(cache, `key:${n}`, 'x', { expiry: cache.clock.now + n })
    }
    expect(crawlTimes(cache, 600)).toEqual([60, 125, 190, 255, 320, 385, 450, 515, 580])
  })

  test('at once when somebody starts it, but one at a time', () => {
    const cache = makeCache()
    const crawler = new Crawler(cache)
    const item = set(cache, 'a', 'x', { expiry: cache.clock.now + 1 }) ?? 0
    const slabClass = cache.items.slabClass(item)
    cache.clock.tick(5)
    expect(crawler.run()).toBe(false)
    expect(requestCrawl(cache, new Set([slabClass]))).toBe(true)
    expect(cache.crawl.running).toBe(true)
    expect(requestCrawl(cache, new Set([slabClass]))).toBe(false)
    while (crawler.run());
    expect(cache.crawl.running).toBe(false)
    expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
  })
})

describe('a crawl that was asked for', () => {
  test('takes in several classes, and no others', () => {
    const cache = makeCache()
    const crawler = new Crawler(cache)
    const expiry = cache.clock.now + 1
    const classes = ['x', 'x'.repeat(500), 'x'.repeat(5000)].map((value, n) =>
      cache.items.slabClass(set(cache, `key:${n}`, value, { expiry }) ?? 0),
    )
    cache.clock.tick(5)
    expect(requestCrawl(cache, new Set([classes[0], classes[2], 63]))).toBe(true)
    while (crawler.run());
    const reclaimed = classes.map((c) => cache.statistics.ofClass(c, CRAWLER_RECLAIMED))
    expect(reclaimed).toEqual([1, 0, 1])
    expect(cache.statistics.get(LRU_CRAWLER_STARTS)).toBe(1)
  })

  test('of the largest class finds the large items, whose headers lie elsewhere', () => {
    const cache = makeCache({ maxItemSizeBytes: 8 * MEGABYTE })
    const crawler = new Crawler(cache)
    set(cache, 'large', new Uint8Array(3 * MEGABYTE), { expiry: cache.clock.now + 1 })
    cache.clock.tick(5)
    requestCrawl(cache, new Set([cache.slabs.largestClass]))
    while (crawler.run());
    expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
  })

  test('limited to some items, goes on where the last one has stopped', () => {
    const cache = makeCache({ crawlerItemsPerRun: 100 })
    const crawler = new Crawler(cache)
    const expiry = cache.clock.now + 1
    let slabClass = 0
    for (let n = 0; n < 250; n++) {
      slabClass = cache.items.slabClass(set(cache, `key:${n}`, 'x', { expiry }) ?? 0)
    }
    cache.clock.tick(5)
    const left: number[] = []
    for (let n = 0; n < 3; n++) {
      requestCrawl(cache, new Set([slabClass]))
      while (crawler.run());
      left.push(cache.statistics.get(CURR_ITEMS))
    }
    expect(left).toEqual([150, 50, 0])
  })

  test('happens although nobody crawls by themselves', () => {
    const cache = makeCache({ crawlerEnabled: false })
    const crawler = new Crawler(cache)
    const item = set(cache, 'a', 'x', { expiry: cache.clock.now + 1 }) ?? 0
    cache.clock.tick(1000)
    expect(crawler.run()).toBe(false)
    requestCrawl(cache, new Set([cache.items.slabClass(item)]))
    while (crawler.run());
    expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
  })
})

test('a crawl is a sequence of short steps, between which the cache may change', () => {
  const cache = makeCache()
  const crawler = new Crawler(cache)
  for (let n = 0; n < 20_000; n++) set(cache, `key:${n}`, 'x', { expiry: cache.clock.now + 10 })
  cache.clock.tick(70)
  let steps = 0
  while (crawler.run()) {
    for (let n = 0; n < 50; n++) set(cache, `key:${steps * 50 + n}`, 'again')
    checkInvariants(cache)
    steps++
  }
  expect(steps).toBeGreaterThanOrEqual(20)
  for (let n = 0; n < steps * 50; n++) expect(find(cache, `key:${n}`)).not.toBe(0)
  expect(cache.statistics.get(CURR_ITEMS)).toBe(steps * 50)
})

describe('watchers are told', () => {
  function watchedCrawl(begin: (cache: Cache) => void): LogEvent[] {
    const cache = makeCache()
    const crawler = new Crawler(cache)
    cache.events.addWatcher(SYSTEM_EVENTS)
    set(cache, 'a', 'x', { expiry: cache.clock.now + 10 })
    set(cache, 'b', 'x', { expiry: cache.clock.now + 100 })
    begin(cache)
    crawl(cache, crawler)
    const events: LogEvent[] = []
    const { end } = cache.events
    for (let e = cache.events.take(end); e; e = cache.events.take(end)) events.push(e)
    return events
  }

  test('of each list of a class that was due', () => {
    const events = watchedCrawl(({ clock }) => clock.tick(70))
    // List, low mark, next reclaims, since the run, until the next, elapsed, examined, reclaimed.
    expect(events.map(({ type, numbers }) => [type, numbers])).toEqual([
      [CRAWLER_STATUS, [1 | HOT, 1, 1, 0, 65, 0, 2, 1]],
      [CRAWLER_STATUS, [1 | WARM, 1, 1, 0, 65, 0, 0, 0]],
      [CRAWLER_STATUS, [1 | COLD, 1, 1, 0, 65, 0, 0, 0]],
      [CRAWLER_STATUS, [1 | TEMP, 1, 1, 0, 65, 0, 0, 0]],
    ])
  })

  test('nothing of a crawl that an operator asked for', () => {
    const events = watchedCrawl((cache) => requestCrawl(cache, new Set([1])))
    expect(events).toEqual([])
  })

  test('nor of one that a command began just when another was due', () => {
    const events = watchedCrawl((cache) => {
      cache.clock.tick(70)
      const { lock } = cache
      const acquire = lock.acquire.bind(lock)
      // Another thread has the lock first, after the crawler has seen that nobody crawls.
      lock.acquire = () => {
        lock.acquire = acquire
        acquire()
        expect(requestCrawl(cache, new Set([1]))).toBe(true)
      }
    })
    expect(events).toEqual([])
  })
})

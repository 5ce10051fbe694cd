// Pages on the move: whatever lives in one goes on living elsewhere, what can't be moved is waited for, and
// nothing that was in the page is reachable when another class has it. Failures print seed and path.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PAGE_BYTES, type Ref } from './arena.ts'
import { Cache } from './cache.ts'
import {
  blockOf,
  casOfItem,
  fetch,
  find,
  keyOf,
  keyOfItem,
  MEGABYTE,
  makeCache,
  makeCacheOptions,
  makeItem,
  START_UNIX_SECONDS,
  set,
  textOf,
  valueOfItem,
} from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { allocateCacheMemory, type CacheOptions } from './cache-memory.ts'
import { Crawler } from './crawler.ts'
import { CHUNKED, type ItemRef } from './item.ts'
import { COLD, HOT } from './lru.ts'
import { BUSY_STATUSES, PageMover } from './page-mover.ts'
import { ANY_CLASS, ASKED, BAD_CLASS, BUSY, NO_SPARE_PAGE, SAME_CLASS } from './page-moves.ts'
import { recover } from './recovery.ts'
import { GLOBAL_PAGE_POOL } from './slab-pages.ts'
import {
  CURR_ITEMS,
  EVICTED,
  SLAB_REASSIGN_BUSY_DELETES,
  SLAB_REASSIGN_BUSY_ITEMS,
  SLAB_REASSIGN_BUSY_NOMEM,
  SLAB_REASSIGN_CHUNK_RESCUES,
  SLAB_REASSIGN_LAST_BUSY_STATUS,
  SLAB_REASSIGN_RESCUES,
  SLABS_MOVED,
} from './statistics.ts'
import { SET, STORED, StoreRequest, store } from './store.ts'

const PATIENT_PASSES = 3
/** The class of values of 10,000 bytes, and how many of them fit a page. */
const TEN_K_CLASS = 22
const TEN_K_PER_PAGE = 94
/** The class of the chunks of large items with `slab_chunk_max=16`. */
const SMALL_CHUNKS = { slabChunkMaxBytes: 16 * 1024 }

function moverOf(cache: Cache): PageMover {
  return new PageMover(cache, { patientPasses: PATIENT_PASSES, stepCost: 1000 })
}

/** Steps until the move is done; false if it isn't after very many. */
function finishMove(cache: Cache, mover: PageMover): boolean {
  for (let steps = 0; steps < 20_000; steps++) {
    if (mover.run() === undefined) {
      checkInvariants(cache)
      return true
    }
  }
  return false
}

function move(cache: Cache, source: number, destination: number, evictionsAllowed = true): void {
  expect(cache.pageMoves.ask(source, destination, evictionsAllowed)).toBe(ASKED)
  expect(finishMove(cache, moverOf(cache))).toBe(true)
}

function valueFor(n: number, length = 10_000): string {
  return `${n}:`.padEnd(length, String(n))
}

/** A cache with two pages of items, of which the first is full. */
function cacheWithTwoPages(options: Partial<CacheOptions> = {}): Cache {
  const cache = makeCache(options)
  for (let n = 0; n < TEN_K_PER_PAGE + 10; n++) {
    set(cache, `key:${n}`, valueFor(n), { clientFlags: n % 2 })
  }
  expect(cache.pages.count(TEN_K_CLASS)).toBe(2)
  return cache
}

/** Not by toBe, whose message would be the values. */
function expectValue(cache: Cache, key: string, value: string | undefined): void {
  expect(textOf(cache, key) === value, `the value of ${key}`).toBe(true)
}

function keysOf(cache: Cache, list: number): string[] {
  const keys: string[] = []
  for (let item = cache.lru.head(list); item !== 0; item = cache.items.next(item)) {
    keys.push(keyOfItem(cache, item))
  }
  return keys
}

function pagesInUse(cache: Cache, items: Iterable<ItemRef>): Set<number> {
  return new Set([...items].map((item) => cache.arena.pageOf(item)))
}

describe('asking for a page', () => {
  test('is refused with the reason, the first of these', () => {
    const cache = cacheWithTwoPages()
    const { pageMoves, slabs } = cache
    expect(pageMoves.ask(TEN_K_CLASS, TEN_K_CLASS, true)).toBe(SAME_CLASS)
    expect(pageMoves.ask(-5, 70, true)).toBe(BAD_CLASS)
    expect(pageMoves.ask(slabs.largestClass + 1, 1, true)).toBe(BAD_CLASS)
    expect(pageMoves.ask(1, slabs.largestClass + 1, true)).toBe(BAD_CLASS)
    expect(pageMoves.ask(2, 1, true)).toBe(NO_SPARE_PAGE)
    expect(pageMoves.ask(GLOBAL_PAGE_POOL, 1, true)).toBe(NO_SPARE_PAGE)
    expect(pageMoves.ask(TEN_K_CLASS, 1, true)).toBe(ASKED)
    expect(pageMoves.ask(TEN_K_CLASS, TEN_K_CLASS, true)).toBe(BUSY)
  })

  test('of any class finds those that have more than one, in turn', () => {
    const cache = makeCache()
    expect(cache.pageMoves.ask(ANY_CLASS, 5, true)).toBe(BAD_CLASS)
    for (let n = 0; n < 300; n++) set(cache, `a${n}`, 'x'.repeat(10_000))
    for (let n = 0; n < 300; n++) set(cache, `b${n}`, 'x'.repeat(20_000))
    const sources = [0, 1, 2].map(() => {
      expect(cache.pageMoves.ask(ANY_CLASS, 5, true)).toBe(ASKED)
      finishMove(cache, moverOf(cache))
      return cache.pageMoves.source
    })
    expect(new Set(sources)).toEqual(new Set([TEN_K_CLASS, TEN_K_CLASS + 3]))
    expect(sources[2]).toBe(sources[0])
    expect(cache.pages.count(5)).toBe(3)
  })
})

describe('living items', () => {
  test('are moved: everything about them stays as it is, but for where they are', () => {
    const cache = cacheWithTwoPages()
    const { items, lru, pages, statistics } = cache
    for (let n = 0; n < 40; n += 2) cache.unlink(find(cache, `key:${n}`))
    cache.clock.tick(50)
    fetch(cache, 'key:7')
    const list = TEN_K_CLASS | HOT
    const order = keysOf(cache, list)
    const before = order.map((key) => find(cache, key))
    const uniques = before.map((item) => casOfItem(cache, item))
    const accessed = before.map((item) => items.accessed(item))
    const [first] = pagesInUse(cache, before.slice(-1))
    move(cache, TEN_K_CLASS, GLOBAL_PAGE_POOL)

    expect(keysOf(cache, list)).toEqual(order)
    const after = order.map((key) => find(cache, key))
    expect(pagesInUse(cache, after)).not.toContain(first)
    expect(after.map((item) => casOfItem(cache, item))).toEqual(uniques)
    expect(after.map((item) => items.accessed(item))).toEqual(accessed)
    expect(lru.count(list)).toBe(order.length)
    for (const key of order) expectValue(cache, key, valueFor(Number(key.slice(4))))
    expect(pages.count(GLOBAL_PAGE_POOL)).toBe(1)
    expect(statistics.get(SLABS_MOVED)).toBe(1)
    expect([...cache.pageMoves.counts()]).toEqual([[TEN_K_CLASS, GLOBAL_PAGE_POOL, 1]])
    expect(statistics.total(EVICTED)).toBe(0)
  })

  test('that do not fit the rest of their class take a new page while there is one', () => {
    const cache = cacheWithTwoPages()
    expect(cache.pageMoves.ask(TEN_K_CLASS, 1, false)).toBe(ASKED)
    expect(finishMove(cache, moverOf(cache))).toBe(true)
    expect(cache.statistics.get(CURR_ITEMS)).toBe(TEN_K_PER_PAGE + 10)
    expect(cache.statistics.get(SLAB_REASSIGN_RESCUES)).toBe(TEN_K_PER_PAGE)
    expect(cache.statistics.get(SLAB_REASSIGN_BUSY_NOMEM)).toBeGreaterThan(0)
    expect(cache.pages.count(TEN_K_CLASS)).toBe(2)
    expect(cache.pages.count(1)).toBe(1)
  })

  test('make room by eviction when memory is full, those of the page too', () => {
    const cache = makeCache({ memoryLimitBytes: 4 * MEGABYTE })
    const { statistics } = cache
    for (let n = 0; n < 1000; n++) set(cache, `key:${n}`, valueFor(n))
    const evictions = statistics.total(EVICTED)
    move(cache, TEN_K_CLASS, 1)
    expect(statistics.total(EVICTED) - evictions).toBe(TEN_K_PER_PAGE)
    expect(statistics.get(CURR_ITEMS)).toBe(3 * TEN_K_PER_PAGE)
    expect(cache.pages.count(1)).toBe(1)
    for (let n = 999; n > 999 - TEN_K_PER_PAGE; n--) {
      expectValue(cache, `key:${n}`, valueFor(n))
    }
  })

  test('stay where they are when nothing may be evicted and there is no room', () => {
    const cache = makeCache({ memoryLimitBytes: 4 * MEGABYTE, evictionsEnabled: false })
    for (let n = 0; n < 1000; n++) set(cache, `key:${n}`, valueFor(n))
    expect(cache.pageMoves.ask(TEN_K_CLASS, 1, true)).toBe(ASKED)
    expect(finishMove(cache, moverOf(cache))).toBe(true)
    expect(cache.pages.count(TEN_K_CLASS)).toBe(4)
    expect(cache.statistics.get(SLABS_MOVED)).toBe(0)
    for (let n = 0; n < 4 * TEN_K_PER_PAGE; n++) {
      expectValue(cache, `key:${n}`, valueFor(n))
    }
    // With room, the next attempt succeeds.
    for (let n = 0; n < 4 * TEN_K_PER_PAGE; n += 2) cache.unlink(find(cache, `key:${n}`))
    move(cache, TEN_K_CLASS, 1)
    expect(cache.statistics.get(CURR_ITEMS)).toBe(2 * TEN_K_PER_PAGE)
  })
})

describe('large items', () => {
  /** 8,000 of them, with keys so long that their headers need more than one page. Returns these' class. */
  function fillWithHeaders(cache: Cache, key: (n: number) => string): number {
    for (let n = 0; n < 8_000; n++) set(cache, key(n), valueFor(n, 1500))
    const headerClass = cache.items.headerClass(find(cache, key(7_999)))
    expect(cache.pages.count(headerClass)).toBeGreaterThan(1)
    return headerClass
  }
  const longKey = (n: number): string => `${n}`.padEnd(250, '.')

  test('keep together when a page of their headers is moved', () => {
    const cache = makeCache({ slabChunkMaxBytes: 1024 })
    const headerClass = fillWithHeaders(cache, longKey)
    for (let n = 0; n < 8_000; n += 2) cache.unlink(find(cache, longKey(n)))
    move(cache, headerClass, GLOBAL_PAGE_POOL)
    expect(cache.statistics.get(SLAB_REASSIGN_RESCUES)).toBeGreaterThan(1_000)
    for (let n = 1; n < 8_000; n += 2) expect(textOf(cache, longKey(n))).toBe(valueFor(n, 1500))
  })

  test('keep together when pages of their chunks are moved', () => {
    const cache = makeCache({ ...SMALL_CHUNKS, memoryLimitBytes: 40 * MEGABYTE })
    const { slabs, statistics } = cache
    for (let n = 0; n < 300; n++) set(cache, `key:${n}`, valueFor(n, 50_000))
    for (let n = 0; n < 300; n += 3) cache.unlink(find(cache, `key:${n}`))
    for (let n = 0; n < 4; n++) move(cache, slabs.largestClass, GLOBAL_PAGE_POOL, false)
    expect(statistics.get(SLAB_REASSIGN_CHUNK_RESCUES)).toBeGreaterThan(100)
    for (let n = 0; n < 300; n++) {
      expectValue(cache, `key:${n}`, n % 3 === 0 ? undefined : valueFor(n, 50_000))
    }
  })

  test('whose headers find no room have to go, since nothing in their class can be evicted', () => {
    const cache = makeCache({ memoryLimitBytes: 20 * MEGABYTE, slabChunkMaxBytes: 1024 })
    const { pages, statistics } = cache
    const headerClass = fillWithHeaders(cache, longKey)
    const count = pages.count(headerClass)
    const stored = statistics.get(CURR_ITEMS)
    move(cache, headerClass, GLOBAL_PAGE_POOL)
    expect(pages.count(headerClass)).toBe(count - 1)
    expect(statistics.get(CURR_ITEMS)).toBeLessThan(stored)
    for (let n = 0; n < 8_000; n++) {
      const text = textOf(cache, longKey(n))
      if (text !== undefined) expect(text).toBe(valueFor(n, 1500))
    }
  })
})

describe('dead items', () => {
  test.each([
    ['expired', (cache: Cache) => cache.clock.tick(30)],
    [
      'flushed',
      (cache: Cache) => {
        cache.flush(0)
        cache.clock.tick(1)
      },
    ],
  ])('%s ones are dropped, not moved', (_, die) => {
    const cache = makeCache()
    const expiry = cache.clock.now + 20
    for (let n = 0; n < TEN_K_PER_PAGE + 1; n++) set(cache, `key:${n}`, valueFor(n), { expiry })
    die(cache)
    move(cache, TEN_K_CLASS, GLOBAL_PAGE_POOL)
    expect(cache.statistics.get(CURR_ITEMS)).toBe(1)
    expect(cache.statistics.get(SLAB_REASSIGN_RESCUES)).toBe(0)
  })
})

describe('what is in use', () => {
  function status(cache: Cache): string {
    return BUSY_STATUSES[cache.statistics.get(SLAB_REASSIGN_LAST_BUSY_STATUS)]
  }

  test('an item that replies send from is moved for others, and keeps its bytes until they are sent', () => {
    const cache = cacheWithTwoPages()
    const item = find(cache, 'key:0')
    cache.pin(item)
    cache.pageMoves.ask(TEN_K_CLASS, GLOBAL_PAGE_POOL, true)
    const mover = moverOf(cache)
    for (let steps = 0; steps < 500; steps++) mover.run()
    expect(cache.pageMoves.pending).toBe(true)
    const moved = find(cache, 'key:0')
    expect(moved).not.toBe(item)
    expect(cache.items.pins(moved)).toBe(0)
    set(cache, 'key:0', 'new')
    expect(valueOfItem(cache, item).toString()).toBe(valueFor(0))
    expect(cache.statistics.get(SLAB_REASSIGN_BUSY_ITEMS)).toBeGreaterThan(0)
    expect(status(cache)).toBe('busy_floating')
    cache.unpin(item)
    expect(finishMove(cache, mover)).toBe(true)
    expect(cache.pages.count(GLOBAL_PAGE_POOL)).toBe(1)
  })

  test('a large item that replies send from is waited for, and then deleted', () => {
    const cache = makeCache(SMALL_CHUNKS)
    const { slabs, statistics } = cache
    for (let n = 0; n < 40; n++) set(cache, `key:${n}`, valueFor(n, 50_000))
    const item = find(cache, 'key:0')
    cache.pin(item)
    cache.pageMoves.ask(slabs.largestClass, GLOBAL_PAGE_POOL, false)
    const mover = moverOf(cache)
    // Room for the rest of the page.
    for (let n = 20; n < 40; n++) cache.unlink(find(cache, `key:${n}`))
    for (let n = 0; n < 500 && statistics.get(SLAB_REASSIGN_BUSY_ITEMS) === 0; n++) mover.run()
    expect(status(cache)).toBe('busy_active')
    expect(find(cache, 'key:0')).toBe(item)
    for (let steps = 0; steps < 500; steps++) mover.run()
    expect(statistics.get(SLAB_REASSIGN_BUSY_DELETES)).toBe(1)
    expect(find(cache, 'key:0')).toBe(0)
    expect(valueOfItem(cache, item).toString()).toBe(valueFor(0, 50_000))
    expect(cache.pageMoves.pending).toBe(true)
    cache.unpin(item)
    expect(finishMove(cache, mover)).toBe(true)
    for (let n = 1; n < 20; n++) expectValue(cache, `key:${n}`, valueFor(n, 50_000))
  })

  test('an item that is still being written is waited for', () => {
    const cache = makeCache()
    const key = keyOf('slow')
    const item = cache.allocate(key.block, 0, key.length, 0, 0, 10_000, 0)
    for (let n = 0; n < TEN_K_PER_PAGE; n++) set(cache, `key:${n}`, valueFor(n))
    cache.pageMoves.ask(TEN_K_CLASS, 1, true)
    const mover = moverOf(cache)
    for (let steps = 0; steps < 500; steps++) {
      mover.run()
      checkInvariants(cache, { inFlight: [item] })
    }
    expect(cache.pageMoves.pending).toBe(true)
    expect(status(cache)).toBe('busy_floating')
    cache.fill(item, 0, blockOf(valueFor(1)), 0, 10_000)
    const request = new StoreRequest()
    request.reset(SET)
    expect(store(cache, item, key.hash, request)).toBe(STORED)
    expect(finishMove(cache, mover)).toBe(true)
    expectValue(cache, 'slow', valueFor(1))
    expect(cache.pages.count(1)).toBe(1)
  })

  test('a crawl goes on to the next page when the one it is in changes its class', () => {
    const cache = makeCache()
    const expiry = cache.clock.now + 10
    for (let n = 0; n < 15_000; n++) set(cache, `key:${n}`, 'x', { expiry })
    expect(cache.pages.count(1)).toBe(2)
    const crawler = new Crawler(cache)
    expect(cache.crawl.begin([1], 0)).toBe(true)
    crawler.run()
    move(cache, 1, TEN_K_CLASS)
    for (let n = 0; n < 200; n++) set(cache, `other:${n}`, valueFor(n))
    cache.clock.tick(30)
    while (cache.crawl.running) {
      crawler.run()
      checkInvariants(cache)
    }
    expect(cache.statistics.get(CURR_ITEMS)).toBeLessThan(15_000)
  })
})

describe('the global page pool', () => {
  test('gives its pages to whatever class needs one, past no limit', () => {
    const cache = makeCache({ memoryLimitBytes: 4 * MEGABYTE })
    for (let n = 0; n < 1000; n++) set(cache, `key:${n}`, valueFor(n))
    move(cache, TEN_K_CLASS, GLOBAL_PAGE_POOL)
    move(cache, TEN_K_CLASS, GLOBAL_PAGE_POOL)
    expect(cache.pages.count(GLOBAL_PAGE_POOL)).toBe(2)
    expect(cache.pages.mallocedBytes).toBe(4 * MEGABYTE)
    for (let n = 0; n < 200; n++) set(cache, `small:${n}`, valueFor(n, 8_000))
    expect(cache.pages.count(GLOBAL_PAGE_POOL)).toBe(0)
    expect(cache.pages.count(TEN_K_CLASS - 1)).toBe(2)
    expect(cache.pages.mallocedBytes).toBe(4 * MEGABYTE)
    checkInvariants(cache)
  })

  test('gives pages directly, without a look at what was in them', () => {
    const cache = makeCache({ memoryLimitBytes: 4 * MEGABYTE })
    for (let n = 0; n < 1000; n++) set(cache, `key:${n}`, valueFor(n))
    move(cache, TEN_K_CLASS, GLOBAL_PAGE_POOL)
    move(cache, TEN_K_CLASS, GLOBAL_PAGE_POOL)
    move(cache, GLOBAL_PAGE_POOL, 7)
    expect(cache.pages.count(7)).toBe(1)
    for (let n = 0; n < 3_000; n++) set(cache, `small:${n}`, valueFor(n, 300))
    checkInvariants(cache)
  })

  test('has no page beyond a limit that was lowered', () => {
    const cache = makeCache({ memoryLimitBytes: 8 * MEGABYTE })
    const { pages } = cache
    for (let n = 0; n < 1000; n++) set(cache, `key:${n}`, valueFor(n))
    for (let n = 0; n < 3; n++) move(cache, TEN_K_CLASS, GLOBAL_PAGE_POOL)
    expect(cache.setMemoryLimit(6 * MEGABYTE)).toBe(true)
    expect(pages.count(GLOBAL_PAGE_POOL)).toBe(1)
    expect(pages.mallocedBytes).toBe(6 * MEGABYTE)
    cache.setMemoryLimit(4 * MEGABYTE)
    expect(pages.mallocedBytes).toBe(5 * MEGABYTE)
    // From now on a page that a class gives away leaves for good.
    move(cache, TEN_K_CLASS, GLOBAL_PAGE_POOL)
    expect(pages.count(GLOBAL_PAGE_POOL)).toBe(0)
    expect(pages.mallocedBytes).toBe(4 * MEGABYTE)
    while (pages.discardReleased()) checkInvariants(cache)
    // And comes back when the limit does.
    cache.setMemoryLimit(8 * MEGABYTE)
    for (let n = 0; n < 1000; n++) set(cache, `key:${n}`, valueFor(n))
    expect(pages.mallocedBytes).toBe(8 * MEGABYTE)
    expect(pages.everUsed).toBe(8)
    checkInvariants(cache)
  })

  test('a limit beyond the addresses that were reserved is refused', () => {
    const cache = makeCache({ memoryLimitBytes: 8 * MEGABYTE })
    expect(cache.setMemoryLimit(9 * MEGABYTE)).toBe(false)
    expect(cache.tuning.memoryLimitBytes).toBe(8 * MEGABYTE)
  })
})

test('a move that was cut short by the end of the process is given up by the next one', () => {
  const options = makeCacheOptions()
  const memory = allocateCacheMemory(options)
  const earlier = new Cache(memory, options)
  earlier.clock.start(START_UNIX_SECONDS)
  for (let n = 0; n < 250; n++) set(earlier, `key:${n}`, valueFor(n))
  for (let n = 0; n < 250; n += 3) earlier.unlink(find(earlier, `key:${n}`))
  earlier.pageMoves.ask(TEN_K_CLASS, 1, true)
  const mover = moverOf(earlier)
  for (let steps = 0; steps < 5; steps++) mover.run()
  expect(earlier.slabs.drainingPage).not.toBe(0)

  // What a memory file keeps.
  const cache = new Cache({ ...allocateCacheMemory(options), arena: memory.arena }, options)
  recover(cache)
  expect(cache.slabs.drainingPage).toBe(0)
  checkInvariants(cache)
  move(cache, TEN_K_CLASS, 1)
  expect(cache.pages.count(1)).toBe(1)
  for (let n = 0; n < 250; n++) {
    expectValue(cache, `key:${n}`, n % 3 === 0 ? undefined : valueFor(n))
  }
})

// ---- anything, in any order

type Operation =
  | { type: 'set' | 'begin'; key: number; length: number }
  | { type: 'get' | 'delete' | 'pin'; key: number }
  | { type: 'unpin' | 'complete' | 'hang up' }
  | { type: 'ask'; source: number; destination: number; evictionsAllowed: boolean }
  | { type: 'step'; steps: number }
  | { type: 'flush' | 'tick' | 'discard' }
  | { type: 'limit'; megabytes: number }

const KEYS = 200
/** Few classes, so that they have pages to spare. In small chunks most of these take several. */
const lengths = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 9_500, max: 10_500 }) },
  { weight: 6, arbitrary: fc.integer({ min: 60_000, max: 65_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 240_000, max: 250_000 }) },
)
const key = fc.nat(KEYS - 1)
const lists = fc.constantFrom(0, 0, 22, 23, 24, 30, 36)
const of = <T extends string>(...types: T[]): fc.Arbitrary<T> => fc.constantFrom(...types)
const operations = fc.array(
  fc.oneof<fc.WeightedArbitrary<Operation>[]>(
    { weight: 30, arbitrary: fc.record({ type: of('set'), key, length: lengths }) },
    { weight: 4, arbitrary: fc.record({ type: of('begin'), key, length: lengths }) },
    { weight: 8, arbitrary: fc.record({ type: of('complete', 'hang up', 'unpin') }) },
    { weight: 10, arbitrary: fc.record({ type: of('get'), key }) },
    { weight: 6, arbitrary: fc.record({ type: of('delete'), key }) },
    { weight: 2, arbitrary: fc.record({ type: of('pin'), key }) },
    {
      weight: 6,
      arbitrary: fc.record({
        type: of('ask'),
        source: fc.oneof(fc.constant(ANY_CLASS), lists),
        destination: lists,
        evictionsAllowed: fc.boolean(),
      }),
    },
    {
      weight: 25,
      arbitrary: fc.record({ type: of('step'), steps: fc.integer({ min: 1, max: 30 }) }),
    },
    { weight: 1, arbitrary: fc.record({ type: of('flush', 'tick', 'discard') }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: of('limit'), megabytes: fc.integer({ min: 2, max: 8 }) }),
    },
  ),
  { minLength: 700, maxLength: 1200, size: 'max' },
)

interface Begun {
  readonly key: number
  readonly item: ItemRef
  readonly text: string
}

interface Pinned {
  readonly item: ItemRef
  readonly text: string
  readonly chunks: readonly Ref[]
}

/** The operations on a cache, with what must be true besides. */
class Trial {
  readonly cache: Cache
  readonly #mover: PageMover
  readonly #values = new Map<number, string>()
  readonly #pinned: Pinned[] = []
  readonly #inFlight: Begun[] = []
  #seconds = 0
  #version = 0

  constructor(options: Partial<CacheOptions>) {
    this.cache = makeCache({ memoryLimitBytes: 8 * MEGABYTE, ...options })
    this.#mover = moverOf(this.cache)
  }

  run(sequence: readonly Operation[]): void {
    sequence.forEach((operation, i) => {
      this.#apply(operation)
      if (i % 16 === 0) this.#check()
    })
    while (this.#pinned.length > 0) this.#unpin()
    while (this.#inFlight.length > 0) this.#hangUp()
    expect(finishMove(this.cache, this.#mover)).toBe(true)
    for (let n = 0; n < KEYS; n++) this.#get(n)
  }

  #check(): void {
    checkInvariants(this.cache, { inFlight: this.#inFlight.map(({ item }) => item) })
    for (const pinned of this.#pinned) this.#checkPinned(pinned)
  }

  #apply(operation: Operation): void {
    const { cache } = this
    switch (operation.type) {
      case 'set': {
        const text = this.#text(operation.length)
        const stored = set(cache, this.#key(operation.key), text, { pieceBytes: 20_000 })
        if (stored !== undefined) this.#values.set(operation.key, text)
        break
      }
      case 'begin': {
        const text = this.#text(operation.length)
        const item = makeItem(cache, keyOf(this.#key(operation.key)), Buffer.from(text), {
          pieceBytes: 20_000,
        })
        if (item !== undefined) this.#inFlight.push({ item, text, key: operation.key })
        break
      }
      case 'complete':
        this.#complete()
        break
      case 'hang up':
        this.#hangUp()
        break
      case 'get':
        this.#get(operation.key)
        break
      case 'delete': {
        const item = find(cache, this.#key(operation.key))
        if (item !== 0) cache.unlink(item)
        this.#values.delete(operation.key)
        break
      }
      case 'pin':
        this.#pin(operation.key)
        break
      case 'unpin':
        this.#unpin()
        break
      case 'ask':
        cache.pageMoves.ask(operation.source, operation.destination, operation.evictionsAllowed)
        break
      case 'step':
        for (let n = 0; n < operation.steps; n++) this.#mover.run()
        break
      case 'flush':
        cache.flush(0)
        this.#values.clear()
        break
      case 'tick':
        cache.clock.tick(++this.#seconds)
        break
      case 'discard':
        cache.pages.discardReleased()
        break
      case 'limit':
        cache.setMemoryLimit(operation.megabytes * MEGABYTE)
        break
    }
  }

  #key(n: number): string {
    return `key:${n}`
  }

  #text(length: number): string {
    return `${++this.#version}:`.repeat(length / 2).slice(0, length)
  }

  #get(n: number): void {
    const item = fetch(this.cache, this.#key(n))
    if (item === 0) this.#values.delete(n)
    else expect(valueOfItem(this.cache, item).toString() === this.#values.get(n)).toBe(true)
  }

  #complete(): void {
    const begun = this.#inFlight.shift()
    if (begun === undefined) return
    const request = new StoreRequest()
    request.reset(SET)
    store(this.cache, begun.item, keyOf(this.#key(begun.key)).hash, request)
    this.#values.set(begun.key, begun.text)
  }

  #hangUp(): void {
    const begun = this.#inFlight.shift()
    if (begun !== undefined) this.cache.free(begun.item)
  }

  #pin(n: number): void {
    const item = find(this.cache, this.#key(n))
    if (item === 0 || this.#pinned.length > 20) return
    this.cache.pin(item)
    const text = valueOfItem(this.cache, item).toString()
    this.#pinned.push({ item, text, chunks: this.#chunksOf(item) })
  }

  #unpin(): void {
    const pinned = this.#pinned.shift()
    if (pinned === undefined) return
    this.#checkPinned(pinned)
    this.cache.unpin(pinned.item)
  }

  /** A reply knows where the bytes lie: there they must stay. */
  #checkPinned({ item, text, chunks }: Pinned): void {
    expect(valueOfItem(this.cache, item).toString() === text).toBe(true)
    expect(this.#chunksOf(item)).toEqual(chunks)
  }

  #chunksOf(item: ItemRef): Ref[] {
    const { items } = this.cache
    if ((items.flags(item) & CHUNKED) === 0) return []
    const chunks: Ref[] = []
    for (let chunk = items.firstChunk(item); chunk !== 0; chunk = items.next(chunk)) {
      chunks.push(chunk)
    }
    return chunks
  }
}

describe('whatever happens between the steps of a move, every value is whole', () => {
  test.each<[string, Partial<CacheOptions>]>([
    ['large chunks', {}],
    ['small chunks', SMALL_CHUNKS],
    ['flat LRU', { ...SMALL_CHUNKS, segmented: false }],
    ['without evictions', { ...SMALL_CHUNKS, evictionsEnabled: false }],
    ['a page moves on every eviction', { ...SMALL_CHUNKS, slabAutomove: 2 }],
  ])('%s', (_, options) => {
    let moved = 0
    fc.assert(
      fc.property(operations, (sequence) => {
        const trial = new Trial(options)
        trial.run(sequence)
        moved += trial.cache.statistics.get(SLABS_MOVED)
      }),
      { numRuns: 8 },
    )
    expect(moved).toBeGreaterThan(4)
  })
})

test('a page is as large as the chunks of it that were moved say', () => {
  const cache = cacheWithTwoPages()
  const { slabs } = cache
  const total = (): number => slabs.usedChunks(TEN_K_CLASS) + slabs.freeChunks(TEN_K_CLASS)
  expect(total()).toBe(2 * TEN_K_PER_PAGE)
  cache.pageMoves.ask(TEN_K_CLASS, GLOBAL_PAGE_POOL, true)
  const mover = moverOf(cache)
  mover.run()
  expect(total()).toBe(2 * TEN_K_PER_PAGE)
  finishMove(cache, mover)
  expect(total()).toBe(TEN_K_PER_PAGE)
  expect(cache.lru.count(TEN_K_CLASS | COLD)).toBe(0)
  expect(cache.pages.mallocedBytes).toBe(2 * PAGE_BYTES)
})

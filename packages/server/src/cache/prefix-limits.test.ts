import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cache } from './cache.ts'
import {
  fetch,
  find,
  keyOf,
  MEGABYTE,
  makeCache,
  makeCacheOptions,
  START_UNIX_SECONDS,
  set,
  textOf,
} from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { allocateCacheMemory, type CacheOptions } from './cache-memory.ts'
import { LimitLowering } from './limit-lowering.ts'
import { WARM } from './lru.ts'
import { PageMover } from './page-mover.ts'
import { ANY_CLASS } from './page-moves.ts'
import {
  LIMITED_BYTES,
  LIMITED_EVICTIONS,
  LIMITED_ITEMS,
  LIMITED_REFUSALS,
  type PrefixLimit,
  UNLIMITED,
} from './prefix-limits.ts'
import { recover } from './recovery.ts'
import { APPEND, STORED, StoreRequest, store } from './store.ts'

const KIB = 1024

/** A cache with limits, as `-o prefix_limit` gives them. */
function limited(limits: Record<string, number>, options: Partial<CacheOptions> = {}): Cache {
  return makeCache({ prefixLimits: limitsOf(limits), ...options })
}

function limitsOf(limits: Record<string, number>): PrefixLimit[] {
  return Object.entries(limits).map(([prefix, bytes]) => ({ prefix, bytes }))
}

/** What is counted of the limit of a prefix. */
function counted(cache: Cache, prefix: string, counter: number): number {
  const limit = cache.limits.limits.findIndex((known) => known.prefix === prefix)
  return cache.limits.counted(limit, counter)
}

/** Which of `<prefix>0` ... are there. */
function present(cache: Cache, prefix: string, count: number): number[] {
  return Array.from({ length: count }, (_, n) => n).filter(
    (n) => find(cache, `${prefix}${n}`) !== 0,
  )
}

/** As the background does, to the end. */
function lower(cache: Cache): void {
  const lowering = new LimitLowering(cache)
  while (lowering.run()) checkInvariants(cache)
  expect(cache.limits.lowering).toBe(false)
  checkInvariants(cache)
}

describe('a prefix with a limit', () => {
  test('holds no more than it, and makes room by its own oldest items alone', () => {
    const cache = limited({ 'a:': 10 * KIB })
    const size = cache.items.sizeOf(set(cache, 'size', 'v'.repeat(1000)) ?? 0)
    for (let n = 0; n < 100; n++) set(cache, `b:${n}`, 'v'.repeat(1000))
    for (let n = 0; n < 100; n++) {
      set(cache, `a:${n}`, 'v'.repeat(1000))
      checkInvariants(cache)
    }
    const fitting = Math.floor((10 * KIB) / size)
    expect(present(cache, 'a:', 100)).toEqual(
      Array.from({ length: fitting }, (_, n) => 100 - fitting + n),
    )
    expect(present(cache, 'b:', 100)).toHaveLength(100)
    expect(counted(cache, 'a:', LIMITED_ITEMS)).toBe(fitting)
    expect(counted(cache, 'a:', LIMITED_EVICTIONS)).toBe(100 - fitting)
  })

  test('gives back what is deleted, replaced, expired and flushed', () => {
    const cache = limited({ 'a:': 10 * KIB })
    set(cache, 'a:1', 'v'.repeat(5000))
    set(cache, 'a:1', 'v')
    const small = counted(cache, 'a:', LIMITED_BYTES)
    expect(small).toBeLessThan(100)
    set(cache, 'a:2', 'v'.repeat(5000), { expiry: cache.clock.now + 10 })
    set(cache, 'a:3', 'v'.repeat(3000))
    cache.unlink(find(cache, 'a:3'))
    cache.clock.tick(20)
    expect(find(cache, 'a:2')).toBe(0)
    expect(counted(cache, 'a:', LIMITED_BYTES)).toBe(small)
    cache.flush(0)
    expect(find(cache, 'a:1')).toBe(0)
    expect(counted(cache, 'a:', LIMITED_BYTES)).toBe(0)
    expect(counted(cache, 'a:', LIMITED_EVICTIONS)).toBe(0)
    checkInvariants(cache)
  })

  test('reclaims what has expired before it evicts what lives', () => {
    const cache = limited({ 'a:': 10 * KIB })
    set(cache, 'a:short', 'v'.repeat(4000), { expiry: cache.clock.now + 10 })
    set(cache, 'a:long', 'v'.repeat(4000))
    cache.clock.tick(20)
    set(cache, 'a:new', 'v'.repeat(4000))
    expect(textOf(cache, 'a:long')).toBeDefined()
    expect(counted(cache, 'a:', LIMITED_EVICTIONS)).toBe(0)
  })

  test('refuses what alone is larger, and keeps what it has', () => {
    const cache = limited({ 'a:': 2 * KIB })
    set(cache, 'a:1', 'v'.repeat(1000))
    expect(set(cache, 'a:2', 'v'.repeat(3000))).toBeUndefined()
    expect(set(cache, 'b:2', 'v'.repeat(3000))).toBeDefined()
    expect(textOf(cache, 'a:1')).toBeDefined()
    expect(counted(cache, 'a:', LIMITED_REFUSALS)).toBe(1)
  })

  test('refuses what is too much where nothing may be evicted (-M)', () => {
    const cache = limited({ 'a:': 2 * KIB }, { evictionsEnabled: false })
    expect(set(cache, 'a:1', 'v'.repeat(1500))).toBeDefined()
    expect(set(cache, 'a:2', 'v'.repeat(1500))).toBeUndefined()
    expect(textOf(cache, 'a:1')).toBeDefined()
    expect(counted(cache, 'a:', LIMITED_REFUSALS)).toBe(1)
    cache.unlink(find(cache, 'a:1'))
    expect(set(cache, 'a:2', 'v'.repeat(1500))).toBeDefined()
    checkInvariants(cache)
  })

  test.each([true, false])('keeps what is asked for again (segmented: %s)', (segmented) => {
    const cache = limited({ 'a:': 10 * KIB }, { segmented })
    for (let n = 0; n < 9; n++) set(cache, `a:${n}`, 'v'.repeat(1000))
    cache.clock.tick(100)
    fetch(cache, 'a:0')
    fetch(cache, 'a:0')
    for (let n = 9; n < 17; n++) set(cache, `a:${n}`, 'v'.repeat(1000))
    expect(present(cache, 'a:', 17)).toContain(0)
    expect(present(cache, 'a:', 17)).not.toContain(1)
    if (segmented) expect(cache.items.list(find(cache, 'a:0')) & 0xc0).toBe(WARM)
    for (let n = 17; n < 40; n++) set(cache, `a:${n}`, 'v'.repeat(1000))
    expect(present(cache, 'a:', 40)).not.toContain(0)
    checkInvariants(cache)
  })

  test('lets a newcomer in although all others are asked for', () => {
    const cache = limited({ 'a:': 3 * KIB })
    for (let n = 0; n < 30; n++) {
      set(cache, `a:${n}`, 'v'.repeat(800))
      expect(textOf(cache, `a:${n}`)).toHaveLength(800)
      for (const other of present(cache, 'a:', 30)) {
        fetch(cache, `a:${other}`)
        fetch(cache, `a:${other}`)
      }
      checkInvariants(cache)
    }
  })

  test('counts for the longest of several prefixes only', () => {
    const cache = limited({ 'a:': 2 * KIB, 'a:b:': 4 * KIB, 'a:b:c': KIB })
    set(cache, 'a:1', 'v')
    set(cache, 'a:b:1', 'v')
    set(cache, 'a:b:c', 'v')
    set(cache, 'a:b:cd', 'v')
    set(cache, 'a', 'v')
    const items = ['a:', 'a:b:', 'a:b:c'].map((prefix) => counted(cache, prefix, LIMITED_ITEMS))
    expect(items).toEqual([1, 1, 2])
  })

  test('holds values that append makes larger, and values of several chunks', () => {
    const cache = limited({ 'a:': 3 * MEGABYTE })
    const value = 'v'.repeat(900_000)
    for (let n = 0; n < 5; n++) {
      set(cache, `a:${n}`, value)
      checkInvariants(cache)
    }
    expect(present(cache, 'a:', 5)).toEqual([2, 3, 4])
    const request = new StoreRequest()
    for (let n = 0; n < 20; n++) {
      const item = cache.allocate(...addedTo('a:4'))
      request.reset(APPEND)
      expect(store(cache, item, cache.hashOf(item), request)).toBe(STORED)
      checkInvariants(cache)
    }
  })

  test('is kept while pages move', () => {
    const cache = limited({ 'a:': 3 * MEGABYTE, 'large:': 3 * MEGABYTE })
    for (let n = 0; n < 200; n++) set(cache, `a:${n}`, `${n}`.padEnd(10_000))
    for (let n = 0; n < 4; n++) set(cache, `large:${n}`, 'x'.repeat(700_000))
    for (let n = 0; n < 100; n++) cache.unlink(find(cache, `a:${n}`))
    const mover = new PageMover(cache)
    for (let moves = 0; moves < 3; moves++) {
      cache.pageMoves.ask(ANY_CLASS, 5, false)
      for (let steps = 0; steps < 1000 && mover.run() !== undefined; steps++) checkInvariants(cache)
    }
    expect(cache.pages.count(5)).toBeGreaterThan(0)
    expect(present(cache, 'a:', 200)).toHaveLength(100)
    expect(textOf(cache, 'a:150')?.trim()).toBe('150')
  })

  test('is there again after a restart over the same memory, lowered in between', () => {
    const before = makeCacheOptions({ prefixLimits: limitsOf({ 'a:': 200 * KIB }) })
    const memory = allocateCacheMemory(before)
    const cache = new Cache(memory, before)
    cache.clock.start(START_UNIX_SECONDS)
    for (let n = 0; n < 100; n++) set(cache, `a:${n}`, 'v'.repeat(1000))
    for (let n = 0; n < 100; n++) set(cache, `b:${n}`, 'v'.repeat(1000))

    const after = makeCacheOptions({ prefixLimits: limitsOf({ 'a:': 50 * KIB }) })
    const again = new Cache(allocateCacheMemory(after, undefined, memory.arena), after)
    again.clock.start(START_UNIX_SECONDS)
    recover(again)
    expect(counted(again, 'a:', LIMITED_ITEMS)).toBe(100)
    lower(again)
    expect(present(again, 'a:', 100).at(0)).toBeGreaterThan(45)
    expect(present(again, 'b:', 100)).toHaveLength(100)
  })
})

describe('a limit that changes', () => {
  const change = (cache: Cache, prefix: string, bytes: number): void =>
    cache.limits.change(cache.limits.ofPrefix(prefix), bytes)

  test('holds more at once when it is raised, and anything when it is none', () => {
    const cache = limited({ 'a:': 10 * KIB })
    change(cache, 'a:', 50 * KIB)
    for (let n = 0; n < 100; n++) set(cache, `a:${n}`, 'v'.repeat(1000))
    expect(present(cache, 'a:', 100).length).toBeGreaterThan(40)
    change(cache, 'a:', UNLIMITED)
    for (let n = 0; n < 100; n++) set(cache, `a:${n}`, 'v'.repeat(1000))
    expect(present(cache, 'a:', 100)).toHaveLength(100)
    expect(cache.limits.lowering).toBe(false)
    checkInvariants(cache)
  })

  test('that is lowered lets the oldest go bit by bit, and no store evicts more than it needs', () => {
    const cache = limited({ 'a:': 1000 * KIB, 'c:': 1000 * KIB })
    for (let n = 0; n < 500; n++) set(cache, `a:${n}`, 'v'.repeat(1000))
    for (let n = 0; n < 100; n++) set(cache, `c:${n}`, 'v'.repeat(1000))
    change(cache, 'a:', 100 * KIB)
    expect(present(cache, 'a:', 500)).toHaveLength(500)
    set(cache, 'a:500', 'v'.repeat(1000))
    expect(present(cache, 'a:', 501).length).toBeGreaterThan(497)
    const lowering = new LimitLowering(cache)
    const before = counted(cache, 'a:', LIMITED_ITEMS)
    expect(lowering.run()).toBe(true)
    expect(counted(cache, 'a:', LIMITED_ITEMS)).toBe(before - 50)
    lower(cache)
    expect(counted(cache, 'a:', LIMITED_BYTES)).toBeLessThanOrEqual(100 * KIB)
    expect(present(cache, 'a:', 501).at(0)).toBeGreaterThan(400)
    expect(present(cache, 'c:', 100)).toHaveLength(100)
  })

  test('below what is under way lets that go too', () => {
    const cache = limited({ 'a:': 100 * KIB })
    const { block, length } = keyOf('a:large')
    const item = cache.allocate(block, 0, length, 0, 0, 50_000, 0)
    cache.fill(item, 0, keyOf('v'.repeat(50_000)).block, 0, 50_000)
    change(cache, 'a:', KIB)
    cache.link(item, cache.hashOf(item))
    checkInvariants(cache)
    expect(find(cache, 'a:large')).not.toBe(0)
    lower(cache)
    expect(find(cache, 'a:large')).toBe(0)
    expect(set(cache, 'a:large', 'v'.repeat(2000))).toBe(undefined)
  })

  test('with -M refuses until what is too much has gone of itself', () => {
    const cache = limited({ 'a:': 100 * KIB }, { evictionsEnabled: false })
    for (let n = 0; n < 50; n++) set(cache, `a:${n}`, 'v'.repeat(1000))
    change(cache, 'a:', 20 * KIB)
    expect(new LimitLowering(cache).run()).toBe(false)
    expect(present(cache, 'a:', 50)).toHaveLength(50)
    expect(set(cache, 'a:new', 'v')).toBe(undefined)
    for (let n = 0; n < 40; n++) cache.unlink(find(cache, `a:${n}`))
    expect(set(cache, 'a:new', 'v')).not.toBe(undefined)
    checkInvariants(cache)
  })

  test('is the same for every thread, also for one that starts later', () => {
    const options = makeCacheOptions({ prefixLimits: limitsOf({ 'a:': 10 * KIB }) })
    const memory = allocateCacheMemory(options)
    change(new Cache(memory, options), 'a:', 20 * KIB)
    expect(new Cache(memory, options).limits.bytesOf(0)).toBe(20 * KIB)
  })
})

test('whatever happens, no more is under a limit than it says, and nothing else goes for it', () => {
  const keys = Array.from({ length: 40 }, (_, n) => `${['a:', 'a:b:', 'c:', 'd'][n % 4]}${n >> 2}`)
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('set' as const),
      key: fc.nat(39),
      length: fc.oneof(fc.nat(200), fc.nat(4000), fc.nat(30_000)),
      ttl: fc.oneof(fc.constant(0), fc.nat(20)),
    }),
    fc.record({ kind: fc.constant('fetch' as const), key: fc.nat(39) }),
    fc.record({ kind: fc.constant('delete' as const), key: fc.nat(39) }),
    fc.record({ kind: fc.constant('tick' as const), seconds: fc.nat(10) }),
    fc.record({ kind: fc.constant('reset' as const) }),
    fc.record({ kind: fc.constant('limit' as const), limit: fc.nat(2), kibibytes: fc.nat(60) }),
    fc.record({ kind: fc.constant('lower' as const) }),
  )
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 150 }),
      fc.boolean(),
      fc.boolean(),
      (steps, segmented, casEnabled) => {
        const limits = { 'a:': 8 * KIB, 'a:b:': 3 * KIB, 'c:': 40 * KIB }
        const cache = limited(limits, {
          segmented,
          casEnabled,
          memoryLimitBytes: 64 * MEGABYTE,
          slabChunkMaxBytes: 16 * KIB,
        })
        const unlimited = new Map<string, string>()
        for (const each of steps) {
          if (each.kind === 'tick') cache.clock.tick(cache.clock.now + each.seconds)
          else if (each.kind === 'reset') cache.resetStatistics()
          else if (each.kind === 'lower') cache.lowerLimits(3)
          else if (each.kind === 'limit') cache.limits.change(each.limit, each.kibibytes * KIB + 1)
          else if (each.kind === 'fetch') fetch(cache, keys[each.key])
          else if (each.kind === 'delete') {
            const item = find(cache, keys[each.key])
            if (item !== 0) cache.unlink(item)
            unlimited.delete(keys[each.key])
          } else {
            const key = keys[each.key]
            const value = `${key}`.padEnd(each.length + key.length, 'x')
            const isLimited = !key.startsWith('d')
            const expiry = isLimited && each.ttl > 0 ? cache.clock.now + each.ttl : 0
            const item = set(cache, key, value, { expiry })
            if (item !== undefined) expect(textOf(cache, key) === value, key).toBe(true)
            if (!isLimited) unlimited.set(key, value)
          }
          checkInvariants(cache)
        }
        lower(cache)
        for (const [key, value] of unlimited) expect(textOf(cache, key) === value, key).toBe(true)
      },
    ),
    { numRuns: 40 },
  )
})

/** What `allocate` takes for a thousand bytes to append. */
function addedTo(key: string): Parameters<Cache['allocate']> {
  const { block, length } = keyOf(key)
  return [block, 0, length, 0, 0, 1000, 0]
}

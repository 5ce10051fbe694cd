// Which class gives a page to which: decided by samples, a second apart, as memcached's slab_automove.c.
import { describe, expect, test } from 'vitest'
import { Automover } from './automover.ts'
import type { Cache } from './cache.ts'
import { fetch, find, MEGABYTE, makeCache, set } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { Maintainer } from './maintainer.ts'
import { PageMover } from './page-mover.ts'
import { GLOBAL_PAGE_POOL } from './slab-pages.ts'
import { EVICTED, SLABS_MOVED } from './statistics.ts'

/** The classes of values of 10,000 and of 60,000 bytes. */
const SMALL = 22
const LARGE = 30
const WINDOW = 3

/** A server's background work on slab pages, by hand: a second passes with each call. */
class Seconds {
  readonly cache: Cache
  readonly #automover: Automover
  readonly #mover: PageMover
  readonly #maintainer: Maintainer
  #now = 0

  constructor(cache: Cache) {
    this.cache = cache
    this.#automover = new Automover(cache)
    this.#mover = new PageMover(cache)
    this.#maintainer = new Maintainer(cache)
  }

  /** Returns how many pages were moved meanwhile. */
  pass(seconds: number, eachSecond: () => void = () => {}): number {
    const before = this.cache.statistics.get(SLABS_MOVED)
    for (let n = 0; n < seconds; n++) {
      this.cache.clock.tick(++this.#now)
      this.#maintainer.run()
      eachSecond()
      while (this.#automover.run()) while (this.#mover.run() !== undefined);
    }
    checkInvariants(this.cache)
    return this.cache.statistics.get(SLABS_MOVED) - before
  }
}

function fill(cache: Cache, name: string, count: number, length: number): void {
  for (let n = 0; n < count; n++) set(cache, `${name}:${n}`, 'x'.repeat(length))
}

test('a class that keeps much memory free gives it to the global pool, page after page', () => {
  const cache = makeCache({ slabAutomoveWindow: WINDOW })
  fill(cache, 'small', 1000, 10_000)
  expect(cache.pages.count(SMALL)).toBe(11)
  const seconds = new Seconds(cache)
  expect(seconds.pass(5)).toBe(0)
  for (let n = 0; n < 1000; n++) {
    const item = find(cache, `small:${n}`)
    if (n % 2 === 0) cache.unlink(item)
  }
  expect(seconds.pass(1)).toBeGreaterThan(1)
  // 94 chunks a page: with one page more, more than two and a half pages' worth would be free.
  expect(cache.slabs.freeChunks(SMALL)).toBe(7 * 94 - 500)
  expect(cache.pages.count(GLOBAL_PAGE_POOL)).toBe(4)
  expect(seconds.pass(10)).toBe(0)
  for (let n = 1; n < 1000; n += 2) expect(find(cache, `small:${n}`)).not.toBe(0)
})

test('not one that has just grown', () => {
  const cache = makeCache({ slabAutomoveWindow: WINDOW })
  const seconds = new Seconds(cache)
  fill(cache, 'small', 1000, 10_000)
  for (let n = 0; n < 1000; n++) cache.unlink(find(cache, `small:${n}`))
  expect(seconds.pass(WINDOW)).toBe(0)
  expect(seconds.pass(1)).toBeGreaterThan(5)
})

describe('between classes', () => {
  /** Memory full of items, the small ones unused, and ever new large ones that evict young ones. */
  function imbalanced(options: { readonly ratio?: number; readonly mode?: number } = {}): Seconds {
    const cache = makeCache({
      memoryLimitBytes: 16 * MEGABYTE,
      slabAutomoveWindow: WINDOW,
      slabAutomoveRatio: options.ratio ?? 0.8,
      slabAutomove: options.mode ?? 1,
    })
    fill(cache, 'large', 60, 60_000)
    fill(cache, 'small', 1500, 10_000)
    return new Seconds(cache)
  }

  let stored = 0
  const storeLarge = (cache: Cache): void => {
    for (let n = 0; n < 100; n++) set(cache, `new:${stored++}`, 'x'.repeat(60_000))
  }

  test('the one with the oldest items gives to the one that evicts the youngest', () => {
    const seconds = imbalanced()
    const { cache } = seconds
    const [small, large] = [cache.pages.count(SMALL), cache.pages.count(LARGE)]
    seconds.pass(10, () => storeLarge(cache))
    expect(cache.pages.count(SMALL)).toBeLessThan(small)
    expect(cache.pages.count(LARGE)).toBeGreaterThan(large)
    // One a second, once the window is full.
    expect(seconds.pass(3, () => storeLarge(cache))).toBeLessThanOrEqual(3)
    // Two pages it keeps.
    seconds.pass(60, () => storeLarge(cache))
    expect(cache.pages.count(SMALL)).toBe(2)
  })

  test('nothing is moved while nobody evicts', () => {
    expect(imbalanced().pass(20)).toBe(0)
  })

  test('nor when the ages are about the same', () => {
    const seconds = imbalanced()
    const { cache } = seconds
    const storeBoth = (): void => {
      storeLarge(cache)
      for (let n = 0; n < 1500; n++) set(cache, `more:${n}`, 'x'.repeat(10_000))
    }
    expect(seconds.pass(10, storeBoth)).toBe(0)
  })

  test('nor with a ratio that no age is below', () => {
    const seconds = imbalanced({ ratio: 0 })
    expect(seconds.pass(10, () => storeLarge(seconds.cache))).toBe(0)
  })

  test('nor when it is switched off; and from when it is switched on, by samples from then on', () => {
    const seconds = imbalanced({ mode: 0 })
    const { cache } = seconds
    expect(seconds.pass(10, () => storeLarge(cache))).toBe(0)
    cache.tuning.slabAutomove = 1
    expect(seconds.pass(WINDOW, () => storeLarge(cache))).toBe(0)
    expect(seconds.pass(5, () => storeLarge(cache))).toBeGreaterThan(0)
  })

  test('another window begins anew', () => {
    const seconds = imbalanced()
    const { cache } = seconds
    expect(seconds.pass(6, () => storeLarge(cache))).toBeGreaterThan(0)
    cache.tuning.slabAutomoveWindow = 20
    expect(seconds.pass(20, () => storeLarge(cache))).toBe(0)
    expect(seconds.pass(5, () => storeLarge(cache))).toBeGreaterThan(0)
  })

  test('on every eviction, with mode 2', () => {
    const seconds = imbalanced({ mode: 2 })
    const { cache } = seconds
    const mover = new PageMover(cache)
    while (mover.run() !== undefined);
    const evicted = cache.statistics.total(EVICTED)
    const large = cache.pages.count(LARGE)
    for (let n = 0; n < 5; n++) {
      set(cache, `another:${n}`, 'x'.repeat(60_000))
      while (mover.run() !== undefined) checkInvariants(cache)
    }
    expect(cache.statistics.total(EVICTED)).toBeGreaterThan(evicted)
    expect(cache.pages.count(LARGE)).toBeGreaterThan(large)
    expect(fetch(cache, 'another:4')).not.toBe(0)
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Cache } from './cache.ts'
import { find, keyOfItem, makeCache, set } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { hashTableBytes } from './hash-table.ts'
import type { ItemRef } from './item.ts'

const key = (n: number): string => `key:${n}`

function add(cache: Cache, n: number): ItemRef {
  const item = set(cache, key(n), '')
  if (item === undefined) throw new Error('there is room for these')
  return item
}

function expectAll(cache: Cache, count: number): void {
  for (let n = 0; n < count; n++) {
    const item = find(cache, key(n))
    if (item === 0 || keyOfItem(cache, item) !== key(n)) throw new Error(`${key(n)} is lost`)
  }
}

/** Inserts until the table has just begun to double; how many keys that took. */
function fillUntilExpanding(cache: Cache): number {
  let count = 0
  while (!cache.table.expanding) add(cache, count++)
  return count
}

test('doubles where memcached does, above 1.5 items a bucket of its, and finds every key meanwhile', () => {
  const cache = makeCache({ hashPowerInitial: 12 })
  const { table } = cache
  expect(table.power).toBe(12)
  let count = fillUntilExpanding(cache)
  expect(count).toBe(1.5 * 4096 + 1)
  expect(table.power).toBe(13)
  while (table.expanding) {
    add(cache, count++)
    if (count % 64 === 0 || !table.expanding) expectAll(cache, count)
  }
  // One bucket, of 12 places, is split with each insertion.
  expect(count).toBe(1.5 * 4096 + 1 + 4096 / 8)
  expect(table.count).toBe(count)
  checkInvariants(cache)
})

test('doubles again and again', () => {
  const cache = makeCache({ hashPowerInitial: 12 })
  const count = 1.5 * 4096 * 8 + 1
  for (let n = 0; n < count; n++) add(cache, n)
  expect(cache.table.power).toBe(16)
  expectAll(cache, count)
  checkInvariants(cache)
})

describe('while it doubles', () => {
  test('removes and replaces as ever', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (choices) => {
        const cache = makeCache({ hashPowerInitial: 12 })
        let next = fillUntilExpanding(cache)
        const there = new Set(Array.from({ length: next }, (_, n) => n))
        while (cache.table.expanding) {
          const choice = choices.next().value
          const n = (choice >>> 2) % next
          const item = find(cache, key(n))
          expect(item !== 0).toBe(there.has(n))
          if (choice % 4 === 0) {
            there.add(next)
            add(cache, next++)
          } else if (choice % 4 === 1) {
            there.add(n)
            expect(find(cache, key(n))).not.toBe(add(cache, n))
          } else if (item !== 0) {
            there.delete(n)
            cache.unlink(item)
            expect(find(cache, key(n))).toBe(0)
          }
        }
        for (let n = 0; n < next; n++) expect(find(cache, key(n)) !== 0).toBe(there.has(n))
        expect([...cache.table.all()].length).toBe(there.size)
        checkInvariants(cache)
      }),
      { numRuns: 5 },
    )
  })
})

test('stays as it is with expansion disabled', () => {
  const cache = makeCache({ hashPowerInitial: 12, hashExpansionEnabled: false })
  for (let n = 0; n < 10_000; n++) add(cache, n)
  expect(cache.table.power).toBe(12)
  expect(cache.table.expanding).toBe(false)
  expectAll(cache, 10_000)
})

describe('the memory', () => {
  test('reserved is enough for as many items, wherever they fall', () => {
    for (const items of [1, 12, 1000, 100_000, 3_000_000, 400_000_000]) {
      const buckets = hashTableBytes(items, 12) / 64
      expect(buckets).toBeGreaterThan(items / 12)
    }
    expect(hashTableBytes(1000, 28)).toBeGreaterThanOrEqual(8 * 2 ** 28)
  })

  test('used is what memcached uses, and half of that more at most', () => {
    const cache = makeCache({ hashPowerInitial: 12 })
    const { table } = cache
    let count = 0
    while (table.power < 17) {
      add(cache, count++)
      const memcached = 8 * 2 ** table.power
      expect(table.usedBytes).toBeGreaterThanOrEqual(memcached)
      expect(table.usedBytes).toBeLessThanOrEqual(1.5 * memcached)
    }
  })
})

describe('items that fall into one bucket', () => {
  // A table that may not grow has chains, and 64 of them are a few of each kind.
  const options = { hashPowerInitial: 9, hashExpansionEnabled: false }

  /** Only the last bucket of a chain has room: so the pool can't run out. */
  function expectPackedChains(cache: Cache): void {
    let overflow = 0
    for (const chain of cache.table.chains()) {
      for (const items of chain.slice(0, -1)) expect(items).toBe(12)
      if (chain.length > 1) expect(chain.at(-1)).toBeGreaterThan(0)
      overflow += chain.length - 1
    }
    expect(cache.table.overflowBuckets).toBe(overflow)
  }

  test('are all found, and leave nothing behind', () => {
    const cache = makeCache(options)
    for (let n = 0; n < 5000; n++) add(cache, n)
    expectAll(cache, 5000)
    expectPackedChains(cache)
    const most = cache.table.overflowBuckets
    expect(most).toBeGreaterThan(5000 / 12 - 64 - 1)
    for (let n = 0; n < 5000; n += 2) cache.unlink(find(cache, key(n)))
    expectPackedChains(cache)
    for (let n = 1; n < 5000; n += 2) cache.unlink(find(cache, key(n)))
    expect(cache.table.overflowBuckets).toBe(0)
    for (let n = 0; n < 5000; n++) add(cache, n)
    expect(cache.table.overflowBucketsTouched).toBe(most)
    checkInvariants(cache)
  })

  test('come and go in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1500), { minLength: 3000, maxLength: 6000 }), (choices) => {
        const cache = makeCache(options)
        const there = new Set<number>()
        for (const n of choices) {
          const item = find(cache, key(n))
          expect(item !== 0).toBe(there.has(n))
          if (item === 0) add(cache, n)
          else cache.unlink(item)
          if (item === 0) there.add(n)
          else there.delete(n)
        }
        expectPackedChains(cache)
        checkInvariants(cache)
      }),
      { numRuns: 10 },
    )
  })
})

describe('a walk that takes its time', () => {
  test('meets what is there throughout exactly once, however the table grows meanwhile', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30_000 }), fc.nat(200), (first, perStep) => {
        const cache = makeCache({ hashPowerInitial: 12 })
        for (let n = 0; n < first; n++) add(cache, n)
        const met = new Map<string, number>()
        let next = first
        let cursor = 0
        do {
          cursor = cache.table.scan(cursor, (item) => {
            const name = keyOfItem(cache, item)
            met.set(name, (met.get(name) ?? 0) + 1)
          })
          for (let n = 0; n < perStep && next < 40_000; n++) add(cache, next++)
        } while (cursor !== 0)
        for (let n = 0; n < first; n++) {
          if (met.get(key(n)) !== 1) throw new Error(`${key(n)} was met ${met.get(key(n))} times`)
        }
        for (const times of met.values()) if (times !== 1) throw new Error('met twice')
      }),
      { numRuns: 10 },
    )
  })

  test('may remove what it meets', () => {
    const cache = makeCache({ hashPowerInitial: 12 })
    for (let n = 0; n < 10_000; n++) add(cache, n)
    let cursor = 0
    do cursor = cache.table.scan(cursor, (item) => cache.unlink(item))
    while (cursor !== 0)
    expect(cache.table.count).toBe(0)
  })
})

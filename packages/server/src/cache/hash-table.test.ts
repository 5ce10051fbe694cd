import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Cache } from './cache.ts'
import { find, keyOfItem, MEGABYTE, makeCache, set } from './cache-fixture.ts'
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

test('doubles when it holds more than 1.5 items a bucket, and finds every key meanwhile', () => {
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
  // Two buckets are split with each insertion.
  expect(count).toBe(1.5 * 4096 + 1 + 4096 / 2)
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

test('is reserved large enough for an arena full of the smallest items', () => {
  const arena = 1024 * MEGABYTE
  const buckets = hashTableBytes(arena, 12) / 4
  expect(buckets * 1.5).toBeGreaterThanOrEqual(arena / 96)
  expect(hashTableBytes(arena, 28)).toBe(4 * 2 ** 28)
})

import { expect, test } from 'vitest'
import { keyOf, makeCache, makeItem } from './cache-fixture.ts'
import { SortedInsertion } from './sorted-insertion.ts'

const KEYS = 20_000
const key = (n: number): string => `key:${n}`

test.each([
  ['all of them at the end', KEYS],
  ['some earlier, where more come than it was told', 1_000],
])('items are in the table, and those with the key of another are told: %s', (_, expected) => {
  // Two parts and more: what is in a bucket of another part is not found.
  const cache = makeCache({ hashPowerInitial: 17 })
  const insertion = new SortedInsertion(cache.table, expected)
  const add = (n: number): number => {
    const item = makeItem(cache, keyOf(key(n)), new Uint8Array(1))
    if (item === undefined) throw new Error('there is room for these')
    insertion.add(item, cache.hashOf(item))
    return item
  }
  const items = Array.from({ length: KEYS }, (_, n) => add(n))
  const twins = new Set([add(7), add(KEYS - 1), add(7)])
  insertion.finish()
  expect(cache.table.count).toBe(KEYS)
  expect(new Set(insertion.twins)).toEqual(twins)
  const found = items.map((_, n) => {
    const { block, length, hash } = keyOf(key(n))
    return cache.table.find(block, 0, length, hash)
  })
  expect(found).toEqual(items)
})

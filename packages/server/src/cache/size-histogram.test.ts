import { expect, test } from 'vitest'
import { keyOf, MEGABYTE, makeCache, set } from './cache-fixture.ts'

test('counts items by their size, rounded up to 32 bytes', () => {
  const cache = makeCache({ trackSizes: true })
  // 59 bytes and the key are added, as in memcached.
  set(cache, 'a', 'x'.repeat(90))
  set(cache, 'b', 'x'.repeat(100))
  set(cache, 'c', 'x'.repeat(1000))
  expect([...cache.sizes.counts()]).toEqual([
    [160, 2],
    [1088, 1],
  ])
})

test('what is replaced, removed, evicted or expired no longer counts', () => {
  const cache = makeCache({ trackSizes: true, memoryLimitBytes: MEGABYTE })
  for (let n = 0; n < 2000; n++) {
    set(cache, `key:${n % 500}`, 'x'.repeat((n * 37) % 3000), {
      expiry: n % 5 === 0 ? cache.clock.now + 1 : 0,
    })
  }
  cache.clock.tick(10)
  for (let n = 0; n < 500; n += 3) {
    const key = keyOf(`key:${n}`)
    const item = cache.find(key.block, 0, key.length, key.hash)
    if (item !== 0) cache.unlink(item)
  }
  const expected = new Map<number, number>()
  for (const item of cache.table.all()) {
    const size = Math.ceil(cache.items.sizeOf(item) / 32) * 32
    expected.set(size, (expected.get(size) ?? 0) + 1)
  }
  expect(new Map(cache.sizes.counts())).toEqual(expected)
})

test('counts nothing, and takes no memory, unless somebody has asked for it', () => {
  const cache = makeCache()
  set(cache, 'a', 'x')
  expect(cache.sizes.enabled).toBe(false)
  expect([...cache.sizes.counts()]).toEqual([])
})

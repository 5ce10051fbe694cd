// That writes where nobody may write are found, when the chunk is next touched or all is verified, and that proper use
// of the cache is not mistaken for damage.
import { beforeEach, expect, test } from 'vitest'
import type { Cache } from './cache.ts'
import { find, keyOf, MEGABYTE, makeGuardedCache, makeItem, set, textOf } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { CHUNKED } from './item.ts'
import { PageMover } from './page-mover.ts'
import { ANY_CLASS } from './page-moves.ts'
import { SLABS_MOVED } from './statistics.ts'

const LARGE = 'v'.repeat(100_000)
const PATTERN = 0xa5

let cache: Cache

beforeEach(() => {
  const options = { memoryLimitBytes: 9 * MEGABYTE, slabChunkMaxBytes: 16 * 1024 }
  cache = makeGuardedCache(options, PATTERN)
})

/** Writes a byte relative to where an item begins, as an access out of bounds would. */
function write(item: number, at: number): void {
  cache.items.block(item).bytes[cache.items.offset(item) + at] = 0
}

function remove(key: string): void {
  cache.unlink(find(cache, key))
}

test('proper use is no damage: items come, grow, move, go, and are evicted', () => {
  const mover = new PageMover(cache)
  for (let n = 0; n < 10_000; n++) {
    const length = n % 4 === 0 ? 4000 + (n % 900) : 900 + (n % 50)
    set(cache, `key ${n % 3000}`, 'v'.repeat(length), { clientFlags: n & 1 })
    if (n % 500 === 0) set(cache, 'large', LARGE)
    if (n % 700 === 0 && find(cache, 'large') !== 0) remove('large')
    if (n % 100 === 0) cache.pageMoves.ask(ANY_CLASS, 0, true)
    mover.run()
  }
  expect(cache.statistics.get(SLABS_MOVED)).toBeGreaterThan(0)
  checkInvariants(cache)
})

test.each([
  ['right behind the item', (item: number) => cache.items.bytesOf(item)],
  ['the last byte of its chunk', (item: number) => size(item) - 1],
  ['right behind the chunk', (item: number) => size(item)],
  ['the last byte before the next chunk', (item: number) => size(item) + 31],
])('a byte out of bounds is found: %s', (_, where) => {
  const item = set(cache, 'a', 'value')!
  write(item, where(item))
  expect(() => checkInvariants(cache)).toThrow(/^memory damaged: byte \d+ was written .* in use/)
  expect(() => remove('a')).toThrow('memory damaged')
})

function size(item: number): number {
  return cache.slabs.chunkSizes[cache.items.slabClass(item)]
}

test('so is one behind a part of a large value', () => {
  const item = set(cache, 'a', LARGE)!
  expect(cache.items.flags(item) & CHUNKED).not.toBe(0)
  write(cache.items.lastChunk(item), 24 + cache.items.chunkUsed(cache.items.lastChunk(item)))
  expect(() => remove('a')).toThrow('memory damaged')
})

test('a write to what is freed is found when it is given out again, or before', () => {
  const item = set(cache, 'a', 'value')!
  remove('a')
  write(item, 40)
  expect(() => checkInvariants(cache)).toThrow(/memory damaged: byte 40 .* free/)
  expect(() => set(cache, 'b', 'value')).toThrow('memory damaged')
})

test('what is freed twice, or as of another class, is found at once', () => {
  const item = makeItem(cache, keyOf('a'), Buffer.from('value'))!
  expect(() => cache.slabs.free(item, 7)).toThrow('is used in 7')
  cache.free(item)
  expect(() => cache.slabs.free(item, cache.slabs.classFor(60))).toThrow('freed while it is free')
})

test('a write to a page that was moved away is found before another class has it', () => {
  const slabClass = cache.items.slabClass(set(cache, 'first', 'value')!)
  const perPage = cache.slabs.chunksPerPage(slabClass)
  for (let n = 0; n < perPage; n++) set(cache, `key ${n}`, 'value')
  const freed = find(cache, 'key 5')
  remove('key 5')
  cache.pageMoves.ask(slabClass, 0, true)
  const mover = new PageMover(cache, { stepCost: 10 })
  while (!cache.items.isRetired(freed)) mover.run()
  write(freed, 30)
  expect(() => {
    while (cache.pageMoves.pending) mover.run()
  }).toThrow(/memory damaged: .* retired/)
})

test('what is read of memory that holds nothing gives itself away', () => {
  const item = cache.allocate(keyOf('a').block, 0, 1, 0, 0, 5, 0)
  cache.link(item, keyOf('a').hash)
  expect(textOf(cache, 'a')).toBe(String.fromCharCode(PATTERN).repeat(5))
})

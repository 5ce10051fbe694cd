import { describe, expect, test } from 'vitest'
import { PAGE_BYTES, type Ref } from './arena.ts'
import { keyOf, MEGABYTE, makeCache } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { CHUNKED } from './item.ts'
import { type Slabs, slabClassSizes } from './slabs.ts'

const DEFAULT_OPTIONS = {
  growthFactor: 1.25,
  minimumItemSpaceBytes: 48,
  slabChunkMaxBytes: MEGABYTE / 2,
  slabSizesBytes: undefined,
  slabReassignEnabled: true,
}

describe('class sizes are those that `memcached -vv` prints', () => {
  // Printed by memcached 1.6.18. `slab_chunk_max` is in bytes there.
  test.each([
    [
      'by default: 39 classes',
      {},
      '96 120 152 192 240 304 384 480 600 752 944 1184 1480 1856 2320 2904 3632 4544 5680 7104 8880 11104 13880 17352 21696 27120 33904 42384 52984 66232 82792 103496 129376 161720 202152 252696 315872 394840 524288',
    ],
    [
      '-f 1.1: the numbers end before the largest item does',
      { growthFactor: 1.1 },
      '96 112 128 144 160 176 200 224 248 272 304 336 376 416 464 512 568 624 688 760 840 928 1024 1128 1240 1368 1504 1656 1824 2008 2208 2432 2680 2952 3248 3576 3936 4336 4776 5256 5784 6368 7008 7712 8488 9336 10272 11304 12440 13688 15056 16568 18224 20048 22056 24264 26696 29368 32304 35536 39096 43008 524288',
    ],
    [
      '-f 2 -n 100',
      { growthFactor: 2, minimumItemSpaceBytes: 100 },
      '152 304 608 1216 2432 4864 9728 19456 38912 77824 155648 524288',
    ],
    [
      '-f 1.05 -n 8: growth is by 8 bytes at least',
      { growthFactor: 1.05, minimumItemSpaceBytes: 8 },
      '56 64 72 80 88 96 104 112 120 128 136 144 152 160 168 176 184 200 216 232 248 264 280 296 312 328 344 368 392 416 440 464 488 512 544 576 608 640 672 712 752 792 832 880 928 976 1024 1080 1136 1192 1256 1320 1392 1464 1544 1624 1712 1800 1896 1992 2096 2200 524288',
    ],
    [
      '-f 1.07 -n 500',
      { growthFactor: 1.07, minimumItemSpaceBytes: 500 },
      '552 592 640 688 736 792 848 912 976 1048 1128 1208 1296 1392 1496 1600 1712 1832 1960 2104 2256 2416 2592 2776 2976 3184 3408 3648 3904 4184 4480 4800 5136 5496 5880 6296 6736 7208 7712 8256 8840 9464 10128 10840 11600 12416 13288 14224 15224 16296 17440 18664 19976 21376 22872 24480 26200 28040 30008 32112 34360 36768 524288',
    ],
    [
      '-o slab_chunk_max=16384',
      { slabChunkMaxBytes: 16384 },
      '96 120 152 192 240 304 384 480 600 752 944 1184 1480 1856 2320 2904 3632 4544 5680 7104 8880 11104 16384',
    ],
    [
      '-o slab_chunk_max=1024',
      { slabChunkMaxBytes: 1024 },
      '96 120 152 192 240 304 384 480 600 752 1024',
    ],
    [
      '-I 4m -o slab_chunk_max=1048576',
      { slabChunkMaxBytes: MEGABYTE },
      '96 120 152 192 240 304 384 480 600 752 944 1184 1480 1856 2320 2904 3632 4544 5680 7104 8880 11104 13880 17352 21696 27120 33904 42384 52984 66232 82792 103496 129376 161720 202152 252696 315872 394840 493552 616944 771184 1048576',
    ],
    [
      '-I 2k -o slab_chunk_max=2048',
      { slabChunkMaxBytes: 2048 },
      '96 120 152 192 240 304 384 480 600 752 944 1184 1480 2048',
    ],
    ['-o slab_sizes=100-200-1000', { slabSizesBytes: [100, 200, 1000] }, '104 200 1000 524288'],
  ])('%s', (_, options, sizes) => {
    expect(slabClassSizes({ ...DEFAULT_OPTIONS, ...options })).toEqual([
      0,
      ...sizes.split(' ').map(Number),
    ])
  })
})

test('a page holds as many chunks as fit it, of 24 bytes less than in memcached', () => {
  const { slabs } = makeCache()
  expect(slabs.chunkSizes[1]).toBe(72)
  expect(slabs.chunksPerPage(1)).toBe(14563)
  expect(slabs.chunksPerPage(30)).toBe(15)
  expect(slabs.chunksPerPage(39)).toBe(2)
})

test.each([
  ['the default classes', {}],
  ['no CAS', { casEnabled: false }],
  ['the smallest classes', { growthFactor: 1.05, minimumItemSpaceBytes: 1 }],
  ['the smallest classes, no CAS', { minimumItemSpaceBytes: 1, casEnabled: false }],
  ['given sizes', { slabSizesBytes: [8, 24, 56, 100, 200, 1000] }],
  ['chunks of 1 KiB', { slabChunkMaxBytes: 1024 }],
])('a chunk holds every item of its class: %s', (_, options) => {
  const cache = makeCache(options)
  const { items } = cache
  for (const keyLength of [1, 20, 250]) {
    for (const clientFlags of [0, 7]) {
      for (let length = 0; length < 2000; length++) {
        const key = keyOf('k'.repeat(keyLength))
        const item = cache.allocate(key.block, 0, keyLength, clientFlags, 0, length, 0)
        const chunked = (items.flags(item) & CHUNKED) !== 0
        const slabClass = chunked ? items.headerClass(item) : items.slabClass(item)
        const end = items.valueAt(item) + (chunked ? 12 : length) - items.offset(item)
        expect(end).toBeLessThanOrEqual(cache.slabs.chunkSizes[slabClass])
        cache.free(item)
      }
    }
  }
})

test.each([
  ['the default classes', {}],
  ['the most classes', { growthFactor: 1.05, minimumItemSpaceBytes: 8 }],
  ['given sizes', { slabSizesBytes: [100, 200, 1000] }],
  ['small chunks', { slabChunkMaxBytes: 1024 }],
])('a size belongs to the smallest class that holds it: %s', (_, options) => {
  const { slabs } = makeCache(options)
  expect(slabs.classFor(1)).toBe(1)
  for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
    expect(slabs.classFor(slabs.nominalSizes[slabClass - 1] + 1)).toBe(slabClass)
    expect(slabs.classFor(slabs.nominalSizes[slabClass] - 1)).toBe(slabClass)
    expect(slabs.classFor(slabs.nominalSizes[slabClass])).toBe(slabClass)
  }
  expect(slabs.classFor(slabs.nominalSizes[slabs.largestClass] + 1)).toBe(0)
})

describe('chunks', () => {
  /** All chunks of a class that can be had. */
  function drain(slabs: Slabs, slabClass: number): Ref[] {
    const chunks: Ref[] = []
    for (;;) {
      const chunk = slabs.allocate(slabClass)
      if (chunk === 0) return chunks
      chunks.push(chunk)
    }
  }

  test('lie apart, within pages', () => {
    const { slabs } = makeCache({ memoryLimitBytes: 3 * MEGABYTE })
    const size = slabs.chunkSizes[33]
    const perPage = slabs.chunksPerPage(33)
    const starts = drain(slabs, 33).map((chunk) => chunk * 8)
    expect(starts.length).toBe(3 * perPage)
    starts.sort((a, b) => a - b)
    starts.forEach((start, i) => {
      expect(start % PAGE_BYTES).toBe((i % perPage) * size)
      if (i > 0) expect(start - starts[i - 1]).toBeGreaterThanOrEqual(size)
    })
  })

  test('given back are given out again, before new ones', () => {
    const cache = makeCache()
    const { slabs } = cache
    const [first, second] = [slabs.allocate(5), slabs.allocate(5), slabs.allocate(5)]
    slabs.free(second, 5)
    slabs.free(first, 5)
    expect(slabs.usedChunks(5)).toBe(1)
    expect(slabs.freeChunks(5)).toBe(slabs.chunksPerPage(5) - 1)
    expect([slabs.allocate(5), slabs.allocate(5)]).toEqual([first, second])
    expect(slabs.usedChunks(5)).toBe(3)
  })

  test('of an unused class are on one page that it takes past the limit, and no more', () => {
    const cache = makeCache({ memoryLimitBytes: MEGABYTE })
    const { pages, slabs } = cache
    expect(pages.limitReached).toBe(false)
    expect(drain(slabs, 38).length).toBe(2)
    expect(pages.limitReached).toBe(true)
    expect(drain(slabs, 38)).toEqual([])
    for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
      if (slabClass === 38) continue
      expect(drain(slabs, slabClass).length).toBe(slabs.chunksPerPage(slabClass))
    }
    expect(pages.mallocedBytes).toBe(39 * MEGABYTE)
  })

  test('of 63 classes have their first pages too', () => {
    const { slabs } = makeCache({ memoryLimitBytes: MEGABYTE, growthFactor: 1.1 })
    expect(slabs.largestClass).toBe(63)
    for (let slabClass = 1; slabClass <= 63; slabClass++) {
      expect(slabs.allocate(slabClass)).toBeGreaterThan(0)
    }
  })
})

test('a fresh cache holds nothing', () => {
  const cache = makeCache()
  checkInvariants(cache)
  expect(cache.pages.mallocedBytes).toBe(0)
})

// Counts of evictions: never too low while nothing has been halved, rarely too high, and fading with time.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MEGABYTE } from './cache-fixture.ts'
import { EvictionCounts, evictionCountsBytes } from './eviction-counts.ts'
import { SharedState } from './shared-state.ts'

const STATE_BYTES = 4096
/** So many that nothing is halved within a test. */
const MANY_ITEMS = 1_000_000_000

function makeCounts(memoryBytes = MEGABYTE): EvictionCounts {
  const buffer = new SharedArrayBuffer(evictionCountsBytes(memoryBytes))
  return new EvictionCounts(buffer, new SharedState(new SharedArrayBuffer(STATE_BYTES)))
}

/** Different numbers for different `n`, as evenly spread as hashes of keys. */
function hashOf(n: number): number {
  const mixed = Math.imul(n ^ (n >>> 16), 0x7feb352d)
  return Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b) | 0
}

const hash = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

test('a key that was never evicted counts nothing', () => {
  fc.assert(fc.property(hash, (key) => makeCounts().of(key) === 0))
})

test('each eviction counts, up to 15', () => {
  fc.assert(
    fc.property(hash, (key) => {
      const counts = makeCounts()
      for (let evictions = 1; evictions <= 20; evictions++) {
        counts.add(key, MANY_ITEMS)
        expect(counts.of(key)).toBe(Math.min(evictions, 15))
      }
    }),
  )
})

test('no count is too low, whatever else was evicted', () => {
  fc.assert(
    fc.property(fc.array(hash, { maxLength: 500 }), (keys) => {
      const counts = makeCounts()
      for (const key of keys) counts.add(key, MANY_ITEMS)
      for (const key of keys) {
        const evictions = keys.filter((each) => each === key).length
        expect(counts.of(key)).toBeGreaterThanOrEqual(Math.min(evictions, 15))
      }
    }),
  )
})

test('few are too high while there are five counters for each key', () => {
  const counts = makeCounts(MEGABYTE)
  const keys = MEGABYTE / 32 / 5
  for (let n = 0; n < keys; n++) counts.add(hashOf(n), MANY_ITEMS)
  let tooHigh = 0
  for (let n = keys; n < 2 * keys; n++) if (counts.of(hashOf(n)) > 0) tooHigh++
  expect(tooHigh / keys).toBeGreaterThan(0)
  expect(tooHigh / keys).toBeLessThan(0.15)
})

describe('in time', () => {
  const items = 1000
  const key = hashOf(-1)

  function after(evictions: number): number {
    const counts = makeCounts()
    for (let n = 0; n < 8; n++) counts.add(key, items)
    for (let n = 8; n < evictions; n++) counts.add(hashOf(n), items)
    return counts.of(key)
  }

  test('all counts are halved with every ten evictions per item held', () => {
    expect(after(8)).toBe(8)
    expect(after(10 * items)).toBe(4)
    expect(after(20 * items)).toBe(2)
    expect(after(30 * items)).toBe(1)
  })

  test('and forgotten', () => {
    expect(after(40 * items)).toBeLessThanOrEqual(1)
  })

  test('however few items are held', () => {
    const counts = makeCounts(64 * MEGABYTE)
    for (let n = 0; n < 8; n++) counts.add(key, 1)
    for (let n = 0; n < 1000; n++) counts.add(hashOf(n), 1)
    expect(counts.of(key)).toBeLessThan(8)
  })
})

describe('their memory', () => {
  test('is a 64th of the memory for items', () => {
    expect(evictionCountsBytes(64 * MEGABYTE)).toBe(MEGABYTE)
    expect(evictionCountsBytes(1024 * MEGABYTE)).toBe(16 * MEGABYTE)
  })

  test('is a power of two', () => {
    const megabytes = fc.integer({ min: 1, max: 32_000 })
    fc.assert(
      fc.property(megabytes, (size) => {
        const share = evictionCountsBytes(size * MEGABYTE) / ((size * MEGABYTE) / 64)
        expect(Math.log2(evictionCountsBytes(size * MEGABYTE)) % 1).toBe(0)
        expect(share).toBeGreaterThan(0.7)
        expect(share).toBeLessThan(1.42)
      }),
    )
  })

  test('is shared: what one thread counts another one sees', () => {
    const buffer = new SharedArrayBuffer(evictionCountsBytes(MEGABYTE))
    const state = new SharedArrayBuffer(STATE_BYTES)
    const [one, other] = [0, 1].map(() => new EvictionCounts(buffer, new SharedState(state)))
    one!.add(7, MANY_ITEMS)
    expect(other!.of(7)).toBe(1)
  })

  test('none, and nothing is counted', () => {
    const state = new SharedState(new SharedArrayBuffer(STATE_BYTES))
    expect(new EvictionCounts(new SharedArrayBuffer(0), state).enabled).toBe(false)
    expect(makeCounts().enabled).toBe(true)
  })
})

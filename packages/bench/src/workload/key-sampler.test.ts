import { describe, expect, test } from 'vitest'
import { keySampler } from './key-sampler.ts'
import { type Popularity, parsePopularity } from './popularity.ts'
import { RandomBits } from './random.ts'
import { zipfShare } from './zipf.ts'

const KEYS = 1_000

function draw(popularity: string | Popularity, count: number, keys = KEYS, seed = 11): number[] {
  const record = typeof popularity === 'string' ? parsePopularity(popularity) : popularity
  const sampler = keySampler(record, keys, new RandomBits(seed))
  return Array.from({ length: count }, sampler)
}

/** The keys that were drawn, most often drawn first, with how often. */
function byFrequency(drawn: readonly number[]): [key: number, count: number][] {
  const counts = new Map<number, number>()
  for (const key of drawn) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])
}

/** The share of the draws that went to the `keys` keys drawn most often. */
function shareOfMostPopular(drawn: readonly number[], keys: number): number {
  const most = byFrequency(drawn).slice(0, keys)
  return most.reduce((sum, [, count]) => sum + count, 0) / drawn.length
}

test.each([
  'shuffled',
  'uniform',
  'zipf:0.8',
  'hotspot:10%:90%',
  'scan',
  'drift:50:zipf:1',
  'zipf:1@50%+scan@50%',
])('%s draws only keys that there are, and the same ones again', (text) => {
  for (const keys of [1, 2, 7, 100]) {
    const drawn = draw(text, 1_000, keys)
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...drawn)).toBeLessThan(keys)
    expect(drawn.every(Number.isInteger)).toBe(true)
    expect(draw(text, 1_000, keys)).toEqual(drawn)
  }
})

test('shuffled draws each key once before any again', () => {
  const drawn = draw('shuffled', 2 * KEYS)
  expect(new Set(drawn.slice(0, KEYS)).size).toBe(KEYS)
  expect(new Set(drawn.slice(KEYS)).size).toBe(KEYS)
})

test('uniform draws all keys alike, but not in turn', () => {
  const counts = byFrequency(draw('uniform', 100 * KEYS))
  expect(counts).toHaveLength(KEYS)
  expect(counts[0]![1]).toBeLessThan(145)
  expect(counts.at(-1)![1]).toBeGreaterThan(60)
})

test('zipf has its shares, and popular keys all over the key space', () => {
  const drawn = draw('zipf:1', 100_000)
  expect(shareOfMostPopular(drawn, 1)).toBeCloseTo(zipfShare(1, KEYS, 1), 2)
  expect(shareOfMostPopular(drawn, 10)).toBeCloseTo(zipfShare(10, KEYS, 1), 2)
  const popular = byFrequency(drawn)
    .slice(0, 10)
    .map(([key]) => key)
  for (const quarter of [0, 1, 2, 3]) {
    expect(popular.some((key) => Math.floor((key * 4) / KEYS) === quarter)).toBe(true)
  }
})

describe('a hotspot', () => {
  test('gets its share of requests, evenly', () => {
    const drawn = draw('hotspot:10%:90%', 100_000)
    expect(shareOfMostPopular(drawn, KEYS / 10)).toBeCloseTo(0.9, 2)
    const counts = byFrequency(drawn).map(([, count]) => count)
    expect(counts).toHaveLength(KEYS)
    expect(counts[0]! / counts[KEYS / 10 - 1]!).toBeLessThan(1.3)
  })

  test('is one key at least, and all of them at most', () => {
    expect(shareOfMostPopular(draw('hotspot:0.001%:50%', 10_000), 1)).toBeCloseTo(0.5, 1)
    expect(byFrequency(draw('hotspot:100%:50%', 10_000, 10))).toHaveLength(10)
  })
})

describe('a scan', () => {
  test('comes to every key in the same order, round and round', () => {
    const drawn = draw('scan', 3 * KEYS)
    const round = drawn.slice(0, KEYS)
    expect(new Set(round).size).toBe(KEYS)
    expect(drawn).toEqual([...round, ...round, ...round])
  })

  test('begins elsewhere with another seed, and goes on in the same order', () => {
    const [one, other] = [draw('scan', KEYS), draw('scan', KEYS, KEYS, 12)]
    expect(other[0]).not.toBe(one[0])
    const at = one.indexOf(other[0]!)
    expect(other).toEqual([...one.slice(at), ...one.slice(0, at)])
  })

  test('does not follow the order of popularity', () => {
    const popular = byFrequency(draw('zipf:1', 100_000))
      .slice(0, 20)
      .map(([key]) => key)
    const begin = draw('scan', 100)
    expect(popular.filter((key) => begin.includes(key)).length).toBeLessThan(10)
  })
})

describe('a drift', () => {
  test('makes other keys popular, as many as it says', () => {
    const atRest = draw('zipf:2', 100)
    const drifting = draw('drift:10:zipf:2', 100_000)
    expect(drifting.slice(0, 100)).toEqual(atRest)
    // A key was the most popular one for 100 requests each: 60 % of them were for it.
    const leaders = Array.from({ length: 1_000 }, (_, turn) => {
      const [[key] = [-1]] = byFrequency(drifting.slice(turn * 100, turn * 100 + 100))
      return key
    })
    expect(new Set(leaders).size).toBeGreaterThan(990)
  })

  test('lets a key that was popular sink by one rank at a time', () => {
    const drifting = draw('drift:1:zipf:2', 3_000)
    const ranking = (from: number): number[] =>
      byFrequency(drifting.slice(from, from + 1_000)).map(([key]) => key)
    const [first, second] = ranking(0)
    expect(ranking(1_000).slice(1, 3)).toEqual([first, second])
    expect(ranking(2_000)[2]).toBe(first)
  })

  test('comes round to where it began', () => {
    const record: Popularity = {
      kind: 'drift',
      keysPerThousandRequests: 1_000,
      of: { kind: 'hotspot', keys: 0.1, requests: 1 },
    }
    const drawn = draw(record, 25, 10)
    // One hot key of ten, another one for each request.
    expect(new Set(drawn.slice(0, 10)).size).toBe(10)
    expect(drawn.slice(10, 20)).toEqual(drawn.slice(0, 10))
  })
})

test('the parts of a mixture have their shares, each as if it were alone', () => {
  const drawn = draw('hotspot:1%:100%@80%+scan@20%', 50_000)
  const hot = new Set(draw('hotspot:1%:100%', 1_000))
  expect(hot.size).toBe(10)
  const cold = drawn.filter((key) => !hot.has(key))
  // The scan comes to the ten hot keys too.
  expect(1 - cold.length / drawn.length).toBeCloseTo(0.8 + 0.2 * 0.01, 2)
  const scan = draw('scan', KEYS).filter((key) => !hot.has(key))
  expect(cold.slice(0, scan.length)).toEqual(scan)
})

import { describe, expect, test } from 'vitest'
import { RandomBits } from './random.ts'
import { RANKS_MAX, ZipfSampler, zipfShare } from './zipf.ts'

const EXPONENTS = [0, 0.5, 0.7, 0.99, 1, 1.2, 2]
const DRAWS = 100_000

/** Pearson's statistic; `shares` are the groups' probabilities. */
function chiSquare(counts: readonly number[], shares: readonly number[]): number {
  const draws = counts.reduce((sum, count) => sum + count, 0)
  return counts.reduce((sum, count, group) => {
    const expected = shares[group]! * draws
    return sum + (count - expected) ** 2 / expected
  }, 0)
}

/** What the statistic exceeds once in ten thousand times, by Wilson and Hilferty's approximation. */
function chiSquareLimit(groups: number): number {
  const freedom = groups - 1
  const part = 2 / (9 * freedom)
  return freedom * (1 - part + 3.719 * Math.sqrt(part)) ** 3
}

/** How often a rank of each group comes; group `i` has the ranks from `starts[i]` up to `starts[i + 1]`. */
function drawGroups(sampler: ZipfSampler, starts: readonly number[]): number[] {
  const random = new RandomBits(42)
  const counts = new Array<number>(starts.length - 1).fill(0)
  for (let draw = 0; draw < DRAWS; draw++) {
    const rank = sampler.sample(random)
    let group = 0
    while (rank >= starts[group + 1]!) group++
    counts[group]!++
  }
  return counts
}

/** Each rank a group. */
function singleRanks(count: number): number[] {
  return Array.from({ length: count + 1 }, (_, rank) => rank)
}

/** Groups of neighbours with about a twentieth of the draws each, or of a single rank that has more. */
function twentieths(count: number, exponent: number): number[] {
  const starts = new Set([0])
  for (let part = 1; part < 20; part++) {
    let [low, high] = [0, count]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (zipfShare(middle, count, exponent) < part / 20) low = middle
      else high = middle
    }
    starts.add(high)
  }
  return [...starts.add(count)]
}

function exactShares(count: number, exponent: number): number[] {
  const weights = Array.from({ length: count }, (_, rank) => (rank + 1) ** -exponent)
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}

describe.each(EXPONENTS)('with exponent %d', (exponent) => {
  test.each([3, 30])('each of %d ranks has its share', (count) => {
    const counts = drawGroups(new ZipfSampler(count, exponent), singleRanks(count))
    const limit = chiSquareLimit(count)
    expect(chiSquare(counts, exactShares(count, exponent))).toBeLessThan(limit)
  })

  test.each([10_000, 50_000_000, RANKS_MAX])('groups of %d ranks have their share', (count) => {
    const starts = twentieths(count, exponent)
    const counts = drawGroups(new ZipfSampler(count, exponent), starts)
    const reached = starts.map((start) => (start === 0 ? 0 : zipfShare(start, count, exponent)))
    const shares = counts.map((_, group) => reached[group + 1]! - reached[group]!)
    expect(chiSquare(counts, shares)).toBeLessThan(chiSquareLimit(counts.length))
  })

  test('the share of the first ranks is that of the exact sums', () => {
    const count = 20_000
    const shares = exactShares(count, exponent)
    for (const ranks of [1, 199, 200, 201, 12_345, count]) {
      const exact = shares.slice(0, ranks).reduce((sum, share) => sum + share, 0)
      expect(zipfShare(ranks, count, exponent)).toBeCloseTo(exact, 10)
    }
  })
})

test('the statistic tells exponent 0.99 from 1.01', () => {
  const counts = drawGroups(new ZipfSampler(30, 0.99), singleRanks(30))
  expect(chiSquare(counts, exactShares(30, 1.01))).toBeGreaterThan(chiSquareLimit(30))
})

test('an exponent next to 1 is as good as 1', () => {
  const draw = (exponent: number): number[] => {
    const random = new RandomBits(5)
    const sampler = new ZipfSampler(1_000_000, exponent)
    return Array.from({ length: 1_000 }, () => sampler.sample(random))
  }
  expect(draw(1 + Number.EPSILON)).toEqual(draw(1))
  expect(draw(1 - Number.EPSILON)).toEqual(draw(1))
})

test('a single rank is always drawn', () => {
  const sampler = new ZipfSampler(1, 0.9)
  const random = new RandomBits(5)
  expect(new Set(Array.from({ length: 1_000 }, () => sampler.sample(random)))).toEqual(new Set([0]))
})

test('what cannot be drawn is refused', () => {
  for (const count of [0, 1.5, RANKS_MAX + 1, Number.NaN]) {
    expect(() => new ZipfSampler(count, 1)).toThrow('number of ranks')
  }
  for (const exponent of [-0.1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => new ZipfSampler(10, exponent)).toThrow('exponent')
  }
})

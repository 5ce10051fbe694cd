import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ETC_SMALL_VALUES } from './etc-sizes.ts'
import {
  constantSize,
  describeSizes,
  largestSize,
  meanSize,
  parseSizes,
  type Sizes,
  type SizesOf,
  sizeOfKey,
  sizeQuantile,
} from './sizes.ts'

const KEYS = 200_000

/** The sizes of so many keys, from the smallest to the largest. */
function sortedSizes(sizes: Sizes): Uint32Array {
  const sizeOf = sizeOfKey(sizes)
  return Uint32Array.from({ length: KEYS }, (_, key) => sizeOf(key)).sort()
}

/** What a share of the sorted sizes is not larger than. */
function reached(sorted: Uint32Array, share: number): number {
  return sorted[Math.floor(share * sorted.length)]!
}

describe('the text of sizes', () => {
  test('has units of bytes, or of time', () => {
    const texts: [string, SizesOf, Sizes][] = [
      ['100', 'value', 100],
      ['0', 'value', 0],
      ['10k', 'value', 10_240],
      ['1M', 'value', 1_048_576],
      ['10-1k', 'value', { kind: 'range', min: 10, max: 1024 }],
      [
        'lognormal:300:1.2',
        'value',
        { kind: 'lognormal', median: 300, sigma: 1.2, max: 1_047_552 },
      ],
      ['lognormal:1k:1:64k', 'value', { kind: 'lognormal', median: 1024, sigma: 1, max: 65_536 }],
      ['lognormal:30:0.3', 'key', { kind: 'lognormal', median: 30, sigma: 0.3, max: 250 }],
      [
        '100:70,1k:30',
        'value',
        {
          kind: 'weighted',
          sizes: [
            { size: 100, weight: 70 },
            { size: 1024, weight: 30 },
          ],
        },
      ],
      ['etc', 'key', { kind: 'etc-keys' }],
      ['etc', 'value', { kind: 'etc-values' }],
      ['0', 'ttl', 0],
      ['90s', 'ttl', 90],
      ['1h-1d', 'ttl', { kind: 'range', min: 3_600, max: 86_400 }],
      ['10m:1', 'ttl', { kind: 'weighted', sizes: [{ size: 600, weight: 1 }] }],
    ]
    for (const [text, of, sizes] of texts) {
      expect(parseSizes(text, of), `${text} of a ${of}`).toEqual(sizes)
    }
  })

  test('is read as what it describes', () => {
    const size = fc.integer({ min: 1, max: 250 })
    const decimal = fc.integer({ min: 1, max: 5_000 }).map((parts) => parts / 1_000)
    const sizes = fc.oneof<fc.Arbitrary<Sizes>[]>(
      size,
      fc.tuple(size, size).map(([a, b]) => ({
        kind: 'range' as const,
        min: Math.min(a, b),
        max: Math.max(a, b),
      })),
      fc.record({
        kind: fc.constant('lognormal' as const),
        median: size,
        sigma: decimal,
        max: fc.constant(250),
      }),
      fc.record({
        kind: fc.constant('weighted' as const),
        sizes: fc.array(fc.record({ size, weight: decimal }), { minLength: 1, maxLength: 5 }),
      }),
    )
    fc.assert(
      fc.property(sizes, fc.constantFrom<SizesOf>('key', 'value', 'ttl'), (record, of) => {
        expect(parseSizes(describeSizes(record), of)).toEqual(record)
      }),
    )
    expect(describeSizes({ kind: 'etc-keys' })).toBe('etc')
    expect(describeSizes({ kind: 'etc-values' })).toBe('etc')
  })

  test('is refused with a word on how it is written', () => {
    const wrong: [SizesOf, string[], RegExp][] = [
      ['key', ['', '0', '251', '16s', '40-10', '16:', 'lognormal:30'], /no size of keys: write it/],
      [
        'value',
        ['-1', '1.5', '2g', '2048m', '1-2-3', '1:2:3', '100:0', '100:70,1k', 'lognormal:300:0'],
        /no size of values: write it/,
      ],
      ['value', ['lognormal:300:1:200', 'lognormal:300:1:1k:1', 'lognormal:0:1'], /no size of/],
      ['ttl', ['etc', '31d', '10k', 'never'], /no time to live: write it/],
    ]
    for (const [of, texts, message] of wrong) {
      for (const text of texts) expect(() => parseSizes(text, of), text).toThrow(message)
    }
  })
})

describe('the size of a key', () => {
  const some = ['100', '10-1k', 'lognormal:300:1.2', '100:70,1k:30', 'etc']

  test.each(some)('of %s is always the same, and never above the largest', (text) => {
    const sizes = parseSizes(text, 'value')
    const [first, again] = [sizeOfKey(sizes), sizeOfKey(sizes)]
    const largest = largestSize(sizes)
    for (const key of [0, 1, 77, 10_000_000, 2 ** 32 - 1]) {
      expect(again(key)).toBe(first(key))
      expect(first(key)).toBeLessThanOrEqual(largest)
      expect(Number.isInteger(first(key))).toBe(true)
    }
  })

  test.each(some)('of %s grows with the probability it stands for', (text) => {
    const quantile = sizeQuantile(parseSizes(text, 'value'))
    const sizes = Array.from({ length: 1_000 }, (_, part) => quantile(part / 1_000))
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
  })

  test('with another salt has nothing to do with it', () => {
    const sizes = { kind: 'range', min: 0, max: 1_000 } as const
    const [one, other] = [sizeOfKey(sizes), sizeOfKey(sizes, 1)]
    let product = 0
    for (let key = 0; key < KEYS; key++) product += (one(key) - 500) * (other(key) - 500)
    const variance = (1_001 ** 2 - 1) / 12
    expect(Math.abs(product / KEYS / variance)).toBeLessThan(0.01)
  })
})

test('only what is constant has one size', () => {
  expect(constantSize(100)).toBe(100)
  expect(() => constantSize({ kind: 'etc-keys' })).toThrow('not all the same')
})

test('a range is even', () => {
  const sorted = sortedSizes({ kind: 'range', min: 10, max: 109 })
  expect([sorted[0], sorted.at(-1)]).toEqual([10, 109])
  expect(reached(sorted, 0.25)).toBeCloseTo(35, -1)
  expect(meanSize({ kind: 'range', min: 10, max: 109 })).toBeCloseTo(59.5, 1)
})

test('weighted sizes come as often as they weigh', () => {
  const sizes = parseSizes('1k:30,100:60,5:10', 'value')
  const sorted = sortedSizes(sizes)
  const share = (size: number): number => sorted.filter((each) => each === size).length / KEYS
  expect([share(5), share(100), share(1024)]).toEqual([
    expect.closeTo(0.1, 2),
    expect.closeTo(0.6, 2),
    expect.closeTo(0.3, 2),
  ])
  expect(meanSize(sizes)).toBeCloseTo(0.5 + 60 + 307.2, 0)
})

test('a lognormal has its median, its deviation, and its end', () => {
  const sizes = parseSizes('lognormal:300:1.2:64k', 'value')
  const sorted = sortedSizes(sizes)
  expect(reached(sorted, 0.5)).toBeCloseTo(300, -1)
  // One deviation up and down is a factor of e^1.2, within which 68.27 % lie.
  const within = sorted.filter((size) => size >= 300 / Math.E ** 1.2 && size <= 300 * Math.E ** 1.2)
  expect(within.length / KEYS).toBeCloseTo(0.6827, 2)
  expect(meanSize(sizes)).toBeCloseTo(300 * Math.exp(1.2 ** 2 / 2), -1)
  expect(sorted.at(-1)).toBeLessThanOrEqual(64 * 1024)
  expect(largestSize(sizes)).toBe(64 * 1024)
})

describe("Meta's ETC", () => {
  test('has the published share of each small value', () => {
    const sorted = sortedSizes({ kind: 'etc-values' })
    for (const [size, share] of ETC_SMALL_VALUES.entries()) {
      const count = sorted.filter((each) => each === size).length
      // Within four deviations of the binomial distribution.
      const deviation = Math.sqrt(share * (1 - share) * KEYS)
      expect(Math.abs(count - share * KEYS), `of ${size} bytes`).toBeLessThan(4 * deviation + 1)
    }
    expect(ETC_SMALL_VALUES.reduce((sum, share) => sum + share, 0)).toBeCloseTo(0.44155, 10)
  })

  test('has large values by the published Pareto distribution', () => {
    const large = sortedSizes({ kind: 'etc-values' }).filter((size) => size >= 15)
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      const published = 15 + (214.476 / 0.348238) * ((1 - share) ** -0.348238 - 1)
      expect(reached(large, share) / published).toBeGreaterThan(0.97)
      expect(reached(large, share) / published).toBeLessThan(1.03)
    }
  })

  test('has keys by the published extreme value distribution', () => {
    const sorted = sortedSizes({ kind: 'etc-keys' })
    for (const share of [0.01, 0.1, 0.5, 0.9, 0.99, 0.999]) {
      // The distribution's own form: the share of keys that are not longer than `bytes`.
      const shareBelow = (bytes: number): number =>
        Math.exp(-((1 + (0.078688 * (bytes - 30.7984)) / 8.20449) ** (-1 / 0.078688)))
      const bytes = reached(sorted, share)
      expect(shareBelow(bytes - 0.5)).toBeLessThan(share + 0.002)
      expect(shareBelow(bytes + 0.5)).toBeGreaterThan(share - 0.002)
    }
  })

  test('fits into a server: keys of 1 to 250 bytes, values below 1 MiB', () => {
    expect(sizeQuantile({ kind: 'etc-keys' })(0)).toBeGreaterThanOrEqual(1)
    expect(largestSize({ kind: 'etc-keys' })).toBe(250)
    expect(largestSize({ kind: 'etc-values' })).toBeLessThan(1024 * 1024)
  })
})

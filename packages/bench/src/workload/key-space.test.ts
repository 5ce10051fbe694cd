import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SyntheticKeys } from './key-space.ts'
import { type Sizes, sizeOfKey } from './sizes.ts'

test('a key is exactly as long as asked, down to the digits of the last one', () => {
  expect(new SyntheticKeys(100, 16).text(7)).toBe('bench:0000000007')
  expect(new SyntheticKeys(100, 8).text(42)).toBe('bench:42')
  expect(new SyntheticKeys(100, 4).text(7)).toBe('be07')
  expect(new SyntheticKeys(100, 2).text(7)).toBe('07')
  expect(new SyntheticKeys(100, 1).text(7)).toBe('07')
  expect(new SyntheticKeys(2 ** 32, 16).text(2 ** 32 - 1)).toBe('bench:4294967295')
})

test('lengths that are distributed come as they are distributed', () => {
  const keys = new SyntheticKeys(10_000, {
    kind: 'weighted',
    sizes: [
      { size: 16, weight: 1 },
      { size: 21, weight: 3 },
    ],
  })
  const lengths = Array.from({ length: keys.keys }, (_, key) => keys.text(key).length)
  expect(new Set(lengths)).toEqual(new Set([16, 21]))
  expect(lengths.filter((length) => length === 21).length / keys.keys).toBeCloseTo(0.75, 1)
})

test('the length of a key says nothing about the size of its value', () => {
  const sizes = { kind: 'range', min: 20, max: 120 } as const
  const keys = new SyntheticKeys(10_000, sizes)
  const sizeOf = sizeOfKey(sizes)
  const same = Array.from({ length: keys.keys }, (_, key) => keys.text(key).length === sizeOf(key))
  expect(same.filter(Boolean).length).toBeLessThan(200)
})

const LENGTHS: readonly Sizes[] = [
  12,
  { kind: 'range', min: 1, max: 40 },
  { kind: 'range', min: 3, max: 5 },
  { kind: 'lognormal', median: 4, sigma: 2, max: 250 },
  { kind: 'etc-keys' },
]

describe.each(LENGTHS)('with lengths of %j', (keyBytes) => {
  test.each([1, 10, 11, 5_000])('all of %d keys are different, and can be sent', (count) => {
    const keys = new SyntheticKeys(count, keyBytes)
    const texts = Array.from({ length: count }, (_, key) => keys.text(key))
    expect(new Set(texts).size).toBe(count)
    expect(texts.filter((text) => !/^(bench:|b?e?n?c?h?)\d+$/.test(text))).toEqual([])
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(keys.longest)
    expect(keys.longest).toBeLessThanOrEqual(250)
  })

  test('a key is written where it should be, and nothing beside it', () => {
    const keys = new SyntheticKeys(2 ** 32, keyBytes)
    const number = fc.integer({ min: 0, max: 2 ** 32 - 1 })
    fc.assert(
      fc.property(number, fc.integer({ min: 0, max: 20 }), (key, at) => {
        const bytes = Buffer.alloc(at + keys.longest + 5, '#')
        const text = keys.text(key)
        expect(Number(/\d+$/.exec(text)?.[0])).toBe(key)
        expect(keys.write(key, bytes, at)).toBe(at + text.length)
        expect(bytes.toString()).toBe(`${'#'.repeat(at)}${text}`.padEnd(bytes.length, '#'))
      }),
    )
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BY_POPULARITY, BY_SCAN, keyOrder } from './key-order.ts'

const spread = fc.constantFrom(BY_POPULARITY, BY_SCAN)

test('an order has every key once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_000 }), spread, (count, apart) => {
      const places = Array.from({ length: count }, (_, place) => place)
      const keys = places.map(keyOrder(count, apart))
      expect(keys.toSorted((a, b) => a - b)).toEqual(places)
    }),
  )
})

test('an order of billions is exact', () => {
  const count = fc.integer({ min: 2 ** 21, max: 2 ** 32 })
  fc.assert(
    fc.property(count, spread, fc.double({ min: 0, max: 1, noNaN: true }), (keys, apart, part) => {
      const order = keyOrder(keys, apart)
      const last = BigInt(keys) - 1n
      const place = BigInt(Math.floor(part * Number(last)))
      // Its step and its first key, of which the others follow.
      const first = BigInt(order(0))
      const step = (BigInt(order(1)) - first + BigInt(keys)) % BigInt(keys)
      expect(BigInt(order(Number(place)))).toBe((place * step + first) % BigInt(keys))
      expect(BigInt(order(Number(last)))).toBe((last * step + first) % BigInt(keys))
    }),
  )
})

test('neighbours lie far apart, and the first is not the first key', () => {
  const order = keyOrder(1_000, BY_POPULARITY)
  const keys = Array.from({ length: 10 }, (_, place) => order(place))
  expect(Math.min(...keys)).toBeGreaterThan(0)
  const sorted = keys.toSorted((a, b) => a - b)
  const gaps = sorted.slice(1).map((key, index) => key - sorted[index]!)
  expect(Math.min(...gaps)).toBeGreaterThan(30)
})

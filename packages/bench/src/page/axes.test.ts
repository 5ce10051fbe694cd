import { assert, double, property } from 'fast-check'
import { expect, test } from 'vitest'
import { linearDomain, logDomain, logTicks, percentileText, percentileTicks } from './axes.ts'

test('a logarithmic axis is from step to step, a decade at least', () => {
  expect(logDomain([230, 4_700])).toEqual([200, 5_000])
  expect(logDomain([300, 310])).toEqual([100, 1_000])
  expect(logDomain([1_000])).toEqual([500, 5_000])
  assert(
    property(double({ min: 0.01, max: 1e8, noNaN: true }), (value) => {
      const [low, high] = logDomain([value])
      expect(low).toBeLessThanOrEqual(value)
      expect(high).toBeGreaterThanOrEqual(value)
      expect(high / low).toBeGreaterThanOrEqual(9.99)
      expect(high / low).toBeLessThanOrEqual(50.01)
    }),
  )
})

test('its ticks are fine where there is room', () => {
  expect(logTicks([200, 5_000], 200)).toEqual([200, 500, 1_000, 2_000, 5_000])
  expect(logTicks([1, 100_000], 200)).toEqual([1, 10, 100, 1_000, 10_000, 100_000])
})

test('a linear axis begins at zero and has a length', () => {
  expect(linearDomain([50, 100])).toEqual([0, 105])
  expect(linearDomain([0, 0])).toEqual([0, 1])
})

test('percentiles are named by their nines, and more closely between them', () => {
  expect(percentileTicks(12_000).map(percentileText)).toEqual([
    '0',
    '50',
    '90',
    '99',
    '99.9',
    '99.99',
  ])
  expect(percentileText(1 / (1 - 0.95))).toBe('95')
  expect(percentileText(1 / (1 - 0.99953))).toBe('99.953')
})

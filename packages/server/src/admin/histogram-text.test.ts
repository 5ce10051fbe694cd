import { expect, test } from 'vitest'
import { countOf, type Histogram, parseHistogram, quantile, since } from './histogram-text.ts'

function histogram(cumulative: readonly number[], sumMicroseconds = 0): Histogram {
  return { bounds: [1, 2, 4, Number.POSITIVE_INFINITY], cumulative, sumMicroseconds }
}

test('is read from its lines, in whatever order they come', () => {
  const told = new Map([
    ['le_inf', '9'],
    ['le_2', '5'],
    ['le_10', '8'],
    ['sum_us', '40'],
    ['count', '100'],
  ])
  expect(parseHistogram(told)).toEqual({
    bounds: [2, 10, Number.POSITIVE_INFINITY],
    cumulative: [5, 8, 9],
    sumMicroseconds: 40,
  })
  told.delete('le_inf')
  expect(parseHistogram(told)).toBeUndefined()
  expect(parseHistogram(new Map())).toBeUndefined()
})

test('what came since an earlier one, and all of it after a reset', () => {
  const now = histogram([3, 5, 8, 9], 30)
  expect(since(now, histogram([1, 1, 4, 4], 12))).toEqual(histogram([2, 4, 4, 5], 18))
  expect(since(now, undefined)).toBe(now)
  expect(since(now, histogram([5, 10, 10, 10]))).toBe(now)
})

test('quantiles lie within their bucket, evenly spread', () => {
  expect(quantile(histogram([0, 10, 10, 10]), 0.5)).toBe(1.5)
  expect(quantile(histogram([10, 10, 10, 10]), 1)).toBe(1)
  expect(quantile(histogram([0, 0, 4, 8]), 0.5)).toBe(4)
  // Of what was longer than the last bound no more is known.
  expect(quantile(histogram([0, 0, 0, 8]), 0.99)).toBe(4)
  expect(quantile(histogram([0, 0, 0, 0]), 0.5)).toBeUndefined()
  expect(countOf(histogram([1, 2, 3, 4]))).toBe(4)
})

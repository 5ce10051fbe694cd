import { array, assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { latencyHistogram } from '../measure/latency.ts'
import { percentileCurve } from './percentile-curve.ts'

test('each nine has as many points as the one before', () => {
  const histogram = latencyHistogram()
  for (let value = 1; value <= 10_000; value++) histogram.recordValue(value * 1_000)
  const curve = percentileCurve(histogram, 41)
  expect(curve).toHaveLength(41)
  const rounded = curve.map(({ percentile }) => Number(percentile.toFixed(6)))
  expect([0, 10, 20, 30, 40].map((index) => rounded[index])).toEqual([0, 90, 99, 99.9, 99.99])
  for (const { percentile, microseconds } of curve.slice(1)) {
    const exact = percentile * 100
    expect(Math.abs(microseconds - exact) / exact).toBeLessThan(2e-3)
  }
})

test('it goes on to 99.9999 where there are values enough', () => {
  const histogram = latencyHistogram()
  histogram.recordValueWithCount(1_000, 9_999_990)
  histogram.recordValueWithCount(5_000, 10)
  const curve = percentileCurve(histogram, 10)
  expect(curve.at(-1)?.percentile).toBeCloseTo(99.9999, 6)
  expect(curve.at(-1)?.microseconds).toBeCloseTo(1, 2)
})

test('few values give no more than they are', () => {
  const histogram = latencyHistogram()
  expect(percentileCurve(histogram, 10)).toEqual([])
  histogram.recordValue(7_000)
  expect(percentileCurve(histogram, 10)).toEqual([
    { percentile: 0, microseconds: expect.closeTo(7, 1) },
  ])
})

test('a curve never falls, and lies between the least and the greatest value', () => {
  const latencies = array(integer({ min: 1, max: 50e9 }), { minLength: 1, maxLength: 200 })
  assert(
    property(latencies, integer({ min: 2, max: 60 }), (values, points) => {
      const histogram = latencyHistogram()
      for (const value of values) histogram.recordValue(value)
      const curve = percentileCurve(histogram, points)
      const micros = curve.map(({ microseconds }) => microseconds)
      expect(micros).toEqual([...micros].sort((one, other) => one - other))
      expect(curve.map(({ percentile }) => percentile)).toEqual(
        curve.map(({ percentile }) => percentile).sort((one, other) => one - other),
      )
      // The histogram keeps three digits.
      expect(micros.at(-1)).toBeLessThanOrEqual((Math.max(...values) / 1e3) * 1.001)
      expect(micros[0]).toBeGreaterThanOrEqual((Math.min(...values) / 1e3) * 0.999 - 0.001)
    }),
  )
})

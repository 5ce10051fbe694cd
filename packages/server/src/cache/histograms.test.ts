// Log-linear histograms: what is read from them is close to what was recorded, and exact where it is said to be.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Histograms, histogramsBytes } from './histograms.ts'
import { SharedState } from './shared-state.ts'

function makeHistograms(count = 1): Histograms {
  return new Histograms(new SharedState(new SharedArrayBuffer(histogramsBytes(count))), count)
}

const microseconds = fc.double({ min: 0, max: 10_000_000, noNaN: true })

test('a quantile is wrong by less than an eighth, or by an eighth of a microsecond', () => {
  fc.assert(
    fc.property(
      fc.array(microseconds, { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (times, part) => {
        const histograms = makeHistograms()
        for (const time of times) histograms.record(0, time, 1, 1)
        const sorted = [...times].sort((a, b) => a - b)
        const exact = sorted[Math.ceil(part * times.length) - 1]
        const estimate = histograms.quantile(0, part)
        expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact / 8 + 0.25)
      },
    ),
  )
})

test('what took at most a power of two is counted exactly, but for what rounding moves across', () => {
  const histograms = makeHistograms()
  for (let time = 0.5; time < 1000; time++) histograms.record(0, time, 1, 1)
  for (const bound of [1, 2, 16, 256, 512]) expect(histograms.atMost(0, bound)).toBe(bound)
  expect(histograms.atMost(0, 2 ** 23)).toBe(1000)
})

test('a sample stands for as many as it says', () => {
  const histograms = makeHistograms()
  histograms.record(0, 10, 300, 1)
  histograms.record(0, 50, 100, 2)
  expect(histograms.total(0)).toBe(400)
  expect(histograms.samples(0)).toBe(3)
  expect(histograms.sum(0)).toBe(300 * 10 + 100 * 50)
  expect(histograms.maximum(0)).toBe(50)
  expect(histograms.quantile(0, 0.5)).toBeLessThan(12)
  expect(histograms.quantile(0, 0.9)).toBeGreaterThan(44)
})

describe('limits', () => {
  test('times beyond 16 seconds and below 0 are counted at the ends', () => {
    const histograms = makeHistograms()
    histograms.record(0, 1e12, 1, 1)
    histograms.record(0, -1, 1, 1)
    expect(histograms.total(0)).toBe(2)
    expect(histograms.atMost(0, 1)).toBe(1)
    expect(histograms.quantile(0, 1)).toBeGreaterThan(16_000_000)
  })

  test('each histogram is its own, and a reset empties all', () => {
    const histograms = makeHistograms(2)
    histograms.record(0, 5, 1, 1)
    histograms.record(1, 7, 2, 1)
    expect([histograms.total(0), histograms.total(1)]).toEqual([1, 2])
    histograms.reset()
    expect([histograms.total(0), histograms.maximum(1), histograms.quantile(1, 0.5)]).toEqual([
      0, 0, 0,
    ])
  })
})

import { expect, test } from 'vitest'
import { normalQuantile } from './normal-quantile.ts'

test('quantiles are those of the tables, on both sides', () => {
  const table: [probability: number, quantile: number][] = [
    [0.5, 0],
    [0.75, 0.67448975],
    [0.9, 1.281551566],
    [0.975, 1.959963985],
    [0.99, 2.326347874],
    [0.999, 3.090232306],
    [0.99999, 4.26489079],
    [1 - 1e-9, 5.99780702],
    [1 - 1e-12, 7.034484],
  ]
  for (const [probability, quantile] of table) {
    expect(normalQuantile(probability)).toBeCloseTo(quantile, 4)
    expect(normalQuantile(1 - probability)).toBeCloseTo(-quantile, 4)
  }
})

test('they grow with the probability, from one infinity to the other', () => {
  const quantiles = Array.from({ length: 1_001 }, (_, part) => normalQuantile(part / 1_000))
  expect(quantiles[0]).toBe(Number.NEGATIVE_INFINITY)
  expect(quantiles[1_000]).toBe(Number.POSITIVE_INFINITY)
  for (let part = 1; part <= 1_000; part++) {
    expect(quantiles[part]).toBeGreaterThan(quantiles[part - 1]!)
  }
})

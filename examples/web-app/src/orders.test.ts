import { describe, expect, test } from 'vitest'
import { ORDERS, Orders } from './orders.ts'
import { PLANTS } from './plants.ts'

describe('questions about orders', () => {
  const orders = new Orders()

  test('have the same answers in every run', () => {
    expect(new Orders().popular({ month: 4 })).toEqual(orders.popular({ month: 4 }))
  })

  test('agree with one another, as far as they say that they are sure', () => {
    const { id } = PLANTS[0]!
    const june = orders.popular({ month: 6 }).find(({ plant }) => plant === id)!
    const calendar = orders.calendar({ plant: id })
    expect(calendar).toHaveLength(12)
    // The same orders, in the same resamples.
    expect(calendar[5]).toEqual({ value: june.value, error: june.error })
    const stars = orders.ratings({ plant: id })
    expect(stars.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(1)
    const mean = stars.reduce((sum, { value }, i) => sum + value * (i + 1), 0)
    const rated = orders.rated().find(({ plant }) => plant === id)!
    expect(Math.abs(mean - rated.value)).toBeLessThan(0.001)
  })

  test('are answered best first, with errors of the size that counting has', () => {
    const [first, second] = orders.popular({ month: 4 })
    expect(first!.value).toBeGreaterThan(second!.value)
    expect(first!.value).toBeLessThan(ORDERS)
    // A count's error is about its root; a dozen resamples know it roughly.
    const ratio = first!.error / Math.sqrt(first!.value)
    expect(ratio).toBeGreaterThan(0.4)
    expect(ratio).toBeLessThan(2)
  })

  test('find what goes together', () => {
    // As the orders are made: the 5th, 9th and 16th plant after each.
    const best = orders.together({ plant: 0 }).slice(0, 3)
    expect(best.map(({ plant }) => plant)).not.toContain(0)
    for (const { value } of best) expect(value).toBeGreaterThan(1)
  })
})

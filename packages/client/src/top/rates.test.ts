import { expect, test } from 'vitest'
import { ratesBetween, sumOfRates } from './rates.ts'
import { type Sample, sampleOf } from './statistics.ts'

function sample(at: number, statistics: Record<string, number>): Sample {
  const general = new Map(
    Object.entries({ pid: 1, uptime: 100, ...statistics }).map(([name, n]) => [name, String(n)]),
  )
  const none = undefined
  return sampleOf({ general, items: none, slabs: none, latency: none, hotKeys: none }, at)
}

test('rates are differences by second', () => {
  const rates = ratesBetween(
    sample(0, { cmd_get: 100, get_hits: 90, get_misses: 10, cmd_set: 5 }),
    sample(2000, { cmd_get: 300, get_hits: 240, get_misses: 60, cmd_set: 25 }),
  )
  expect(rates).toMatchObject({ gets: 100, sets: 10, operations: 110, hitRatio: 0.75 })
})

test('a node that was started anew has counted from zero, since it started', () => {
  const before = sample(0, { cmd_get: 1000 })
  expect(ratesBetween(before, sample(10_000, { pid: 2, uptime: 4, cmd_get: 2000 }))).toMatchObject({
    gets: 400,
  })
  // In a container every process may have the same id.
  expect(ratesBetween(before, sample(10_000, { uptime: 4, cmd_get: 2000 }))?.gets).toBe(400)
})

test('after `stats reset` no rate is negative', () => {
  const rates = ratesBetween(
    sample(0, { cmd_get: 1000, evictions: 0 }),
    sample(1000, { cmd_get: 10, evictions: 0 }),
  )
  expect(rates).toMatchObject({ gets: 10, evictions: 0 })
})

test('there is no rate without time, and no hit ratio without gets', () => {
  expect(ratesBetween(sample(5, {}), sample(5, {}))).toBeUndefined()
  expect(ratesBetween(sample(0, {}), sample(5, {}))?.hitRatio).toBeUndefined()
})

test('the hit ratio of several nodes is that of all their gets', () => {
  const busy = ratesBetween(sample(0, {}), sample(1000, { get_hits: 90 }))
  const idle = ratesBetween(sample(0, {}), sample(1000, { get_misses: 10 }))
  expect(sumOfRates([busy, idle].flatMap((rates) => rates ?? [])).hitRatio).toBe(0.9)
})

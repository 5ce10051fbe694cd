import { expect, test } from 'vitest'
import { SAMPLED, type Sample, type Sampled } from '../page-data.ts'
import { History, rate, series, share, standing } from './history.ts'

function sample(second: number, told: Partial<Record<Sampled, number>>): Sample {
  return { at: second * 1000, values: SAMPLED.map((name) => told[name] ?? null) }
}

test('rates and shares are of the time between two samples', () => {
  const samples = [
    sample(0, { get_hits: 0, get_misses: 0, bytes: 5 }),
    sample(2, { get_hits: 30, get_misses: 10, bytes: 7 }),
    sample(3, { get_hits: 30, get_misses: 10, bytes: 6 }),
  ]
  expect(series(samples, rate('get_hits', 'get_misses'))).toEqual({
    times: [2000, 3000],
    values: [20, 0],
  })
  expect(series(samples, share(['get_hits'], ['get_hits', 'get_misses'])).values).toEqual([
    0.75,
    null,
  ])
  expect(series(samples, standing('bytes')).values).toEqual([7, 6])
})

test('a server that has begun anew makes a gap, and so does what it doesn’t tell', () => {
  const samples = [
    sample(0, { cmd_set: 100 }),
    sample(1, { cmd_set: 3 }),
    sample(2, { cmd_set: 5 }),
  ]
  expect(series(samples, rate('cmd_set')).values).toEqual([null, 2])
  expect(series(samples, rate('cmd_touch')).values).toEqual([null, null])
})

test('keeps an hour, each moment once, and thins what is wanted of it', () => {
  const history = new History()
  history.add([sample(1, {}), sample(2, {})])
  history.add([sample(2, {}), sample(3, {})])
  expect(history.window(3_600, 100).map(({ at }) => at)).toEqual([1000, 2000, 3000])
  history.add(Array.from({ length: 5_000 }, (_, i) => sample(i + 4, {})))
  expect(history.window(1e6, 1e6)).toHaveLength(3_600)
  expect(history.window(60, 240)).toHaveLength(62)
  const thin = history.window(3_600, 240)
  expect(thin.length).toBeLessThanOrEqual(241)
  expect(thin.at(-1)?.at).toBe(history.latestAt)
})

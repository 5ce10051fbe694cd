import { expect, test } from 'vitest'
import { seededRandom } from '../workload/random.ts'
import { Schedule } from './schedule.ts'

test('requests come at the rate asked for, at irregular moments, in order', () => {
  const schedule = new Schedule(1_000, seededRandom(1))
  schedule.start(500)
  const moments = Array.from({ length: 10_000 }, () => schedule.take())
  expect(moments[0]).toBe(500)
  expect(moments).toEqual(moments.toSorted((a, b) => a - b))
  expect((moments.at(-1)! - 500) / 10_000).toBeCloseTo(1, 1)
  const gaps = moments.slice(1).map((moment, index) => moment - moments[index]!)
  // Of exponentially distributed gaps, as many as 1 - 1/e are shorter than the mean.
  expect(gaps.filter((gap) => gap < 1).length / gaps.length).toBeCloseTo(1 - 1 / Math.E, 1)
})

test('nothing is due before it is started', () => {
  expect(new Schedule(1_000, seededRandom(1)).due).toBe(Number.POSITIVE_INFINITY)
})

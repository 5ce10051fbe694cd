import { expect, test } from 'vitest'
import { seededRandom } from '../workload/random.ts'
import { Schedule } from './schedule.ts'

/** When the next so many requests are due. */
function moments(schedule: Schedule, count: number): number[] {
  return Array.from({ length: count }, () => {
    const { due } = schedule
    schedule.take()
    return due
  })
}

test('requests come at the rate asked for, at irregular moments, in order', () => {
  const schedule = new Schedule(1_000, seededRandom(1))
  schedule.start(500)
  const due = moments(schedule, 10_000)
  expect(due[0]).toBe(500)
  expect(due).toEqual(due.toSorted((a, b) => a - b))
  expect((due.at(-1)! - 500) / 10_000).toBeCloseTo(1, 1)
  const gaps = due.slice(1).map((moment, index) => moment - due[index]!)
  // Of exponentially distributed gaps, as many as 1 - 1/e are shorter than the mean.
  expect(gaps.filter((gap) => gap < 1).length / gaps.length).toBeCloseTo(1 - 1 / Math.E, 1)
})

test('nothing is due before it is started', () => {
  expect(new Schedule(1_000, seededRandom(1)).due).toBe(Number.POSITIVE_INFINITY)
})

test('constant arrivals are evenly spaced', () => {
  const schedule = new Schedule(1_000, undefined)
  schedule.start(500)
  expect(moments(schedule, 3)).toEqual([500, 501, 502])
})

test('a rate that grows from nothing has sent half of its requests when it is there', () => {
  const schedule = new Schedule(1_000, undefined)
  schedule.ramp(0, 1_000)
  const due = moments(schedule, 1_000)
  const before = (ms: number): number => due.filter((moment) => moment < ms).length
  expect(before(499.9)).toBe(125)
  expect(before(999.9)).toBe(500)
  expect(before(1_249.9)).toBe(750)
})

test('it goes on where it was when it is started again, and anew when it is restarted', () => {
  const schedule = new Schedule(1_000, undefined)
  schedule.start(0)
  schedule.take()
  schedule.start(50)
  expect(schedule.due).toBe(1)
  schedule.restart(50, 500)
  expect(moments(schedule, 2)).toEqual([50, 52])
})

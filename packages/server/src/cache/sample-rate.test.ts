// How often samples are taken: of everything while there is little, of a bounded number however much there is; and what
// the samples stand for adds up to what there was.
import { describe, expect, test } from 'vitest'
import { SampleRate } from './sample-rate.ts'

/** Lets events happen, so many in each second; returns the samples and what they stand for, second by second. */
function sample(
  rate: SampleRate,
  perSecond: readonly number[],
): { samples: number; sum: number }[] {
  return perSecond.map((events, second) => {
    let samples = 0
    let sum = 0
    for (let event = 0; event < events; event++) {
      if (--rate.left > 0) continue
      samples++
      sum += rate.weight
      rate.renew(100 + second)
    }
    return { samples, sum }
  })
}

test('few events are all looked at', () => {
  expect(sample(new SampleRate(1000), [0, 10, 999, 1])).toEqual([
    { samples: 0, sum: 0 },
    { samples: 10, sum: 10 },
    { samples: 999, sum: 999 },
    { samples: 1, sum: 1 },
  ])
})

test('of many a bounded number is looked at, and what they stand for is what there was', () => {
  const seconds = sample(
    new SampleRate(1000, 0.5),
    Array.from({ length: 10 }, () => 1_000_000),
  )
  for (const { samples } of seconds.slice(1)) expect(samples).toBeLessThanOrEqual(1000)
  const sum = seconds.reduce((all, second) => all + second.sum, 0)
  expect(sum / 10_000_000).toBeGreaterThan(0.97)
  expect(sum / 10_000_000).toBeLessThan(1.03)
})

test('when it gets quiet again, all is looked at again', () => {
  const seconds = sample(new SampleRate(100, 0.5), [100_000, 100_000, ...Array(80).fill(40)])
  expect(seconds.at(-1)).toEqual({ samples: 40, sum: 40 })
})

describe('no rhythm of the events matters', () => {
  test('of events that take turns, each is looked at as often as the others', () => {
    const rate = new SampleRate(1000, 0.7)
    const seen = new Float64Array(16)
    for (let event = 0; event < 16_000_000; event++) {
      if (--rate.left > 0) continue
      seen[event % 16] += rate.weight
      rate.renew(Math.floor(event / 1_000_000))
    }
    for (const sum of seen) expect(Math.abs(sum / 1_000_000 - 1)).toBeLessThan(0.25)
  })
})

test('a rate of 0 takes none', () => {
  const rate = new SampleRate(0)
  expect(rate.enabled).toBe(false)
  expect(sample(rate, [10_000])).toEqual([{ samples: 0, sum: 0 }])
})

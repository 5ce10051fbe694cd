import { expect, test } from 'vitest'
import { relayed } from '../wire/relayed-operations.ts'
import { CommandDurations, DURATION_BOUNDS } from './command-durations.ts'

test('a duration counts for the first bound that it does not exceed, and all larger ones', () => {
  for (const [i, bound] of DURATION_BOUNDS.slice(0, -1).entries()) {
    for (const [milliseconds, first] of [
      [bound * 1000, i],
      [bound * 1000 + 0.001, i + 1],
    ] as const) {
      const durations = new CommandDurations()
      durations.isOn = true
      durations.record(relayed.get, milliseconds)
      const { cumulative = [], sumSeconds } = durations.histograms().get('get') ?? {}
      expect(cumulative.indexOf(1), `${milliseconds} ms`).toBe(first)
      expect(cumulative).toEqual(DURATION_BOUNDS.map((_, j) => (j < first ? 0 : 1)))
      expect(sumSeconds).toBeCloseTo(milliseconds / 1000)
    }
  }
})

test('nothing is so short or so long that it is lost', () => {
  const durations = new CommandDurations()
  durations.isOn = true
  for (const milliseconds of [-1, 0, 1e-9, 1e6, 1e12]) durations.record(relayed.get, milliseconds)
  const { cumulative = [] } = durations.histograms().get('get') ?? {}
  expect([cumulative[0], cumulative.at(-2), cumulative.at(-1)]).toEqual([3, 3, 5])
})

test('commands are told apart, and nothing is recorded while nobody wants to know', () => {
  const durations = new CommandDurations()
  durations.record(relayed.get, 1)
  expect(durations.histograms().size).toBe(0)
  durations.isOn = true
  for (const operation of [relayed.get, relayed.set, relayed.get]) durations.record(operation, 1)
  const counts = Array.from(durations.histograms(), ([name, { cumulative }]) => [
    name,
    cumulative.at(-1),
  ])
  expect(counts).toEqual([
    ['get', 2],
    ['set', 1],
  ])
})

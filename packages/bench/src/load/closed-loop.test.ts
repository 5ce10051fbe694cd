import { expect, test } from 'vitest'
import { LatencyRecorder } from '../measure/latency.ts'
import { Tally } from '../workload/tally.ts'
import { recordTape } from '../workload/tape.ts'
import { DEFAULT_WORKLOAD } from '../workload/workload.ts'
import { ClosedLoop } from './closed-loop.ts'
import { Schedule } from './schedule.ts'

const STORED = Buffer.from('STORED\r\n')

function loopOfSets(schedule?: Schedule): { loop: ClosedLoop; latency: LatencyRecorder } {
  const latency = new LatencyRecorder()
  const loop = new ClosedLoop({
    tape: recordTape({
      ...DEFAULT_WORKLOAD,
      ratio: { gets: 0, sets: 1 },
      keys: 10,
      connections: 1,
    }),
    tally: new Tally(),
    latency,
    mayMiss: false,
    requests: 2,
    ...(schedule && { schedule }),
  })
  return { loop, latency }
}

test('without a schedule a connection is due whenever it is free', () => {
  const { loop, latency } = loopOfSets()
  const [exchange] = loop.exchanges
  expect(loop.begin(exchange!, 100)).toBe(true)
  expect(loop.begin(exchange!, 101)).toBe(false)
  loop.received(exchange!, STORED, STORED.length, 103)
  expect(latency.summary().max).toBeCloseTo(3_000, -2)
  expect(loop.begin(exchange!, 103)).toBe(true)
  loop.received(exchange!, STORED, STORED.length, 104)
  expect(loop.finished).toBe(true)
})

test('with one, nothing is sent early, and waiting for a connection counts as latency', () => {
  // Random numbers of 1 - 1/e make gaps of exactly the mean: here 10 ms.
  const { loop, latency } = loopOfSets(new Schedule(100, () => 1 - 1 / Math.E))
  const [exchange] = loop.exchanges
  loop.start(1_000)
  expect(loop.begin(exchange!, 1_000)).toBe(true)
  expect(loop.due).toBeCloseTo(1_010)
  loop.received(exchange!, STORED, STORED.length, 1_001)
  expect(loop.begin(exchange!, 1_009)).toBe(false)
  // The second was due at 1010, but is sent only at 1030.
  expect(loop.begin(exchange!, 1_030)).toBe(true)
  loop.received(exchange!, STORED, STORED.length, 1_031)
  expect(latency.summary().max).toBeCloseTo(21_000, -2)
})

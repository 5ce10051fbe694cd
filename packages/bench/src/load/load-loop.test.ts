import { expect, test } from 'vitest'
import { LatenciesByKind, latencySummary, sumOfHistograms } from '../measure/latency.ts'
import { firstRequestOf, TapeCaller } from '../wire/tape-caller.ts'
import { Tally } from '../workload/tally.ts'
import { recordTape } from '../workload/tape.ts'
import { DEFAULT_WORKLOAD } from '../workload/workload.ts'
import { LoadLoop } from './load-loop.ts'
import { Schedule } from './schedule.ts'

const STORED = Buffer.from('STORED\r\n')

interface Loop {
  readonly loop: LoadLoop
  /** In microseconds, of what was answered since it was last asked. */
  readonly longest: () => number
}

function loopOfSets(schedule?: Schedule): Loop {
  const latency = new LatenciesByKind()
  const tally = new Tally()
  const tape = recordTape({ ...DEFAULT_WORKLOAD, mix: { set: 1 }, keys: 10, connections: 1 })
  const firstRequest = firstRequestOf(tape, 0, 1)
  const caller = new TapeCaller({ tape, tally, mayMiss: false, firstRequest })
  const loop = new LoadLoop({ callers: [caller], depth: 1, tally, latency, requests: 2, schedule })
  return { loop, longest: () => latencySummary(sumOfHistograms(latency.take())).max }
}

/** The answer to what the only caller has asked, at this moment. */
function answer(loop: LoadLoop, now: number): void {
  const [exchange] = loop.exchanges
  loop.received(exchange!, exchange!.caller.conversations[0]!, STORED, STORED.length, now)
}

function begin(loop: LoadLoop, now: number): boolean {
  return loop.begin(loop.exchanges[0]!, 0, now)
}

test('without a schedule a connection is due whenever it is free', () => {
  const { loop, longest } = loopOfSets()
  expect(begin(loop, 100)).toBe(true)
  expect(begin(loop, 101)).toBe(false)
  answer(loop, 103)
  expect(longest()).toBeCloseTo(3_000, -2)
  expect(begin(loop, 103)).toBe(true)
  answer(loop, 104)
  expect(loop.finished).toBe(true)
})

test('with one, nothing is sent early, and waiting for a connection counts as latency', () => {
  // Random numbers of 1 - 1/e make gaps of exactly the mean: here 10 ms.
  const { loop, longest } = loopOfSets(new Schedule(100, () => 1 - 1 / Math.E))
  loop.start(1_000)
  expect(begin(loop, 1_000)).toBe(true)
  expect(loop.due).toBeCloseTo(1_010)
  answer(loop, 1_001)
  expect(begin(loop, 1_009)).toBe(false)
  // The second was due at 1010, but is sent only at 1030.
  expect(begin(loop, 1_030)).toBe(true)
  answer(loop, 1_031)
  expect(longest()).toBeCloseTo(21_000, -2)
})

test('only those who take part send', () => {
  const { loop } = loopOfSets()
  loop.letTakePart(0)
  expect(begin(loop, 100)).toBe(false)
  loop.letTakePart(1)
  expect(begin(loop, 100)).toBe(true)
})

test('of a caller that has lost a connection nothing more is expected', () => {
  const { loop } = loopOfSets()
  begin(loop, 100)
  loop.lost(loop.exchanges[0]!, 'closed it')
  expect(loop).toMatchObject({ outstanding: 0, allLost: true, finished: true })
  expect(begin(loop, 101)).toBe(false)
})

import { expect, test } from 'vitest'
import { GET, SET } from '../workload/operation.ts'
import { Tally } from '../workload/tally.ts'
import { recordTape, type Tape } from '../workload/tape.ts'
import { DEFAULT_WORKLOAD } from '../workload/workload.ts'
import { giveAnswers, playBatch, takeRequests } from './caller-fixture.ts'
import { ServerFixture } from './server-fixture.ts'
import { firstRequestOf, TapeCaller } from './tape-caller.ts'

function tapeOf(depth: number): Tape {
  return recordTape({ ...DEFAULT_WORKLOAD, mix: { get: 1, set: 1 }, keys: 10, depth })
}

function callerOf(tape: Tape, firstRequest = 0): { caller: TapeCaller; tally: Tally } {
  const tally = new Tally()
  return { caller: new TapeCaller({ tape, tally, mayMiss: true, firstRequest }), tally }
}

test('a batch is the next requests of the tape', () => {
  const tape = tapeOf(4)
  const { caller, tally } = callerOf(tape)
  const server = new ServerFixture()
  for (let batch = 0; batch < 3; batch++) {
    expect(caller.begin(4)).toBe(4)
    const requests = takeRequests(caller)
    const [from, to] = [batch * 4, batch * 4 + 4].map((index) => tape.requestStart[index])
    expect(Buffer.compare(requests, tape.requests.subarray(from, to))).toBe(0)
    expect(giveAnswers(caller, server.answer(requests), [5])).toBe(4)
    expect(caller.conversations[0].outstanding).toBe(0)
  }
  const { answered } = caller.conversations[0]
  expect(answered[GET]! + answered[SET]!).toBe(12)
  expect(tally).toMatchObject({ gets: answered[GET], sets: answered[SET], errors: 0 })
})

test('the end of the tape ends a batch, and is followed by the beginning', () => {
  const tape = tapeOf(4)
  const { caller } = callerOf(tape, tape.length - 4)
  const server = new ServerFixture()
  expect(playBatch(caller, [server], 3)).toBe(3)
  expect(playBatch(caller, [server], 3)).toBe(1)
  caller.begin(1)
  expect(takeRequests(caller)).toEqual(Buffer.from(tape.requests.subarray(0, tape.requestStart[1])))
})

test('callers begin evenly spread over the tape, each at a batch', () => {
  const tape = tapeOf(16)
  const firsts = [0, 1, 2].map((caller) => firstRequestOf(tape, caller, 3))
  expect(firsts[0]).toBe(0)
  for (const first of firsts) expect(first % 16).toBe(0)
  expect(firsts[1]! / tape.length).toBeCloseTo(1 / 3, 1)
  expect(firsts[2]! / tape.length).toBeCloseTo(2 / 3, 1)
})

test('an answer that is nonsense breaks the conversation', () => {
  const { caller } = callerOf(tapeOf(1))
  caller.begin(1)
  giveAnswers(caller, 'HTTP/1.1 400 Bad Request\r\n')
  expect(caller.conversations[0].broken).toContain('HTTP/1.1')
})

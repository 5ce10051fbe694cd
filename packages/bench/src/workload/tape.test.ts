import { describe, expect, test } from 'vitest'
import { SyntheticKeys } from './key-space.ts'
import { parseMix } from './mix.ts'
import { NAMED_WORKLOADS } from './named.ts'
import { recordFill, recordTape, type Tape } from './tape.ts'
import { checkWorkload, DEFAULT_WORKLOAD, type Workload } from './workload.ts'

const SMALL: Workload = { ...DEFAULT_WORKLOAD, keys: 100, keyBytes: 10, valueBytes: 4 }

function requestsOf(tape: Tape): string[] {
  return Array.from({ length: tape.length }, (_, index) =>
    Buffer.from(
      tape.requests.subarray(tape.requestStart[index], tape.requestStart[index + 1]),
    ).toString(),
  )
}

function occurrences(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}

describe('the load', () => {
  test('asks for every key equally often, in no order', () => {
    const requests = requestsOf(recordTape({ ...SMALL, depth: 16 }))
    const counts = [...occurrences(requests).values()]
    expect(counts).toHaveLength(100)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    expect(requests.slice(0, 100)).not.toEqual(requests.slice(0, 100).toSorted())
  })

  test('is the same every time', () => {
    expect(recordTape(SMALL)).toEqual(recordTape(SMALL))
  })

  test('mixes gets and sets as asked', () => {
    const tape = recordTape({ ...SMALL, mix: { get: 9, set: 1 } })
    const sets = tape.keysAsked.filter((keys) => keys === 0).length
    expect(sets / tape.length).toBeGreaterThan(0.08)
    expect(sets / tape.length).toBeLessThan(0.12)
  })

  test('is a whole number of batches', () => {
    expect(recordTape({ ...SMALL, depth: 7 }).length % 7).toBe(0)
  })

  test('is written as the protocol has it', () => {
    const first = (difference: Partial<Workload>): string =>
      requestsOf(recordTape({ ...SMALL, ...difference }))[0]!
    expect(first({})).toMatch(/^get bench:00\d\d\r\n$/)
    expect(first({ keysPerGet: 2 })).toMatch(/^get bench:00\d\d bench:00\d\d\r\n$/)
    expect(first({ mix: parseMix('0:1') })).toMatch(/^set bench:00\d\d 0 0 4\r\nabcd\r\n$/)
    expect(first({ protocol: 'meta' })).toMatch(/^mg bench:00\d\d v\r\n$/)
    expect(first({ protocol: 'meta', keysPerGet: 2 })).toMatch(
      /^(mg bench:00\d\d v q\r\n){2}mn\r\n$/,
    )
    expect(first({ protocol: 'meta', mix: parseMix('0:1') })).toMatch(
      /^ms bench:00\d\d 4\r\nabcd\r\n$/,
    )
  })
})

describe('the fill', () => {
  test('stores every key once', () => {
    const requests = [...recordFill(SMALL)].flatMap(requestsOf)
    expect(occurrences(requests).size).toBe(100)
    expect(requests).toHaveLength(100)
  })

  test('of large values comes in several tapes', () => {
    const tapes = [...recordFill({ ...SMALL, keys: 40, valueBytes: 1024 * 1024 })]
    expect(tapes.length).toBeGreaterThan(1)
    expect(tapes.reduce((sum, tape) => sum + tape.length, 0)).toBe(40)
  })
})

test('a key is exactly as long as asked, down to its digits', () => {
  expect(new SyntheticKeys(SMALL.keys, 16).text(7)).toBe('bench:0000000007')
  expect(new SyntheticKeys(SMALL.keys, 4).text(7)).toBe('be07')
  expect(new SyntheticKeys(SMALL.keys, 2).text(7)).toBe('07')
})

test('every named workload is possible', () => {
  for (const workload of NAMED_WORKLOADS) expect(() => checkWorkload(workload)).not.toThrow()
})

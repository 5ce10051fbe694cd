import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AnswerReader } from './answer-reader.ts'
import type { Mix } from './mix.ts'
import { Tally } from './tally.ts'
import { recordTape, type Tape } from './tape.ts'
import { DEFAULT_WORKLOAD, type Workload } from './workload.ts'

const SMALL: Workload = { ...DEFAULT_WORKLOAD, keys: 10, keyBytes: 8, valueBytes: 3 }

function tapeOf(difference: Partial<Workload>): Tape {
  return recordTape({ ...SMALL, ...difference })
}

/** Request `index` of the tape, as it goes over the wire. */
function request(tape: Tape, index: number): string {
  const { requests, requestStart } = tape
  return Buffer.from(requests.subarray(requestStart[index], requestStart[index + 1])).toString()
}

function keysOf(tape: Tape, index: number): string[] {
  return request(tape, index).match(/bench:\d+/g) ?? []
}

/** A server that has every key, but for the missing ones. */
function answer(tape: Tape, index: number, missing: readonly string[] = []): string {
  const { protocol, keysPerGet } = tape.workload
  const keys = keysOf(tape, index)
  const held = keys.filter((key) => !missing.includes(key))
  if (tape.keysAsked[index] === 0) return protocol === 'meta' ? 'HD\r\n' : 'STORED\r\n'
  if (protocol === 'classic') {
    return `${held.map((key) => `VALUE ${key} 0 3\r\nxyz\r\n`).join('')}END\r\n`
  }
  if (keysPerGet === 1) return held.length === 1 ? 'VA 3\r\nxyz\r\n' : 'EN\r\n'
  return `${held.map(() => 'VA 3\r\nxyz\r\n').join('')}MN\r\n`
}

interface Reading {
  readonly tally: Tally
  readonly completed: number
  readonly broken: string | undefined
}

/** Feeds the text to a reader in chunks of the given sizes, as a server would that owes `due` answers. */
function read(
  tape: Tape,
  text: string,
  { due = 1, mayMiss = false, chunks = [text.length] } = {},
): Reading {
  const tally = new Tally()
  const reader = new AnswerReader({ tape, tally, mayMiss, firstRequest: 0 })
  const bytes = Buffer.from(text)
  let completed = 0
  for (let at = 0, turn = 0; at < bytes.length && reader.broken === undefined; turn++) {
    const chunk = bytes.subarray(at, at + chunks[turn % chunks.length]!)
    completed += reader.read(chunk, chunk.length, due - completed)
    at += chunk.length
  }
  return { tally, completed, broken: reader.broken }
}

describe('a right answer', () => {
  test('of each kind is one completed request', () => {
    const kinds: [Partial<Workload>, { gets: number; sets: number }][] = [
      [{}, { gets: 1, sets: 0 }],
      [{ keysPerGet: 4 }, { gets: 4, sets: 0 }],
      [{ mix: { set: 1 } }, { gets: 0, sets: 1 }],
      [{ protocol: 'meta' }, { gets: 1, sets: 0 }],
      [
        { protocol: 'meta', keysPerGet: 4 },
        { gets: 4, sets: 0 },
      ],
      [
        { protocol: 'meta', mix: { set: 1 } },
        { gets: 0, sets: 1 },
      ],
      [{ valueBytes: 0 }, { gets: 1, sets: 0 }],
    ]
    for (const [difference, { gets, sets }] of kinds) {
      const tape = tapeOf(difference)
      const text =
        difference.valueBytes === 0
          ? `VALUE ${keysOf(tape, 0)[0]} 0 0\r\n\r\nEND\r\n`
          : answer(tape, 0)
      const { tally, completed } = read(tape, text)
      expect(completed, text).toBe(1)
      expect(tally, text).toMatchObject({ gets, sets, errors: 0 })
    }
  })

  test('is the same wherever it is split, and whatever it lacks', () => {
    const workload = fc.record({
      protocol: fc.constantFrom('classic' as const, 'meta' as const),
      keysPerGet: fc.integer({ min: 1, max: 5 }),
      mix: fc.constantFrom<Mix>({ get: 1 }, { get: 1, set: 1 }),
    })
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 })
    const missing = fc.subarray(Array.from({ length: 10 }, (_, key) => `bench:0${key}`))
    fc.assert(
      fc.property(workload, sizes, missing, (difference, chunks, absent) => {
        const tape = tapeOf({ ...difference, keyBytes: 8 })
        const due = 6
        const indexes = Array.from({ length: due }, (_, index) => index)
        const text = indexes.map((index) => answer(tape, index, absent)).join('')
        const gets = indexes.filter((index) => tape.keysAsked[index]! > 0)
        const misses = gets.flatMap((i) => keysOf(tape, i)).filter((key) => absent.includes(key))

        const { tally, completed, broken } = read(tape, text, { due, chunks, mayMiss: true })

        expect(broken).toBeUndefined()
        expect(completed).toBe(due)
        expect(tally).toMatchObject({
          gets: gets.length * tape.workload.keysPerGet,
          sets: due - gets.length,
          misses: misses.length,
          errors: 0,
        })
      }),
      { numRuns: 60 },
    )
  })
})

describe('a wrong answer', () => {
  test('is a miss of a key that was stored', () => {
    expect(read(tapeOf({}), 'END\r\n').tally).toMatchObject({ misses: 1, errors: 1 })
  })

  test('is an error line: the request has failed, the next answer is in step', () => {
    for (const line of ['ERROR', 'SERVER_ERROR out of memory', 'CLIENT_ERROR bad data chunk']) {
      const tape = tapeOf({})
      const { tally, completed } = read(tape, `${line}\r\n${answer(tape, 1)}`, { due: 2 })
      expect(completed).toBe(2)
      expect(tally).toMatchObject({ gets: 1, errors: 1 })
      expect([...tally.complaints]).toEqual([`answered "${line}"`])
    }
  })

  test('is a store that was refused', () => {
    const tape = tapeOf({ mix: { set: 1 } })
    expect(read(tape, 'NOT_STORED\r\n').tally).toMatchObject({ sets: 0, errors: 1 })
  })

  test('breaks the connection when nothing after it can be understood', () => {
    const tape = tapeOf({})
    const [key] = keysOf(tape, 0)
    for (const text of [
      `VALUE ${key} 0 2\r\nxy\r\nEND\r\n`,
      `VALUE ${key} 0 3\r\nxy\r\nEND\r\n`,
      'VALUE bench:99 0 3\r\nxyz\r\nEND\r\n',
      `${answer(tape, 0)}END\r\n`,
      'HTTP/1.1 400 Bad Request\r\n',
      'x'.repeat(2_000),
    ]) {
      expect(read(tape, text, { chunks: [7] }).broken, text).toBeDefined()
    }
  })
})

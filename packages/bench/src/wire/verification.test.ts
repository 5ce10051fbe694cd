// Every lie about a value is told, by a caller that verifies, over each protocol and wherever answers are split.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Tally } from '../workload/tally.ts'
import { PROTOCOLS, type Protocol } from '../workload/workload.ts'
import { giveAnswers, makeCaller, playAll, playBatch, takeRequests } from './caller-fixture.ts'
import { type Lie, ServerFixture } from './server-fixture.ts'
import { ValueLedger } from './value-ledger.ts'
import { HEADER_BYTES } from './verified-value.ts'

/** What came of a get of key 1, which was set twice, as was key 2, and about which the server lies. */
function tallyOf(
  lie: (server: ServerFixture, first: Buffer) => Lie,
  {
    protocol = 'classic',
    bytes = 100,
    sizes = [1_000_000],
  }: { protocol?: Protocol; bytes?: number; sizes?: readonly number[] } = {},
): Tally {
  const server = new ServerFixture()
  const ledger = new ValueLedger(ValueLedger.memory(10))
  const store = makeCaller(
    [
      ['set', 1, bytes],
      ['set', 2, bytes],
    ],
    { protocol, ledger },
  )
  playAll(store.caller, [server], 1)
  const first = server.items.get('key:1')!
  playAll(makeCaller([['set', 1, bytes]], { protocol, ledger }).caller, [server], 1)
  server.lie = lie(server, first)
  const { caller, tally } = makeCaller([['get', 1]], { protocol, ledger })
  playAll(caller, [server], 1, sizes)
  return tally
}

function flipped(value: Buffer, at: number, bits: number): Buffer {
  const copy = Buffer.from(value)
  copy[at]! ^= bits
  return copy
}

const circumstances = fc.record({
  protocol: fc.constantFrom(...PROTOCOLS),
  bytes: fc.oneof(
    fc.integer({ min: HEADER_BYTES, max: 300 }),
    fc.integer({ min: 200_000, max: 600_000 }),
  ),
  sizes: fc
    .array(fc.constantFrom(1, 5, 13, 100, 70_000), { minLength: 1, maxLength: 4 })
    .filter((pieces) => pieces.includes(70_000) || pieces.includes(100)),
})
const shortValues = fc.record({
  protocol: fc.constantFrom(...PROTOCOLS),
  bytes: fc.integer({ min: 1, max: HEADER_BYTES - 1 }),
  sizes: fc.array(fc.constantFrom(1, 5, 13, 100), { minLength: 1 }),
})
const RUNS = { seed: 2, numRuns: 60 }

describe('the truth', () => {
  test('is no mismatch', () => {
    fc.assert(
      fc.property(fc.oneof(circumstances, shortValues), (options) => {
        const tally = tallyOf(() => (_, stored) => stored, options)
        expect(tally).toMatchObject({ gets: 1, misses: 0, errors: 0, mismatches: 0 })
      }),
      RUNS,
    )
  })

  test('may be that a value is gone', () => {
    expect(tallyOf(() => () => undefined)).toMatchObject({ gets: 1, misses: 1, errors: 0 })
  })
})

describe('a lie', () => {
  test('is a value that has been overwritten', () => {
    fc.assert(
      fc.property(circumstances, (options) => {
        const tally = tallyOf((_, first) => () => first, options)
        expect(tally).toMatchObject({ gets: 1, errors: 1, mismatches: 1 })
      }),
      RUNS,
    )
    const { complaints } = tallyOf((_, first) => () => first)
    expect([...complaints]).toEqual([
      'key "key:1" holds version 1, where only versions 2 to 2 are possible',
    ])
  })

  test('is the value of another key', () => {
    fc.assert(
      fc.property(circumstances, (options) => {
        const tally = tallyOf((server) => () => server.items.get('key:2'), options)
        expect(tally.mismatches).toBe(1)
      }),
      RUNS,
    )
    const { complaints } = tallyOf((server) => () => server.items.get('key:2'))
    expect([...complaints]).toEqual([
      'key "key:1" holds 100 bytes, which say they are version 1 of key number 2, of 100 bytes, ' +
        'where only versions 2 to 2 are possible',
    ])
  })

  test('is a byte that is wrong, whichever', () => {
    fc.assert(
      fc.property(
        fc.oneof(circumstances, shortValues),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (options, place, bits) => {
          const lie: Lie = (_, stored) => flipped(stored, place % stored.length, bits)
          expect(tallyOf(() => lie, options).mismatches).toBe(1)
        },
      ),
      { seed: 2, numRuns: 200 },
    )
    const { complaints } = tallyOf(() => (_, stored) => flipped(stored, 57, 1))
    expect([...complaints]).toEqual([
      'key "key:1" holds 100 bytes of version 2, of which byte 57 is wrong, ' +
        'where only versions 2 to 2 are possible',
    ])
  })

  test('is a value that was cut, or is longer', () => {
    fc.assert(
      fc.property(fc.oneof(circumstances, shortValues), fc.nat(), (options, cut) => {
        const shorter: Lie = (_, stored) => stored.subarray(0, 1 + (cut % (stored.length - 1)))
        const longer: Lie = (_, stored) =>
          Buffer.concat([stored, stored.subarray(0, 1 + (cut % 9))])
        if (options.bytes > 1) expect(tallyOf(() => shorter, options).mismatches).toBe(1)
        expect(tallyOf(() => longer, options).mismatches).toBe(1)
      }),
      RUNS,
    )
  })

  test('is a value where two pieces have changed places', () => {
    const swapped: Lie = (_, stored) => {
      const half = 262_144
      return Buffer.concat([
        stored.subarray(0, half),
        stored.subarray(2 * half, 3 * half),
        stored.subarray(half, 2 * half),
        stored.subarray(3 * half),
      ])
    }
    expect(tallyOf(() => swapped, { bytes: 1_000_000 }).mismatches).toBe(1)
  })

  test('is a version that was never sent', () => {
    for (const bytes of [5, 100]) {
      const server = new ServerFixture()
      const elsewhere = new ValueLedger(ValueLedger.memory(10))
      playAll(
        makeCaller(
          [
            ['set', 1, bytes],
            ['set', 1, bytes],
          ],
          { ledger: elsewhere },
        ).caller,
        [server],
        1,
      )
      const ledger = new ValueLedger(ValueLedger.memory(10))
      const unknown = makeCaller([['get', 1]], { ledger })
      playAll(unknown.caller, [server], 1)
      expect(unknown.tally.mismatches).toBe(1)
      ledger.issue(1)
      const newer = makeCaller([['get', 1]], { ledger })
      playAll(newer.caller, [server], 1)
      expect(newer.tally.mismatches).toBe(bytes < HEADER_BYTES ? 0 : 1)
    }
  })

  test('is told of what was stored after a write that the server refused', () => {
    for (const refused of [
      ['set', 1, 100],
      ['delete', 1],
    ] as const) {
      const ledger = new ValueLedger(ValueLedger.memory(10))
      const refusal = makeCaller([refused], { ledger })
      refusal.caller.begin(1)
      takeRequests(refusal.caller)
      giveAnswers(refusal.caller, 'SERVER_ERROR out of memory\r\n')
      const server = new ServerFixture()
      const sets = makeCaller(
        [
          ['set', 1, 100],
          ['set', 1, 100],
        ],
        { ledger },
      )
      playBatch(sets.caller, [server], 1)
      const first = server.items.get('key:1')!
      playBatch(sets.caller, [server], 1)
      server.items.set('key:1', first)
      const { caller, tally } = makeCaller([['get', 1]], { ledger })
      playAll(caller, [server], 1)
      expect(tally.mismatches).toBe(1)
    }
  })

  test('is a value of a key that nothing was stored for', () => {
    const server = new ServerFixture()
    server.items.set('key:1', Buffer.from('left by somebody else'))
    const ledger = new ValueLedger(ValueLedger.memory(10))
    const { caller, tally } = makeCaller([['get', 1]], { ledger })
    playAll(caller, [server], 1)
    expect(tally.mismatches).toBe(1)
    expect([...tally.complaints].join()).toContain('where nothing has been stored')
  })

  test('is a value that came back after it was deleted', () => {
    for (const protocol of PROTOCOLS) {
      const server = new ServerFixture()
      const ledger = new ValueLedger(ValueLedger.memory(10))
      const options = { protocol, ledger }
      playAll(makeCaller([['set', 1, 100]], options).caller, [server], 1)
      const stored = server.items.get('key:1')!
      playAll(makeCaller([['delete', 1]], options).caller, [server], 1)
      server.items.set('key:1', stored)
      const { caller, tally } = makeCaller([['get', 1]], options)
      playAll(caller, [server], 1)
      expect(tally.mismatches).toBe(1)
    }
  })

  test('about a value below 12 bytes is not told where it is another version of it', () => {
    expect(tallyOf((_, first) => () => first, { bytes: 11 }).mismatches).toBe(0)
    expect(tallyOf((_, first) => () => first, { bytes: 12 }).mismatches).toBe(1)
  })
})

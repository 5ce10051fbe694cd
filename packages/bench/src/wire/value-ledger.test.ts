import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ValueLedger } from './value-ledger.ts'

const KEY = 3

function ledgerOf(keys = 10): ValueLedger {
  return new ValueLedger(ValueLedger.memory(keys))
}

describe('what a read may find', () => {
  test('is what was written last, once that has been answered', () => {
    const ledger = ledgerOf()
    expect([ledger.floor(KEY), ledger.issued(KEY)]).toEqual([0, 0])
    expect(ledger.issue(KEY)).toBe(1)
    expect([ledger.floor(KEY), ledger.issued(KEY)]).toEqual([0, 1])
    ledger.succeed(KEY)
    expect([ledger.floor(KEY), ledger.issued(KEY)]).toEqual([1, 1])
    expect(ledger.floor(KEY + 1)).toBe(0)
  })

  test('is any of the writes in flight together, until all of them have been answered', () => {
    const ledger = ledgerOf()
    ledger.issue(KEY)
    ledger.succeed(KEY)
    ledger.issue(KEY)
    ledger.issue(KEY)
    ledger.succeed(KEY)
    expect([ledger.floor(KEY), ledger.issued(KEY)]).toEqual([1, 3])
    ledger.succeed(KEY)
    expect([ledger.floor(KEY), ledger.issued(KEY)]).toEqual([2, 3])
  })

  test('may still be what was there before a write that failed', () => {
    const ledger = ledgerOf()
    ledger.issue(KEY)
    ledger.succeed(KEY)
    ledger.issue(KEY)
    ledger.fail(KEY)
    expect([ledger.floor(KEY), ledger.issued(KEY)]).toEqual([1, 2])
    ledger.issue(KEY)
    ledger.succeed(KEY)
    expect([ledger.floor(KEY), ledger.issued(KEY)]).toEqual([3, 3])
  })

  test('is never less than what a server can still give back, however requests overlap', () => {
    // Each request is sent, carried out and answered at moments of its own, in this order.
    const request = fc.record({
      kind: fc.constantFrom('write', 'delete', 'read', 'failing write'),
      moments: fc.tuple(fc.nat(200), fc.nat(200), fc.nat(200)),
      failsAfterwards: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
        const ledger = ledgerOf()
        /** What the server has; undefined: nothing. */
        let held: number | undefined
        const events = requests.flatMap(({ kind, moments, failsAfterwards }) => {
          const [sent, done, answered] = moments.toSorted((a, b) => a - b)
          let version = 0
          let floor = 0
          let found: number | undefined
          const carryOut = (): void => {
            if (kind === 'read') found = held
            else if (kind === 'delete') held = undefined
            else if (kind === 'write' || failsAfterwards) held = version
          }
          const send = (): void => {
            if (kind === 'read') floor = ledger.floor(KEY)
            else version = ledger.issue(KEY)
          }
          const answer = (): void => {
            if (kind === 'failing write') ledger.fail(KEY)
            else if (kind !== 'read') ledger.succeed(KEY)
            else if (found !== undefined) {
              expect(found).toBeGreaterThanOrEqual(floor)
              expect(found).toBeLessThanOrEqual(ledger.issued(KEY))
            }
          }
          return [
            { at: sent!, happen: send },
            { at: done!, happen: carryOut },
            { at: answered!, happen: answer },
          ]
        })
        for (const { happen } of events.toSorted((a, b) => a.at - b.at)) happen()
      }),
      { seed: 4, numRuns: 2_000 },
    )
  })
})

describe('several threads', () => {
  test('write keys of their own, and know of each other what may be read', () => {
    const memory = ValueLedger.memory(10)
    const threads = [0, 1, 2].map((thread) => new ValueLedger(memory, { thread, threads: 3 }))
    for (let key = 0; key < 10; key++) {
      const owners = threads.filter((ledger) => ledger.owns(key))
      expect(owners).toHaveLength(1)
      for (const [thread, ledger] of threads.entries()) {
        const owned = ledger.ownedKey(key)
        expect(owned % 3).toBe(thread)
        expect(owned).toBeGreaterThanOrEqual(0)
        expect(owned).toBeLessThan(10)
        if (ledger.owns(key)) expect(owned).toBe(key)
      }
    }
    threads[1]!.issue(4)
    threads[1]!.succeed(4)
    expect([threads[0]!.floor(4), threads[2]!.issued(4)]).toEqual([1, 1])
  })

  test('must have a key each', () => {
    const memory = ValueLedger.memory(2)
    expect(() => new ValueLedger(memory, { thread: 0, threads: 3 })).toThrow(RangeError)
  })
})

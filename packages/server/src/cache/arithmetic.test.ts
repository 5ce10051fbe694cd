import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CHANGED,
  changedItem,
  changeNumber,
  NON_NUMERIC,
  result,
  resultLength,
} from './arithmetic.ts'
import { casOfItem, find, keyOf, makeCache, set, textOf } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'

const cache = makeCache()
const U64 = 2n ** 64n

/** The answer and what is stored afterwards, or the reason why not. */
function change(stored: string, increment: boolean, delta: bigint): [string, string] | number {
  set(cache, 'n', stored)
  const item = find(cache, 'n')
  const low = Number(delta & 0xffff_ffffn)
  const high = Number(delta >> 32n)
  const outcome = changeNumber(cache, item, keyOf('n').hash, increment, low, high)
  if (outcome !== CHANGED) return outcome
  expect(find(cache, 'n')).toBe(changedItem())
  const answer = Buffer.from(result.bytes.subarray(0, resultLength())).toString('latin1')
  return [answer, textOf(cache, 'n') ?? '']
}

const numbers = fc.oneof(
  fc.bigInt(0n, U64 - 1n),
  fc.bigInt(0n, 1000n),
  fc.bigInt(0n, 1000n).map((n) => U64 - 1n - n),
  fc.bigInt(0n, 1000n).map((n) => 2n ** 32n + n - 500n),
)

test('incr adds modulo 2^64; decr stops at 0', () => {
  fc.assert(
    fc.property(numbers, fc.boolean(), numbers, (number, increment, delta) => {
      const sum = increment ? (number + delta) % U64 : number > delta ? number - delta : 0n
      const stored = String(number)
      const padded = String(sum).padEnd(stored.length)
      expect(change(stored, increment, delta)).toEqual([String(sum), padded])
    }),
    { numRuns: 1000 },
  )
  checkInvariants(cache)
})

describe('a shorter result is padded where it lies', () => {
  test.each([
    ['10', false, 1n, '9', '9 '],
    ['99', true, 1n, '100', '100'],
    ['1000', false, 2000n, '0', '0   '],
    ['9 ', true, 1n, '10', '10'],
    ['18446744073709551615', true, 1n, '0', '0                   '],
  ])('%s %s %s', (stored, increment, delta, answer, left) => {
    expect(change(stored, increment, delta)).toEqual([answer, left])
  })
})

describe('what counts as a number is what strtoull takes up to a blank', () => {
  test.each([' 5', '+5', '5 ', '5\t', '5\r\n', '5\0', '5 apples', '0005'])('%j', (stored) => {
    expect(change(stored, true, 1n)).toEqual(['6', '6'.padEnd(stored.length)])
  })

  test.each(['', ' ', 'x', '5x', '-5', '++5', '5.0', '18446744073709551616'])(
    'not %j',
    (stored) => {
      expect(change(stored, true, 1n)).toBe(NON_NUMERIC)
      expect(textOf(cache, 'n')).toBe(stored)
    },
  )
})

test('client flags and expiry stay, the CAS unique does not, in place or not', () => {
  for (const stored of ['10', '9']) {
    const item = set(cache, 'n', stored, { clientFlags: 7, expiry: 1000 })
    const cas = casOfItem(cache, item ?? 0)
    changeNumber(cache, find(cache, 'n'), keyOf('n').hash, true, 1, 0)
    const changed = find(cache, 'n')
    expect(cache.items.clientFlags(changed)).toBe(7)
    expect(cache.items.expiry(changed)).toBe(1000)
    expect(casOfItem(cache, changed)).toBeGreaterThan(cas)
  }
})

test('a number being sent to somebody is not written over', () => {
  const item = set(cache, 'n', '10') ?? 0
  cache.pin(item)
  changeNumber(cache, item, keyOf('n').hash, true, 1, 0)
  expect(changedItem()).not.toBe(item)
  expect(textOf(cache, 'n')).toBe('11')
  cache.unpin(item)
  checkInvariants(cache)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Value } from '../codec/value-codec.ts'
import { stamped, unstamped } from './stamped-values.ts'

const NOW = 1_700_000_000_000
const values = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.json().map((text): Value => JSON.parse(text)),
)
const generations = fc.constantFrom('', 'AbCdEfGhIjKl')

test('gives back what was stamped until its deadline, and not after', () => {
  fc.assert(
    fc.property(values, generations, fc.integer({ min: 0, max: 1e12 }), (value, generation, ms) => {
      const stored = stamped(value, generation, NOW + ms)
      expect(unstamped(stored, generation, NOW + ms)).toEqual(value)
      expect(unstamped(stored, generation, NOW + ms + 1)).toBeUndefined()
      expect(unstamped(stamped(value, generation, undefined), generation, 8e15)).toEqual(value)
    }),
  )
})

test('gives nothing of another generation', () => {
  fc.assert(
    fc.property(values, (value) => {
      const stored = stamped(value, 'AbCdEfGhIjKl', undefined)
      expect(unstamped(stored, 'AbCdEfGhIjKm', NOW)).toBeUndefined()
    }),
  )
})

test('takes what it has not stamped for nothing, or for what it says', () => {
  for (const stored of [undefined, null, 1, {}, [], [1, 2], 'text', Buffer.from('bytes'), true]) {
    expect(unstamped(stored, 'AbCdEfGhIjKl', NOW)).toBeUndefined()
    expect(unstamped(stored, '', NOW), String(stored)).toBeUndefined()
  }
})

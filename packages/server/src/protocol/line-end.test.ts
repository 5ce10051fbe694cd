import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blockOf } from '../cache/cache-fixture.ts'
import { findLineEnd } from './line-end.ts'

/** Bytes about LF, and such as differ from it in one bit. */
const byte = fc.constantFrom(...[10, 10, 0, 1, 9, 11, 13, 32, 97, 0x0a ^ 0x80, 0x8a, 0xff, 0x10])

test('is the first LF in the range, or its end', () => {
  fc.assert(
    fc.property(
      fc.array(byte, { maxLength: 40 }),
      fc.nat(40),
      fc.nat(40),
      (bytes, from, length) => {
        const at = Math.min(from, bytes.length)
        const end = Math.min(at + length, bytes.length)
        const found = bytes.indexOf(10, at)
        // An LF right behind the range is not in it.
        const block = blockOf(Uint8Array.from([...bytes, 10, 10, 10, 10]))
        expect(findLineEnd(block, at, end)).toBe(found < 0 || found > end ? end : found)
      },
    ),
    { numRuns: 3000 },
  )
})

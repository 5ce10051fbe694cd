import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockOf } from './cache-fixture.ts'
import { MAX_U64_DIGITS, parsed, parseU64, writeU32, writeU64 } from './decimal.ts'

function written(write: (block: ReturnType<typeof blockOf>, at: number) => number): string {
  const block = blockOf(new Uint8Array(2 * MAX_U64_DIGITS + 8))
  return Buffer.from(block.bytes.subarray(3, write(block, 3))).toString('latin1')
}

function parse(text: string): bigint | undefined {
  // Digits around the text are not part of it.
  const block = blockOf(`9${text}9`)
  if (!parseU64(block, 1, 1 + text.length)) return undefined
  return BigInt.asUintN(64, (BigInt(parsed[1]) << 32n) | BigInt(parsed[0] >>> 0))
}

const U64_MAX = 2n ** 64n - 1n
const numbers = fc.oneof(
  fc.bigInt(0n, U64_MAX),
  // About powers of ten and of two, where digits and words change.
  fc
    .tuple(fc.nat(19), fc.integer({ min: -1, max: 1 }))
    .map(([n, d]) => 10n ** BigInt(n) + BigInt(d)),
  fc
    .tuple(fc.nat(63), fc.integer({ min: -1, max: 1 }))
    .map(([n, d]) => 2n ** BigInt(n) + BigInt(d)),
  fc.constant(U64_MAX),
)

describe('64-bit numbers', () => {
  test('are written as BigInt writes them, from words of any sign', () => {
    fc.assert(
      fc.property(numbers, fc.boolean(), (number, signed) => {
        const low = Number(signed ? BigInt.asIntN(32, number) : number & 0xffff_ffffn)
        const high = Number(signed ? BigInt.asIntN(32, number >> 32n) : number >> 32n)
        expect(written((block, at) => writeU64(block, at, low, high))).toBe(String(number))
      }),
      { numRuns: 2000 },
    )
  })

  test('are parsed from what was written, leading zeros or not', () => {
    fc.assert(
      fc.property(numbers, fc.nat(30), (number, zeros) => {
        expect(parse(`${'0'.repeat(zeros)}${number}`)).toBe(number)
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    '',
    ' 1',
    '1 ',
    '-1',
    '+1',
    '1x',
    '0x10',
    '1.0',
    '18446744073709551616',
    '9'.repeat(30),
  ])('are not: "%s"', (text) => {
    expect(parse(text)).toBeUndefined()
  })
})

test('32-bit numbers are written as they are, negative ones as unsigned', () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(), fc.integer(), fc.nat(99), fc.constant(-1)), (number) => {
      expect(written((block, at) => writeU32(block, at, number))).toBe(String(number >>> 0))
    }),
    { numRuns: 2000 },
  )
})

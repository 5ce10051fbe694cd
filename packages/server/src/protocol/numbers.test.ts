import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockOf } from '../cache/cache-fixture.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import { parseClassicExptime, parseClassicFlags, parseI32, parseU32 } from './numbers.ts'

type Parser = (block: MemoryBlock, at: number, end: number) => number

/** Parses the text, which stands between digits. */
function parse(parser: Parser, text: string): number {
  return parser(blockOf(`9${text}9`), 1, 1 + text.length)
}

const GARBAGE = ['', 'x', '1x', 'x1', ' 1', '1 ', '1.0', '0x1', '--1', '+-1', '-', '+', '1\t']

test('parseU32: digits only, below 2^32', () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.nat(20), (number, zeros) => {
      expect(parse(parseU32, '0'.repeat(zeros) + number)).toBe(number)
    }),
  )
  expect(parse(parseU32, '4294967295')).toBe(4294967295)
  for (const text of [...GARBAGE, '-1', '+1', '4294967296', '9'.repeat(40)]) {
    expect(parse(parseU32, text), text).toBeNaN()
  }
})

test('parseI32: digits with at most a minus, 32 bits', () => {
  fc.assert(
    fc.property(fc.integer(), (number) => {
      expect(parse(parseI32, String(number))).toBe(number)
    }),
  )
  expect(parse(parseI32, '-2147483648')).toBe(-2147483648)
  for (const text of [...GARBAGE, '+1', '2147483648', '-2147483649']) {
    expect(parse(parseI32, text), text).toBeNaN()
  }
})

describe('the numbers of classic storage commands are read as by C', () => {
  test('flags: a plus is fine, 64 bits are cut to 32, signed', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.boolean(), (number, plus) => {
        const text = `${plus ? '+' : ''}${number}`
        expect(parse(parseClassicFlags, text)).toBe(Number(BigInt.asIntN(32, number)))
      }),
    )
    for (const text of [...GARBAGE, '-1']) expect(parse(parseClassicFlags, text), text).toBeNaN()
  })

  test('expiry times: a sign is fine, 64 bits are cut to 32', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (number) => {
        const expected = Number(BigInt.asIntN(32, number))
        expect(parse(parseClassicExptime, String(number)) + 0).toBe(expected)
        if (number >= 0n) expect(parse(parseClassicExptime, `+${number}`)).toBe(expected)
      }),
    )
    for (const text of GARBAGE) expect(parse(parseClassicExptime, text), text).toBeNaN()
  })
})

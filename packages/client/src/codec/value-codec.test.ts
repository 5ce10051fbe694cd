import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodecError } from '../errors.ts'
import type { Codec, RawValue } from './codec.ts'
import { bytesCodec, type Value, valueCodec } from './value-codec.ts'

function raw(data: Uint8Array | string): RawValue {
  const bytes = Buffer.from(data as Uint8Array)
  return { size: bytes.length, text: () => bytes.toString(), bytes: () => Buffer.from(bytes) }
}

function roundTrip<V>(codec: Codec<V>, value: V): V {
  const { data, flags } = codec.encode(value)
  return codec.decode(raw(data), flags)
}

describe('the default codec', () => {
  test('returns every value as it was', () => {
    const values: fc.Arbitrary<Value> = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('a', 'é', '\ud83d', '\ude00') }),
      fc.double(),
      fc.double({ min: -1e22, max: 1e22 }).map(Math.round),
      fc.integer(),
      fc.bigInt(),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      // A value in an object is what JSON makes of it: -0 is 0 there.
      fc.jsonValue().map((value) => JSON.parse(JSON.stringify({ value })) as object),
    )
    fc.assert(
      fc.property(values, (value) => {
        expect(roundTrip(valueCodec, value)).toEqual(value)
      }),
      { numRuns: 1000 },
    )
  })

  test.each([0, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 60), 5e-324, 1e21])(
    'keeps the number %d',
    (number) => {
      expect(roundTrip(valueCodec, number)).toBe(number)
    },
  )

  test('stores strings with flags 0, which every client understands', () => {
    expect(valueCodec.encode('text')).toEqual({ data: 'text', flags: 0 })
  })

  test('keeps its marks out of the low 16 bits, where other clients have theirs', () => {
    for (const value of [1, 1n, true, {}, Buffer.from('x')]) {
      const { flags } = valueCodec.encode(value)
      expect(flags & 0xffff).toBe(0)
      expect(flags).toBeGreaterThan(0)
      expect(flags).toBeLessThan(2 ** 32)
    }
  })

  test('reads a number that memcached has counted on: with blanks behind it, or past 2^53', () => {
    const { flags } = valueCodec.encode(10)
    expect(valueCodec.decode(raw('9 '), flags)).toBe(9)
    expect(valueCodec.decode(raw('18446744073709551615'), flags)).toBe(18446744073709551615n)
  })

  test('refuses what has no JSON form', () => {
    for (const value of [undefined, () => 1, Symbol('s')]) {
      expect(() => valueCodec.encode(value as unknown as Value)).toThrow(CodecError)
    }
  })

  test('refuses to guess at the flags of other clients', () => {
    for (const flags of [1, 2, 4, 8, 0x10, 0x5a000000, 0x5a050000]) {
      expect(() => valueCodec.decode(raw('1'), flags)).toThrow(CodecError)
    }
  })
})

describe('the bytes codec', () => {
  test('gives the bytes of any item, whatever its flags', () => {
    expect(bytesCodec.decode(raw('\0\xff'), 12345)).toEqual(Buffer.from('\0\xff'))
    expect(bytesCodec.encode('text')).toEqual({ data: 'text', flags: 0 })
  })
})

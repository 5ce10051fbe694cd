import * as messagePack from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodecError } from '../errors.ts'
import { type Codec, rawValueOf } from './codec.ts'
import { compressionOf, HAS_ZSTD } from './compression.ts'
import { msgpackCodec, v8Codec } from './serializers.ts'
import { bytesCodec, type Value, valueCodec } from './value-codec.ts'

function raw(data: Uint8Array | string) {
  return rawValueOf(Buffer.from(data as Uint8Array))
}

async function roundTrip<V>(codec: Codec<V>, value: V, reader = codec): Promise<V> {
  const { data, flags } = await codec.encode(value)
  return reader.decode(raw(data), flags)
}

const float = fc.double()
const arrays: fc.Arbitrary<Value> = fc.oneof(
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
  fc.uint8Array().map((bytes) => Uint8Array.from(bytes).buffer),
  fc.uint8Array().map((bytes) => new DataView(Uint8Array.from(bytes).buffer)),
)
/** Everything that comes back exactly from every codec of ours. */
const plainValues: fc.Arbitrary<Value> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  float,
  fc.double({ min: -1e22, max: 1e22 }).map(Math.round),
  fc.integer(),
  fc.bigInt(),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  arrays,
)
const jsonValues: fc.Arbitrary<Value> = fc.oneof(
  fc.boolean(),
  fc.constant(null),
  // A value in an object is what JSON makes of it: -0 is 0 there.
  fc.jsonValue().map((value) => JSON.parse(JSON.stringify({ value })) as object),
)
/** The library refuses this one key. */
const messagePackValues = jsonValues.filter(
  (value) => !JSON.stringify(value).includes('"__proto__":'),
)
const loneSurrogates = fc.string({ unit: fc.constantFrom('a', 'é', '\ud83d', '\ude00') })
const structuredValues: fc.Arbitrary<Value> = fc.oneof(
  jsonValues,
  fc.date(),
  fc.array(fc.tuple(fc.string(), fc.bigInt())).map((entries) => new Map(entries)),
  fc.array(fc.integer()).map((members) => new Set(members)),
  fc.record({ when: fc.date(), values: arrays, pattern: fc.constant(/a+/g) }),
)

const CODECS: readonly [string, Codec<Value>, fc.Arbitrary<Value>][] = [
  ['valueCodec', valueCodec, fc.oneof(plainValues, jsonValues, loneSurrogates)],
  ['v8Codec', v8Codec, fc.oneof(plainValues, structuredValues, loneSurrogates)],
  ['msgpackCodec', msgpackCodec(messagePack), fc.oneof(plainValues, messagePackValues)],
]
const ALGORITHMS = (['deflate', 'gzip', 'brotli', 'zstd'] as const).filter(
  (algorithm) => algorithm !== 'zstd' || HAS_ZSTD,
)

describe.each(CODECS)('%s', (_, codec, values) => {
  test('returns every value as it was', async () => {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        expect(await roundTrip(codec, value)).toEqual(value)
      }),
      { numRuns: 1000 },
    )
  })

  test.each(ALGORITHMS)('and so with everything compressed by %s', async (algorithm) => {
    const compressing = codec.compressing!(compressionOf({ algorithm, threshold: 0 }))
    const long = fc.tuple(values, fc.integer({ min: 1, max: 100 }))
    await fc.assert(
      fc.asyncProperty(long, async ([value, times]) => {
        const wanted = typeof value === 'string' ? value.repeat(times) : value
        expect(await roundTrip(compressing, wanted, codec)).toEqual(wanted)
      }),
      { numRuns: 200 },
    )
  })

  test('answers hostile bytes with a value or an error, whatever the flags', async () => {
    const flags = fc.oneof(
      fc.nat({ max: 0xffff }).map((types) => 0x5a000000 + types * 0x10000),
      fc.nat({ max: 15 }).map((kind) => 0x5b000000 + kind * 0x10000),
      fc.nat({ max: 0xffffffff }),
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), flags, async (bytes, flags) => {
        try {
          await codec.decode(raw(bytes), flags >>> 0)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('answers its own bytes, damaged, with a value or an error', async () => {
    const damage = fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 8 }))
    await fc.assert(
      fc.asyncProperty(values, damage, async (value, [at, byte, cut]) => {
        const { data, flags } = await codec.encode(value)
        const bytes = Buffer.from(data as Uint8Array)
        if (bytes.length > 0) bytes[at % bytes.length] = byte
        try {
          await codec.decode(raw(bytes.subarray(0, Math.max(0, bytes.length - cut))), flags)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('refuses what it cannot store', () => {
    for (const value of [undefined, () => 1, Symbol('s')]) {
      expect(() => codec.encode(value as unknown as Value)).toThrow()
    }
  })
})

describe('the default codec', () => {
  test.each([0, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 60), 5e-324, 1e21])(
    'keeps the number %d',
    async (number) => {
      expect(await roundTrip<Value>(valueCodec, number)).toBe(number)
    },
  )

  test('stores strings with flags 0, which every client understands', () => {
    expect(valueCodec.encode('text')).toEqual({ data: 'text', flags: 0 })
  })

  test('keeps its marks out of the low 16 bits, where other clients have theirs', () => {
    for (const value of [1, 1n, true, {}, Buffer.from('x'), new Float64Array(1)]) {
      const { flags } = valueCodec.encode(value)
      expect(flags & 0xffff).toBe(0)
      expect(flags).toBeGreaterThan(0)
      expect(flags).toBeLessThan(2 ** 32)
    }
  })

  test('gives typed arrays memory of their own, and the kind they had', async () => {
    const backing = new Float64Array([1, 2, 3, 4])
    const found = await roundTrip<Value>(valueCodec, backing.subarray(1, 3))
    expect(found).toEqual(new Float64Array([2, 3]))
    expect((found as Float64Array).buffer.byteLength).toBe(16)
    expect(valueCodec.encode(new Int16Array([1, -2])).data).toEqual(Buffer.from('0100feff', 'hex'))
  })

  test('reads a number that memcached has counted on: with blanks behind it, or past 2^53', () => {
    const { flags } = valueCodec.encode(10)
    expect(valueCodec.decode(raw('9 '), flags)).toBe(9)
    expect(valueCodec.decode(raw('18446744073709551615'), flags)).toBe(18446744073709551615n)
  })

  test('refuses bytes that are none of its types', () => {
    const flagsOf = (value: Value) => valueCodec.encode(value).flags
    expect(() => valueCodec.decode(raw('ten'), flagsOf(10))).toThrow(CodecError)
    expect(() => valueCodec.decode(raw(''), flagsOf(10))).toThrow(CodecError)
    expect(() => valueCodec.decode(raw('1.5'), flagsOf(10n))).toThrow(CodecError)
    expect(() => valueCodec.decode(raw('123'), flagsOf(new Int16Array(1)))).toThrow(CodecError)
  })

  test('refuses to guess at the flags of other clients', () => {
    for (const flags of [1, 2, 4, 8, 0x10, 0x5a000000, 0x5a0f0000, 0x5a000001, 0xff100000]) {
      expect(() => valueCodec.decode(raw('1'), flags)).toThrow(CodecError)
    }
  })
})

describe('other serializers', () => {
  test('read what the default codec wrote, and say who reads what they wrote', async () => {
    const stored = { list: [1, 2, 3] }
    for (const [name, codec] of [
      ['v8Codec', v8Codec],
      ['msgpackCodec', msgpackCodec(messagePack)],
    ] as const) {
      expect(await roundTrip<Value>(valueCodec, stored, codec)).toEqual(stored)
      await expect(roundTrip<Value>(codec, stored, valueCodec)).rejects.toThrow(name)
      expect(await roundTrip<Value>(codec, 'text', valueCodec)).toBe('text')
    }
  })

  test('v8Codec keeps what JSON loses', async () => {
    const cycle: Record<string, unknown> = { at: new Date(0), set: new Set([1n]) }
    cycle.self = cycle
    expect(await roundTrip<Value>(v8Codec, cycle)).toEqual(cycle)
  })

  test('MessagePack is smaller than JSON, and bytes within it are bytes', async () => {
    const value = { id: 1, tags: ['a', 'b'], hash: Uint8Array.of(1, 2, 3) }
    const codec = msgpackCodec(messagePack)
    expect(await roundTrip<Value>(codec, value)).toEqual(value)
    expect(codec.encode(value).data.length).toBeLessThan(JSON.stringify(value).length)
  })
})

describe('the bytes codec', () => {
  test('gives the bytes of any item, whatever its flags', () => {
    expect(bytesCodec.decode(raw('\0\xff'), 12345)).toEqual(Buffer.from('\0\xff'))
    expect(bytesCodec.encode('text')).toEqual({ data: 'text', flags: 0 })
  })
})

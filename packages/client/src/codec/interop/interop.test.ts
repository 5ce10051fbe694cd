import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodecError } from '../../errors.ts'
import { type Codec, rawValueOf } from '../codec.ts'
import { compressionOf } from '../compression.ts'
import type { Value } from '../value-codec.ts'
import { dalliCodec } from './dalli.ts'
import { decompressFastLz } from './fastlz.ts'
import { memcacheClientCodec, memcachedCodec } from './node-clients.ts'
import { phpMemcachedCodec } from './php.ts'
import { pylibmcCodec, pymemcacheCodec } from './python.ts'

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('\\', '\r', '\n', 'é') }),
)
const bytes = fc.uint8Array().map((array) => Buffer.from(array))
const integer = fc.maxSafeInteger()
const finite = fc.double({ noDefaultInfinity: true, noNaN: true }).filter((n) => !Object.is(n, -0))
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify({ value })) as object)

const CODECS: readonly [string, Codec<Value>, fc.Arbitrary<Value>][] = [
  ['pylibmcCodec', pylibmcCodec, fc.oneof(text, bytes, integer)],
  ['pymemcacheCodec', pymemcacheCodec, fc.oneof(text, bytes, integer)],
  [
    'phpMemcachedCodec',
    phpMemcachedCodec(),
    fc.oneof(text, integer, fc.double(), fc.boolean(), json),
  ],
  ['phpMemcachedCodec of bytes', phpMemcachedCodec({ strings: 'bytes' }), fc.oneof(bytes, integer)],
  ['dalliCodec', dalliCodec({ serializer: 'json' }), fc.oneof(text, finite, fc.boolean(), json)],
  ['dalliCodec of bytes', dalliCodec({ strings: 'bytes' }), bytes],
  ['memcachedCodec', memcachedCodec, fc.oneof(text, bytes, finite, fc.boolean(), json)],
  ['memcacheClientCodec', memcacheClientCodec, fc.oneof(text, bytes, finite, json)],
]

async function roundTrip(codec: Codec<Value>, value: Value, reader = codec): Promise<Value> {
  const { data, flags } = await codec.encode(value)
  return reader.decode(rawValueOf(Buffer.from(data as Uint8Array)), flags)
}

describe.each(CODECS)('%s', (_, codec, values) => {
  test('returns every value as it was', async () => {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        expect(await roundTrip(codec, value)).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  test('answers hostile bytes with a value or an error, whatever the flags', async () => {
    const flags = fc.oneof(fc.nat({ max: 0xff }), fc.nat({ max: 0xffffffff }))
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), flags, async (bytes, flags) => {
        try {
          await codec.decode(rawValueOf(Buffer.from(bytes)), flags)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('says of flags that it does not know that it does not know them', () => {
    expect(() => codec.decode(rawValueOf(Buffer.from('1')), 0x4000)).toThrow(CodecError)
  })
})

const ZLIB_CODECS = CODECS.filter(([name]) => !name.startsWith('memc'))

describe.each(ZLIB_CODECS)('%s, compressing with zlib', (_, codec, values) => {
  test('returns every value as it was', async () => {
    const compressing = codec.compressing!(compressionOf({ algorithm: 'deflate', threshold: 0 }))
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const wanted = typeof value === 'string' ? value.repeat(50) : value
        expect(await roundTrip(compressing, wanted, codec)).toEqual(wanted)
      }),
      { numRuns: 200 },
    )
  })
})

describe('FastLZ', () => {
  test('a block is literal bytes and copies, near and far', () => {
    // Level 1: three literal bytes, then nine bytes from three back.
    expect(String(decompressFastLz(Uint8Array.of(2, 97, 98, 99, 0xe0, 0, 2), 12))).toBe(
      'abcabcabcabc',
    )
    expect(decompressFastLz(new Uint8Array(0), 0)).toEqual(Buffer.alloc(0))
  })

  test('whatever is not one is a CodecError', () => {
    const block = fc.uint8Array({ maxLength: 60 })
    fc.assert(
      fc.property(block, fc.nat({ max: 20_000 }), (block, size) => {
        try {
          expect(decompressFastLz(block, size)).toHaveLength(size)
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
        }
      }),
      { numRuns: 5000 },
    )
    expect(() => decompressFastLz(Uint8Array.of(0, 97), 2 ** 31)).toThrow(CodecError)
  })
})

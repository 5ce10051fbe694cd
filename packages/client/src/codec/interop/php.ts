// The conventions of PHP's memcached extension, 3.x: the type in the low four bits of the flags, the compression in the next,
// and in front of what is compressed its size. Items serialized by PHP or igbinary are not read: they may be objects of any class.
import { CodecError } from '../../errors.ts'
import { type PlainCodec, rawValueOf } from '../codec.ts'
import { type CompressibleCodec, type CompressionMarks, compressible } from '../compressible.ts'
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from '../compression.ts'
import type { Value } from '../value-codec.ts'
import {
  integerOf,
  jsonOf,
  numberOf,
  type StringOptions,
  textOrBytes,
  unreadable,
  wellFormed,
} from './conventions.ts'
import { decompressFastLz } from './fastlz.ts'

const STRING = 0
const LONG = 1
const DOUBLE = 2
const BOOL = 3
const JSON_TEXT = 6
const TYPE_MASK = 0xf
const SERIALIZERS: Readonly<Record<number, string>> = { 4: 'PHP', 5: 'igbinary', 7: 'msgpack' }

const COMPRESSED = 0x10
const ZLIB = 0x20
const FASTLZ = 0x40
const ZSTD = 0x80
/** Above are the user's own flags. */
const FLAGS_MASK = 0xffff
/** The uncompressed size, little-endian where PHP runs. */
const SIZE_BYTES = 4
const LONG_MAX = 2n ** 63n - 1n

/**
 * Shares items with PHP's memcached extension: strings, ints, floats and bools as they are, everything else as JSON
 * (`Memcached::OPT_SERIALIZER` must be `SERIALIZER_JSON` or `SERIALIZER_JSON_ARRAY` for what PHP is to write). PHP's
 * strings may be bytes: see `strings`. Reads zlib, FastLZ (PHP's default, from 2000 bytes on) and, where
 * Node.js has it, zstd; writes zlib or zstd.
 */
export function phpMemcachedCodec({ strings }: StringOptions = {}): CompressibleCodec<Value> {
  const plain: PlainCodec<Value> = {
    encode(value) {
      switch (typeof value) {
        case 'string':
          return { data: wellFormed(value), flags: STRING }
        case 'boolean':
          return { data: value ? '1' : '', flags: BOOL }
        case 'number':
          if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
            return { data: String(value), flags: LONG }
          }
          return { data: Object.is(value, -0) ? '-0' : String(value), flags: DOUBLE }
        case 'bigint':
          if (value > LONG_MAX || value < -LONG_MAX - 1n) {
            throw new CodecError(`${value} is no int of PHP, which has 64 bits`)
          }
          return { data: String(value), flags: LONG }
        default:
          if (value instanceof Uint8Array) return { data: value, flags: STRING }
          return { data: jsonOf(value), flags: JSON_TEXT }
      }
    },
    decode(raw, itemFlags) {
      const flags = itemFlags & FLAGS_MASK
      if ((flags & (COMPRESSED | FASTLZ)) === (COMPRESSED | FASTLZ)) {
        const stored = raw.bytes()
        const content = decompressFastLz(contentOf(stored), sizeBefore(stored))
        return plain.decode(rawValueOf(content), flags & TYPE_MASK)
      }
      switch (flags) {
        case STRING:
          return textOrBytes(raw.bytes(), strings)
        case LONG:
          return integerOf(raw.text())
        case DOUBLE:
          return numberOf(raw.text())
        case BOOL:
          return raw.text() === '1'
        case JSON_TEXT:
          return JSON.parse(raw.text()) as Value
      }
      const serializer = SERIALIZERS[flags]
      throw unreadable(
        itemFlags,
        serializer === undefined
          ? 'PHP gives no such flags'
          : `${serializer} has serialized it, which only PHP reads: set Memcached::OPT_SERIALIZER to SERIALIZER_JSON`,
      )
    },
  }
  return compressible(plain, MARKS)
}

const MARKS: CompressionMarks = {
  mask: COMPRESSED,
  algorithms: ['deflate', 'zstd'],
  marked(flags, algorithm) {
    // PHP compresses strings and what is serialized, and must be able to count on the others.
    if (flags !== STRING && flags !== JSON_TEXT) return undefined
    return flags | COMPRESSED | (algorithm === 'zstd' ? ZSTD : ZLIB)
  },
  unmarked(flags) {
    if ((flags & FASTLZ) !== 0) return undefined
    const algorithm = (flags & ZSTD) !== 0 ? 'zstd' : 'deflate'
    return { algorithm, flags: flags & TYPE_MASK }
  },
  framed(compressed, size) {
    const sizeBytes = Buffer.alloc(SIZE_BYTES)
    sizeBytes.writeUInt32LE(size)
    return Buffer.concat([sizeBytes, compressed])
  },
  unframed: contentOf,
}

function sizeBefore(stored: Buffer): number {
  const size = stored.length < SIZE_BYTES ? 0 : stored.readUInt32LE()
  if (size <= DEFAULT_MAX_DECOMPRESSED_BYTES) return size
  throw new CodecError(`it says that it is ${size} bytes when decompressed, which is too much`)
}

function contentOf(stored: Buffer): Buffer {
  return stored.subarray(SIZE_BYTES)
}

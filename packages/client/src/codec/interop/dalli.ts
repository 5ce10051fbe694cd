// The conventions of Ruby's dalli: what its serializer made has bit 0 of the flags, zlib bit 1, and since 5.0 text bit 2.
// Ruby's Marshal, its default serializer, is not read: it may be objects of any class.
import type { PlainCodec, RawValue } from '../codec.ts'
import { type CompressibleCodec, type CompressionMarks, compressible } from '../compressible.ts'
import type { Value } from '../value-codec.ts'
import {
  jsonOf,
  noForm,
  type StringOptions,
  textOrBytes,
  unreadable,
  wellFormed,
} from './conventions.ts'

const RAW = 0
const SERIALIZED = 1
const ZLIB = 2
const UTF8 = 4

export interface DalliOptions extends StringOptions {
  /** What the Ruby side has as `serializer`, when it is JSON. Default: none; only raw strings are shared. */
  readonly serializer?: 'json'
}

/**
 * Shares items with dalli: raw strings (`raw: true` when Ruby writes them) and, with the option `serializer`, what JSON
 * can hold. What Marshal wrote is a CodecError.
 */
export function dalliCodec({ serializer, strings }: DalliOptions = {}): CompressibleCodec<Value> {
  const plain: PlainCodec<Value> = {
    encode(value) {
      if (typeof value === 'string') return { data: wellFormed(value), flags: RAW }
      if (value instanceof Uint8Array) return { data: value, flags: RAW }
      if (serializer === 'json') return { data: jsonOf(value), flags: SERIALIZED }
      throw noForm(value, 'dalli', "strings or bytes, or set the codec's serializer")
    },
    decode(raw, flags) {
      switch (flags) {
        case RAW:
          return textOrBytes(raw.bytes(), strings)
        case UTF8:
          return raw.text()
        case SERIALIZED:
          if (isMarshal(raw)) {
            throw unreadable(flags, 'Marshal has serialized it, which only Ruby reads: use JSON')
          }
          if (serializer === 'json') return JSON.parse(raw.text()) as Value
          throw unreadable(flags, "dalli has serialized it: see the codec's option serializer")
        default:
          throw unreadable(flags, 'dalli gives no such flags')
      }
    },
  }
  return compressible(plain, MARKS)
}

const MARKS: CompressionMarks = {
  mask: ZLIB,
  algorithms: ['deflate'],
  marked: (flags) => flags | ZLIB,
  unmarked: (flags) => ({ algorithm: 'deflate', flags: (flags & ~ZLIB) >>> 0 }),
}

/** Marshal's format begins with its version, 4.8; no JSON does. */
function isMarshal(raw: RawValue): boolean {
  return raw.text().startsWith('\x04\x08')
}

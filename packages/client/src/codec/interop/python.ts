// The conventions of pylibmc, and of pymemcache with its serde (as of python-memcached): the type in the low bits of
// the flags, zlib in bit 3. Python's pickles are not read: they are programs.
import type { PlainCodec } from '../codec.ts'
import { type CompressibleCodec, type CompressionMarks, compressible } from '../compressible.ts'
import type { Value } from '../value-codec.ts'
import { integerOf, noForm, unreadable, wellFormed } from './conventions.ts'

const BYTES = 0
const PICKLE = 1
const INTEGER = 2
const LONG = 4
const ZLIB = 8
const TEXT = 16

/**
 * Shares items with pylibmc: str, bytes and int are strings, Buffers and whole numbers. pylibmc's bools are ints;
 * what it pickles is a CodecError.
 */
export const pylibmcCodec: CompressibleCodec<Value> = pythonCodec('pylibmc', LONG)

/** Shares items with pymemcache's `PickleSerde` and `CompressedSerde`, otherwise as `pylibmcCodec`. */
export const pymemcacheCodec: CompressibleCodec<Value> = pythonCodec('pymemcache', INTEGER)

/** `integer` is the flag with which the client writes an int; it reads both. */
function pythonCodec(client: string, integer: number): CompressibleCodec<Value> {
  const plain: PlainCodec<Value> = {
    encode(value) {
      if (typeof value === 'string') return { data: wellFormed(value), flags: TEXT }
      if (value instanceof Uint8Array) return { data: value, flags: BYTES }
      if (typeof value === 'bigint' || Number.isSafeInteger(value)) {
        return { data: String(value), flags: integer }
      }
      throw noForm(value, client, 'strings, bytes, whole numbers, or JSON as a string')
    },
    decode(raw, flags) {
      switch (flags) {
        case BYTES:
          return raw.bytes()
        case TEXT:
          return raw.text()
        case INTEGER:
        case LONG:
          return integerOf(raw.text())
        case PICKLE:
          throw unreadable(flags, `${client} has pickled it, which only Python reads: store JSON`)
        default:
          throw unreadable(flags, `${client} gives no such flags`)
      }
    },
  }
  const marks: CompressionMarks = {
    mask: ZLIB,
    algorithms: ['deflate'],
    marked: (flags) => (flags === integer ? undefined : flags | ZLIB),
    unmarked: (flags) => ({ algorithm: 'deflate', flags: (flags & ~ZLIB) >>> 0 }),
  }
  return compressible(plain, marks)
}

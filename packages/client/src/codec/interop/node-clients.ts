// The conventions of the other clients of Node.js: memjs, memcached and memcache-client. The same bits mean different things
// to each of them.
import { CodecError } from '../../errors.ts'
import type { Encoded, PlainCodec } from '../codec.ts'
import { type CompressibleCodec, compressible } from '../compressible.ts'
import { bytesCodec, type Value } from '../value-codec.ts'
import { jsonOf, noForm, numberOf, unreadable, wellFormed } from './conventions.ts'

/** Shares items with memjs, which has no types: strings and bytes in, Buffers out. The same as `bytesCodec`. */
export const memjsCodec: typeof bytesCodec = bytesCodec

/**
 * Shares items with the npm package `memcached`: strings, numbers, Buffers and JSON. As it does, this writes a backslash
 * before every line break, and every byte above 0x7f of a Buffer as two.
 */
export const memcachedCodec: PlainCodec<Value> = {
  encode(value) {
    if (value instanceof Uint8Array) {
      const { buffer, byteOffset, byteLength } = value
      const text = Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
      return { data: escaped(text), flags: MEMCACHED_BINARY }
    }
    if (typeof value === 'string') return { data: escaped(wellFormed(value)), flags: 0 }
    if (typeof value === 'number') return { data: String(value), flags: MEMCACHED_NUMERIC }
    return { data: escaped(jsonOf(value)), flags: MEMCACHED_JSON }
  },
  decode(raw, flags) {
    const text = raw.text().replace(/\\(\r|\n)/g, '$1')
    switch (flags) {
      case 0:
        return text
      case MEMCACHED_NUMERIC:
        return numberOf(text)
      case MEMCACHED_JSON:
        return JSON.parse(text) as Value
      case MEMCACHED_BINARY:
        return Buffer.from(text, 'latin1')
      default:
        throw unreadable(flags, 'the npm package memcached gives no such flags')
    }
  },
}

const MEMCACHED_JSON = 2
const MEMCACHED_BINARY = 4
const MEMCACHED_NUMERIC = 8

function escaped(text: string): string {
  return text.replace(/\r|\n/g, '\\$&')
}

const ZSTD = 1
const JSON_TEXT = 2
const NUMERIC = 4
const BINARY = 8

/**
 * Shares items with the npm package `memcache-client`: strings, numbers, Buffers and JSON objects. It compresses with zstd,
 * which needs Node.js 22.15 here.
 */
export const memcacheClientCodec: CompressibleCodec<Value> = compressible(
  {
    encode(value): Encoded {
      if (value instanceof Uint8Array) return { data: value, flags: BINARY }
      if (typeof value === 'string') return { data: wellFormed(value), flags: 0 }
      if (typeof value === 'number') {
        if (!Number.isFinite(value)) throw new CodecError(`${value} has no JSON form`)
        return { data: jsonOf(value), flags: NUMERIC }
      }
      if (typeof value === 'object') return { data: jsonOf(value), flags: JSON_TEXT }
      throw noForm(value, 'memcache-client', 'strings, numbers, bytes or objects')
    },
    decode(raw, flags) {
      switch (flags) {
        case 0:
          return raw.text()
        case NUMERIC:
          return numberOf(raw.text())
        case JSON_TEXT:
          return JSON.parse(raw.text()) as Value
        case BINARY:
          return raw.bytes()
        default:
          throw unreadable(flags, 'memcache-client gives no such flags')
      }
    },
  },
  {
    mask: ZSTD,
    algorithms: ['zstd'],
    marked: (flags) => (flags === NUMERIC ? undefined : flags | ZSTD),
    unmarked: (flags) => ({ algorithm: 'zstd', flags: (flags & ~ZSTD) >>> 0 }),
  },
)

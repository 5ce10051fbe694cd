// Our own codecs: strings, numbers, bigints, bytes and typed arrays come back as what they went in as,
// and so does whatever the codec's serializer can hold: JSON, by default. How the flags tell them apart is in flags.ts.
import { CodecError } from '../errors.ts'
import type { Encoded, PlainCodec, RawValue } from './codec.ts'
import { type CompressibleCodec, type CompressionMarks, compressible } from './compressible.ts'
import type { CompressionAlgorithm } from './compression.ts'
import {
  arrayFlags,
  arrayKind,
  COMPRESSION_MASK,
  compressedFlags,
  compressionCode,
  Flags,
  plainFlags,
} from './flags.ts'
import { INTEGER_MAX_DIGITS, isInteger } from './integers.ts'
import { arrayOf, bytesOf, kindOf } from './typed-array.ts'

/** What can be stored: bytes, a typed array, a primitive, or whatever the serializer can hold. */
export type Value = string | number | bigint | boolean | null | Uint8Array | object

/** What a codec of ours does with values that are no text, number or bytes. */
export interface Serializer {
  /** Of those in flags.ts, by which its items are known. */
  readonly flags: number
  serialize(value: unknown): Uint8Array | string
  deserialize(raw: RawValue): Value
}

/** By their numbers in the flags, which are stored and never change. 0 is for what isn't compressed. */
const ALGORITHMS: readonly CompressionAlgorithm[] = ['deflate', 'gzip', 'brotli', 'zstd']

const OUR_MARKS: CompressionMarks = {
  mask: COMPRESSION_MASK,
  algorithms: ALGORITHMS,
  marked(flags, algorithm) {
    // memcached must be able to count on.
    if (flags === Flags.number || flags === Flags.bigint) return undefined
    return compressedFlags(flags, ALGORITHMS.indexOf(algorithm) + 1)
  },
  unmarked(flags) {
    const algorithm = ALGORITHMS[compressionCode(flags) - 1]
    return algorithm && { algorithm, flags: plainFlags(flags) }
  },
}

/** Reads what every codec of ours has written, but for what other serializers have. */
export function codecWith(serializer: Serializer): CompressibleCodec<Value> {
  return compressible(plainCodecWith(serializer), OUR_MARKS)
}

const json: Serializer = {
  flags: Flags.json,
  serialize(value) {
    const text: string | undefined = JSON.stringify(value)
    if (text === undefined) {
      throw new CodecError(`a value of type ${typeof value} has no JSON form and cannot be stored`)
    }
    return text
  },
  deserialize: (raw) => JSON.parse(raw.text()) as Value,
}

/** Values that are no text, number or bytes are JSON. */
export const valueCodec: CompressibleCodec<Value> = codecWith(json)

/** Leaves values alone: bytes in, Buffers out, whatever the flags. Strings are stored as UTF-8. */
export const bytesCodec: PlainCodec<Uint8Array | string> & { decode(raw: RawValue): Buffer } = {
  encode: (data) => ({ data, flags: 0 }),
  decode: (raw) => raw.bytes(),
}

function plainCodecWith(serializer: Serializer): PlainCodec<Value> {
  return {
    encode(value: Value): Encoded {
      switch (typeof value) {
        case 'string':
          // A lone surrogate has no UTF-8, but serializers have a form for it.
          if (!value.isWellFormed()) break
          return { data: value, flags: Flags.text }
        case 'number':
          return { data: textOf(value), flags: Flags.number }
        case 'bigint':
          return { data: digitsOf(value), flags: Flags.bigint }
        case 'undefined':
          throw new CodecError('undefined is what a miss gives, and cannot be stored')
        case 'object': {
          if (value === null) break
          if (value instanceof Uint8Array) return { data: value, flags: Flags.bytes }
          const kind = kindOf(value)
          if (kind === undefined) break
          return { data: bytesOf(value as ArrayBufferView, kind), flags: arrayFlags(kind) }
        }
      }
      return { data: serializer.serialize(value), flags: serializer.flags }
    },

    decode(raw: RawValue, flags: number): Value {
      switch (flags) {
        case Flags.text:
          return raw.text()
        case Flags.bytes:
          return raw.bytes()
        case Flags.number:
          return numberOf(raw.text())
        case Flags.bigint:
          return bigintOf(raw.text())
        case serializer.flags:
          return serializer.deserialize(raw)
        case Flags.json:
          return json.deserialize(raw)
      }
      const kind = arrayKind(flags)
      if (kind !== undefined) return arrayOf(raw.bytes(), kind)
      throw foreign(flags)
    },
  }
}

function foreign(flags: number): CodecError {
  if (flags === Flags.v8) return new CodecError('v8Codec wrote it: read it with that', { flags })
  if (flags === Flags.msgpack) {
    return new CodecError('msgpackCodec wrote it: read it with that', { flags })
  }
  return new CodecError(
    `an item has the flags ${flags}, which another client gave it: read it with a codec for that client, or with bytesCodec`,
    { flags },
  )
}

function textOf(number: number): string {
  if (Object.is(number, -0)) return '-0'
  // With an exponent, so that it comes back as a number: see numberOf.
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) return number.toExponential()
  return String(number)
}

/** A counter may have grown past what a number can hold: then it is a bigint, as `incr` gives it. */
function numberOf(text: string): number | bigint {
  const number = Number(text)
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER && text !== '') return number
  if (isInteger(text)) return BigInt(text)
  // Infinity, NaN and what is beyond 2^53 in exponential form.
  if (textOf(number) === text) return number
  throw new CodecError(`${JSON.stringify(text.slice(0, 40))} is no number`)
}

/** So that what is stored can be read again. */
function digitsOf(bigint: bigint): string {
  const text = String(bigint)
  if (text.length <= INTEGER_MAX_DIGITS) return text
  throw new CodecError(
    `a bigint of ${text.length} digits is too long for its decimal form (${INTEGER_MAX_DIGITS}): store its bytes`,
  )
}

function bigintOf(text: string): bigint {
  if (isInteger(text)) return BigInt(text)
  throw new CodecError(`${JSON.stringify(text.slice(0, 40))} is no bigint`)
}

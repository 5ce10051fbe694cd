// The default codec: strings, numbers, bigints, bytes and JSON come back as what they went in as.
// A plain string has flags 0, as in every memcached client; the other types carry a mark of ours in
// the upper half of the flags, out of the way of the low bits that clients of other languages use.
import { CodecError } from '../errors.ts'
import type { Codec, Encoded, RawValue } from './codec.ts'

/** What can be stored: anything that is bytes, a primitive, or JSON. */
export type Value = string | number | bigint | boolean | null | Uint8Array | object

/** The top byte of our flags, by which foreign ones are told apart. */
const MARK = 0x5a000000
/** Types are in bits 16 to 19; 20 to 23 are kept for compression. */
const Flags = {
  text: 0,
  bytes: MARK + 0x10000,
  number: MARK + 0x20000,
  bigint: MARK + 0x30000,
  json: MARK + 0x40000,
} as const

export const valueCodec: Codec<Value> = {
  encode(value: Value): Encoded {
    switch (typeof value) {
      case 'string':
        // A lone surrogate has no UTF-8, but JSON has an escape for it.
        if (!value.isWellFormed()) break
        return { data: value, flags: Flags.text }
      case 'number':
        return { data: textOf(value), flags: Flags.number }
      case 'bigint':
        return { data: String(value), flags: Flags.bigint }
      case 'object':
        if (value instanceof Uint8Array) return { data: value, flags: Flags.bytes }
        break
    }
    const json: string | undefined = JSON.stringify(value)
    if (json === undefined) {
      throw new CodecError(`a value of type ${typeof value} has no JSON form and cannot be stored`)
    }
    return { data: json, flags: Flags.json }
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
        return BigInt(raw.text())
      case Flags.json:
        return JSON.parse(raw.text()) as Value
      default:
        throw new CodecError(
          `an item has the flags ${flags}, which another client gave it: read it with a codec for that client, or with bytesCodec`,
          { flags },
        )
    }
  },
}

/** Leaves values alone: bytes in, Buffers out, whatever the flags. Strings are stored as UTF-8. */
export const bytesCodec: Codec<Uint8Array | string> & { decode(raw: RawValue): Buffer } = {
  encode: (data) => ({ data, flags: 0 }),
  decode: (raw) => raw.bytes(),
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
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER || !/^-?\d+ *$/.test(text)) return number
  return BigInt(text)
}

// Codecs of ours with another serializer than JSON, for values that JSON cannot hold or holds badly.
import { deserialize, serialize } from 'node:v8'
import { CodecError } from '../errors.ts'
import type { CompressibleCodec } from './compressible.ts'
import { Flags } from './flags.ts'
import { codecWith, type Value } from './value-codec.ts'

/**
 * Values that are no text, number or bytes go through V8's structured clone: Map, Set, Date, RegExp, Error,
 * bigints and typed arrays within objects, and cycles. Only Node.js reads it, and not one that is older than
 * the writer by too much.
 */
export const v8Codec: CompressibleCodec<Value> = codecWith({
  flags: Flags.v8,
  serialize,
  deserialize: (raw) => defined(deserialize(raw.bytes())),
})

/** What a MessagePack library must have: `@msgpack/msgpack` and `msgpackr` (as `pack`, `unpack`) do. */
export interface MessagePack {
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/**
 * Values that are no text, number or bytes are MessagePack, by the library that you give:
 * `msgpackCodec(await import('@msgpack/msgpack'))`.
 */
export function msgpackCodec(library: MessagePack): CompressibleCodec<Value> {
  return codecWith({
    flags: Flags.msgpack,
    serialize: (value) => library.encode(value),
    deserialize(raw) {
      // A library makes the bytes within the value of the same class as those it is given.
      const { buffer, byteOffset, length } = raw.bytes()
      return defined(library.decode(new Uint8Array(buffer, byteOffset, length)))
    },
  })
}

/** `undefined` would be a miss, and is never written. */
function defined(value: unknown): Value {
  if (value !== undefined) return value as Value
  throw new CodecError('it says undefined, which cannot be stored')
}

// Values as memcache-client writes them, some of them compressed, by a compressor of the application's. Knows flags, no call.
import {
  type Codec,
  type Encoded,
  type PlainCodec,
  type RawValue,
  rawValueOf,
} from '../codec/codec.ts'
import type { Value } from '../codec/value-codec.ts'
import { ArgumentError } from '../errors.ts'

/** As memcache-client calls it. */
export interface Compressor {
  compressSync(given: { readonly input: Buffer }): Uint8Array
  decompressSync(given: { readonly input: Buffer }): Uint8Array | string
}

const COMPRESSED = 1
const NUMERIC = 4
const COMPRESS_MIN_BYTES = 100

/** A value that is encoded already. */
class Packed {
  readonly encoded: Encoded

  constructor(encoded: Encoded) {
    this.encoded = encoded
  }
}

export class PackingCodec implements Codec<Value> {
  readonly #codec: Codec<Value>
  readonly #compressor: Compressor | undefined

  constructor(codec: Codec<Value> | PlainCodec<Value>, compressor: Compressor | undefined) {
    this.#codec = codec
    this.#compressor = compressor
  }

  /** What is to be stored instead of the value; the value itself where that is too short. @throws ArgumentError */
  async compressed(value: Value): Promise<Value> {
    const compressor = this.#compressor
    if (compressor === undefined) {
      throw new ArgumentError(
        'there is nothing to compress with: give a compressor, or use a client of ours with its option compression',
      )
    }
    const { data, flags } = await this.#codec.encode(value)
    if (Buffer.byteLength(data) < COMPRESS_MIN_BYTES || flags === NUMERIC) return value
    const input = Buffer.from(data as Uint8Array)
    return new Packed({ data: compressor.compressSync({ input }), flags: flags | COMPRESSED })
  }

  encode(value: Value): Encoded | Promise<Encoded> {
    return value instanceof Packed ? value.encoded : this.#codec.encode(value)
  }

  /** Without a compressor, by the zstd that Node.js has from 22.15 on. */
  decode(raw: RawValue, flags: number): Value | Promise<Value> {
    if ((flags & COMPRESSED) === 0 || this.#compressor === undefined) {
      return this.#codec.decode(raw, flags)
    }
    const bytes = Buffer.from(this.#compressor.decompressSync({ input: raw.bytes() }) as Uint8Array)
    return this.#codec.decode(rawValueOf(bytes), flags & ~COMPRESSED)
  }
}

// The contract between the client and whatever turns values into bytes and back. Knows no socket,
// no key and no command.
import type { Compression } from './compression.ts'

/** The bytes of an item, in the form that the codec asks for. Valid only during the call of `decode`. */
export interface RawValue {
  /** In bytes. */
  readonly size: number
  /** The bytes as UTF-8. */
  text(): string
  /** The bytes, in a Buffer of the caller's own. */
  bytes(): Buffer
}

export interface Encoded {
  readonly data: Uint8Array | string
  /** The item's client flags, an unsigned 32-bit number that memcached keeps with the value. */
  readonly flags: number
}

/**
 * Failures are thrown, or rejections: they become the call's `CodecError`. A promise makes its call wait,
 * and later calls for the same key with it; who returns the result itself costs nobody anything.
 */
export interface Codec<V> {
  encode(value: V): Encoded | Promise<Encoded>
  decode(raw: RawValue, flags: number): V | Promise<V>
  /** This codec, compressing what it writes; without it, the option `compression` is an ArgumentError. */
  compressing?(compression: Compression): Codec<V>
}

/** A codec that needs no waiting in either direction. */
export interface PlainCodec<V> {
  encode(value: V): Encoded
  decode(raw: RawValue, flags: number): V
}

/** `bytes`, which nobody else writes to, as a codec takes them. */
export function rawValueOf(bytes: Buffer): RawValue {
  return { size: bytes.length, text: () => bytes.toString(), bytes: () => bytes }
}

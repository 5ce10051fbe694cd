// The contract between the client and whatever turns values into bytes and back. Knows no socket,
// no key and no command.

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

/** Both directions are synchronous, and failures are thrown: they become the call's `CodecError`. */
export interface Codec<V> {
  encode(value: V): Encoded
  decode(raw: RawValue, flags: number): V
}

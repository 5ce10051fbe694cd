// Gives a plain codec compression: of what it writes when asked to, of what it reads always. How items are marked
// as compressed is the codec's business. Knows no algorithm.
import { ArgumentError } from '../errors.ts'
import { type Codec, type Encoded, type PlainCodec, type RawValue, rawValueOf } from './codec.ts'
import {
  type Compression,
  type CompressionAlgorithm,
  compress,
  DEFAULT_MAX_DECOMPRESSED_BYTES,
  decompress,
} from './compression.ts'

/** How a kind of client marks what is compressed. */
export interface CompressionMarks {
  /** An item with none of these bits in its flags isn't compressed. */
  readonly mask: number
  /** What may be asked for. */
  readonly algorithms: readonly CompressionAlgorithm[]
  /** The flags of a compressed item; undefined when one with these flags must stay as it is. */
  marked(flags: number, algorithm: CompressionAlgorithm): number | undefined
  /** How the item is compressed and what its flags were; undefined when it isn't. May throw. */
  unmarked(
    flags: number,
  ): { readonly algorithm: CompressionAlgorithm; readonly flags: number } | undefined
  /** What is stored, when that is more than the compressed bytes. */
  framed?(compressed: Buffer, size: number): Buffer
  /** The compressed bytes of what is stored. May throw. */
  unframed?(stored: Buffer): Buffer
}

/** A codec that writes without compression, and therefore at once. */
export interface CompressibleCodec<V> extends Codec<V> {
  encode(value: V): Encoded
  compressing(compression: Compression): Codec<V>
}

export function compressible<V>(
  plain: PlainCodec<V>,
  marks: CompressionMarks,
): CompressibleCodec<V> {
  return {
    encode: plain.encode,
    decode: decoder(plain, marks, DEFAULT_MAX_DECOMPRESSED_BYTES),
    compressing(compression) {
      const { algorithm, maxDecompressedBytes } = compression
      if (!marks.algorithms.includes(algorithm)) {
        throw new ArgumentError(
          `compression.algorithm is ${algorithm}: clients that share these items know ${marks.algorithms.join(', ') || 'none'}`,
        )
      }
      return {
        encode: encoder(plain, marks, compression),
        decode: decoder(plain, marks, maxDecompressedBytes),
      }
    },
  }
}

function encoder<V>(
  plain: PlainCodec<V>,
  marks: CompressionMarks,
  compression: Compression,
): Codec<V>['encode'] {
  const { threshold, algorithm } = compression
  return (value) => {
    const encoded = plain.encode(value)
    const { data } = encoded
    const mostBytes = typeof data === 'string' ? data.length * 3 : data.byteLength
    if (mostBytes < threshold) return encoded
    const flags = marks.marked(encoded.flags, algorithm)
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    if (flags === undefined || bytes.byteLength < threshold) return encoded
    return compress(bytes, compression).then((compressed) => {
      const stored = marks.framed?.(compressed, bytes.byteLength) ?? compressed
      return stored.length < bytes.byteLength ? { data: stored, flags } : encoded
    })
  }
}

function decoder<V>(
  plain: PlainCodec<V>,
  marks: CompressionMarks,
  maxBytes: number,
): Codec<V>['decode'] {
  const { mask } = marks
  return (raw, flags) =>
    (flags & mask) === 0
      ? plain.decode(raw, flags)
      : decodeCompressed(plain, marks, maxBytes, raw, flags)
}

function decodeCompressed<V>(
  plain: PlainCodec<V>,
  marks: CompressionMarks,
  maxBytes: number,
  raw: RawValue,
  flags: number,
): V | Promise<V> {
  const compression = marks.unmarked(flags)
  if (compression === undefined) return plain.decode(raw, flags)
  const stored = raw.bytes()
  const compressed = marks.unframed?.(stored) ?? stored
  return decompress(compressed, compression.algorithm, maxBytes).then((bytes) =>
    plain.decode(rawValueOf(bytes), compression.flags),
  )
}

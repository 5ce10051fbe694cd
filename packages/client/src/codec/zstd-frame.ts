// The size that a zstd frame (RFC 8878) says its content has. Node's decompressor takes a frame that was cut
// short for a complete one; whoever compares this to what it gave doesn't. Knows no more of the format.

const MAGIC = 0xfd2fb528
const SINGLE_SEGMENT = 0x20
/** Bytes of the dictionary's number, and of the content's size, by the two bits that tell of each. */
const DICTIONARY_BYTES = [0, 1, 2, 4]
const SIZE_BYTES = [0, 2, 4, 8]

/** In bytes; undefined when the frame doesn't say, NaN when this is no frame. */
export function zstdContentSize(frame: Uint8Array): number | undefined {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length)
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== MAGIC) return Number.NaN
  const descriptor = bytes[4]!
  const single = (descriptor & SINGLE_SEGMENT) !== 0
  const sizeBytes = SIZE_BYTES[descriptor >>> 6] || (single ? 1 : 0)
  if (sizeBytes === 0) return undefined
  const at = 5 + (single ? 0 : 1) + DICTIONARY_BYTES[descriptor & 3]!
  if (at + sizeBytes > bytes.length) return Number.NaN
  if (sizeBytes === 8) return Number(bytes.readBigUInt64LE(at))
  return bytes.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
}

// Base64 (RFC 4648) between memory blocks, for keys of meta commands with the `b` flag. Ours because
// Node's needs strings, and a request makes no garbage.
import type { MemoryBlock } from '../cache/memory.ts'

const ALPHABET = Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  'latin1',
)
const PAD = 61
const INVALID = 0xff

const VALUES = new Uint8Array(256).fill(INVALID)
ALPHABET.forEach((byte, value) => {
  VALUES[byte] = value
})
VALUES[PAD] = 0

/**
 * Decodes padded base64 into the start of `target`; returns the number of bytes, or -1. As memcached does it:
 * bytes that are none of base64 are skipped, and nothing is looked at behind the padding.
 */
export function decodeBase64(
  source: MemoryBlock,
  from: number,
  length: number,
  target: MemoryBlock,
): number {
  const bytes = source.bytes
  let to = 0
  let group = 0
  let count = 0
  let padding = 0
  let done = false
  for (let i = from; i < from + length; i++) {
    const byte = bytes[i]
    const value = VALUES[byte]
    if (value === INVALID) continue
    count++
    if (done) continue
    if (byte === PAD) padding++
    group = (group << 6) | value
    if (count % 4 === 0) {
      target.bytes[to++] = group >>> 16
      target.bytes[to++] = group >>> 8
      target.bytes[to++] = group
      done = padding > 0
    }
  }
  return count === 0 || count % 4 !== 0 || padding > 2 ? -1 : to - padding
}

/** Writes the base64 form of a range, byte by byte. */
export function encodeBase64(
  source: MemoryBlock,
  from: number,
  length: number,
  target: { byte(value: number): void },
): void {
  const bytes = source.bytes
  for (let i = 0; i < length; i += 3) {
    const left = length - i
    const group =
      (bytes[from + i] << 16) |
      ((left > 1 ? bytes[from + i + 1] : 0) << 8) |
      (left > 2 ? bytes[from + i + 2] : 0)
    target.byte(ALPHABET[group >>> 18])
    target.byte(ALPHABET[(group >>> 12) & 63])
    target.byte(left > 1 ? ALPHABET[(group >>> 6) & 63] : PAD)
    target.byte(left > 2 ? ALPHABET[group & 63] : PAD)
  }
}

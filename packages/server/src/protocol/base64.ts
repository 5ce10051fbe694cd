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

/** Decodes padded base64 into the start of `target`; returns the number of bytes, or -1. */
export function decodeBase64(
  source: MemoryBlock,
  from: number,
  length: number,
  target: MemoryBlock,
): number {
  if (length === 0 || length % 4 !== 0) return -1
  const bytes = source.bytes
  let padding = 0
  if (bytes[from + length - 1] === PAD) padding = bytes[from + length - 2] === PAD ? 2 : 1
  let to = 0
  for (let i = 0; i < length; i += 4) {
    const last = i + 4 === length
    const a = VALUES[bytes[from + i]]
    const b = VALUES[bytes[from + i + 1]]
    const c = last && padding === 2 ? 0 : VALUES[bytes[from + i + 2]]
    const d = last && padding > 0 ? 0 : VALUES[bytes[from + i + 3]]
    if (a === INVALID || b === INVALID || c === INVALID || d === INVALID) return -1
    const group = (a << 18) | (b << 12) | (c << 6) | d
    target.bytes[to++] = group >>> 16
    target.bytes[to++] = group >>> 8
    target.bytes[to++] = group
  }
  return to - padding
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

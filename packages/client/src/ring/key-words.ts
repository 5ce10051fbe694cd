// A key as the hashes that work on words want it: its UTF-8 in little-endian words of 32 bits, on every
// machine. One place for all, written anew for each key. Knows no hash.

/** The longest key that fits, in bytes; what is longer is cut. memcached takes 250. */
export const PACKED_MAX = 1000
/** MD5 pads a key to whole blocks of 16 words. */
const WORDS = 256

/** The word in which the key ends, or that comes next, is zero from there on; those beyond are anything. */
export const words = new Int32Array(WORDS)
const bytes = Buffer.alloc(PACKED_MAX)

/** Puts the key into `words`; returns its length in bytes. */
export function pack(key: string): number {
  const length = key.length
  const body = length & ~3
  if (length > PACKED_MAX) return packBytes(bytes, bytes.write(key))
  for (let i = 0; i < body; i += 4) {
    const a = key.charCodeAt(i)
    const b = key.charCodeAt(i + 1)
    const c = key.charCodeAt(i + 2)
    const d = key.charCodeAt(i + 3)
    if ((a | b | c | d) > 0x7f) return packBytes(bytes, bytes.write(key))
    words[i >>> 2] = a | (b << 8) | (c << 16) | (d << 24)
  }
  let last = 0
  for (let i = length - 1; i >= body; i--) {
    const code = key.charCodeAt(i)
    if (code > 0x7f) return packBytes(bytes, bytes.write(key))
    last = (last << 8) | code
  }
  words[body >>> 2] = last
  return length
}

/** As `pack`, for bytes as they are. */
export function packBytes(source: Uint8Array, end = source.length): number {
  const length = Math.min(end, PACKED_MAX)
  const body = length & ~3
  for (let i = 0; i < body; i += 4) {
    words[i >>> 2] =
      source[i]! | (source[i + 1]! << 8) | (source[i + 2]! << 16) | (source[i + 3]! << 24)
  }
  let last = 0
  for (let i = length - 1; i >= body; i--) last = (last << 8) | source[i]!
  words[body >>> 2] = last
  return length
}

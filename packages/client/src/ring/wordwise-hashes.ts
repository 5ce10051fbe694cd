// The hashes that take a key in words of four bytes, little-endian: Murmur's second and third, Jenkins'
// lookup3 and Hsieh's, seeded as libhashkit and twemproxy do. Knows no keys: bytes in, an unsigned 32-bit
// number out.

const LIBHASHKIT_MURMUR_SEED = 0xdeadbeef
const LIBHASHKIT_JENKINS_SEED = 13

/** MurmurHash3 x86_32 with libhashkit's seed, which depends on the length. */
export function libhashkitMurmur3(bytes: Uint8Array, length: number): number {
  return murmur3(bytes, length, Math.imul(LIBHASHKIT_MURMUR_SEED, length))
}

/** MurmurHash3 x86_32. */
export function murmur3(bytes: Uint8Array, length: number, seed = 0): number {
  const body = length & ~3
  let h = seed | 0
  for (let i = 0; i < body; i += 4) {
    h ^= scramble(word(bytes, i))
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  if (body < length) h ^= scramble(partialWord(bytes, body, length))
  return avalanche(h ^ length)
}

function scramble(k: number): number {
  const product = Math.imul(k, 0xcc9e2d51)
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593)
}

/** MurmurHash3's last step: every bit of `h` moves about half of the bits of the result. */
export function avalanche(h: number): number {
  let value = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

/** MurmurHash2, with the seed of libhashkit and twemproxy. */
export function murmur2(bytes: Uint8Array, length: number): number {
  const M = 0x5bd1e995
  const body = length & ~3
  let h = Math.imul(LIBHASHKIT_MURMUR_SEED, length) ^ length
  for (let i = 0; i < body; i += 4) {
    const k = Math.imul(word(bytes, i), M)
    h = Math.imul(h, M) ^ Math.imul(k ^ (k >>> 24), M)
  }
  if (body < length) h = Math.imul(h ^ partialWord(bytes, body, length), M)
  h = Math.imul(h ^ (h >>> 13), M)
  return (h ^ (h >>> 15)) >>> 0
}

/** Bob Jenkins' lookup3 (`hashlittle`). */
export function jenkins(bytes: Uint8Array, length: number): number {
  let a = (0xdeadbeef + length + LIBHASHKIT_JENKINS_SEED) | 0
  let b = a
  let c = a
  let at = 0
  for (; length - at > 12; at += 12) {
    a = (a + word(bytes, at)) | 0
    b = (b + word(bytes, at + 4)) | 0
    c = (c + word(bytes, at + 8)) | 0
    a = (a - c) ^ rotate(c, 4)
    c = (c + b) | 0
    b = (b - a) ^ rotate(a, 6)
    a = (a + c) | 0
    c = (c - b) ^ rotate(b, 8)
    b = (b + a) | 0
    a = (a - c) ^ rotate(c, 16)
    c = (c + b) | 0
    b = (b - a) ^ rotate(a, 19)
    a = (a + c) | 0
    c = (c - b) ^ rotate(b, 4)
    b = (b + a) | 0
  }
  a = (a + partialWord(bytes, at, length)) | 0
  b = (b + partialWord(bytes, at + 4, length)) | 0
  c = (c + partialWord(bytes, at + 8, length)) | 0
  c = ((c ^ b) - rotate(b, 14)) | 0
  a = ((a ^ c) - rotate(c, 11)) | 0
  b = ((b ^ a) - rotate(a, 25)) | 0
  c = ((c ^ b) - rotate(b, 16)) | 0
  a = ((a ^ c) - rotate(c, 4)) | 0
  b = ((b ^ a) - rotate(a, 14)) | 0
  return ((c ^ b) - rotate(b, 24)) >>> 0
}

/** Paul Hsieh's SuperFastHash, which twemproxy has and libhashkit as packaged leaves out. */
export function hsieh(bytes: Uint8Array, length: number): number {
  const body = length & ~3
  let h = 0
  for (let i = 0; i < body; i += 4) {
    const k = word(bytes, i)
    h = (h + (k & 0xffff)) | 0
    h = (h << 16) ^ ((k >>> 16) << 11) ^ h
    h = (h + (h >>> 11)) | 0
  }
  const rest = partialWord(bytes, body, length)
  if (length - body === 3) {
    h = (h + (rest & 0xffff)) | 0
    // The last byte is a signed one.
    h ^= (h << 16) ^ (((rest << 8) >> 24) << 18)
    h = (h + (h >>> 11)) | 0
  } else if (length - body === 2) {
    h = (h + rest) | 0
    h ^= h << 11
    h = (h + (h >>> 17)) | 0
  } else if (length - body === 1) {
    h = (h + rest) | 0
    h ^= h << 10
    h = (h + (h >>> 1)) | 0
  }
  h ^= h << 3
  h = (h + (h >>> 5)) | 0
  h ^= h << 4
  h = (h + (h >>> 17)) | 0
  h ^= h << 25
  return (h + (h >>> 6)) >>> 0
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** The word at `at`, zeros from `end` on. */
function partialWord(bytes: Uint8Array, at: number, end: number): number {
  let value = 0
  for (let i = Math.min(at + 4, end) - 1; i >= at; i--) value = (value << 8) | bytes[i]!
  return value
}

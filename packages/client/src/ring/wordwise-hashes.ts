// The hashes that take a key in words of four bytes, little-endian: Murmur's second and third, Jenkins'
// lookup3 and Hsieh's, seeded as libhashkit and twemproxy do. They
// hash the key that was packed last, of so many bytes, to an unsigned 32-bit number.
import { words } from './key-words.ts'

const LIBHASHKIT_MURMUR_SEED = 0xdeadbeef
const LIBHASHKIT_JENKINS_SEED = 13

/** MurmurHash3 x86_32 with libhashkit's seed, which depends on the length. */
export function libhashkitMurmur3(length: number): number {
  return murmur3(length, Math.imul(LIBHASHKIT_MURMUR_SEED, length))
}

/** MurmurHash3 x86_32. */
export function murmur3(length: number, seed = 0): number {
  const body = length >>> 2
  let h = seed | 0
  for (let i = 0; i < body; i++) {
    h ^= scramble(words[i]!)
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  if ((length & 3) !== 0) h ^= scramble(words[body]!)
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
export function murmur2(length: number): number {
  const M = 0x5bd1e995
  const body = length >>> 2
  let h = Math.imul(LIBHASHKIT_MURMUR_SEED, length) ^ length
  for (let i = 0; i < body; i++) {
    const k = Math.imul(words[i]!, M)
    h = Math.imul(h, M) ^ Math.imul(k ^ (k >>> 24), M)
  }
  if ((length & 3) !== 0) h = Math.imul(h ^ words[body]!, M)
  h = Math.imul(h ^ (h >>> 13), M)
  return (h ^ (h >>> 15)) >>> 0
}

/** Bob Jenkins' lookup3 (`hashlittle`). */
export function jenkins(length: number): number {
  let a = (0xdeadbeef + length + LIBHASHKIT_JENKINS_SEED) | 0
  let b = a
  let c = a
  let at = 0
  for (; length - 4 * at > 12; at += 3) {
    a = (a + words[at]!) | 0
    b = (b + words[at + 1]!) | 0
    c = (c + words[at + 2]!) | 0
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
  a = (a + wordBefore(length, at)) | 0
  b = (b + wordBefore(length, at + 1)) | 0
  c = (c + wordBefore(length, at + 2)) | 0
  c = ((c ^ b) - rotate(b, 14)) | 0
  a = ((a ^ c) - rotate(c, 11)) | 0
  b = ((b ^ a) - rotate(a, 25)) | 0
  c = ((c ^ b) - rotate(b, 16)) | 0
  a = ((a ^ c) - rotate(c, 4)) | 0
  b = ((b ^ a) - rotate(a, 14)) | 0
  return ((c ^ b) - rotate(b, 24)) >>> 0
}

/** Paul Hsieh's SuperFastHash, which twemproxy has and libhashkit as packaged leaves out. */
export function hsieh(length: number): number {
  const body = length >>> 2
  let h = 0
  for (let i = 0; i < body; i++) {
    const k = words[i]!
    h = (h + (k & 0xffff)) | 0
    h = (h << 16) ^ ((k >>> 16) << 11) ^ h
    h = (h + (h >>> 11)) | 0
  }
  const rest = words[body]!
  if ((length & 3) === 3) {
    h = (h + (rest & 0xffff)) | 0
    // The last byte is a signed one.
    h ^= (h << 16) ^ (((rest << 8) >> 24) << 18)
    h = (h + (h >>> 11)) | 0
  } else if ((length & 3) === 2) {
    h = (h + rest) | 0
    h ^= h << 11
    h = (h + (h >>> 17)) | 0
  } else if ((length & 3) === 1) {
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

/** A word of a key of `length` bytes; zero after its end. */
function wordBefore(length: number, at: number): number {
  return 4 * at < length ? words[at]! : 0
}

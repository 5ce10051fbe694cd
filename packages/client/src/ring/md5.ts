// MD5 of a packed key, and its first word, which is all that a ketama lookup needs of it.
// Knows no rings. Written out because node:crypto takes four times as long for a short input (it makes a
// native object and a Buffer per digest), and without a function per step because V8 stops inlining before
// the 64th (0.9 us instead of 0.3).
import { words } from './key-words.ts'

const BLOCK = 16
const state = new Int32Array(4)
const digest = new Uint8Array(16)

/**
 * MD5 of the key in `words`, of `length` bytes; its first four bytes as a little-endian unsigned number
 * (libhashkit's `md5`).
 */
export function firstWordOfMd5(length: number): number {
  const end = pad(length)
  let a = 0x67452301
  let b = 0xefcdab89 | 0
  let c = 0x98badcfe | 0
  let d = 0x10325476
  let t = 0
  for (let block = 0; block < end; block += BLOCK) {
    const x0 = words[block]!
    const x1 = words[block + 1]!
    const x2 = words[block + 2]!
    const x3 = words[block + 3]!
    const x4 = words[block + 4]!
    const x5 = words[block + 5]!
    const x6 = words[block + 6]!
    const x7 = words[block + 7]!
    const x8 = words[block + 8]!
    const x9 = words[block + 9]!
    const x10 = words[block + 10]!
    const x11 = words[block + 11]!
    const x12 = words[block + 12]!
    const x13 = words[block + 13]!
    const x14 = words[block + 14]!
    const x15 = words[block + 15]!
    const a0 = a
    const b0 = b
    const c0 = c
    const d0 = d
    t = (a + ((b & c) | (~b & d)) + x0 + 0xd76aa478) | 0
    a = (((t << 7) | (t >>> 25)) + b) | 0
    t = (d + ((a & b) | (~a & c)) + x1 + 0xe8c7b756) | 0
    d = (((t << 12) | (t >>> 20)) + a) | 0
    t = (c + ((d & a) | (~d & b)) + x2 + 0x242070db) | 0
    c = (((t << 17) | (t >>> 15)) + d) | 0
    t = (b + ((c & d) | (~c & a)) + x3 + 0xc1bdceee) | 0
    b = (((t << 22) | (t >>> 10)) + c) | 0
    t = (a + ((b & c) | (~b & d)) + x4 + 0xf57c0faf) | 0
    a = (((t << 7) | (t >>> 25)) + b) | 0
    t = (d + ((a & b) | (~a & c)) + x5 + 0x4787c62a) | 0
    d = (((t << 12) | (t >>> 20)) + a) | 0
    t = (c + ((d & a) | (~d & b)) + x6 + 0xa8304613) | 0
    c = (((t << 17) | (t >>> 15)) + d) | 0
    t = (b + ((c & d) | (~c & a)) + x7 + 0xfd469501) | 0
    b = (((t << 22) | (t >>> 10)) + c) | 0
    t = (a + ((b & c) | (~b & d)) + x8 + 0x698098d8) | 0
    a = (((t << 7) | (t >>> 25)) + b) | 0
    t = (d + ((a & b) | (~a & c)) + x9 + 0x8b44f7af) | 0
    d = (((t << 12) | (t >>> 20)) + a) | 0
    t = (c + ((d & a) | (~d & b)) + x10 + 0xffff5bb1) | 0
    c = (((t << 17) | (t >>> 15)) + d) | 0
    t = (b + ((c & d) | (~c & a)) + x11 + 0x895cd7be) | 0
    b = (((t << 22) | (t >>> 10)) + c) | 0
    t = (a + ((b & c) | (~b & d)) + x12 + 0x6b901122) | 0
    a = (((t << 7) | (t >>> 25)) + b) | 0
    t = (d + ((a & b) | (~a & c)) + x13 + 0xfd987193) | 0
    d = (((t << 12) | (t >>> 20)) + a) | 0
    t = (c + ((d & a) | (~d & b)) + x14 + 0xa679438e) | 0
    c = (((t << 17) | (t >>> 15)) + d) | 0
    t = (b + ((c & d) | (~c & a)) + x15 + 0x49b40821) | 0
    b = (((t << 22) | (t >>> 10)) + c) | 0
    t = (a + ((b & d) | (c & ~d)) + x1 + 0xf61e2562) | 0
    a = (((t << 5) | (t >>> 27)) + b) | 0
    t = (d + ((a & c) | (b & ~c)) + x6 + 0xc040b340) | 0
    d = (((t << 9) | (t >>> 23)) + a) | 0
    t = (c + ((d & b) | (a & ~b)) + x11 + 0x265e5a51) | 0
    c = (((t << 14) | (t >>> 18)) + d) | 0
    t = (b + ((c & a) | (d & ~a)) + x0 + 0xe9b6c7aa) | 0
    b = (((t << 20) | (t >>> 12)) + c) | 0
    t = (a + ((b & d) | (c & ~d)) + x5 + 0xd62f105d) | 0
    a = (((t << 5) | (t >>> 27)) + b) | 0
    t = (d + ((a & c) | (b & ~c)) + x10 + 0x02441453) | 0
    d = (((t << 9) | (t >>> 23)) + a) | 0
    t = (c + ((d & b) | (a & ~b)) + x15 + 0xd8a1e681) | 0
    c = (((t << 14) | (t >>> 18)) + d) | 0
    t = (b + ((c & a) | (d & ~a)) + x4 + 0xe7d3fbc8) | 0
    b = (((t << 20) | (t >>> 12)) + c) | 0
    t = (a + ((b & d) | (c & ~d)) + x9 + 0x21e1cde6) | 0
    a = (((t << 5) | (t >>> 27)) + b) | 0
    t = (d + ((a & c) | (b & ~c)) + x14 + 0xc33707d6) | 0
    d = (((t << 9) | (t >>> 23)) + a) | 0
    t = (c + ((d & b) | (a & ~b)) + x3 + 0xf4d50d87) | 0
    c = (((t << 14) | (t >>> 18)) + d) | 0
    t = (b + ((c & a) | (d & ~a)) + x8 + 0x455a14ed) | 0
    b = (((t << 20) | (t >>> 12)) + c) | 0
    t = (a + ((b & d) | (c & ~d)) + x13 + 0xa9e3e905) | 0
    a = (((t << 5) | (t >>> 27)) + b) | 0
    t = (d + ((a & c) | (b & ~c)) + x2 + 0xfcefa3f8) | 0
    d = (((t << 9) | (t >>> 23)) + a) | 0
    t = (c + ((d & b) | (a & ~b)) + x7 + 0x676f02d9) | 0
    c = (((t << 14) | (t >>> 18)) + d) | 0
    t = (b + ((c & a) | (d & ~a)) + x12 + 0x8d2a4c8a) | 0
    b = (((t << 20) | (t >>> 12)) + c) | 0
    t = (a + (b ^ c ^ d) + x5 + 0xfffa3942) | 0
    a = (((t << 4) | (t >>> 28)) + b) | 0
    t = (d + (a ^ b ^ c) + x8 + 0x8771f681) | 0
    d = (((t << 11) | (t >>> 21)) + a) | 0
    t = (c + (d ^ a ^ b) + x11 + 0x6d9d6122) | 0
    c = (((t << 16) | (t >>> 16)) + d) | 0
    t = (b + (c ^ d ^ a) + x14 + 0xfde5380c) | 0
    b = (((t << 23) | (t >>> 9)) + c) | 0
    t = (a + (b ^ c ^ d) + x1 + 0xa4beea44) | 0
    a = (((t << 4) | (t >>> 28)) + b) | 0
    t = (d + (a ^ b ^ c) + x4 + 0x4bdecfa9) | 0
    d = (((t << 11) | (t >>> 21)) + a) | 0
    t = (c + (d ^ a ^ b) + x7 + 0xf6bb4b60) | 0
    c = (((t << 16) | (t >>> 16)) + d) | 0
    t = (b + (c ^ d ^ a) + x10 + 0xbebfbc70) | 0
    b = (((t << 23) | (t >>> 9)) + c) | 0
    t = (a + (b ^ c ^ d) + x13 + 0x289b7ec6) | 0
    a = (((t << 4) | (t >>> 28)) + b) | 0
    t = (d + (a ^ b ^ c) + x0 + 0xeaa127fa) | 0
    d = (((t << 11) | (t >>> 21)) + a) | 0
    t = (c + (d ^ a ^ b) + x3 + 0xd4ef3085) | 0
    c = (((t << 16) | (t >>> 16)) + d) | 0
    t = (b + (c ^ d ^ a) + x6 + 0x04881d05) | 0
    b = (((t << 23) | (t >>> 9)) + c) | 0
    t = (a + (b ^ c ^ d) + x9 + 0xd9d4d039) | 0
    a = (((t << 4) | (t >>> 28)) + b) | 0
    t = (d + (a ^ b ^ c) + x12 + 0xe6db99e5) | 0
    d = (((t << 11) | (t >>> 21)) + a) | 0
    t = (c + (d ^ a ^ b) + x15 + 0x1fa27cf8) | 0
    c = (((t << 16) | (t >>> 16)) + d) | 0
    t = (b + (c ^ d ^ a) + x2 + 0xc4ac5665) | 0
    b = (((t << 23) | (t >>> 9)) + c) | 0
    t = (a + (c ^ (b | ~d)) + x0 + 0xf4292244) | 0
    a = (((t << 6) | (t >>> 26)) + b) | 0
    t = (d + (b ^ (a | ~c)) + x7 + 0x432aff97) | 0
    d = (((t << 10) | (t >>> 22)) + a) | 0
    t = (c + (a ^ (d | ~b)) + x14 + 0xab9423a7) | 0
    c = (((t << 15) | (t >>> 17)) + d) | 0
    t = (b + (d ^ (c | ~a)) + x5 + 0xfc93a039) | 0
    b = (((t << 21) | (t >>> 11)) + c) | 0
    t = (a + (c ^ (b | ~d)) + x12 + 0x655b59c3) | 0
    a = (((t << 6) | (t >>> 26)) + b) | 0
    t = (d + (b ^ (a | ~c)) + x3 + 0x8f0ccc92) | 0
    d = (((t << 10) | (t >>> 22)) + a) | 0
    t = (c + (a ^ (d | ~b)) + x10 + 0xffeff47d) | 0
    c = (((t << 15) | (t >>> 17)) + d) | 0
    t = (b + (d ^ (c | ~a)) + x1 + 0x85845dd1) | 0
    b = (((t << 21) | (t >>> 11)) + c) | 0
    t = (a + (c ^ (b | ~d)) + x8 + 0x6fa87e4f) | 0
    a = (((t << 6) | (t >>> 26)) + b) | 0
    t = (d + (b ^ (a | ~c)) + x15 + 0xfe2ce6e0) | 0
    d = (((t << 10) | (t >>> 22)) + a) | 0
    t = (c + (a ^ (d | ~b)) + x6 + 0xa3014314) | 0
    c = (((t << 15) | (t >>> 17)) + d) | 0
    t = (b + (d ^ (c | ~a)) + x13 + 0x4e0811a1) | 0
    b = (((t << 21) | (t >>> 11)) + c) | 0
    t = (a + (c ^ (b | ~d)) + x4 + 0xf7537e82) | 0
    a = (((t << 6) | (t >>> 26)) + b) | 0
    t = (d + (b ^ (a | ~c)) + x11 + 0xbd3af235) | 0
    d = (((t << 10) | (t >>> 22)) + a) | 0
    t = (c + (a ^ (d | ~b)) + x2 + 0x2ad7d2bb) | 0
    c = (((t << 15) | (t >>> 17)) + d) | 0
    t = (b + (d ^ (c | ~a)) + x9 + 0xeb86d391) | 0
    b = (((t << 21) | (t >>> 11)) + c) | 0
    a = (a + a0) | 0
    b = (b + b0) | 0
    c = (c + c0) | 0
    d = (d + d0) | 0
  }
  state[0] = a
  state[1] = b
  state[2] = c
  state[3] = d
  return a >>> 0
}

/** The whole digest of the key in `words`, in bytes that the next call overwrites. */
export function md5(length: number): Uint8Array {
  firstWordOfMd5(length)
  for (let i = 0; i < digest.length; i++) digest[i] = state[i >>> 2]! >>> (8 * (i & 3))
  return digest
}

/** Appends MD5's padding to the key; returns how many words it is then. */
function pad(length: number): number {
  const end = ((length + 8) >>> 6) * BLOCK + BLOCK
  const last = length >>> 2
  words[last]! |= 0x80 << (8 * (length & 3))
  for (let i = last + 1; i < end - 2; i++) words[i] = 0
  words[end - 2] = length << 3
  words[end - 1] = 0
  return end
}

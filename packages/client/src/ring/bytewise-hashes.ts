// The hashes that take a key byte by byte: one-at-a-time, FNV and the CRCs, as libhashkit and twemproxy
// have them. They take C's `char`, which is signed on x86: bytes from 0x80 on are negative in the first
// two. Knows no keys: bytes in, an unsigned 32-bit number out.

type BytesHash = (bytes: Uint8Array, length: number) => number

const FNV_32_INIT = 0x811c9dc5
const FNV_32_PRIME = 0x01000193
/** The lower halves of the 64-bit constants: libhashkit keeps only the lower half of the result. */
const FNV_64_INIT = 0x84222325
const FNV_64_PRIME = 0x1b3

const signed = (byte: number): number => (byte << 24) >> 24

/** Bob Jenkins' one-at-a-time: libmemcached's default. */
export function oneAtATime(bytes: Uint8Array, length: number): number {
  let value = 0
  for (let i = 0; i < length; i++) {
    value = (value + signed(bytes[i]!)) | 0
    value = (value + (value << 10)) | 0
    value ^= value >>> 6
  }
  value = (value + (value << 3)) | 0
  value ^= value >>> 11
  return (value + (value << 15)) >>> 0
}

export const fnv1_32: BytesHash = (bytes, length) => fnv1(bytes, length, FNV_32_INIT, FNV_32_PRIME)
export const fnv1_64: BytesHash = (bytes, length) => fnv1(bytes, length, FNV_64_INIT, FNV_64_PRIME)
export const fnv1a_32: BytesHash = (bytes, length) =>
  fnv1a(bytes, length, FNV_32_INIT, FNV_32_PRIME)
export const fnv1a_64: BytesHash = (bytes, length) =>
  fnv1a(bytes, length, FNV_64_INIT, FNV_64_PRIME)

function fnv1(bytes: Uint8Array, length: number, init: number, prime: number): number {
  let hash = init | 0
  for (let i = 0; i < length; i++) hash = Math.imul(hash, prime) ^ signed(bytes[i]!)
  return hash >>> 0
}

function fnv1a(bytes: Uint8Array, length: number, init: number, prime: number): number {
  let hash = init | 0
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ signed(bytes[i]!), prime)
  return hash >>> 0
}

const CRC32 = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
  return value
})

/** The CRC-32 of zlib and Ethernet. */
export function crc32(bytes: Uint8Array, length: number): number {
  let value = -1
  for (let i = 0; i < length; i++) value = (value >>> 8) ^ CRC32[(value ^ bytes[i]!) & 0xff]!
  return ~value >>> 0
}

/** What libhashkit calls CRC: 15 bits of it. */
export function crc32Of15Bits(bytes: Uint8Array, length: number): number {
  return (crc32(bytes, length) >>> 16) & 0x7fff
}

const CRC16 = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 8
  for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value & 0x8000 ? 0x11021 : 0)
  return value & 0xffff
})

/** twemproxy's: CRC-16/XMODEM in its lower half; what was shifted out of that stays in the upper one. */
export function crc16(bytes: Uint8Array, length: number): number {
  let value = 0
  for (let i = 0; i < length; i++) value = (value << 8) ^ CRC16[((value >>> 8) ^ bytes[i]!) & 0xff]!
  return value >>> 0
}

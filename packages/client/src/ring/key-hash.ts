// The hashes that place a key, by the names that libmemcached, pylibmc and twemproxy give them.
// Knows nothing of points or nodes, and keeps no cache: hashing costs less than a safe look-up would.
import * as bytewise from './bytewise-hashes.ts'
import { PACKED_MAX, pack } from './key-words.ts'
import { firstWordOfMd5 } from './md5.ts'
import * as wordwise from './wordwise-hashes.ts'

/** An unsigned 32-bit number for a key, taken as UTF-8 of at most 1,000 bytes (memcached takes 250). */
export type KeyHash = (key: string) => number

const bytes = Buffer.alloc(PACKED_MAX)

/** Writes the key into `bytes`; returns its length there. */
function encode(key: string): number {
  const length = key.length
  for (let i = 0; i < length; i++) {
    const code = key.charCodeAt(i)
    if (code > 0x7f) return bytes.write(key)
    bytes[i] = code
  }
  return length
}

export const keyHashes = {
  one_at_a_time: (key: string) => bytewise.oneAtATime(bytes, encode(key)),
  /** The digest's first four bytes, little-endian. */
  md5: (key: string) => firstWordOfMd5(pack(key)),
  /** MurmurHash3 x86_32, seed 0: the fast one, for clients that need agree with no other. */
  murmur3: (key: string) => wordwise.murmur3(pack(key)),
  /** twemproxy's, of 32 bits. */
  crc16: (key: string) => bytewise.crc16(bytes, encode(key)),
  /** Of 15 bits. */
  crc: (key: string) => bytewise.crc32Of15Bits(bytes, encode(key)),
  /** The real CRC-32. */
  crc32a: (key: string) => bytewise.crc32(bytes, encode(key)),
  fnv1_64: (key: string) => bytewise.fnv1_64(bytes, encode(key)),
  fnv1a_64: (key: string) => bytewise.fnv1a_64(bytes, encode(key)),
  fnv1_32: (key: string) => bytewise.fnv1_32(bytes, encode(key)),
  fnv1a_32: (key: string) => bytewise.fnv1a_32(bytes, encode(key)),
  hsieh: (key: string) => wordwise.hsieh(pack(key)),
  murmur: (key: string) => wordwise.murmur2(pack(key)),
  libhashkit_murmur3: (key: string) => wordwise.libhashkitMurmur3(pack(key)),
  jenkins: (key: string) => wordwise.jenkins(pack(key)),
} as const satisfies Record<string, KeyHash>

export type KeyHashName = keyof typeof keyHashes

/** From 0 up to which number, exclusive, a hash gives hashes. */
export function rangeOf(name: KeyHashName): number {
  return name === 'crc' ? 2 ** 15 : 2 ** 32
}

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyHashes } from './key-hash.ts'

const vectors: Readonly<Record<string, Readonly<Record<string, number>>>> = JSON.parse(
  readFileSync(new URL('../../../../test/vectors/libhashkit-1.1.4.json', import.meta.url), 'utf8'),
)

/** libhashkit's names, and ours where they differ. `hsieh` is compiled out of it. */
const LIBHASHKIT = {
  default_one_at_a_time: 'one_at_a_time',
  md5: 'md5',
  crc: 'crc',
  fnv1_64: 'fnv1_64',
  fnv1a_64: 'fnv1a_64',
  fnv1_32: 'fnv1_32',
  fnv1a_32: 'fnv1a_32',
  murmur: 'murmur',
  murmur3: 'libhashkit_murmur3',
  jenkins: 'jenkins',
} as const

describe('the hashes of libhashkit', () => {
  test.each(Object.entries(LIBHASHKIT))('%s gives what libhashkit gives', (theirs, ours) => {
    const expected = vectors[theirs]!
    const keys = Object.keys(expected)
    expect(keys.length).toBeGreaterThan(0)
    expect(Object.fromEntries(keys.map((key) => [key, keyHashes[ours](key)]))).toEqual(expected)
  })
})

describe('md5', () => {
  test('is the first word of MD5, whatever the key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 250 }), (key) => {
        expect(keyHashes.md5(key)).toBe(createHash('md5').update(key).digest().readUInt32LE(0))
      }),
      { numRuns: 500 },
    )
  })

  test('is right at every length around its block size', () => {
    for (let length = 0; length <= 250; length++) {
      const key = 'k'.repeat(length)
      expect(keyHashes.md5(key)).toBe(createHash('md5').update(key).digest().readUInt32LE(0))
    }
  })
})

describe('the other well-known hashes', () => {
  test('murmur3 is MurmurHash3 x86_32 with seed 0', () => {
    expect(keyHashes.murmur3('')).toBe(0)
    expect(keyHashes.murmur3('hello')).toBe(0x248bfa47)
    expect(keyHashes.murmur3('hello, world')).toBe(0x149bbb7f)
    expect(keyHashes.murmur3('The quick brown fox jumps over the lazy dog')).toBe(0x2e4ff723)
  })

  test('the CRCs have the check values of their catalogue', () => {
    expect(keyHashes.crc32a('123456789')).toBe(0xcbf43926)
    expect(keyHashes.crc16('123456789') & 0xffff).toBe(0x31c3)
  })

  test('all give unsigned 32-bit numbers, and the same for the same key', () => {
    for (const [name, hash] of Object.entries(keyHashes)) {
      for (const key of ['a', 'user:1', 'ключ', '鍵', '\u{1f511}', 'k'.repeat(250)]) {
        const value = hash(key)
        expect(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `${name} ${key}`).toBe(
          true,
        )
        expect(hash(key)).toBe(value)
      }
    }
  })
})

import { describe, expect, test } from 'vitest'
import { KeyError } from '../errors.ts'
import { keyByteLength } from './key.ts'

describe('a key', () => {
  test.each([
    ['a', 1],
    ['k'.repeat(250), 250],
    ['é'.repeat(125), 250],
    ['日本', 6],
    ['😀', 4],
    ['__proto__', 9],
  ])('is measured in bytes of UTF-8: %s', (key, bytes) => {
    expect(keyByteLength(key)).toBe(bytes)
  })

  test.each(['', 'k'.repeat(251), 'é'.repeat(126), 'a\ud800b', '\udc00'])(
    'is refused when memcached has no place for it: %j',
    (key) => {
      expect(() => keyByteLength(key)).toThrow(KeyError)
    },
  )

  test('is refused with any space or control character in any place', () => {
    for (const code of [...Array(0x21).keys(), 0x7f]) {
      for (const key of ['?b', 'a?b', 'a?', 'é?']) {
        const bad = key.replace('?', String.fromCharCode(code))
        expect(() => keyByteLength(bad), JSON.stringify(bad)).toThrow(KeyError)
      }
    }
  })

  test('is refused when it is no string', () => {
    for (const key of [undefined, null, 1, {}, Buffer.from('a')]) {
      expect(() => keyByteLength(key as unknown as string)).toThrow(KeyError)
    }
  })
})

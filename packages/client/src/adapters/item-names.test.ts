import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyByteLength } from '../wire/key.ts'
import { itemName, prefixName } from './item-names.ts'

const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 100 }))

test('names that can be keys stay as they are', () => {
  for (const text of ['a', '/blog/first', 'ü', 'a:b', 'a~b', 'x'.repeat(128)]) {
    expect(itemName(text)).toBe(text)
  }
})

test('any text has a name that can be a key, with room for prefixes', () => {
  fc.assert(
    fc.property(anything, (text) => {
      expect(keyByteLength(itemName(text))).toBeLessThanOrEqual(128)
    }),
  )
})

test('no two texts have the same name', () => {
  const texts = ['', ' ', '~', '~0', '\ud800', '\ud801', '\ufffd', 'x'.repeat(129), 'x'.repeat(130)]
  texts.push(itemName(' '), itemName('~'))
  expect(new Set(texts.map(itemName)).size).toBe(texts.length)
})

test('short names with a tilde in front are left to adapters', () => {
  fc.assert(
    fc.property(anything, (text) => {
      const name = itemName(text)
      expect(name.startsWith('~')).toBe(name !== text)
      if (name !== text) expect(name).toHaveLength(44)
    }),
  )
})

test('a prefix has no colon, so that it ends at the first', () => {
  fc.assert(
    fc.property(anything, (text) => {
      expect(prefixName(text)).toMatch(/^[\w.~-]+$/)
    }),
  )
  expect(prefixName('users')).toBe('users')
})

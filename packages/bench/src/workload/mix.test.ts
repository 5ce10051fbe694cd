import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeMix, type Mix, parseMix } from './mix.ts'
import { OPERATIONS } from './operation.ts'

test('a mix names its operations, or is a pair of gets and sets', () => {
  expect(parseMix('get:90,set:10')).toEqual({ get: 90, set: 10 })
  expect(parseMix('set:1,delete:0.5,get:8')).toEqual({ get: 8, set: 1, delete: 0.5 })
  expect(parseMix('9:1')).toEqual({ get: 9, set: 1 })
  expect(parseMix('1:0')).toEqual({ get: 1 })
  expect(parseMix('get:1,incr:0')).toEqual({ get: 1 })
})

test('it is described in the order of operations, without those that do not occur', () => {
  expect(describeMix({ touch: 5, get: 90, set: 0, append: 5 })).toBe('get:90,append:5,touch:5')
})

test('it is read as what it describes', () => {
  const weight = fc.integer({ min: 1, max: 100_000 }).map((parts) => parts / 1_000)
  const mix = fc
    .uniqueArray(fc.constantFrom(...OPERATIONS), { minLength: 1 })
    .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), weight))))
    .map((weights): Mix => Object.fromEntries(weights))
  fc.assert(
    fc.property(mix, (record) => {
      expect(parseMix(describeMix(record))).toEqual(record)
    }),
  )
})

test('what is no mix is refused with a word on how it is written', () => {
  const wrong = ['', '9', '0:0', '1:-1', '1:1:1', 'a:b', 'get', 'get:0', 'get:x', 'get:1,get:2']
  for (const text of [...wrong, 'fetch:1', 'get:1,', 'get:1:2', '1.2.3:1']) {
    expect(() => parseMix(text), text).toThrow(/no mix of operations: write it like/)
  }
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { argumentKey } from './argument-key.ts'

const key = (...args: unknown[]): string => argumentKey(args)

test('equal arguments have the same key', () => {
  expect(key({ a: 1, b: [2, { c: 3, d: 4 }] })).toBe(key({ b: [2, { d: 4, c: 3 }], a: 1 }))
  expect(key(1, undefined)).toBe(key(1))
  expect(key(0)).toBe(key(-0))
  expect(key(new Set([1, 2]))).toBe(key(new Set([2, 1])))
  expect(
    key(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    ),
  ).toBe(
    key(
      new Map([
        ['b', 2],
        ['a', 1],
      ]),
    ),
  )
  expect(key(Buffer.from('ab'))).toBe(key(new Uint8Array([97, 98])))
  expect(key(Object.assign(Object.create(null), { a: 1 }))).toBe(key({ a: 1 }))
})

test('different ones have different keys', () => {
  const different = [
    ...[[], [1], ['1'], [1n], [true], ['true'], [null], ['null'], [[]], [{}], [''], [Number.NaN]],
    ...[
      ['NNaN'],
      ['U'],
      [undefined, 1],
      [null, 1],
      [[1, 2]],
      [1, 2],
      [[1], 2],
      ['1,2'],
      [{ a: 1 }],
    ],
    ...[
      [{ a: undefined }],
      [{ a: '1' }],
      [{ 'a":1,"b': 2 }],
      [{ a: 1, b: 2 }],
      [new Date(1)],
      ['D1'],
    ],
    ...[
      [Buffer.from('a')],
      [new Set()],
      [new Map()],
      [new Set([1])],
      [new Map([[1, 1]])],
      [[[1, 1]]],
    ],
    ...[[new Date(Number.NaN)], [Number.POSITIVE_INFINITY], [{ __proto__: null, b: 1 }]],
  ]
  expect(new Set(different.map((args) => argumentKey(args))).size).toBe(different.length)
})

test('of any data it is a short key, the same each time', () => {
  const data = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true })
  fc.assert(
    fc.property(fc.array(data), (args) => {
      const made = argumentKey(args)
      expect(made).toMatch(/^[\w-]{43}$/)
      expect(argumentKey(structuredClone(args))).toBe(made)
    }),
  )
})

describe('refuses', () => {
  const circle: unknown[] = []
  circle.push(circle)
  test.each([
    ['functions', () => {}],
    ['symbols', Symbol('s')],
    ['objects of classes', new URL('http://localhost')],
    ['circles', circle],
    ['what is deep inside', { a: [new (class Thing {})()] }],
  ])('%s', (_, value) => {
    expect(() => argumentKey([value])).toThrow(/give the option key/)
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockOf } from '../cache/cache-fixture.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'

function decode(text: string): Buffer | undefined {
  // Something before and behind it that is base64 as well.
  const source = blockOf(`AAAA${text}AAAA`)
  const target = blockOf(new Uint8Array(text.length))
  const length = decodeBase64(source, 4, text.length, target)
  return length < 0 ? undefined : Buffer.from(target.bytes.subarray(0, length))
}

function encode(bytes: Uint8Array): string {
  const written: number[] = []
  const source = blockOf(Buffer.concat([Buffer.from('??'), bytes, Buffer.from('??')]))
  encodeBase64(source, 2, bytes.length, { byte: (value) => written.push(value) })
  return Buffer.from(written).toString('latin1')
}

const bytes = fc.uint8Array({ maxLength: 300 })

test('encodes as Buffer does', () => {
  fc.assert(
    fc.property(bytes, (plain) => {
      expect(encode(plain)).toBe(Buffer.from(plain).toString('base64'))
    }),
    { numRuns: 1000 },
  )
})

test('decodes what Buffer encodes', () => {
  fc.assert(
    fc.property(
      bytes.filter(({ length }) => length > 0),
      (plain) => {
        expect(decode(Buffer.from(plain).toString('base64'))).toEqual(Buffer.from(plain))
      },
    ),
    { numRuns: 1000 },
  )
})

describe('is not base64', () => {
  test.each(['', 'A', 'AA', 'AAA', 'AAAAA', '====', 'A===', '=A==', 'AA==A', '!!!!', ' '])(
    '"%s"',
    (text) => {
      expect(decode(text)).toBeUndefined()
    },
  )
})

// As memcached: its keys are what it decodes them to, however they are written.
describe('is read as', () => {
  test.each([
    ['Zm9v', 'foo'],
    ['Z!m 9\tv', 'foo'],
    ['Zg==', 'f'],
    ['Zh==', 'f'],
    ['Zg==Zm9v', 'f'],
    ['Zm8=====', 'fo'],
    ['Z=9=', 'd'],
  ])('"%s"', (text, plain) => {
    expect(decode(text)?.toString('latin1')).toBe(plain)
  })

  test('what has other bytes between its own', () => {
    const alphabet = /[A-Za-z0-9+/=]/
    fc.assert(
      fc.property(bytes, fc.nat(255), fc.nat(), (plain, byte, at) => {
        const other = String.fromCharCode(byte)
        fc.pre(plain.length > 0 && !alphabet.test(other))
        const text = Buffer.from(plain).toString('base64')
        const i = at % text.length
        expect(decode(text.slice(0, i) + other + text.slice(i))).toEqual(Buffer.from(plain))
      }),
    )
  })
})

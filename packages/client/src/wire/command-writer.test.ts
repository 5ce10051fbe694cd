import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CommandWriter } from './command-writer.ts'
import { keyByteLength } from './key.ts'

describe('the command writer', () => {
  test('writes keys, numbers and flags as text', () => {
    const writer = new CommandWriter()
    writer.command('ms')
    writer.key('clé', keyByteLength('clé'))
    writer.number(0)
    writer.flag('T', -1)
    writer.flag('F', 4294967295)
    writer.token('MA')
    writer.endLine()
    expect(Buffer.concat(writer.take()).toString()).toBe('ms clé 0 T-1 F4294967295 MA\r\n')
  })

  test('writes every number in full', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (number) => {
        const writer = new CommandWriter()
        writer.number(number)
        expect(Buffer.concat(writer.take()).toString()).toBe(` ${number}`)
      }),
    )
  })

  test('hands over everything in order, whatever has not been sent when more is written', () => {
    const value = fc.oneof(
      fc.nat(50).map((size) => Buffer.alloc(size, 'a')),
      fc
        .constantFrom(16_384, 16_385, 40_000, 65_536, 100_000)
        .map((size) => Buffer.alloc(size, 'b')),
      fc.constantFrom('', 'text', 'é'.repeat(9000)),
    )
    const step = fc.record({ value, take: fc.boolean(), sent: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const writer = new CommandWriter()
        const expected: Buffer[] = []
        const sent: Buffer[] = []
        let held: Uint8Array[] = []
        for (const { value, take, sent: all } of steps) {
          const size = Buffer.byteLength(value)
          writer.command('ms k')
          writer.endLine()
          writer.value(value, size)
          expected.push(Buffer.from(`ms k\r\n${value}\r\n`))
          if (!take) continue
          held.push(...writer.take())
          if (all) {
            // Copied out now, because from here on the writer may write over it.
            sent.push(...held.map((part) => Buffer.from(part)))
            held = []
            writer.reuse()
          }
        }
        held.push(...writer.take())
        const written = Buffer.concat([...sent, ...held])
        expect(written.equals(Buffer.concat(expected))).toBe(true)
        expect(writer.length).toBe(0)
      }),
    )
  })
})

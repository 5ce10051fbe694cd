import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BinaryRequestParser } from './binary-request-parser.ts'
import { ValueMemory } from './value-memory.ts'

interface Fields {
  readonly opcode: number
  readonly key: string
  readonly extras: number
  readonly value: string
}

function packet({ opcode, key, extras, value }: Fields): Buffer {
  const body = Buffer.concat([Buffer.alloc(extras, 1), Buffer.from(key), Buffer.from(value)])
  const header = Buffer.alloc(24)
  header[0] = 0x80
  header[1] = opcode
  header.writeUInt16BE(Buffer.byteLength(key), 2)
  header[4] = extras
  header.writeUInt32BE(body.length, 8)
  header.writeUInt32BE(opcode + 7, 12)
  return Buffer.concat([header, body])
}

function requestsIn(pieces: readonly Buffer[]): string[] {
  const memory = new ValueMemory(1000)
  const parser = new BinaryRequestParser({ maxValueSize: 100, memory })
  const { request } = parser
  const requests: string[] = []
  for (const piece of pieces) {
    // The socket's memory is used again for what comes next.
    const chunk = Buffer.from(piece)
    parser.feed(chunk, chunk.length)
    while (parser.next()) {
      const { opcode, command, opaque, cas, key, extras, data, refusal, quiet } = request
      const parts = [opcode, command, opaque, cas, key, extras.toString('hex'), quiet, refusal]
      requests.push([...parts, data.toString('latin1')].map(String).join(' | '))
    }
    parser.keep()
    chunk.fill(0)
  }
  parser.close()
  expect(memory.used).toBe(0)
  return requests
}

test('a request has its parts, and its value a line end', () => {
  const set = packet({ opcode: 0x11, key: 'a', extras: 8, value: 'abc' })
  expect(requestsIn([set])).toEqual(['17 | 1 | 24 | 0 | a | 0101010101010101 | true | 0 | abc\r\n'])
})

test('one that has not the parts it must have ends the connection; too large a value does not', () => {
  const malformed = packet({ opcode: 0, key: '', extras: 0, value: '' })
  const large = packet({ opcode: 1, key: 'a', extras: 8, value: 'v'.repeat(101) })
  const noop = packet({ opcode: 0x0a, key: '', extras: 0, value: '' })
  const refusals = requestsIn([Buffer.concat([large, noop, malformed, noop])]).map((text) =>
    Number(text.split(' | ')[7]),
  )
  expect(refusals).toEqual([3, 0, 4])
})

const PACKETS = fc
  .record({
    opcode: fc.constantFrom(0, 1, 2, 4, 5, 9, 0x0a, 0x0e, 0x10, 0x11, 0x1d, 0x21, 0x99),
    key: fc.constantFrom('', 'a', 'key', 'ключ'),
    extras: fc.constantFrom(0, 0, 4, 8, 20),
    value: fc.string({ maxLength: 120 }),
  })
  .map(packet)

test('however the bytes are cut, they ask for the same', () => {
  fc.assert(
    fc.property(
      fc.array(PACKETS, { maxLength: 8 }),
      fc.array(fc.nat(2000), { maxLength: 20 }),
      (packets, cuts) => {
        const bytes = Buffer.concat(packets)
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
          (one, other) => one - other,
        )
        const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end))
        expect(requestsIn(pieces)).toEqual(requestsIn([bytes]))
      },
    ),
    { numRuns: 1000 },
  )
})

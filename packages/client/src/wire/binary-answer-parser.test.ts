import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../errors.ts'
import { type Answer, Status } from './answer.ts'
import { BinaryAnswerParser } from './binary-answer-parser.ts'
import { Opcode, Outcome } from './binary-layout.ts'

interface Packet {
  readonly opcode: number
  readonly outcome?: number
  readonly extras?: Uint8Array
  readonly key?: string
  readonly value?: Uint8Array
}

function packet({ opcode, outcome = 0, extras, key = '', value }: Packet): Buffer {
  const body = [extras ?? Buffer.alloc(0), Buffer.from(key), value ?? Buffer.alloc(0)]
  const header = Buffer.alloc(24)
  header.writeUInt8(0x81, 0)
  header.writeUInt8(opcode, 1)
  header.writeUInt16BE(body[1]!.length, 2)
  header.writeUInt8(body[0]!.length, 4)
  header.writeUInt16BE(outcome, 6)
  header.writeUInt32BE(Buffer.concat(body).length, 8)
  header.writeBigUInt64BE(77n, 16)
  return Buffer.concat([header, ...body])
}

/** Feeds the bytes in pieces through one reused buffer, as a socket does. */
function parse(bytes: Buffer, cuts: readonly number[] = []): object[] {
  const answers: object[] = []
  const parser = new BinaryAnswerParser((answer: Answer) => {
    const { status, line } = answer
    if (status !== Status.value) answers.push(line === '' ? { status } : { status, line })
    else answers.push({ status, flags: answer.flags, cas: answer.cas, value: answer.bytes() })
  })
  const readBuffer = Buffer.alloc(bytes.length + 1)
  let from = 0
  for (const to of [...cuts].sort((a, b) => a - b).concat(bytes.length)) {
    readBuffer.fill(0x81)
    parser.push(readBuffer, bytes.copy(readBuffer, 0, from, to))
    from = to
  }
  return answers
}

const STREAM = Buffer.concat([
  packet({ opcode: Opcode.get, extras: Buffer.from([0, 0, 1, 2]), value: Buffer.from('value') }),
  packet({ opcode: Opcode.get, outcome: Outcome.notFound, value: Buffer.from('Not found') }),
  packet({ opcode: Opcode.set }),
  packet({ opcode: Opcode.set, outcome: Outcome.exists }),
  packet({ opcode: Opcode.add, outcome: Outcome.exists }),
  packet({ opcode: Opcode.delete, outcome: Outcome.notFound }),
  packet({ opcode: Opcode.stat, key: 'pid', value: Buffer.from('1') }),
  packet({ opcode: Opcode.stat }),
  packet({ opcode: Opcode.version, value: Buffer.from('1.6.18') }),
  packet({ opcode: Opcode.set, outcome: 3, value: Buffer.from('Too large.') }),
])

describe('the parser of the binary protocol', () => {
  test('tells what the meta protocol would', () => {
    expect(parse(STREAM)).toEqual([
      { status: Status.value, flags: 258, cas: '77', value: Buffer.from('value') },
      { status: Status.miss },
      { status: Status.done },
      { status: Status.exists },
      { status: Status.notStored },
      { status: Status.notFound },
      { status: Status.stat, line: 'STAT pid 1' },
      { status: Status.end, line: 'STAT  ' },
      { status: Status.version, line: 'VERSION 1.6.18' },
      { status: Status.serverError, line: 'SERVER_ERROR Too large.' },
    ])
  })

  test('tells the same wherever the stream is cut in two, and when it drips', () => {
    const whole = parse(STREAM)
    for (let cut = 0; cut <= STREAM.length; cut++) expect(parse(STREAM, [cut])).toEqual(whole)
    expect(
      parse(
        STREAM,
        Array.from(STREAM, (_, place) => place),
      ),
    ).toEqual(whole)
  })

  test('returns any values unchanged, however they are cut', () => {
    const values = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 })
    fc.assert(
      fc.property(values, fc.array(fc.nat(4000), { maxLength: 20 }), (list, cuts) => {
        const extras = Buffer.alloc(4)
        const stream = Buffer.concat(
          list.map((value) => packet({ opcode: Opcode.get, extras, value })),
        )
        const inside = cuts.filter((cut) => cut <= stream.length)
        expect(parse(stream, inside)).toMatchObject(
          list.map((value) => ({ value: Buffer.from(value) })),
        )
      }),
    )
  })

  test.each([
    ['another protocol', Buffer.from('ERROR\r\n'.repeat(5))],
    ['a request', Buffer.from([0x80, ...packet({ opcode: 0 }).subarray(1)])],
    ['a body beyond all items', packet({ opcode: 0 }).fill(0xff, 8, 12)],
    ['a body shorter than its parts', packet({ opcode: 0 }).fill(9, 4, 5)],
    ['a counter of other than 64 bits', packet({ opcode: Opcode.incr, value: Buffer.from('1') })],
  ])('throws a ProtocolError for %s', (_, bytes) => {
    expect(() => parse(bytes)).toThrow(ProtocolError)
    expect(() => parse(bytes, [1, 2, 23])).toThrow(ProtocolError)
  })
})

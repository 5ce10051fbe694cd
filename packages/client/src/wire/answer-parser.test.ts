import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../errors.ts'
import { type Answer, Status } from './answer.ts'
import { AnswerParser } from './answer-parser.ts'

interface Seen {
  readonly status: number
  readonly line?: string
  readonly flags?: number
  readonly cas?: string
  readonly value?: Buffer
}

function seen(answer: Answer): Seen {
  if (answer.status === Status.value) {
    return { status: answer.status, flags: answer.flags, cas: answer.cas, value: answer.bytes() }
  }
  return answer.status > 0xffff ? { status: answer.status, line: answer.line } : answer
}

/** Feeds the bytes in pieces through one reused buffer, as a socket does. */
function parse(bytes: Buffer, cuts: readonly number[] = []): Seen[] {
  const answers: Seen[] = []
  const parser = new AnswerParser((answer) => {
    const { status } = answer
    answers.push(status <= 0xffff && status !== Status.value ? { status } : seen(answer))
  })
  const readBuffer = Buffer.alloc(bytes.length + 1)
  let from = 0
  for (const to of [...cuts].sort((a, b) => a - b).concat(bytes.length)) {
    readBuffer.fill('\n')
    parser.push(readBuffer, bytes.copy(readBuffer, 0, from, to))
    from = to
  }
  return answers
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('the answer parser', () => {
  test('reads every kind of answer', () => {
    const stream =
      'HD\r\nEN\r\nNF\r\nNS\r\nEX\r\nOK\r\nVA 2 f7 c18446744073709551615\r\nhi\r\n' +
      'VERSION 1.6.18\r\nSTAT pid 1\r\nEND\r\nSERVER_ERROR out of memory\r\nERROR\r\n'
    expect(parse(bytes(stream))).toEqual([
      { status: Status.done },
      { status: Status.miss },
      { status: Status.notFound },
      { status: Status.notStored },
      { status: Status.exists },
      { status: Status.ok },
      { status: Status.value, flags: 7, cas: '18446744073709551615', value: bytes('hi') },
      { status: Status.version, line: 'VERSION 1.6.18' },
      { status: Status.stat, line: 'STAT pid 1' },
      { status: Status.end, line: 'END' },
      { status: Status.serverError, line: 'SERVER_ERROR out of memory' },
      { status: Status.error, line: 'ERROR' },
    ])
  })

  test('reads the same answers wherever the stream is cut in two', () => {
    const values = ['', 'END\r\n', '\r\nEND\r\n', 'VA 1\r\nx\r\n', '\r', '\n', '\0\xff']
    const stream = bytes(
      `${values.map((value) => `VA ${value.length} f4294967295\r\n${value}\r\n`).join('EN\r\n')}VERSION 9\r\n`,
    )
    const whole = parse(stream)
    expect(whole.map((answer) => answer.value?.toString('latin1')).filter(isString)).toEqual(values)
    for (let cut = 0; cut <= stream.length; cut++) expect(parse(stream, [cut])).toEqual(whole)
    const everywhere = Array.from(stream, (_, place) => place)
    expect(parse(stream, everywhere)).toEqual(whole)
  })

  test('returns any values unchanged, however they are cut', () => {
    const values = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 })
    fc.assert(
      fc.property(values, fc.array(fc.nat(4000), { maxLength: 20 }), (list, cuts) => {
        const stream = Buffer.concat(
          list.flatMap((value) => [bytes(`VA ${value.length} f1\r\n`), value, bytes('\r\n')]),
        )
        const inside = cuts.filter((cut) => cut <= stream.length)
        expect(parse(stream, inside).map((answer) => answer.value)).toEqual(
          list.map((value) => Buffer.from(value)),
        )
      }),
    )
  })

  test.each([
    ['VA 2 f0\r\nhello\r\n', 'a value longer than announced'],
    ['VA 5 f0\r\nhell\r\nEN\r\n', 'a value shorter than announced'],
    ['VA -1 f0\r\n', 'a negative size'],
    ['VA x f0\r\n', 'a size that is no number'],
    ['VA  f0\r\n\r\n', 'no size'],
    ['VA 99999999999 f0\r\n', 'a size beyond all items'],
    ['VA 1 fx\r\na\r\n', 'flags that are no number'],
    ['HTTP/1.1 400 Bad Request\r\n', 'another protocol'],
    ['\x15\x03\x01\x00\x02\x02\n', 'a TLS alert'],
    ['HD\n', 'a line without CR'],
    ['\r\n', 'an empty line'],
    [`VERSION ${'9'.repeat(10_000)}`, 'a line without end'],
  ])('throws a ProtocolError for %j (%s)', (stream) => {
    expect(() => parse(bytes(stream))).toThrow(ProtocolError)
    expect(() => parse(bytes(stream), [1, 2, 3])).toThrow(ProtocolError)
  })
})

function isString(value: string | undefined): value is string {
  return value !== undefined
}

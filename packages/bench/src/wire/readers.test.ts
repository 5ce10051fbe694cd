// Answers that are no success: refusals, after which the stream goes on, and nonsense, after which nothing does.
import { describe, expect, test } from 'vitest'
import { OPERATIONS } from '../workload/operation.ts'
import { PROTOCOLS } from '../workload/workload.ts'
import { giveAnswers, makeCaller, type OperationRow, playBatch } from './caller-fixture.ts'
import { ServerFixture } from './server-fixture.ts'

/** A binary answer: status, and a body of extras, key and value. */
function packet(
  opcode: number,
  {
    magic = 0x81,
    status = 0,
    entry = 0,
    extras = '',
    key = '',
    value = '',
  }: Partial<Record<'magic' | 'status' | 'entry', number>> &
    Partial<Record<'extras' | 'key' | 'value', string>> = {},
): string {
  const header = Buffer.alloc(24)
  header.writeUInt8(magic, 0)
  header.writeUInt8(opcode, 1)
  header.writeUInt16BE(key.length, 2)
  header.writeUInt8(extras.length, 4)
  header.writeUInt16BE(status, 6)
  header.writeUInt32BE(extras.length + key.length + value.length, 8)
  header.writeUInt32BE(entry, 12)
  return header.toString('latin1') + extras + key + value
}

const GET_ONE: readonly OperationRow[] = [['get', 1]]
const TWO_KEYS: readonly OperationRow[] = [
  ['get', 1],
  ['get', 2],
]

describe('a refusal', () => {
  test.each(['SERVER_ERROR out of memory storing object', 'CLIENT_ERROR bad data chunk', 'ERROR'])(
    'in a text protocol fails its request; the next answer is in step: %s',
    (line) => {
      for (const protocol of ['classic', 'meta'] as const) {
        for (const name of OPERATIONS) {
          const { caller, tally } = makeCaller([[name, 1], ...GET_ONE], { protocol })
          caller.begin(2)
          const answer = { classic: 'VALUE key:1 0 2\r\nab\r\nEND\r\n', meta: 'VA 2\r\nab\r\n' }[
            protocol
          ]
          expect(giveAnswers(caller, `${line}\r\n${answer}`, [5])).toBe(2)
          expect(tally).toMatchObject({ gets: 1, errors: 1, misses: 0 })
          expect([...tally.complaints]).toEqual([`answered "${line}"`])
          expect(caller.conversations[0]).toMatchObject({ broken: undefined, outstanding: 0 })
        }
      }
    },
  )

  test('of a store is one too', () => {
    const { caller, tally } = makeCaller([['set', 1]])
    caller.begin(1)
    expect(giveAnswers(caller, 'NOT_STORED\r\n')).toBe(1)
    expect(tally).toMatchObject({ sets: 0, errors: 1 })
  })

  test('in the binary protocol has a status and a text', () => {
    const { caller, tally } = makeCaller([['set', 1], ...GET_ONE], { protocol: 'binary' })
    caller.begin(2)
    const refusal = packet(0x01, { status: 0x82, value: 'Out of memory' })
    const hit = packet(0x0c, { entry: 1, extras: '\0\0\0\0', key: 'key:1', value: 'ab' })
    expect(giveAnswers(caller, refusal + hit, [7])).toBe(2)
    expect(tally).toMatchObject({ gets: 1, sets: 0, errors: 1 })
    expect([...tally.complaints]).toEqual(['answered status 130, "Out of memory"'])
  })

  test('of one of several quiet gets does not end their answer, and the others are no misses', () => {
    const meta = makeCaller(TWO_KEYS, { protocol: 'meta', keysPerGet: 2, mayMiss: false })
    meta.caller.begin(1)
    const error = 'SERVER_ERROR out of memory'
    expect(giveAnswers(meta.caller, `${error}\r\nVA 2 kkey:2\r\nab\r\nMN\r\n`, [4])).toBe(1)
    expect(meta.tally).toMatchObject({ errors: 1, misses: 0, gets: 0 })
    expect(meta.caller.conversations[0]!.broken).toBeUndefined()

    const binary = makeCaller(TWO_KEYS, { protocol: 'binary', keysPerGet: 2, mayMiss: false })
    binary.caller.begin(1)
    const answers = packet(0x0d, { status: 0x82, value: 'no' }) + packet(0x0a, { entry: 1 })
    expect(giveAnswers(binary.caller, answers, [9])).toBe(1)
    expect(binary.tally).toMatchObject({ errors: 1, misses: 0, gets: 0 })
    expect(binary.caller.conversations[0]!.broken).toBeUndefined()
  })
})

describe('nonsense', () => {
  const classic: readonly [string, readonly OperationRow[], string][] = [
    ['another key', GET_ONE, 'VALUE key:2 0 2\r\nab\r\nEND\r\n'],
    ['a longer key', GET_ONE, 'VALUE key:11 0 2\r\nab\r\nEND\r\n'],
    ['the same key twice', GET_ONE, 'VALUE key:1 0 1\r\na\r\nVALUE key:1 0 1\r\na\r\nEND\r\n'],
    ['no length', GET_ONE, 'VALUE key:1 0\r\nab\r\nEND\r\n'],
    ['an absurd length', GET_ONE, 'VALUE key:1 0 99999999999\r\n'],
    ['a value longer than it says', GET_ONE, 'VALUE key:1 0 2\r\nabc\r\nEND\r\n'],
    ['a line feed missing', GET_ONE, 'VALUE key:1 0 2\r.ab\r\nEND\r\n'],
    ['a value without a line end', GET_ONE, 'VALUE key:1 0 2\r\nab..END\r\n'],
    ['a value shorter than it says', GET_ONE, 'VALUE key:1 0 4\r\nab\r\nEND\r\n'],
    ['an answer to something else', GET_ONE, 'STORED\r\n'],
    ['a number that is none', [['incr', 1]], '12x\r\n'],
    ['another protocol', GET_ONE, 'HTTP/1.1 400 Bad Request\r\n'],
    ['an empty line', [['set', 1]], '\r\n'],
    ['no carriage return', [['set', 1]], 'STORED\n'],
    ['a line without an end', GET_ONE, 'x'.repeat(2_000)],
    ['more than was asked for', [['set', 1]], 'STORED\r\nSTORED\r\n'],
  ]
  test.each(classic)('of classic breaks the stream: %s', (_, rows, answer) => {
    for (const sizes of [[10_000], [1], [3, 7]]) {
      const { caller } = makeCaller(rows)
      caller.begin(1)
      giveAnswers(caller, answer, sizes)
      expect(caller.conversations[0]!.broken).toBeDefined()
    }
  })

  test('keys of classic in the wrong order break the stream', () => {
    const { caller } = makeCaller(TWO_KEYS, { keysPerGet: 2 })
    caller.begin(1)
    giveAnswers(caller, 'VALUE key:2 0 1\r\na\r\nVALUE key:1 0 1\r\na\r\nEND\r\n')
    expect(caller.conversations[0]!.broken).toContain('"VALUE key:1 0 1" to a get of')
  })

  const meta: readonly [string, number, string][] = [
    ['a key that was not asked for', 1, 'VA 2 kkey:1\r\nab\r\n'],
    ['no key of several', 2, 'VA 2\r\nab\r\nMN\r\n'],
    ['another key of several', 2, 'VA 2 kkey:3\r\nab\r\nMN\r\n'],
    ['a longer key of several', 2, 'VA 2 kkey:11\r\nab\r\nMN\r\n'],
    ['a miss of several', 2, 'EN\r\n'],
    ['the end of several', 1, 'MN\r\n'],
    ['a value without a length', 1, 'VA \r\n\r\n'],
  ]
  test.each(meta)('of meta breaks the stream: %s', (_, keysPerGet, answer) => {
    const { caller } = makeCaller(TWO_KEYS, { protocol: 'meta', keysPerGet })
    caller.begin(1)
    giveAnswers(caller, answer, [3])
    expect(caller.conversations[0]!.broken).toBeDefined()
  })

  const hit = { extras: '\0\0\0\0', key: 'key:1', value: 'ab' }
  const binary: readonly [string, number, string][] = [
    ['text', 1, 'VALUE key:1 0 2\r\nab\r\nEND\r\n'],
    ['a request', 1, packet(0x0c, { ...hit, magic: 0x80 })],
    ['another opcode', 1, packet(0x01)],
    ['another opaque', 1, packet(0x0c, { ...hit, entry: 1 })],
    ['another key', 1, packet(0x0c, { ...hit, key: 'key:2' })],
    ['no key', 1, packet(0x0c, { ...hit, key: '' })],
    ['a longer key', 1, packet(0x0c, { ...hit, key: 'key:11' })],
    ['a key of the wrong opaque', 2, packet(0x0d, { ...hit, entry: 1 })],
    [
      'keys in the wrong order',
      2,
      packet(0x0d, { ...hit, entry: 1, key: 'key:2' }) + packet(0x0d, hit),
    ],
    ['more than was asked for', 1, packet(0x0c, hit) + packet(0x0c, hit)],
  ]
  test.each(binary)('of the binary protocol breaks the stream: %s', (_, keysPerGet, answer) => {
    for (const sizes of [[10_000], [1], [5, 23]]) {
      const { caller } = makeCaller(TWO_KEYS, { protocol: 'binary', keysPerGet })
      caller.begin(1)
      giveAnswers(caller, answer, sizes)
      expect(caller.conversations[0]!.broken).toBeDefined()
    }
  })

  test('is also an answer of the binary protocol to another request', () => {
    const { caller } = makeCaller([['set', 1]], { protocol: 'binary' })
    caller.begin(1)
    giveAnswers(caller, packet(0x01, { entry: 1 }))
    expect(caller.conversations[0]!.broken).toContain('to a set of "key:1"')
  })

  test('is also what comes unasked after a batch that is smaller than the one before', () => {
    const answers = { classic: 'STORED\r\n', meta: 'HD\r\n', binary: packet(0x01) }
    for (const protocol of PROTOCOLS) {
      const sets = Array.from({ length: 3 }, (): OperationRow => ['set', 1])
      const { caller } = makeCaller(sets, { protocol })
      const server = new ServerFixture()
      playBatch(caller, [server], 2)
      playBatch(caller, [server], 1)
      giveAnswers(caller, answers[protocol])
      expect(caller.conversations[0]!.broken).toContain('that nobody asked for')
    }
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RequestParser } from './request-parser.ts'
import { ValueMemory } from './value-memory.ts'

const LIMITS = { maxValueSize: 100, memory: new ValueMemory(1024) }

/** Everything that the bytes ask for, one line of text for each request; the bytes come in these pieces. */
function requestsIn(pieces: readonly Buffer[], keeping = false): string[] {
  const parser = new RequestParser(LIMITS)
  const { request } = parser
  const requests: string[] = []
  for (const piece of pieces) {
    // The socket's memory is used again for what comes next.
    const chunk = Buffer.from(piece)
    parser.feed(chunk, chunk.length)
    while (parser.next()) {
      if (keeping) {
        parser.keep()
        chunk.fill(0)
      }
      const parts: unknown[] = [request.kind]
      if (request.kind === 'list') {
        parts.push(request.operation.name)
        while (parser.nextKey()) parts.push(request.key)
      } else if (request.kind === 'text' || request.kind === 'stats') parts.push(request.text)
      else if (request.kind !== 'quit') {
        const { operation, key, flags, ttl, operand, metaFlags, data, quiet } = request
        parts.push(operation.name, key, flags, ttl, operand, metaFlags, quiet)
        parts.push(data.toString('latin1'))
      }
      requests.push(parts.map(String).join(' | '))
    }
    if (parser.broken) requests.push('broken')
    parser.keep()
    chunk.fill(0)
  }
  parser.close()
  return requests
}

const requests = (text: string): string[] => requestsIn([Buffer.from(text, 'latin1')])

describe('a request', () => {
  test('of one key, and of many', () => {
    expect(requests('get a\r\ngets a b  c \r\ngat 10 x y\r\n')).toEqual([
      'get | get | a | 0 | undefined | 0 |  | false | ',
      'list | gets | a | b | c',
      'list | gat | x | y',
    ])
  })

  test('that stores has its numbers as every memcached takes them, and its line end with its value', () => {
    expect(requests('set a +7 -1 3 noreply\r\nabc\r\n')).toEqual([
      'keyed | set | a | 7 | -1 | 0 |  | true | abc\r\n',
    ])
    expect(requests('cas a 4294967297 0 1 18446744073709551615\r\nx\r\n')).toEqual([
      'keyed | cas | a | 1 | 0 | 18446744073709551615 |  | false | x\r\n',
    ])
  })

  test('of the meta protocol keeps its flags but q', () => {
    expect(requests('mg a v q Oq\r\nms b 1 q T0\r\nx\r\n')).toEqual([
      'keyed | mg | a | 0 | undefined | 0 | v Oq | true | ',
      'keyed | ms | b | 0 | undefined | 0 | T0 | true | x\r\n',
    ])
    expect(requests('mg a q q\r\n')).toEqual(['text | CLIENT_ERROR duplicate flag\r\n'])
  })

  test('with too large a value is refused, and its value dropped as it comes', () => {
    const value = 'v'.repeat(101)
    expect(requests(`set a 0 0 101\r\n${value}\r\nadd a 0 0 101\r\n${value}\r\nmn\r\n`)).toEqual([
      'refused | set | a | 0 | 0 | 0 |  | false | ',
      'text | SERVER_ERROR object too large for cache\r\n',
      'text | MN\r\n',
    ])
  })
})

test('values that are still coming have a bound, all clients together', () => {
  const memory = new ValueMemory(150)
  const half = Buffer.from('set a 0 0 98\r\nhalf a value')
  const parsers = [1, 2].map(() => new RequestParser({ maxValueSize: 100, memory }))
  for (const parser of parsers) parser.feed(half, half.length)
  expect(parsers[0]!.next()).toBe(false)
  expect(memory.used).toBe(100)
  expect(parsers[1]!.next()).toBe(true)
  expect(parsers[1]!.request.text).toBe('SERVER_ERROR out of memory storing object\r\n')
  for (const parser of parsers) parser.close()
  expect(memory.used).toBe(0)
})

const KEYS = fc.oneof(
  fc.constantFrom('a', 'bb', 'k'.repeat(250), 'k'.repeat(251), '\xc3\xa9', 'noreply'),
)
const VALUES = fc.string({ maxLength: 110 })
const COMMANDS = fc.oneof(
  fc
    .tuple(fc.constantFrom('get', 'gets', 'gat 1', 'gats x'), fc.array(KEYS, { maxLength: 5 }))
    .map(([name, keys]) => `${name} ${keys.join(' ')}\r\n`),
  fc
    .tuple(fc.constantFrom('set', 'add', 'append', 'cas'), KEYS, VALUES, fc.constantFrom('', ' 5'))
    .map(([name, key, value, more]) => {
      const bytes = Buffer.from(value, 'latin1')
      return `${name} ${key} 0 0 ${bytes.length}${more}\r\n${bytes.toString('latin1')}\r\n`
    }),
  fc
    .tuple(fc.constantFrom('mg', 'md', 'ma', 'me', 'mn', 'delete', 'incr', 'touch'), KEYS)
    .map(([name, key]) => `${name} ${key} 1 q\r\n`),
  fc.tuple(KEYS, VALUES).map(([key, value]) => `ms ${key} ${value.length} q\r\n${value}\r\n`),
  fc.constantFrom(
    'version\r\n',
    'stats nodes\r\n',
    'flush_all 1\r\n',
    '\r\n',
    'x\n',
    'verbosity 1\n',
  ),
  fc.string({ maxLength: 30 }),
)

test('however the bytes are cut, they ask for the same', () => {
  fc.assert(
    fc.property(
      fc.array(COMMANDS, { maxLength: 12 }),
      fc.array(fc.nat(2000), { maxLength: 20 }),
      fc.boolean(),
      (commands, cuts, keeping) => {
        const bytes = Buffer.from(commands.join(''), 'latin1')
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
          (one, other) => one - other,
        )
        const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end))
        const whole = requestsIn([bytes])
        const cut = requestsIn(pieces, keeping)
        // Once it is broken it stays so, in every piece that follows.
        const until = (all: string[]): string[] => {
          const end = all.indexOf('broken')
          return end < 0 ? all : all.slice(0, end + 1)
        }
        expect(until(cut)).toEqual(until(whole))
      },
    ),
    { numRuns: 2000 },
  )
})

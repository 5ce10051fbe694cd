// The request loop: whatever the pieces in which requests arrive, and however often the reply fills, the
// same bytes come back, and nothing stays behind.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MEGABYTE } from '../cache/cache-fixture.ts'
import type { CacheOptions } from '../cache/cache-memory.ts'
import { EVICTED } from '../cache/statistics.ts'
import { type Client, converse, Server } from './conversation.ts'
import { cut, shares } from './cut.ts'
import { INLINE_VALUE_MAX_BYTES, Reply } from './reply.ts'

const BAD_FORMAT = 'CLIENT_ERROR bad command line format\r\n'

// ---- sessions of any commands, good and bad

const keys = fc.constantFrom(
  'a',
  'b',
  'c',
  'number',
  'long',
  'k'.repeat(250),
  'get',
  '\t\u0000',
  'é',
)
const values = fc.oneof(
  { weight: 4, arbitrary: fc.nat(1000).map(String) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '',
      'x',
      '\r\n',
      'get a\r\n',
      'END\r\n',
      'a\r\nset a 0 0 1\r\nb',
      '\n\n\n',
    ),
  },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 400 }).map((n) => 'some text\r\n'.repeat(n)) },
  // About the size from which values are sent from where they lie.
  {
    weight: 2,
    arbitrary: fc.integer({ min: -2, max: 2 }).map((n) => 'v'.repeat(INLINE_VALUE_MAX_BYTES + n)),
  },
  { weight: 2, arbitrary: fc.nat(9).map((n) => `${n}abcdefghi`.repeat(6000 + n)) },
)
const numbers = fc.constantFrom('0', '1', '7', '4294967296', '18446744073709551615', '-1', 'x', '')
const exptimes = fc.constantFrom('0', '1', '100', '-1', '2592001')
const noreply = fc.constantFrom('', '', ' noreply')
const flag = fc.constantFrom(
  ...['v', 'k', 'c', 'f', 's', 't', 'h', 'l', 'q', 'u', 'O123', 'T0', 'T30', 'N0', 'N30', 'R60'],
  ...['I', 'x', 'C1', 'C5', 'E77', 'D2', 'J10', 'MI', 'MD', 'ME', 'MA', 'MP', 'MR', 'MS', 'F3'],
  ...['!', 'y', 'T', 'Mz', 'C'],
)
const flags = fc
  .uniqueArray(flag, { maxLength: 5, selector: (f) => f[0] })
  .map((all) => all.map((f) => ` ${f}`).join(''))

/** Commands that answer the same whatever other clients do to other keys. */
function commandsOn(keys: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const stored = fc
    .tuple(
      fc.constantFrom('set', 'add', 'replace', 'append', 'prepend'),
      keys,
      fc.constantFrom('0', '1', '4294967295'),
      exptimes,
      values,
      noreply,
    )
    .map(
      ([command, key, f, exptime, value, quiet]) =>
        `${command} ${key} ${f} ${exptime} ${value.length}${quiet}\r\n${value}\r\n`,
    )
  const compared = fc
    .tuple(keys, fc.nat(20), values, noreply)
    .map(([key, cas, value, q]) => `cas ${key} 0 0 ${value.length} ${cas}${q}\r\n${value}\r\n`)
  const metaStored = fc
    .tuple(keys, flags, values)
    .map(([key, f, value]) => `ms ${key} ${value.length}${f}\r\n${value}\r\n`)
  const retrieval = fc
    .tuple(fc.constantFrom('get', 'gets', 'gat 0', 'gats 100'), fc.array(keys, { minLength: 1 }))
    .map(([command, all]) => `${command} ${all.join(' ')}\r\n`)
  const other = fc.oneof(
    fc
      .tuple(fc.constantFrom('incr', 'decr'), keys, numbers, noreply)
      .map(([command, key, delta, quiet]) => `${command} ${key} ${delta}${quiet}\r\n`),
    fc.tuple(keys, noreply).map(([key, quiet]) => `delete ${key}${quiet}\r\n`),
    fc.tuple(keys, exptimes, noreply).map(([key, exp, quiet]) => `touch ${key} ${exp}${quiet}\r\n`),
    fc
      .tuple(fc.constantFrom('mg', 'md', 'ma'), keys, flags)
      .map(([command, key, f]) => `${command} ${key}${f}\r\n`),
    keys.map((key) => `me ${key}\r\n`),
    fc.constantFrom('mn\r\n', 'version\n', 'verbosity 1\r\n', 'stats settings\r\n'),
  )
  return fc.oneof(
    { weight: 3, arbitrary: stored },
    { weight: 1, arbitrary: compared },
    { weight: 2, arbitrary: metaStored },
    { weight: 2, arbitrary: retrieval },
    { weight: 4, arbitrary: other },
  )
}

const wrong = fc.constantFrom(
  ...['\r\n', '\n', ' get a\r\n', 'nonsense\r\n', 'get\r\n', 'gets \r\n', 'set a 0 0\r\n'],
  ...['set a 0 0 x\r\n', 'set a x 0 3\r\nabc\r\n', 'set a 0 0 3\r\nabcdef\r\n', 'mx a\r\n'],
  ...[`set ${'k'.repeat(251)} 0 0 3\r\nabc\r\n`, `get a ${'k'.repeat(251)} b\r\n`, 'ms a\r\n'],
  ...['ms a 3\r\nab\r\n\n', 'gat x a\r\n', 'md a b\r\n', 'decr a\r\n', 'cas a 0 0 1\r\nx\r\n'],
  // Too large for the cache: what follows is swallowed, however much.
  'set a 0 0 2000000\r\n',
)

const commands = fc.oneof(
  { weight: 12, arbitrary: commandsOn(keys) },
  { weight: 2, arbitrary: wrong },
  {
    weight: 1,
    // Not `stats items`: what a reply that has not left yet still sends from is passed over when room is made, so counts
    // depend on the pieces.
    arbitrary: fc.constantFrom(
      ...['flush_all\r\n', 'flush_all 1 noreply\r\n', 'stats sizes\r\n'],
      ...['stats reset\r\n', 'mg Zm9v b k v\r\n', 'ms Zm9v 2 b\r\nhi\r\n'],
    ),
  },
)

function sessionsOf(command: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  return fc
    .array(command, { maxLength: 60, size: 'max' })
    .map((all) => Buffer.from(`${all.join('')}mn\r\n`, 'latin1'))
}
const sessions = sessionsOf(commands)

describe('a session cut at any bytes is answered as one that arrives whole', () => {
  test.each<[string, Partial<CacheOptions>]>([
    ['by default', {}],
    ['with chunks of 1 KiB', { slabChunkMaxBytes: 1024 }],
    ['with a flat LRU and without CAS', { segmented: false, casEnabled: false }],
  ])('%s', (_, options) => {
    fc.assert(
      fc.property(sessions, shares, (session, at) => {
        const whole = new Server(options)
        const expected = whole.connect().send(session)
        whole.check()
        const pieces = new Server(options)
        const client = pieces.connect()
        const replies = cut(session, at).map((piece) => {
          const reply = client.send(piece)
          pieces.check()
          return reply
        })
        expect(replies.join('')).toBe(expected)
        expect(client.closed).toBe(false)
      }),
      { numRuns: 50 },
    )
  })

  test('byte by byte', () => {
    const session =
      'set a 1 0 5\r\nab\r\nc\r\nms b 2 T0 c\r\nhi\r\nget a b\r\nset c 0 0 1\r\nxyz\r\nma n N0 J5 v\r\nmn\r\n'
    const client = new Server().connect()
    const replies = [...session].map((byte) => client.send(byte))
    expect(replies.join('')).toBe(converse(session))
  })

  test('in hardly any memory it is answered to the end, and nothing is lost', () => {
    const manyKeys = fc.nat(50).map((n) => `key:${n}`)
    const options = { memoryLimitBytes: MEGABYTE, slabChunkMaxBytes: 16384 }
    let evictions = 0
    fc.assert(
      fc.property(sessionsOf(commandsOn(manyKeys)), shares, (session, at) => {
        const server = new Server(options)
        const client = server.connect()
        setMany(client, 30, 60_000)
        const before = server.cache.statistics.total(EVICTED)
        let reply = ''
        for (const piece of cut(session, at)) {
          reply += client.send(piece)
          server.check()
        }
        expect(reply.endsWith('MN\r\n')).toBe(true)
        evictions += server.cache.statistics.total(EVICTED) - before
      }),
      { numRuns: 50 },
    )
    expect(evictions).toBeGreaterThan(10)
  })

  test('and so are those of clients whose pieces come in turns', () => {
    // Without CAS: uniques are counted over all clients.
    const options = { casEnabled: false }
    const session = (n: number): fc.Arbitrary<Buffer[]> =>
      fc
        .tuple(sessionsOf(commandsOn(fc.constantFrom(`a${n}`, `b${n}`, `c${n}`))), shares)
        .map(([bytes, at]) => cut(bytes, at))
    fc.assert(
      fc.property(fc.tuple(session(1), session(2), session(3)), (sessions) => {
        const server = new Server(options)
        const clients = sessions.map((pieces) => ({ client: server.connect(), pieces, reply: '' }))
        for (let i = 0; clients.some(({ pieces }) => i < pieces.length); i++) {
          for (const one of clients) one.reply += one.client.send(one.pieces[i] ?? '')
          server.check()
        }
        for (const { pieces, reply } of clients) {
          const alone = new Server(options)
          expect(reply).toBe(alone.connect().send(Buffer.concat(pieces)))
        }
      }),
      { numRuns: 30 },
    )
  })
})

// ---- the limits of a reply

function setMany(client: Client, count: number, length: number): string[] {
  const names = Array.from({ length: count }, (_, i) => `key:${i}`)
  for (const name of names) {
    expect(client.send(`set ${name} 0 0 ${length}\r\n${contentOf(name, length)}\r\n`)).toBe(
      'STORED\r\n',
    )
  }
  return names
}

function contentOf(name: string, length: number): string {
  return `${name} `.repeat(length).slice(0, length)
}

function expected(names: readonly string[], length: number): string {
  const hits = names.map((name) => `VALUE ${name} 0 ${length}\r\n${contentOf(name, length)}\r\n`)
  return `${hits.join('')}END\r\n`
}

describe('answers larger than a reply', () => {
  test.each([
    ['thousands of small values', 5000, 100],
    ['values that just go into the reply', 300, INLINE_VALUE_MAX_BYTES],
    ['values that are sent from the arena', 300, INLINE_VALUE_MAX_BYTES + 1],
    ['large values', 20, 500_000],
    ['values in chunks', 10, 1_000_000],
  ])('%s', (_, count, length) => {
    const server = new Server()
    const client = server.connect()
    const names = setMany(client, count, length)
    const reply = client.send(`get ${names.join(' ')}\r\nmn\r\n`)
    expect(reply === `${expected(names, length)}MN\r\n`).toBe(true)
    server.check()
  })

  test.each([900, 1100, 3000, INLINE_VALUE_MAX_BYTES, 20_000])(
    'values of %i bytes in chunks of 1 KiB',
    (length) => {
      const server = new Server({ slabChunkMaxBytes: 1024 })
      const client = server.connect()
      const names = setMany(client, 50, length)
      expect(client.send(`get ${names.join(' ')}\r\n`) === expected(names, length)).toBe(true)
      const value = contentOf('key:7', length)
      expect(client.send('mg key:7 v\r\n')).toBe(`VA ${length}\r\n${value}\r\n`)
      server.check()
    },
  )

  test('a client that takes nothing holds back about a megabyte', () => {
    const server = new Server()
    const client = server.connect()
    const names = setMany(client, 40, 100_000)
    client.offer(`get ${names.join(' ')}\r\n`)
    expect(client.execute()).toBe(true)
    const { reply } = server.engine
    expect(reply.totalBytes).toBeGreaterThanOrEqual(MEGABYTE)
    expect(reply.totalBytes).toBeLessThan(MEGABYTE + 101_000)
    // Nothing more is executed before it was sent.
    const before = reply.totalBytes
    expect(client.execute()).toBe(true)
    expect(reply.totalBytes).toBe(before)
    server.engine.release(reply)
    server.check()
  })

  test('keep the bytes that were asked for, whatever happens to the items before they are sent', () => {
    const server = new Server({ memoryLimitBytes: 2 * MEGABYTE })
    const client = server.connect()
    const names = setMany(client, 4, 150_000)
    client.offer(`get ${names.join(' ')}\r\n`)
    client.execute()
    const { reply } = server.engine
    server.engine.reply = new Reply()
    const other = server.connect()
    other.send('flush_all\r\n')
    for (let round = 0; round < 20; round++) {
      other.send(`set key:${round % 8} 0 0 150000\r\n${'x'.repeat(150_000)}\r\n`)
    }
    other.send('delete key:1\r\n')
    expect(client.take(reply).toString('latin1') === expected(names, 150_000)).toBe(true)
    server.engine.release(reply)
    server.check()
  })

  test('an item that 255 replies send from is a miss for the next', () => {
    const server = new Server()
    const client = server.connect()
    setMany(client, 1, INLINE_VALUE_MAX_BYTES + 1)
    client.offer('get key:0\r\n'.repeat(300))
    const { engine } = server
    const held = [engine.reply]
    while (client.execute()) {
      engine.reply = new Reply()
      held.push(engine.reply)
    }
    const text = held.map((reply) => client.take(reply).toString('latin1')).join('')
    expect(text.match(/VALUE/g)?.length).toBe(255)
    expect(text.match(/END/g)?.length).toBe(300)
    for (const reply of held) engine.release(reply)
    server.check()
    expect(client.send('get key:0\r\n')).toContain('VALUE')
  })

  test('a long text of ours', () => {
    const settings = Array.from(
      { length: 5000 },
      (_, i) => [`setting_${i}`, 'v'.repeat(i % 50)] as const,
    )
    const server = new Server({}, { settings: () => settings })
    const lines = settings.map(([name, value]) => `STAT ${name} ${value}\r\n`).join('')
    const reply = server.connect().send('mn\r\nstats settings\r\nmn\r\n')
    expect(reply).toBe(`MN\r\n${lines}END\r\nMN\r\n`)
  })

  test('thousands of commands that arrive at once', () => {
    const count = 20_000
    const session = 'set a 0 0 3\r\nabc\r\nget a\r\n'.repeat(count)
    const reply = converse(session)
    expect(reply === 'STORED\r\nVALUE a 0 3\r\nabc\r\nEND\r\n'.repeat(count)).toBe(true)
  })
})

describe('a key that is too long', () => {
  const long = 'k'.repeat(251)

  test.each([
    ['early', 1, 10],
    ['late among small values', 3000, 100],
    ['late among large values', 50, 100_000],
  ])('%s: one error for the whole get, and no value', (_, count, length) => {
    const server = new Server()
    const client = server.connect()
    const names = setMany(client, count, length)
    expect(client.send(`get ${names.join(' ')} ${long} key:0\r\nmn\r\n`)).toBe(
      `${BAD_FORMAT}MN\r\n`,
    )
    server.check()
  })

  test('leaves the answers before it alone', () => {
    expect(converse(`set a 0 0 1\r\nx\r\nget a\r\nget a ${long}\r\n`)).toBe(
      `STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n${BAD_FORMAT}`,
    )
  })
})

describe('lines', () => {
  test('end with LF, or CRLF', () => {
    expect(converse('set a 0 0 1\nx\r\nget a\nmn\r\n')).toBe(
      'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\nMN\r\n',
    )
  })

  test('of fewer than four bytes are bad', () => {
    expect(converse('\r\n')).toBe(BAD_FORMAT)
    expect(converse('mn\n')).toBe(BAD_FORMAT)
    expect(converse('x\r\n')).toBe(BAD_FORMAT)
  })

  test('longer than 2048 bytes must arrive whole', () => {
    const server = new Server()
    const whole = server.connect()
    expect(whole.send(`delete a ${'x'.repeat(3000)}\r\n`)).toBe('NOT_FOUND\r\n')
    const slow = server.connect()
    expect(slow.send('x'.repeat(2048))).toBe('')
    expect(slow.closed).toBe(false)
    expect(slow.send('x')).toBe('')
    expect(slow.closed).toBe(true)
  })

  test.each(['get', 'gets'])('of %s keys may be longer', (command) => {
    const client = new Server().connect()
    for (let i = 0; i < 3000; i++) client.send(i === 0 ? `${command} a` : ` key:${i}`)
    expect(client.closed).toBe(false)
    expect(client.send('\r\n')).toBe('END\r\n')
  })

  test('of a browser close the connection, without an answer', () => {
    const client = new Server().connect()
    expect(client.send('GET / HTTP/1.1\r\nHost: cache\r\n\r\n')).toBe('')
    expect(client.closed).toBe(true)
  })

  test('after quit are not executed', () => {
    const server = new Server()
    const client = server.connect()
    expect(client.send('set a 0 0 1\r\nx\r\nquit\r\nset a 0 0 1\r\ny\r\n')).toBe('STORED\r\n')
    expect(client.closed).toBe(true)
    expect(server.connect().send('get a\r\n')).toBe('VALUE a 0 1\r\nx\r\nEND\r\n')
  })
})

describe('a client that goes away in the middle of a value', () => {
  test.each([10, 100_000, 900_000])('of %i bytes leaves nothing behind', (length) => {
    const server = new Server()
    const client = server.connect()
    client.send(`set a 0 0 ${length}\r\n${'x'.repeat(length / 2)}`)
    server.check()
    client.hangUp()
    server.check()
    expect(server.cache.slabs.usedChunks(server.cache.slabs.largestClass)).toBe(0)
  })
})

describe('a large value for which memory runs out on its way', () => {
  function serverWithoutMemory(): Server {
    const server = new Server({ memoryLimitBytes: 2 * MEGABYTE, evictionsEnabled: false })
    const client = server.connect()
    for (const name of 'ab') {
      expect(client.send(`set ${name} 0 0 700000\r\n${'x'.repeat(700_000)}\r\n`)).toBe('STORED\r\n')
    }
    return server
  }

  test.each(['set c 0 0', 'ms c'])('is refused once, and dropped to its end: %s', (command) => {
    const server = serverWithoutMemory()
    const client = server.connect()
    const value = 'get a\r\n'.repeat(100_000)
    const reply = client.send(`${command} ${value.length}\r\n${value}\r\nmn\r\n`)
    expect(reply).toMatch(/^SERVER_ERROR .*\r\nMN\r\n$/)
    server.check()
  })

  test('in pieces', () => {
    const server = serverWithoutMemory()
    const client = server.connect()
    let reply = client.send('set c 0 0 700000\r\n')
    for (let i = 0; i < 7; i++) reply += client.send('x'.repeat(100_000))
    expect(reply + client.send('\r\nmn\r\n')).toMatch(/^SERVER_ERROR .*\r\nMN\r\n$/)
    server.check()
  })

  test('without a word with noreply', () => {
    const server = serverWithoutMemory()
    const client = server.connect()
    let reply = client.send('set c 0 0 700000 noreply\r\n')
    for (let i = 0; i < 7; i++) reply += client.send('x'.repeat(100_000))
    expect(reply + client.send('\r\nmn\r\n')).toBe('MN\r\n')
    server.check()
  })
})

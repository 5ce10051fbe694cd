// `-Y`: nobody reaches a command who has not logged in.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AUTH_CMDS, AUTH_ERRORS, CMD_FLUSH } from '../cache/statistics.ts'
import { Server } from './conversation.ts'
import { type Credential, Credentials, MAX_CREDENTIALS } from './credentials.ts'

const UNAUTHENTICATED = 'CLIENT_ERROR unauthenticated\r\n'

function credential(user: string, password: string): Credential {
  return { user: Buffer.from(user), password: Buffer.from(password) }
}

function setUp(...users: readonly Credential[]) {
  const credentials = new Credentials()
  credentials.set(users.length > 0 ? users : [credential('foo', 'bar'), credential('baz', 'a b')])
  const server = new Server({}, { credentials })
  return { server, credentials, client: server.connect() }
}

const login = (text: string): string => `set any 0 0 ${text.length}\r\n${text}\r\n`

describe('logging in', () => {
  test('by a set of user and password, under any key', () => {
    const { client } = setUp()
    expect(client.send('set x 123 456 7\r\nfoo bar\r\n')).toBe('STORED\r\n')
    expect(client.send('set foo 0 0 2\r\nhi\r\nget foo x\r\n')).toBe(
      'STORED\r\nVALUE foo 0 2\r\nhi\r\nEND\r\n',
    )
  })

  test('is once per connection, and pipelines with what follows', () => {
    const { server, client } = setUp()
    expect(client.send(`${login('foo bar')}set a 0 0 1\r\nx\r\nmg a v\r\n`)).toBe(
      'STORED\r\nSTORED\r\nVA 1\r\nx\r\n',
    )
    expect(server.connect().send('mg a v\r\n')).toBe(UNAUTHENTICATED)
  })

  test('may fail 16 times on one connection, and what comes after is not heard', () => {
    const { server, client } = setUp()
    const failure = 'CLIENT_ERROR authentication failure\r\n'
    expect(client.send(login('foo x').repeat(15))).toBe(failure.repeat(15))
    expect(client.closed).toBe(false)
    expect(client.send(`${login('foo x')}${login('foo bar')}`)).toBe(failure)
    expect(client.closed).toBe(true)
    expect(server.cache.statistics.get(AUTH_ERRORS)).toBe(16)
  })

  test('nobody is let in by an entry that is not there, however long his name', () => {
    const { client, credentials } = setUp()
    credentials.set([])
    for (const text of [
      ' ',
      '\xff \xff',
      `${'\xff'.repeat(255)} ${'\xff'.repeat(5)}`,
      `a ${'b'.repeat(2_000)}`,
    ]) {
      expect(client.send(login(text))).toBe('CLIENT_ERROR authentication failure\r\n')
    }
  })

  test('the longest user and password that a file can hold', () => {
    const [user, password] = ['u'.repeat(100), 'p'.repeat(154)]
    const { client } = setUp(credential(user, password))
    expect(client.send(login(`${user} ${password}`))).toBe('STORED\r\n')
  })

  test('what follows the first space is the password', () => {
    expect(setUp().client.send(login('baz a b'))).toBe('STORED\r\n')
  })

  test('byte by byte', () => {
    const { client } = setUp()
    const answers = [...`${login('foo bar')}mn\r\n`].map((byte) => client.send(byte))
    expect(answers.join('')).toBe('STORED\r\nMN\r\n')
  })

  test.each([
    ['another password', 'foo baz'],
    ['another user', 'fop bar'],
    ['less of the password', 'foo ba'],
    ['more of the password', 'foo barr'],
    ['another user’s password', 'foo a b'],
    ['no password', 'foo '],
    ['nobody', ' '],
  ])('%s is a failure, and may be tried again', (_, text) => {
    const { server, client } = setUp()
    expect(client.send(login(text))).toBe('CLIENT_ERROR authentication failure\r\n')
    expect(client.send('get foo\r\n')).toBe(UNAUTHENTICATED)
    expect(client.send(login('foo bar'))).toBe('STORED\r\n')
    expect(server.cache.statistics.get(AUTH_CMDS)).toBe(2)
    expect(server.cache.statistics.get(AUTH_ERRORS)).toBe(1)
  })

  test('what is no user and password', () => {
    const { client } = setUp()
    expect(client.send('set a 0 0 7\r\nfoo barx\r\n')).toBe(
      'CLIENT_ERROR bad command line termination\r\n',
    )
    // As in memcached, one byte too many is the next line's first.
    expect(client.closed).toBe(true)
    expect(setUp().client.send(login('foo:bar'))).toBe(
      'CLIENT_ERROR bad authentication token format\r\n',
    )
    expect(setUp().client.send(login(''))).toBe('CLIENT_ERROR bad authentication token format\r\n')
  })

  test('a text longer than 16 KiB is refused at once and dropped', () => {
    const { client } = setUp()
    expect(client.send('set a 0 0 20000\r\n')).toBe('CLIENT_ERROR auth token too long\r\n')
    expect(client.send(`get a\r\nget a\r\n${'x'.repeat(20_000 - 14)}\r\n`)).toBe('')
    expect(client.send('get a\r\n')).toBe(UNAUTHENTICATED)
    expect(client.send(login('foo bar'))).toBe('STORED\r\n')
  })

  test('a line that is very short, or has no end, closes the connection', () => {
    for (const line of ['\r\n', 'mn\r\n', 'me\r\n']) {
      const { client } = setUp()
      expect(client.send(line)).toBe('')
      expect(client.closed).toBe(true)
    }
    const { client } = setUp()
    client.send('get '.padEnd(2048, 'x'))
    expect(client.closed).toBe(false)
    client.send('x')
    expect(client.closed).toBe(true)
  })

  test('others may be let in while connections are there; who is in stays', () => {
    const { credentials, server, client } = setUp()
    expect(client.send(login('foo bar'))).toBe('STORED\r\n')
    credentials.set([credential('new', 'one')])
    expect(client.send('mn\r\n')).toBe('MN\r\n')
    const later = server.connect()
    expect(later.send(login('foo bar'))).toBe('CLIENT_ERROR authentication failure\r\n')
    expect(later.send(login('new one'))).toBe('STORED\r\n')
  })

  test('all eight users, with long names', () => {
    const names = Array.from({ length: MAX_CREDENTIALS }, (_, i) => `${i}`.repeat(100))
    const { server } = setUp(...names.map((name) => credential(name, name)))
    for (const name of names) {
      expect(server.connect().send(login(`${name} ${name}`))).toBe('STORED\r\n')
    }
  })
})

describe('nobody else reaches a command', () => {
  test.each([
    'get foo',
    'set foo 0 0 x',
    'set foo 0 0',
    'set foo 0 0 -1',
    'add foo 0 0 7',
    'stats',
    'quit now',
    'flush_all',
    'shutdown',
    'version',
    'ms foo 7 c',
    'GET / HTTP/1.1',
    'SET foo 0 0 7',
  ])('%s', (line) => {
    const { server, client } = setUp()
    expect(client.send(`${line}\r\n`)).toBe(UNAUTHENTICATED)
    expect(client.closed).toBe(false)
    expect(server.cache.statistics.get(CMD_FLUSH)).toBe(0)
  })

  test('the binary protocol', () => {
    const { client } = setUp()
    const version = Buffer.alloc(24)
    version[0] = 0x80
    version[1] = 0x0b
    expect(client.send(Buffer.concat([version, Buffer.from('\r\n')]))).toBe(UNAUTHENTICATED)
  })

  test('whatever it sends, in whatever pieces', () => {
    const ANSWER =
      /^(CLIENT_ERROR (unauthenticated|authentication failure|auth token too long|bad authentication token format|bad command line termination)\r\n)*$/
    const piece = fc.oneof(
      fc.constantFrom(
        'set a 0 0 7\r\n',
        'set a 0 0 3 noreply\r\n',
        'foo baz',
        'foo ',
        '\r\n',
        '\n',
        'set a 0 0 20000\r\n',
        'get a\r\n',
        'flush_all\r\n',
        'ms a 2\r\nhi\r\n',
        'set a 0 0 2\r\nhi\r\n',
        'md a\r\n',
        '\x80\x08',
        'version\r\n',
      ),
      fc.string({ unit: 'binary-ascii', maxLength: 30 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { server, client } = setUp()
        for (const bytes of pieces) {
          if (client.closed) break
          expect(client.send(bytes)).toMatch(ANSWER)
        }
        expect(server.cache.table.count).toBe(0)
        expect(server.cache.statistics.get(CMD_FLUSH)).toBe(0)
        server.check()
      }),
    )
  })
})

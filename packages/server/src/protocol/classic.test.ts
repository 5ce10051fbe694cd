// The classic commands, with the clock in our hands. Times are in seconds.
import { describe, expect, test } from 'vitest'
import { START_UNIX_SECONDS } from '../cache/cache-fixture.ts'
import { type Client, converse, Server } from './conversation.ts'

const BAD_FORMAT = 'CLIENT_ERROR bad command line format\r\n'
const TOO_LARGE = 'SERVER_ERROR object too large for cache\r\n'
const LONG_KEY = 'k'.repeat(251)
const MONTH = 60 * 60 * 24 * 30

function start(): { client: Client; at: (seconds: number) => void } {
  const server = new Server()
  return { client: server.connect(), at: (seconds) => server.cache.clock.tick(seconds) }
}

function hit(key: string, value: string, flags = 0): string {
  return `VALUE ${key} ${flags} ${value.length}\r\n${value}\r\nEND\r\n`
}

describe('storage commands', () => {
  test.each([
    ['set', 'STORED', 'STORED', 'new'],
    ['add', 'STORED', 'NOT_STORED', 'old'],
    ['replace', 'NOT_STORED', 'STORED', 'new'],
    ['append', 'NOT_STORED', 'STORED', 'oldnew'],
    ['prepend', 'NOT_STORED', 'STORED', 'newold'],
  ])('%s on a missing and on an existing key', (command, missing, existing, value) => {
    expect(converse(`${command} a 0 0 3\r\nnew\r\n`)).toBe(`${missing}\r\n`)
    expect(converse(`set a 0 0 3\r\nold\r\n${command} a 0 0 3\r\nnew\r\nget a\r\n`)).toBe(
      `STORED\r\n${existing}\r\n${hit('a', value)}`,
    )
  })

  test('append and prepend keep flags and expiry, and give a new CAS unique', () => {
    const { client, at } = start()
    client.send('set a 5 10 1\r\nb\r\nappend a 9 0 1\r\nc\r\nprepend a 9 99 1\r\na\r\n')
    expect(client.send('gets a\r\n')).toBe('VALUE a 5 3 3\r\nabc\r\nEND\r\n')
    at(10)
    expect(client.send('get a\r\n')).toBe('END\r\n')
  })

  test('append lets a value grow until it is too large', () => {
    const server = new Server()
    const client = server.connect()
    const part = 'some text '.repeat(10_000)
    expect(client.send(`set a 0 0 ${part.length}\r\n${part}\r\n`)).toBe('STORED\r\n')
    for (let i = 2; i <= 10; i++) {
      expect(client.send(`append a 0 0 ${part.length}\r\n${part}\r\n`)).toBe('STORED\r\n')
      server.check()
      expect(client.send('get a\r\n') === hit('a', part.repeat(i))).toBe(true)
    }
    expect(client.send(`append a 0 0 ${part.length}\r\n${part}\r\n`)).toBe('NOT_STORED\r\n')
    expect(client.send('get a\r\n') === hit('a', part.repeat(10))).toBe(true)
    server.check()
  })

  test('cas stores if the unique is that of the item', () => {
    const { client } = start()
    expect(client.send('cas a 0 0 1 1\r\nx\r\n')).toBe('NOT_FOUND\r\n')
    client.send('set a 0 0 1\r\nx\r\n')
    expect(client.send('cas a 0 0 1 2\r\ny\r\n')).toBe('EXISTS\r\n')
    expect(client.send('cas a 0 0 1 0\r\ny\r\n')).toBe('EXISTS\r\n')
    expect(client.send('cas a 0 0 1 1\r\ny\r\n')).toBe('STORED\r\n')
    expect(client.send('cas a 0 0 1 1\r\nz\r\n')).toBe('EXISTS\r\n')
    expect(client.send('cas a 0 0 1 18446744073709551615\r\nz\r\n')).toBe('EXISTS\r\n')
    expect(client.send('touch a 0\r\ngets a\r\n')).toBe('TOUCHED\r\nVALUE a 0 1 2\r\ny\r\nEND\r\n')
  })

  test('values hold any bytes', () => {
    const value = `${Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('latin1')}\r\nEND\r\n`
    expect(converse(`set a 0 0 ${value.length}\r\n${value}\r\nget a\r\n`)).toBe(
      `STORED\r\n${hit('a', value)}`,
    )
  })

  test('keys hold any bytes but blanks, up to 250 of them', () => {
    const longest = LONG_KEY.slice(1)
    for (const key of ['\t', '\u0000', 'é', longest]) {
      expect(converse(`set ${key} 0 0 1\r\nx\r\nget ${key}\r\n`)).toBe(`STORED\r\n${hit(key, 'x')}`)
    }
  })

  test('client flags are 32 bits', () => {
    expect(converse('set a 4294967295 0 1\r\nx\r\nget a\r\n')).toBe(
      `STORED\r\n${hit('a', 'x', 4294967295)}`,
    )
  })
})

describe('a refused value', () => {
  const value = 'get a'

  test.each([
    ['too long a key', `set ${LONG_KEY} 0 0 5`],
    ['bad flags', 'set a x 0 5'],
    ['negative flags', 'set a -1 0 5'],
    ['a bad expiry time', 'set a 0 x 5'],
    ['a bad CAS unique', 'cas a 0 0 5 x'],
  ])('is swallowed: %s', (_, line) => {
    expect(converse(`${line}\r\n${value}\r\nversion\r\n`)).toMatch(
      /^CLIENT_ERROR bad command line format\r\nVERSION .*\r\n$/,
    )
  })

  test.each(['x', '-1', '2147483646', '4294967295', '1x'])(
    'is not, if its length is unknown: %s',
    (length) => {
      expect(converse(`set a 0 0 ${length}\r\n${value}\r\n`)).toBe(`${BAD_FORMAT}END\r\n`)
    },
  )

  test('that is longer than announced is cut there, and the rest is a command', () => {
    expect(converse('set a 0 0 3\r\nabcget b\r\n')).toBe('CLIENT_ERROR bad data chunk\r\nERROR\r\n')
    expect(converse('set a 0 0 3\r\nabcdef\r\n')).toBe(
      `CLIENT_ERROR bad data chunk\r\n${BAD_FORMAT}`,
    )
    // Not even a line end will do that is only LF.
    expect(converse('set a 0 0 3\r\nabc\n\r\nmn\r\n')).toBe(
      `CLIENT_ERROR bad data chunk\r\n${BAD_FORMAT}MN\r\n`,
    )
  })

  test('that is bad leaves the old one', () => {
    expect(converse('set a 0 0 1\r\nx\r\nset a 0 0 1\r\nxyz\r\nget a\r\n')).toContain(hit('a', 'x'))
  })

  test.each([
    ['set', 'END\r\n'],
    ['add', hit('a', 'old')],
    ['replace', hit('a', 'old')],
    ['append', hit('a', 'old')],
  ])('that is too large takes the old one with it only in %s', (command, left) => {
    const large = 'x'.repeat(1_048_576)
    expect(
      converse(`set a 0 0 3\r\nold\r\n${command} a 0 0 ${large.length}\r\n${large}\r\nget a\r\n`),
    ).toBe(`STORED\r\n${TOO_LARGE}${left}`)
  })

  test('is too large by the byte where memcached says so', () => {
    // 48 + 8 for the header, key and NUL, CRLF; 4 for client flags that are not 0.
    const room = 1_048_576 - 56 - 2 - 2
    for (const [flags, length] of [
      [0, room],
      [1, room - 4],
    ]) {
      expect(converse(`set a ${flags} 0 ${length}\r\n${'x'.repeat(length)}\r\n`)).toBe('STORED\r\n')
      expect(converse(`set a ${flags} 0 ${length + 1}\r\n${'x'.repeat(length + 1)}\r\n`)).toBe(
        TOO_LARGE,
      )
    }
  })
})

describe('noreply', () => {
  test.each([
    'set a 0 0 1 noreply\r\nx',
    'add a 0 0 1 noreply\r\nx',
    'replace nope 0 0 1 noreply\r\nx',
    'append nope 0 0 1 noreply\r\nx',
    'cas a 0 0 1 99 noreply\r\nx',
    'set a 0 0 1 noreply\r\nxyz',
    `set ${LONG_KEY} 0 0 1 noreply\r\nx`,
    `set a 0 0 1048576 noreply\r\n${'x'.repeat(1_048_576)}`,
    'delete a noreply',
    'delete a 0 noreply',
    'delete nope noreply',
    'delete noreply',
    'incr n 1 noreply',
    'incr nope 1 noreply',
    'incr a 1 noreply',
    'incr n x noreply',
    'touch a 0 noreply',
    'touch nope 0 noreply',
    'touch a x noreply',
    'flush_all noreply',
    'flush_all 10 noreply',
    'flush_all x noreply',
    'verbosity 1 noreply',
    'verbosity x noreply',
  ])('hides the answer: %#', (request) => {
    const { client } = start()
    client.send('set a 0 0 1\r\nx\r\nset n 0 0 1\r\n1\r\n')
    const reply = client.send(`${request}\r\nmn\r\n`)
    // What is behind a value that is too long is a line of its own.
    expect(reply).toBe(request.endsWith('xyz') ? `${BAD_FORMAT}MN\r\n` : 'MN\r\n')
  })

  test.each(['set a 0 0 x noreply', 'set a noreply', 'nonsense noreply'])(
    'does not hide that a line is no command: %s',
    (request) => {
      expect(converse(`${request}\r\nmn\r\n`)).toMatch(/ERROR.*\r\nMN\r\n$/)
    },
  )

  test('is a key like others for get', () => {
    expect(converse('set noreply 0 0 1\r\nx\r\nget noreply\r\n')).toBe(
      `STORED\r\n${hit('noreply', 'x')}`,
    )
  })
})

describe('an expiry time', () => {
  test('of 0 is never', () => {
    const { client, at } = start()
    client.send('set a 0 0 1\r\nx\r\n')
    at(10 * 365 * 86400)
    expect(client.send('get a\r\n')).toBe(hit('a', 'x'))
  })

  test.each([1, 10, MONTH])('of up to a month is so many seconds away: %i', (exptime) => {
    const { client, at } = start()
    at(1000)
    client.send(`set a 0 ${exptime} 1\r\nx\r\n`)
    at(1000 + exptime - 1)
    expect(client.send('get a\r\n')).toBe(hit('a', 'x'))
    at(1000 + exptime)
    expect(client.send('get a\r\n')).toBe('END\r\n')
  })

  test('beyond is Unix time', () => {
    const { client, at } = start()
    at(1000)
    client.send(`set a 0 ${START_UNIX_SECONDS + 2000} 1\r\nx\r\n`)
    at(1999)
    expect(client.send('get a\r\n')).toBe(hit('a', 'x'))
    at(2000)
    expect(client.send('get a\r\n')).toBe('END\r\n')
  })

  test.each([-1, -1000, MONTH + 1, START_UNIX_SECONDS - 1000])(
    'in the past is over at once: %i',
    (exptime) => {
      const { client } = start()
      expect(client.send(`set a 0 ${exptime} 1\r\nx\r\nget a\r\n`)).toBe('STORED\r\nEND\r\n')
    },
  )

  test('is changed by touch, gat and gats', () => {
    const { client, at } = start()
    client.send('set a 0 10 1\r\nx\r\n')
    expect(client.send('touch a 20\r\n')).toBe('TOUCHED\r\n')
    at(19)
    expect(client.send('gat 30 a\r\n')).toBe(hit('a', 'x'))
    at(48)
    expect(client.send('gats 30 a\r\n')).toBe('VALUE a 0 1 1\r\nx\r\nEND\r\n')
    at(77)
    expect(client.send('gat -1 a\r\n')).toBe(hit('a', 'x'))
    expect(client.send('get a\r\n')).toBe('END\r\n')
    expect(client.send('touch a 0\r\n')).toBe('NOT_FOUND\r\n')
  })

  test('stays with incr, decr, append and prepend', () => {
    const { client, at } = start()
    client.send('set a 0 10 1\r\n9\r\nincr a 1\r\nappend a 0 0 1\r\n0\r\n')
    at(9)
    expect(client.send('get a\r\n')).toBe(hit('a', '100'))
    at(10)
    expect(client.send('add a 0 0 1\r\nx\r\n')).toBe('STORED\r\n')
  })
})

describe('flush_all', () => {
  test('invalidates what is there, not what comes after in the same second', () => {
    const { client } = start()
    expect(
      client.send(
        'set a 0 0 1\r\nx\r\nset b 0 0 1\r\nx\r\nflush_all\r\nset b 0 0 1\r\ny\r\nget a b\r\n',
      ),
    ).toBe(`STORED\r\nSTORED\r\nOK\r\nSTORED\r\n${hit('b', 'y')}`)
    expect(client.send('mg b l\r\n')).toBe('HD l0\r\n')
    expect(client.send('flush_all\r\nget b\r\n')).toBe('OK\r\nEND\r\n')
  })

  test('with a delay does so then', () => {
    const { client, at } = start()
    client.send('set a 0 0 1\r\nx\r\n')
    expect(client.send('flush_all 10\r\nget a\r\n')).toBe(`OK\r\n${hit('a', 'x')}`)
    at(8)
    client.send('set b 0 0 1\r\nx\r\n')
    expect(client.send('get a\r\n')).toBe(hit('a', 'x'))
    at(10)
    expect(client.send('get a b\r\n')).toBe('END\r\n')
    expect(client.send('set a 0 0 1\r\nx\r\nget a\r\n')).toBe(`STORED\r\n${hit('a', 'x')}`)
  })

  test('at a Unix time does so then', () => {
    const { client, at } = start()
    at(100)
    client.send(`set a 0 0 1\r\nx\r\nflush_all ${START_UNIX_SECONDS + 200}\r\n`)
    at(150)
    expect(client.send('get a\r\n')).toBe(hit('a', 'x'))
    at(200)
    expect(client.send('get a\r\n')).toBe('END\r\n')
  })

  test('without a delay forgets the one that was pending', () => {
    const { client, at } = start()
    client.send('flush_all 10\r\nflush_all 0\r\nset a 0 0 1\r\nx\r\n')
    at(20)
    expect(client.send('get a\r\n')).toBe(hit('a', 'x'))
  })

  test.each(['x', '1x', '4294967296'])('at %s is refused', (delay) => {
    expect(converse(`set a 0 0 1\r\nx\r\nflush_all ${delay}\r\nget a\r\n`)).toBe(
      `STORED\r\nCLIENT_ERROR invalid exptime argument\r\n${hit('a', 'x')}`,
    )
  })

  test('can be disabled', () => {
    const client = new Server({}, { flushEnabled: false }).connect()
    expect(client.send('set a 0 0 1\r\nx\r\nflush_all\r\nget a\r\n')).toBe(
      `STORED\r\nCLIENT_ERROR flush_all not allowed\r\n${hit('a', 'x')}`,
    )
  })
})

describe('incr and decr', () => {
  test('answer the number, and store it padded', () => {
    expect(converse('set a 3 0 3\r\n100\r\ndecr a 1\r\nget a\r\nincr a 901\r\nget a\r\n')).toBe(
      `STORED\r\n99\r\n${hit('a', '99 ', 3)}1000\r\n${hit('a', '1000', 3)}`,
    )
  })

  test('say what is wrong', () => {
    expect(converse('incr a 1\r\n')).toBe('NOT_FOUND\r\n')
    expect(converse('incr a\r\n')).toBe(BAD_FORMAT)
    expect(converse(`incr ${LONG_KEY} 1\r\n`)).toBe(BAD_FORMAT)
    for (const delta of ['x', '-1', '18446744073709551616']) {
      expect(converse(`incr a ${delta}\r\n`)).toBe(
        'CLIENT_ERROR invalid numeric delta argument\r\n',
      )
    }
    for (const value of ['', 'x', '1x', '-1']) {
      expect(converse(`set a 0 0 ${value.length}\r\n${value}\r\ndecr a 1\r\n`)).toBe(
        'STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n',
      )
    }
  })
})

describe('delete', () => {
  test('deletes, once', () => {
    expect(converse('set a 0 0 1\r\nx\r\ndelete a\r\ndelete a\r\nget a\r\n')).toBe(
      'STORED\r\nDELETED\r\nNOT_FOUND\r\nEND\r\n',
    )
    expect(converse('delete\r\n')).toBe(BAD_FORMAT)
    expect(converse(`delete ${LONG_KEY}\r\n`)).toBe(BAD_FORMAT)
  })
})

describe('get, gets, gat and gats', () => {
  test.each(['get', 'gets', 'gat 0', 'gats 0'])('%s wants keys', (command) => {
    expect(converse(`${command}\r\n`)).toBe(BAD_FORMAT)
    expect(converse(`${command} \r\n`)).toBe(BAD_FORMAT)
    expect(converse(`${command}   a  b  \r\n`)).toBe('END\r\n')
  })

  test.each(['gat', 'gats'])('%s wants a time', (command) => {
    expect(converse(`${command} x a\r\n`)).toBe('CLIENT_ERROR invalid exptime argument\r\n')
    expect(converse(`${command}\r\n`)).toBe(BAD_FORMAT)
  })

  test.each(['getx a', 'getsx a', 'gatx 0 a', 'GET a', 'bget a'])('%s is no command', (line) => {
    expect(converse(`${line}\r\n`)).toBe('ERROR\r\n')
  })
})

// `-S`: nobody reaches a command who has not logged in. What is expected here was said by memcached 1.6.18
// built with SASL and its password file, on Cyrus 2.1.28.
import { describe, expect, test } from 'vitest'
import { AUTH_CMDS, AUTH_ERRORS, CURR_ITEMS } from '../cache/statistics.ts'
import * as opcode from './binary-opcodes.ts'
import { type Answer, type Packet, packet, readAnswers, words } from './binary-packets.ts'
import type { Login } from './context.ts'
import { type Client, Server } from './conversation.ts'

const AUTHENTICATED = { status: 0, value: 'Authenticated' }
const FAILED = { status: 0x20, value: 'Auth failure.' }
const CONTINUE = { status: 0x21, value: '' }
const INVALID = { status: 4, value: 'Invalid arguments' }
const NO_MEMORY = { status: 0x82, value: 'Out of memory' }
const DONE = { opcode: opcode.NOOP, status: 0 }

const GOOD = '\0alice\0secret'
const WRONG = '\0alice\0wrong'

const NOOP: Packet = { opcode: opcode.NOOP }
const MECHANISMS: Packet = { opcode: opcode.SASL_LIST_MECHANISMS }
const SET: Packet = { opcode: opcode.SET, key: 'a', extras: words(0, 0), value: 'x' }

function start(value: string, key = 'PLAIN'): Packet {
  return { opcode: opcode.SASL_AUTHENTICATE, key, value }
}

function step(value: string): Packet {
  return { opcode: opcode.SASL_STEP, key: 'PLAIN', value }
}

function setUp() {
  const logins: Login[] = []
  const server = new Server(
    {},
    {
      bindingProtocol: 'binary',
      logIn: (login) => {
        logins.push(login)
        return login.user === 'alice' && login.password === 'secret'
      },
    },
  )
  return { server, logins, client: server.connect() }
}

function ask(client: Client, ...packets: readonly Packet[]): Answer[] {
  return readAnswers(client.sendForBytes(Buffer.concat(packets.map(packet))))
}

describe('without a login', () => {
  test.each<[string, Packet]>([
    ['get', { opcode: opcode.GET, key: 'a' }],
    ['set', SET],
    ['setq', { ...SET, opcode: 0x11 }],
    ['stat', { opcode: opcode.STAT }],
    ['noop', NOOP],
    ['quit', { opcode: opcode.QUIT }],
    ['flush', { opcode: opcode.FLUSH }],
    ['an unknown command', { opcode: 0x55 }],
    ['a malformed one', { opcode: opcode.GET }],
  ])('%s is refused, and the connection closed', (_, request) => {
    const { server, client } = setUp()
    expect(ask(client, request, start(GOOD))).toMatchObject([FAILED])
    expect(client.closed).toBe(true)
    expect(server.cache.statistics.get(CURR_ITEMS)).toBe(0)
    server.check()
  })

  test('version and the list of mechanisms are answered', () => {
    const { client } = setUp()
    expect(ask(client, { opcode: opcode.VERSION }, MECHANISMS)).toMatchObject([
      { status: 0 },
      { status: 0, value: 'PLAIN' },
    ])
    expect(client.closed).toBe(false)
  })

  test('the text protocol is not spoken', () => {
    const { client } = setUp()
    expect(client.send('set a 0 0 1\r\nx\r\nversion\r\n')).toBe('')
    expect(client.closed).toBe(true)
  })
})

describe('a login', () => {
  test('opens the connection, and no other', () => {
    const { server, client } = setUp()
    expect(ask(client, start(GOOD), SET, NOOP)).toMatchObject([AUTHENTICATED, { status: 0 }, DONE])
    expect(ask(server.connect(), NOOP)).toMatchObject([FAILED])
  })

  test('is told all three parts of the message', () => {
    const { logins, client } = setUp()
    ask(client, start('bob\0alice@realm\0a secret: é'))
    expect(logins).toEqual([{ authorization: 'bob', user: 'alice@realm', password: 'a secret: é' }])
  })

  test('may come byte by byte', () => {
    const { client } = setUp()
    const bytes = [...Buffer.concat([start(GOOD), NOOP].map(packet))]
    const replies = bytes.map((byte) => client.sendForBytes(Buffer.from([byte])))
    expect(readAnswers(Buffer.concat(replies))).toMatchObject([AUTHENTICATED, DONE])
  })

  test.each([
    ['another password', WRONG],
    ['no password', '\0alice'],
    ['one part', 'alice'],
    ['four parts', `${GOOD}\0`],
    ['8 KiB', `${GOOD}${'x'.repeat(8192)}`],
  ])('with %s fails, and may be tried again', (_, message) => {
    const { server, client } = setUp()
    expect(ask(client, start(message), start(GOOD), NOOP)).toMatchObject([
      FAILED,
      AUTHENTICATED,
      DONE,
    ])
    expect(server.cache.statistics.get(AUTH_CMDS)).toBe(2)
    expect(server.cache.statistics.get(AUTH_ERRORS)).toBe(1)
  })

  test.each([
    ['another one', 'LOGIN', FAILED],
    ['several', 'PLAIN LOGIN', FAILED],
    ['of 33 bytes', 'X'.repeat(33), INVALID],
  ])('with another mechanism fails: %s', (_, mechanism, answer) => {
    const { client } = setUp()
    const requests = [start(GOOD, mechanism), start(GOOD, 'plain'), NOOP]
    expect(ask(client, ...requests)).toMatchObject([answer, AUTHENTICATED, DONE])
  })

  test('with a message too large for an item is refused, and the message dropped', () => {
    const { client } = setUp()
    expect(ask(client, start('x'.repeat(600_000)), start(GOOD))).toMatchObject([
      NO_MEMORY,
      AUTHENTICATED,
    ])
  })

  test.each<[string, Packet]>([
    ['extras', { ...start(GOOD), extras: words(0) }],
    ['no mechanism', { opcode: opcode.SASL_AUTHENTICATE, value: GOOD }],
  ])('with %s is malformed', (_, request) => {
    const { client } = setUp()
    expect(ask(client, request)).toMatchObject([INVALID])
    expect(client.closed).toBe(true)
  })
})

describe('a login in two steps', () => {
  test('begins with an empty message', () => {
    const { server, client } = setUp()
    expect(ask(client, start(''), step(GOOD), NOOP)).toMatchObject([CONTINUE, AUTHENTICATED, DONE])
    expect(server.cache.statistics.get(AUTH_CMDS)).toBe(1)
  })

  test('may fail and go on, or begin again', () => {
    const { client, server } = setUp()
    expect(ask(client, start(''), step(WRONG), step(''), step(GOOD))).toMatchObject([
      ...[CONTINUE, FAILED, FAILED, AUTHENTICATED],
    ])
    expect(ask(server.connect(), start(''), start(GOOD))).toMatchObject([CONTINUE, AUTHENTICATED])
  })

  test('needs the first', () => {
    const { client } = setUp()
    expect(ask(client, step(GOOD), start(WRONG), step(GOOD), NOOP)).toMatchObject([
      ...[FAILED, FAILED, FAILED, FAILED],
    ])
    expect(client.closed).toBe(true)
  })
})

describe('there is one login on a connection:', () => {
  test.each<[string, Packet, object]>([
    ['another one', start(GOOD), FAILED],
    ['a wrong one', start(WRONG), FAILED],
    ['a step', step(GOOD), FAILED],
    ['asking for mechanisms', MECHANISMS, { status: 0 }],
  ])('%s ends it for good', (_, request, answer) => {
    const { client } = setUp()
    const answers = ask(client, start(GOOD), NOOP, request, start(GOOD), step(GOOD), NOOP)
    expect(answers).toMatchObject([AUTHENTICATED, DONE, answer, FAILED, FAILED, FAILED])
    expect(client.closed).toBe(true)
  })
})

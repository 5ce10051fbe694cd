import { describe, expect, test } from 'vitest'
import { MAX_INVALIDATIONS } from '../cache/prefix-invalidations.ts'
import { converse, Server } from './conversation.ts'

const stored = (...keys: readonly string[]): string =>
  keys.map((key) => `set ${key} 0 0 1 noreply\r\nv\r\n`).join('')

describe('invalidate_prefix', () => {
  test('makes misses of what is under the prefix, to every command', () => {
    const server = new Server()
    const client = server.connect()
    client.send(stored('p:1', 'p:2', 'p:n', 'q:1'))
    expect(client.send('invalidate_prefix p:\r\n')).toBe('OK\r\n')
    expect(client.send('get p:1 q:1 p:2\r\n')).toBe('VALUE q:1 0 1\r\nv\r\nEND\r\n')
    expect(client.send('mg p:1 v\r\n')).toBe('EN\r\n')
    for (const command of ['incr p:n 1', 'touch p:1 10', 'delete p:2']) {
      expect(client.send(`${command}\r\n`)).toBe('NOT_FOUND\r\n')
    }
    expect(client.send('append p:1 0 0 1\r\nx\r\n')).toBe('NOT_STORED\r\n')
    expect(client.send('add p:1 0 0 1\r\nw\r\n')).toBe('STORED\r\n')
    expect(client.send('get p:1\r\n')).toBe('VALUE p:1 0 1\r\nw\r\nEND\r\n')
    server.check()
  })

  test('of an item that is being sent kills it for the next', () => {
    const server = new Server()
    const client = server.connect()
    client.send(`set big 0 0 20000\r\n${'v'.repeat(20_000)}\r\n`)
    expect(client.send('get big\r\ninvalidate_prefix b\r\nget big\r\n')).toBe(
      `VALUE big 0 20000\r\n${'v'.repeat(20_000)}\r\nEND\r\nOK\r\nEND\r\n`,
    )
    server.check()
  })

  test('of a value under way lets it live: it is stored later', () => {
    const server = new Server()
    const [writer, other] = [server.connect(), server.connect()]
    writer.send('set p:1 0 0 4\r\nhal')
    expect(other.send('invalidate_prefix p:\r\n')).toBe('OK\r\n')
    expect(writer.send('f\r\nget p:1\r\n')).toBe('STORED\r\nVALUE p:1 0 4\r\nhalf\r\nEND\r\n')
  })

  test('kills items with a CAS unique of a client’s', () => {
    const server = new Server()
    const client = server.connect()
    client.send('ms p:1 1 E18446744073709551615\r\nv\r\nms p:2 1 E1\r\nv\r\n')
    client.send('invalidate_prefix p:\r\n')
    expect(client.send('mg p:1 v\r\nmg p:2 v\r\n')).toBe('EN\r\nEN\r\n')
  })

  test('may be sent without an answer', () => {
    expect(converse(`${stored('p')}invalidate_prefix p noreply\r\nget p\r\n`)).toBe('END\r\n')
  })

  test.each([
    ['invalidate_prefix\r\n', 'CLIENT_ERROR bad command line format\r\n'],
    [`invalidate_prefix ${'p'.repeat(251)}\r\n`, 'CLIENT_ERROR a prefix has at most 250 bytes\r\n'],
  ])('%j is refused', (line, answer) => {
    expect(converse(line)).toBe(answer)
  })

  test('is a flush: not allowed with -F', () => {
    const client = new Server({}, { flushEnabled: false }).connect()
    expect(client.send('invalidate_prefix p\r\n')).toBe(
      'CLIENT_ERROR invalidate_prefix not allowed\r\n',
    )
  })

  test('asks for room when it gets scarce', () => {
    let wakes = 0
    const server = new Server({}, { wakeBackground: () => wakes++ })
    const client = server.connect()
    for (let i = 0; i < MAX_INVALIDATIONS; i++) {
      expect(client.send(`invalidate_prefix p${i}:\r\n`)).toBe('OK\r\n')
    }
    expect(wakes).toBeGreaterThan(0)
    expect(client.send('invalidate_prefix more\r\n')).toMatch(/^SERVER_ERROR too many prefixes/)
  })
})

describe('list_prefix', () => {
  test('tells of the living keys under the prefix, as metadump does', () => {
    const server = new Server()
    const client = server.connect()
    client.send(stored('p:1', 'p:2', 'pq', 'q:1', 'p:%'))
    const lines = client.send('list_prefix p:\r\n').split('\n')
    expect(
      lines
        .filter((line) => line.startsWith('key='))
        .map((line) => line.split(' ')[0])
        .sort(),
    ).toEqual(['key=p%3A%25', 'key=p%3A1', 'key=p%3A2'])
    expect(lines.slice(-2)).toEqual(['END\r', ''])
    expect(lines[0]).toMatch(/^key=\S+ exp=-1 la=\d+ cas=\d+ fetch=no cls=1 size=\d+ flags=0 $/)
    client.send('invalidate_prefix p:\r\n')
    expect(client.send('list_prefix p:\r\n')).toBe('END\r\n')
  })

  test('lists more than an answer holds, a part at a time', () => {
    const server = new Server()
    const client = server.connect()
    const keys = Array.from({ length: 5000 }, (_, i) => `${i % 2 === 0 ? 'even' : 'odd'}:${i}`)
    client.send(stored(...keys))
    const listed = client.send('list_prefix even:\r\n')
    expect(listed.match(/^key=even%3A\d+ /gm)?.length).toBe(2500)
    expect(listed.endsWith('END\r\n')).toBe(true)
  })

  test('is not allowed where keys are not listed (-X)', () => {
    const client = new Server({}, { dumpEnabled: false }).connect()
    expect(client.send('list_prefix p\r\n')).toBe('CLIENT_ERROR list_prefix not allowed\r\n')
    expect(converse('list_prefix\r\n')).toBe('CLIENT_ERROR bad command line format\r\n')
  })
})

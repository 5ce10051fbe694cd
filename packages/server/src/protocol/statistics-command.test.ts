// stats detail, sizes and cachedump. The other reports are tested with what they count, in
// administration.test.ts.
import { describe, expect, test } from 'vitest'
import { COLD } from '../cache/lru.ts'
import * as opcode from './binary-opcodes.ts'
import { packet, readAnswers, words } from './binary-packets.ts'
import { type Client, Server } from './conversation.ts'

describe('stats detail', () => {
  const dump = (client: Client): string => client.send('stats detail dump\r\n')

  test('counts gets, hits, sets and deletes by the prefix of keys, while it is on', () => {
    const client = new Server().connect()
    client.send('get a:1\r\n')
    expect(dump(client)).toBe('END\r\n')
    expect(client.send('stats detail on\r\n')).toBe('OK\r\n')
    client.send('set a:1 0 0 1\r\nx\r\nget a:1 a:2\r\ngat 0 a:1\r\ndelete a:3\r\nget none\r\n')
    // Neither these nor the meta commands count.
    client.send('incr a:1 1\r\ntouch a:1 0\r\nmg a:1 v\r\nms a:1 1\r\nx\r\nmd a:1\r\n')
    expect(dump(client)).toBe('PREFIX a get 3 hit 2 set 1 del 1\r\nEND\r\n')
    expect(client.send('stats detail off\r\n')).toBe('OK\r\n')
    client.send('get a:1\r\n')
    expect(dump(client)).toBe('PREFIX a get 3 hit 2 set 1 del 1\r\nEND\r\n')
  })

  test('is cleared by stats reset', () => {
    const client = new Server({ prefixStatisticsEnabled: true }).connect()
    client.send('get a:1\r\n')
    expect(client.send('stats reset\r\n')).toBe('RESET\r\n')
    expect(dump(client)).toBe('END\r\n')
  })

  test('goes by the delimiter of -D', () => {
    const delimiter = '/'.charCodeAt(0)
    const server = new Server({ prefixStatisticsEnabled: true, prefixDelimiter: delimiter })
    const client = server.connect()
    client.send('get a:b/c\r\n')
    expect(dump(client)).toBe('PREFIX a:b get 1 hit 0 set 0 del 0\r\nEND\r\n')
  })

  test('can be dumped with very many prefixes, also while they are cleared', () => {
    const server = new Server({ prefixStatisticsEnabled: true })
    const client = server.connect()
    for (let n = 0; n < 5000; n++) client.send(`get prefix-${n}:x\r\n`)
    expect(dump(client).split('\r\n').length).toBe(5000 + 2)
    client.offer('stats detail dump\r\n')
    client.execute()
    const begun = client.take(server.engine.reply).toString('latin1')
    expect(begun).not.toContain('END')
    server.engine.release(server.engine.reply)
    expect(server.connect().send('stats reset\r\n')).toBe('RESET\r\n')
    expect(client.send('')).toBe('END\r\n')
  })

  test('has a usage, and -X forbids it', () => {
    const usage = 'CLIENT_ERROR usage: stats detail on|off|dump\r\n'
    const client = new Server().connect()
    expect(client.send('stats detail\r\nstats detail x\r\n')).toBe(usage + usage)
    const forbidden = new Server({}, { dumpEnabled: false }).connect()
    expect(forbidden.send('stats detail dump\r\nstats detail on\r\n')).toBe(
      'CLIENT_ERROR stats detail not allowed\r\n'.repeat(2),
    )
  })
})

test('the binary protocol has detail and sizes too', () => {
  const client = new Server({ trackSizes: true }).connect()
  const stat = (key: string): (readonly [string, string])[] =>
    readAnswers(client.sendForBytes(packet({ opcode: opcode.STAT, key }))).map(
      ({ key, value }) => [key, value] as const,
    )
  expect(stat('detail on')).toEqual([['', '']])
  client.send(packet({ opcode: opcode.SET, key: 'a:1', extras: words(0, 0), value: 'x' }))
  for (const key of ['a:1', 'a:2']) client.send(packet({ opcode: opcode.GET, key }))
  client.send(packet({ opcode: opcode.DELETE, key: 'a:3' }))
  const counts = 'PREFIX a get 2 hit 1 set 1 del 1\r\nEND\r\n'
  expect(stat('detail dump')).toEqual([
    ['detailed', counts],
    ['', ''],
  ])
  expect(stat('sizes')).toEqual([
    ['64', '1'],
    ['', ''],
  ])
  expect(stat('detail')).toEqual([['', 'Not found']])
})

describe('stats sizes', () => {
  test('counts items by size when sizes are tracked', () => {
    const client = new Server({ trackSizes: true }).connect()
    client.send(`set a 0 0 1\r\nx\r\nset b 0 0 1\r\nx\r\nset c 0 0 100\r\n${'x'.repeat(100)}\r\n`)
    expect(client.send('stats sizes\r\n')).toBe('STAT 64 2\r\nSTAT 160 1\r\nEND\r\n')
    client.send('delete a\r\ndelete c\r\n')
    expect(client.send('stats sizes\r\n')).toBe('STAT 64 1\r\nEND\r\n')
  })

  test('says so when they are not', () => {
    const client = new Server().connect()
    expect(client.send('stats sizes\r\n')).toBe('STAT sizes_status disabled\r\nEND\r\n')
    expect(client.send('stats sizes_enable\r\n')).toBe('ERROR\r\n')
  })
})

describe('stats cachedump', () => {
  test('lists the COLD items of a class, the newest first', () => {
    const server = new Server({ maintained: false, segmented: false })
    const client = server.connect()
    const unix = server.cache.clock.toUnix(server.cache.clock.now)
    client.send('set a 0 0 3\r\nabc\r\nset b 0 100 1\r\nx\r\nms AQI= 1 b\r\nx\r\n')
    expect(server.cache.lru.count(1 | COLD)).toBe(3)
    const lines = [`ITEM b [1 b; ${unix + 100} s]\r\n`, 'ITEM a [3 b; 0 s]\r\n']
    expect(client.send('stats cachedump 1 0\r\n')).toBe(`${lines.join('')}END\r\n`)
    expect(client.send('stats cachedump 1 1\r\n')).toBe(`${lines[0]}END\r\n`)
    // As memcdump asks.
    expect(client.send('stats cachedump 1 0 0\r\n')).toBe(`${lines.join('')}END\r\n`)
    expect(client.send('stats cachedump 0 0\r\nstats cachedump 63 0\r\n')).toBe('END\r\nEND\r\n')
  })

  test('takes at most 2 MiB', () => {
    const server = new Server({ maintained: false, segmented: false })
    const client = server.connect()
    const key = (n: number): string => `${n}:`.padEnd(200, 'x')
    for (let n = 0; n < 12_000; n++) client.send(`set ${key(n)} 0 0 1 noreply\r\nx\r\n`)
    const slabClass = server.cache.items.slabClass(server.cache.table.all().next().value ?? 0)
    const answer = client.send(`stats cachedump ${slabClass} 0\r\n`)
    expect(answer.endsWith(' s]\r\nEND\r\n')).toBe(true)
    expect(answer.length).toBeGreaterThan(2 * 1024 * 1024 - 300)
    expect(answer.length).toBeLessThanOrEqual(2 * 1024 * 1024 + 5)
  })

  test.each([
    ['stats cachedump', 'CLIENT_ERROR bad command line'],
    ['stats cachedump 1', 'CLIENT_ERROR bad command line'],
    ['stats cachedump x 1', 'CLIENT_ERROR bad command line format'],
    ['stats cachedump 1 x', 'CLIENT_ERROR bad command line format'],
    ['stats cachedump 64 1', 'CLIENT_ERROR Illegal slab id'],
  ])('%s is answered with %s', (request, answer) => {
    expect(new Server().connect().send(`${request}\r\n`)).toBe(`${answer}\r\n`)
  })

  test('is not allowed with -X', () => {
    const client = new Server({}, { dumpEnabled: false }).connect()
    expect(client.send('stats cachedump 1 1\r\n')).toBe(
      'CLIENT_ERROR stats cachedump not allowed\r\n',
    )
  })
})

test('only those subcommands may be abbreviated that memcached abbreviates', () => {
  const client = new Server().connect()
  expect(client.send('stats r\r\n')).toBe('RESET\r\n')
  expect(client.send('stats e\r\n')).toBe('END\r\n')
  expect(client.send('stats d d\r\n')).toBe('END\r\n')
  for (const name of ['item', 'slab', 'size']) {
    expect(client.send(`stats ${name}\r\n`), name).toBe('ERROR\r\n')
  }
})

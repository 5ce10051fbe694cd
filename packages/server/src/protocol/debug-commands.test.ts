// The commands of memcached's debug build, and what they are there to test.
import { describe, expect, test } from 'vitest'
import { MEGABYTE } from '../cache/cache-fixture.ts'
import { Server } from './conversation.ts'

const debug = { debugCommandsEnabled: true }

test('are unknown unless the server was started with them', () => {
  const client = new Server().connect()
  expect(client.send('debugtime 1\r\ndebugitem ref a\r\nmisbehave\r\n')).toBe('ERROR\r\n'.repeat(3))
})

describe('debugtime', () => {
  test('moves the clock, and with it what expires', () => {
    const client = new Server({}, debug).connect()
    client.send('set a 0 100 1\r\nx\r\n')
    expect(client.send('debugtime 99\r\nmg a t\r\n')).toBe('OK\r\nHD t1\r\n')
    expect(client.send('debugtime -49\r\nmg a t\r\n')).toBe('OK\r\nHD t50\r\n')
    expect(client.send('debugtime 50\r\nmg a t\r\n')).toBe('OK\r\nEN\r\n')
  })

  test('stops it and lets it go on', () => {
    const server = new Server({}, debug)
    const client = server.connect()
    client.send('set a 0 100 1\r\nx\r\ndebugtime p\r\n')
    server.cache.clock.tick(200)
    expect(client.send('mg a t\r\n')).toBe('HD t100\r\n')
    client.send('debugtime r\r\n')
    server.cache.clock.tick(201)
    expect(client.send('mg a t\r\n')).toBe('EN\r\n')
  })

  test('knows nothing else', () => {
    const client = new Server({}, debug).connect()
    expect(client.send('debugtime\r\ndebugtime x\r\ndebugtime 1x\r\n')).toBe('ERROR\r\n'.repeat(3))
  })
})

describe('debugitem', () => {
  test.each(['ref', 'lock'])('%s keeps an item’s memory until it is let go', (hold) => {
    const server = new Server({}, debug)
    const client = server.connect()
    client.send('set a 0 0 1\r\nx\r\n')
    const used = server.cache.slabs.usedChunks(1)
    expect(client.send(`debugitem ${hold} a\r\n`)).toBe('OK\r\n')
    expect(client.send(`debugitem un${hold} a\r\n`)).toBe('OK\r\n')
    client.send(`debugitem ${hold} a\r\ndelete a\r\n`)
    expect(server.cache.slabs.usedChunks(1)).toBe(used)
    client.send('set b 0 0 1\r\nx\r\n')
    client.send(`debugitem ${hold} b\r\ndebugitem un${hold} b\r\ndelete b\r\n`)
    expect(server.cache.slabs.usedChunks(1)).toBe(used)
  })

  test('says when there is no such item, or nothing to let go', () => {
    const client = new Server({}, debug).connect()
    client.send('set a 0 0 1\r\nx\r\n')
    expect(client.send('debugitem ref none\r\ndebugitem unref none\r\n')).toBe('MISS\r\nMISS\r\n')
    expect(client.send('debugitem lock none\r\n')).toBe('OK\r\n')
    expect(client.send('debugitem unref a\r\n')).toBe('ERROR\r\n')
    expect(client.send('debugitem\r\ndebugitem ref\r\ndebugitem x a\r\n')).toBe(
      'ERROR\r\n'.repeat(3),
    )
  })
})

test('misbehave: nothing forbids it', () => {
  expect(new Server({}, debug).connect().send('misbehave\r\n')).toBe('ERROR\r\n')
})

describe('an item that somebody holds at the end of a list', () => {
  const VALUE = 'x'.repeat(200_000)

  /** The first of five items, which fill their class, is held; then there comes one more. */
  function fill(tailRepairSeconds: number): Record<string, string> {
    const server = new Server({ memoryLimitBytes: MEGABYTE, tailRepairSeconds }, debug)
    const client = server.connect()
    const store = (n: number): string => client.send(`set k${n} 0 0 200000\r\n${VALUE}\r\n`)
    for (let n = 0; n < 5; n++) expect(store(n)).toBe('STORED\r\n')
    client.send('debugitem ref k0\r\ndebugtime 100\r\n')
    expect(store(5)).toBe('STORED\r\n')
    return Object.fromEntries(
      [...client.send('stats items\r\n').matchAll(/items:\d+:(\S+) (\d+)/g)].map(([, k, v]) => [
        k,
        v,
      ]),
    )
  }

  test('is passed over', () => {
    const counts = fill(0)
    expect(counts.tailrepairs).toBe('0')
    expect(Number(counts.lrutail_reflocked)).toBeGreaterThan(0)
    expect(counts.number).toBe('5')
  })

  test('is taken out of the cache after tail_repair_time, and its memory left to its holder', () => {
    const counts = fill(50)
    expect(counts.tailrepairs).toBe('1')
    expect(counts.number).toBe('4')
  })

  test.each([
    ['append', 'append k0 0 0 1\r\ny\r\n', 'STORED\r\n'],
    ['prepend', 'prepend k0 0 0 1\r\ny\r\n', 'STORED\r\n'],
  ])('is not taken out by %s, which makes room for what takes its place', (_, line, answer) => {
    const server = new Server({ memoryLimitBytes: MEGABYTE, tailRepairSeconds: 50 }, debug)
    const client = server.connect()
    for (let n = 0; n < 5; n++) {
      client.send(`set k${n} 0 0 ${VALUE.length}\r\n${VALUE}\r\n`)
    }
    client.send('debugtime 100\r\n')
    expect(client.send(line)).toBe(answer)
    server.check()
  })

  test.each([
    ['incr', 'incr k0 1\r\n', '10\r\n'],
    ['ma', 'ma k0 v\r\n', 'VA 2\r\n10\r\n'],
    ['md with x', 'md k0 x\r\nget k0\r\n', 'HD\r\nVALUE k0 0 0\r\n\r\nEND\r\n'],
  ])('nor by %s', (_, line, answer) => {
    const server = new Server({ memoryLimitBytes: MEGABYTE, tailRepairSeconds: 50 }, debug)
    const client = server.connect()
    client.send('set k0 0 0 1\r\n9\r\n')
    const statistic = (name: string): number =>
      Number(new RegExp(`:${name} (\\d+)`).exec(client.send('stats slabs\r\n'))?.[1])
    const others = statistic('free_chunks')
    for (let n = 1; n <= others; n++) client.send(`set k${n} 0 0 1 noreply\r\n9\r\n`)
    expect(statistic('free_chunks')).toBe(0)
    client.send('debugtime 100\r\n')
    expect(client.send(line)).toBe(answer)
    expect(client.send('stats\r\n')).toMatch(/STAT evictions 1\r\n/)
    server.check()
  })
})

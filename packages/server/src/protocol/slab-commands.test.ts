import { describe, expect, test } from 'vitest'
import { MEGABYTE } from '../cache/cache-fixture.ts'
import { PageMover } from '../cache/page-mover.ts'
import { type Client, converse, Server } from './conversation.ts'

/** The class of values of 10,000 bytes. */
const SMALL = 22

function statistic(client: Client, which: string, name: string): string | undefined {
  return new RegExp(`STAT ${name} (\\S+)`).exec(client.send(`stats${which}\r\n`))?.[1]
}

function fill(client: Client, count: number): void {
  const value = 'v'.repeat(10_000)
  for (let n = 0; n < count; n++) client.send(`set key:${n} 0 0 10000 noreply\r\n${value}\r\n`)
}

describe('slabs reassign', () => {
  test.each([
    ['slabs reassign invalid1 invalid2', 'CLIENT_ERROR bad command line format'],
    ['slabs reassign 1 x', 'CLIENT_ERROR bad command line format'],
    ['slabs reassign 99999999999 1', 'CLIENT_ERROR bad command line format'],
    ['slabs reassign 5', 'ERROR'],
    ['slabs reassign 1 2 3', 'ERROR'],
    ['slabs', 'ERROR'],
    ['slabs unknown', 'ERROR'],
    ['slabs reassign 1 1', 'SAME src and dst class are identical'],
    ['slabs reassign -5 70', 'BADCLASS invalid src or dst class id'],
    ['slabs reassign 1 64', 'BADCLASS invalid src or dst class id'],
    ['slabs reassign -1 5', 'BADCLASS invalid src or dst class id'],
    ['slabs reassign 2 1', 'NOSPARE source class has no spare pages'],
    ['slabs reassign 0 1', 'NOSPARE source class has no spare pages'],
  ])('%s', (command, reply) => {
    expect(converse(`${command}\r\n`)).toBe(`${reply}\r\n`)
  })

  test('wakes the background, which moves the page; meanwhile others are refused', () => {
    let woken = 0
    const server = new Server({}, { wakeBackground: () => woken++ })
    const client = server.connect()
    fill(client, 200)
    for (let n = 100; n < 120; n++) client.send(`delete key:${n}\r\n`)
    expect(statistic(client, ' slabs', `${SMALL}:total_pages`)).toBe('3')
    expect(client.send(`slabs reassign ${SMALL} 0\r\n`)).toBe('OK\r\n')
    expect(woken).toBe(1)
    expect(statistic(client, '', 'slab_reassign_running')).toBe('1')
    expect(client.send(`slabs reassign ${SMALL} 1\r\n`)).toBe(
      'BUSY currently processing reassign request\r\n',
    )
    expect(woken).toBe(1)
    const mover = new PageMover(server.cache)
    while (mover.run() !== undefined) server.check()
    expect(statistic(client, '', 'slab_reassign_running')).toBe('0')
    expect(statistic(client, '', 'slabs_moved')).toBe('1')
    expect(statistic(client, '', 'slab_global_page_pool')).toBe('1')
    expect(statistic(client, '', 'slab_reassign_rescues')).toBe('94')
    expect(statistic(client, ' slabs', `${SMALL}:total_pages`)).toBe('2')
    expect(statistic(client, ' slabs', 'total_malloced')).toBe(String(3 * MEGABYTE))
    expect(client.send('get key:0\r\n')).toContain('VALUE key:0 0 10000\r\n')
    expect(client.send(`slabs reassign -1 ${SMALL} noreply\r\n`)).toBe('')
  })

  test('is refused with -o no_slab_reassign, and the statistics about it are not there', () => {
    const client = new Server({ slabReassignEnabled: false }).connect()
    expect(client.send('slabs reassign 2 1\r\n')).toBe(
      'CLIENT_ERROR slab reassignment disabled\r\n',
    )
    expect(client.send('stats\r\n')).not.toContain('slabs_moved')
  })
})

describe('slabs automove', () => {
  test.each([
    ['slabs automove 0', 'OK'],
    ['slabs automove 2', 'OK'],
    ['slabs automove 3', 'ERROR'],
    ['slabs automove x', 'CLIENT_ERROR bad command line format'],
    ['slabs automove -1', 'CLIENT_ERROR bad command line format'],
    ['slabs automove', 'ERROR'],
    ['slabs automove ratio 0.5', 'OK'],
    ['slabs automove ratio', 'ERROR'],
    ['slabs automove ratio half', 'ERROR'],
    ['slabs automove freeratio 0.02', 'OK'],
    ['slabs automove freeratio x', 'ERROR'],
    ['slabs automove window 30', 'OK'],
    ['slabs automove window', 'CLIENT_ERROR bad command line format'],
    ['slabs automove window many', 'CLIENT_ERROR bad command line format'],
    ['slabs automove window 2', 'CLIENT_ERROR automove window too low or too high'],
    ['slabs automove window 1801', 'CLIENT_ERROR automove window too low or too high'],
    ['slabs automove 1 noreply', ''],
  ])('%s', (command, reply) => {
    expect(converse(`${command}\r\n`)).toBe(reply === '' ? '' : `${reply}\r\n`)
  })

  test('changes what the background goes by', () => {
    const server = new Server()
    server
      .connect()
      .send('slabs automove 2\r\nslabs automove ratio 0.25\r\nslabs automove window 1800\r\n')
    expect(server.cache.tuning.slabAutomove).toBe(2)
    expect(server.cache.tuning.slabAutomoveRatio).toBe(0.25)
    expect(server.cache.tuning.slabAutomoveWindow).toBe(1800)
  })
})

describe('cache_memlimit', () => {
  test.each([
    ['cache_memlimit', 'ERROR'],
    ['cache_memlimit x', 'ERROR'],
    ['cache_memlimit -8', 'ERROR'],
    ['cache_memlimit 7', 'MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m'],
    ['cache_memlimit 1000000001', 'MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes'],
    ['cache_memlimit 1000000000', 'MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust'],
    ['cache_memlimit 64', 'OK'],
    ['cache_memlimit 8 noreply', ''],
  ])('%s', (command, reply) => {
    expect(converse(`${command}\r\n`)).toBe(reply === '' ? '' : `${reply}\r\n`)
  })

  test('is where the cache begins to evict', () => {
    const client = new Server().connect()
    client.send('cache_memlimit 8\r\n')
    expect(statistic(client, '', 'limit_maxbytes')).toBe(String(8 * MEGABYTE))
    fill(client, 1000)
    expect(statistic(client, ' slabs', 'total_malloced')).toBe(String(8 * MEGABYTE))
    const evictions = Number(statistic(client, '', 'evictions'))
    expect(evictions).toBeGreaterThan(200)
    client.send('cache_memlimit 16\r\n')
    fill(client, 1000)
    expect(Number(statistic(client, '', 'evictions'))).toBe(evictions)
    expect(statistic(client, '', 'curr_items')).toBe('1000')
  })

  test('is refused where the memory is that of a file', () => {
    expect(new Server({ memoryLimitFixed: true }).connect().send('cache_memlimit 8\r\n')).toBe(
      'MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n',
    )
  })
})

describe("sizes are memcached's: what it stores beside the value and the key is 59 bytes", () => {
  test.each([
    ['set a 0 0 1', 'x', {}, 59 + 1 + 1],
    ['set a 7 0 1', 'x', {}, 59 + 4 + 1 + 1],
    ['set a 0 0 1', 'x', { casEnabled: false }, 51 + 1 + 1],
    ['set a 0 0 600000', 'x'.repeat(600_000), {}, 59 + 1 + 600_000],
  ])('%s', (line, value, options, size) => {
    const server = new Server(options)
    const client = server.connect()
    client.send(`${line}\r\n${value}\r\n`)
    expect(statistic(client, '', 'bytes')).toBe(String(size))
    expect(statistic(client, ' items', 'items:\\d+:mem_requested')).toBe(String(size))
    expect(client.send('me a\r\n')).toMatch(new RegExp(`size=${size}\r\n$`))
    client.send('delete a\r\n')
    expect(statistic(client, '', 'bytes')).toBe('0')
  })
})

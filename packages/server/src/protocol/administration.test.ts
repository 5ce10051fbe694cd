import { describe, expect, test } from 'vitest'
import { MEGABYTE } from '../cache/cache-fixture.ts'
import { type Client, converse, Server } from './conversation.ts'

function statistics(client: Client, which = ''): Record<string, string> {
  const reply = client.send(`stats${which}\r\n`)
  expect(reply).toMatch(/^(STAT \S+ [^\r\n]+\r\n)*END\r\n$/)
  return Object.fromEntries([...reply.matchAll(/STAT (\S+) ([^\r]*)/g)].map(([, k, v]) => [k, v]))
}

describe('stats', () => {
  test('counts every kind of command as memcached does', () => {
    const client = new Server().connect()
    const session = [
      ...['set a 0 0 1\r\nx', 'set n 0 0 1\r\n1', 'add a 0 0 1\r\ny', 'get a nope n', 'gets a'],
      ...[`set big 0 0 ${MEGABYTE}\r\n${'x'.repeat(MEGABYTE)}`, 'gat 0 a nope', 'touch a 0'],
      ...['touch nope 0', 'incr n 1', 'incr nope 1', 'decr n 1', 'decr nope 1', 'delete nope'],
      ...['cas a 0 0 1 999\r\nz', 'cas nope 0 0 1 1\r\nz', 'set d 0 0 1\r\nx', 'delete d'],
      ...['mg a v', 'mg nope v', 'mg a T0 v', 'mg nope T0 v', 'ms m 1\r\nx', 'ms a 1 ME\r\nx'],
      ...['md m', 'md nope', 'ma n', 'ma nope', 'ma n MD', 'ma fresh N0', 'mg fresh2 N0', 'me a'],
      ...['append a 0 0 1\r\nz', 'verbosity 0'],
    ]
    for (const request of session) client.send(`${request}\r\n`)
    // The numbers of memcached 1.6.18 after the same session.
    expect(statistics(client)).toMatchObject({
      cmd_get: '8',
      cmd_set: '9',
      cmd_flush: '0',
      cmd_touch: '5',
      cmd_meta: '1',
      get_hits: '5',
      get_misses: '3',
      get_expired: '0',
      get_flushed: '0',
      delete_misses: '2',
      delete_hits: '2',
      incr_misses: '2',
      incr_hits: '2',
      decr_misses: '1',
      decr_hits: '2',
      cas_misses: '1',
      cas_hits: '0',
      cas_badval: '1',
      touch_hits: '3',
      touch_misses: '2',
      store_too_large: '1',
      store_no_memory: '0',
      curr_items: '4',
      total_items: '7',
      evictions: '0',
    })
  })

  test('counts expired and flushed items among the misses, and refused flushes', () => {
    const server = new Server({}, { flushEnabled: true })
    const client = server.connect()
    client.send('set a 0 -1 1\r\nx\r\nget a\r\nset b 0 0 1\r\nx\r\nflush_all\r\nget b\r\n')
    expect(statistics(client)).toMatchObject({
      get_misses: '2',
      get_expired: '1',
      get_flushed: '1',
      cmd_flush: '1',
      curr_items: '0',
      bytes: '0',
    })
    const forbidden = new Server({}, { flushEnabled: false }).connect()
    forbidden.send('flush_all\r\n')
    expect(statistics(forbidden)).toMatchObject({ cmd_flush: '1' })
  })

  test('counts the bytes that came and went', () => {
    const client = new Server().connect()
    const request = 'set a 0 0 3\r\nabc\r\nget a\r\n'
    const reply = client.send(request)
    expect(statistics(client)).toMatchObject({
      bytes_read: String(request.length),
      bytes_written: String(reply.length),
    })
  })

  test('says what memcached says, in its order', () => {
    const names = Object.keys(statistics(new Server().connect()))
    expect(names.length).toBe(93)
    expect(names.slice(0, 8)).toEqual([
      ...['pid', 'uptime', 'time', 'version', 'libevent', 'pointer_size', 'rusage_user'],
      'rusage_system',
    ])
  })

  test('leaves out what only the crawler and the maintainer count, where there are none', () => {
    const names = Object.keys(statistics(new Server().connect()))
    const plain = new Server({ maintained: false, segmented: false, crawlerEnabled: false })
    const known = new Set(Object.keys(statistics(plain.connect())))
    expect(known.size).toBe(84)
    expect(names.filter((name) => !known.has(name))).toEqual([
      ...['lru_crawler_running', 'lru_crawler_starts', 'lru_maintainer_juggles'],
      ...['evicted_active', 'moves_to_cold', 'moves_to_warm', 'moves_within_lru'],
      ...['direct_reclaims', 'lru_bumps_dropped'],
    ])
  })

  test('tells the time', () => {
    const server = new Server()
    const client = server.connect()
    const { time } = statistics(client)
    server.cache.clock.tick(100)
    expect(statistics(client)).toMatchObject({ uptime: '100', time: String(Number(time) + 100) })
  })

  test('settings, items and slabs have their own, by their names or what begins them', () => {
    const server = new Server()
    const client = server.connect()
    client.send('set a 0 0 1\r\nx\r\nget a\r\n')
    expect(statistics(client, ' settings')).toEqual({ maxbytes: '67108864', tcpport: '11211' })
    expect(statistics(client, ' se')).toEqual(statistics(client, ' settings'))
    server.cache.clock.tick(10)
    expect(statistics(client, ' items')).toMatchObject({
      'items:1:number': '1',
      'items:1:number_hot': '1',
      'items:1:number_cold': '0',
      'items:1:age_hot': '10',
      'items:1:hits_to_hot': '1',
      'items:1:evicted': '0',
    })
    expect(statistics(client, ' slabs')).toMatchObject({
      '1:chunk_size': '96',
      '1:chunks_per_page': '14563',
      '1:total_pages': '1',
      '1:total_chunks': '14563',
      '1:used_chunks': '1',
      '1:free_chunks': '14562',
      '1:get_hits': '1',
      '1:cmd_set': '1',
      active_slabs: '1',
      total_malloced: String(MEGABYTE),
    })
    expect(client.send('stats nonsense\r\n')).toBe('ERROR\r\n')
  })

  test('a fresh cache has neither items nor slabs', () => {
    const client = new Server().connect()
    expect(client.send('stats items\r\n')).toBe('END\r\n')
    expect(client.send('stats slabs\r\n')).toBe(
      'STAT active_slabs 0\r\nSTAT total_malloced 0\r\nEND\r\n',
    )
  })

  test('reset forgets what has happened, not what is there', () => {
    let resets = 0
    const client = new Server({}, { resetStatistics: () => resets++ }).connect()
    client.send('set a 0 0 1\r\nx\r\nget a\r\nget b\r\n')
    const { bytes } = statistics(client)
    expect(client.send('stats reset\r\n')).toBe('RESET\r\n')
    expect(statistics(client)).toMatchObject({
      get_hits: '0',
      get_misses: '0',
      cmd_set: '0',
      total_items: '0',
      curr_items: '1',
      bytes,
    })
    expect(resets).toBe(1)
  })
})

test('verbosity is at most 2', () => {
  const levels: number[] = []
  const server = new Server(
    {},
    { verbosityChanged: () => levels.push(server.cache.tuning.verbosity) },
  )
  const client = server.connect()
  expect(client.send('verbosity 1\r\nverbosity 99\r\nverbosity 0 noreply\r\n')).toBe('OK\r\nOK\r\n')
  expect(levels).toEqual([1, 2, 0])
  for (const level of ['', ' x', ' -1']) {
    expect(client.send(`verbosity${level}\r\n`)).toBe('CLIENT_ERROR bad command line format\r\n')
  }
})

test('version is the release that we match', () => {
  expect(converse('version\r\n')).toBe('VERSION 1.6.45\r\n')
})

describe('shutdown', () => {
  test('is not enabled by default', () => {
    expect(converse('shutdown\r\nmn\r\n')).toBe('SERVER_ERROR: shutdown not enabled\r\nMN\r\n')
  })

  test.each([
    ['shutdown', false],
    ['shutdown graceful', true],
  ])('%s closes the connection, and stops the process', (request, graceful) => {
    const calls: boolean[] = []
    const host = { shutdownEnabled: true, shutdown: (how: boolean) => calls.push(how) }
    const client = new Server({}, host).connect()
    expect(client.send(`${request}\r\nmn\r\n`)).toBe('')
    expect(client.closed).toBe(true)
    expect(calls).toEqual([graceful])
  })

  test('knows no other way', () => {
    const client = new Server({}, { shutdownEnabled: true }).connect()
    expect(client.send('shutdown now\r\n')).toBe('CLIENT_ERROR invalid shutdown mode\r\n')
    expect(client.closed).toBe(false)
  })
})

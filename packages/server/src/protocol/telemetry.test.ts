// Our own statistics: what is counted of each kind of request, how long they took, and which keys are hot or big. Time
// here passes as the test says; test/server-telemetry.test.ts has real sockets and threads.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BYTES_READ, BYTES_WRITTEN } from '../cache/statistics.ts'
import { BYTES_IN, BYTES_OUT } from '../cache/telemetry.ts'
import * as opcode from './binary-opcodes.ts'
import { deltaExtras, packet, readAnswers, words } from './binary-packets.ts'
import { type Client, Server } from './conversation.ts'
import { REQUEST_KINDS } from './request-kinds.ts'

/** The lines of `stats <what>`. */
function statistics(client: Client, what: string): Map<string, string> {
  const lines = client.send(`stats ${what}\r\n`).split('\r\n')
  expect(lines.slice(-2)).toEqual(['END', ''])
  return new Map(
    lines.slice(0, -2).map((line) => {
      const [stat, name, value, ...rest] = line.split(' ')
      expect([stat, rest]).toEqual(['STAT', []])
      return [name, value]
    }),
  )
}

/** Those of them whose names end so, without it. */
function ending(all: Map<string, string>, end: string): Record<string, number> {
  const chosen = [...all].filter(([name]) => name.endsWith(end))
  return Object.fromEntries(chosen.map(([name, value]) => [name.slice(0, -end.length), +value]))
}

/** Those of them whose names begin so, without it, in their order. */
function beginning(all: Map<string, string>, begin: string): (readonly [string, number])[] {
  const chosen = [...all].filter(([name]) => name.startsWith(begin))
  return chosen.map(([name, value]) => [name.slice(begin.length), +value])
}

describe('requests are counted by kind', () => {
  test('of the text protocol', () => {
    const client = new Server().connect()
    client.send('get a\r\nget a\r\nget a b c\r\ngets a\r\ngat 0 a\r\ngats 0 a\r\n')
    for (const name of ['set', 'add', 'replace', 'append', 'prepend']) {
      client.send(`${name} k 0 0 1\r\nx\r\n`)
    }
    client.send('cas k 0 0 1 1\r\nx\r\nincr n 1\r\ndecr n 1\r\ntouch k 0\r\ndelete k\r\n')
    client.send('mg k v\r\nms k 1\r\nx\r\nmd k\r\nma k\r\nmn\r\nme k\r\nversion\r\nnonsense\r\n')
    const counts = ending(statistics(client, 'latency'), ':count')
    expect(counts).toEqual({
      ...{ get: 3, gets: 1, gat: 1, gats: 1 },
      ...{ set: 1, add: 1, replace: 1, append: 1, prepend: 1, cas: 1 },
      ...{ delete: 1, incr: 1, decr: 1, touch: 1 },
      ...{ mg: 1, ms: 1, md: 1, ma: 1, mn: 1, me: 1, other: 2 },
    })
  })

  test('of the binary protocol, by the same names', () => {
    const server = new Server()
    const client = server.connect()
    const storing = { extras: words(0, 0), value: 'x' }
    const delta = deltaExtras(1n, 0n, 0)
    for (const request of [
      ...[opcode.GET, opcode.GETK].map((code) => ({ opcode: code })),
      ...[opcode.GAT, opcode.GATK, opcode.TOUCH].map((code) => ({
        opcode: code,
        extras: words(0),
      })),
      ...[opcode.SET, opcode.ADD, opcode.REPLACE].map((code) => ({ opcode: code, ...storing })),
      ...[opcode.APPEND, opcode.PREPEND].map((code) => ({ opcode: code, value: 'x' })),
      ...[opcode.INCREMENT, opcode.DECREMENT].map((code) => ({ opcode: code, extras: delta })),
      { opcode: opcode.DELETE },
    ]) {
      client.send(packet({ key: 'k', ...request }))
    }
    client.send(packet({ opcode: opcode.NOOP }))
    expect(ending(statistics(server.connect(), 'latency'), ':count')).toEqual({
      ...{ get: 2, gat: 2, touch: 1, set: 1, add: 1, replace: 1, append: 1, prepend: 1 },
      ...{ incr: 1, decr: 1, delete: 1, other: 1 },
    })
  })

  test('when they end: a value may come in pieces, and an answer take several replies', () => {
    const server = new Server()
    const client = server.connect()
    const sets = (): number | undefined => {
      return ending(statistics(server.connect(), 'latency'), ':count').set
    }
    client.send('set a 0 0 8\r\nabcd')
    expect(sets()).toBe(undefined)
    client.send('efgh\r\n')
    expect(sets()).toBe(1)
    client.send('set a 0 0 2000000\r\n')
    expect(sets()).toBe(1)
    client.send(`${'x'.repeat(2_000_000)}\r\n`)
    expect(sets()).toBe(2)
    client.send(`set k 0 0 5000\r\n${'x'.repeat(5000)}\r\nget${' k'.repeat(100)}\r\n`)
    expect(ending(statistics(server.connect(), 'latency'), ':count').get).toBe(1)
  })

  test('and so are their bytes, which add up to bytes_read and bytes_written', () => {
    const line = fc.constantFrom(
      ...[
        'get a\r\n',
        'get a b\r\n',
        'gets a\r\n',
        'set a 0 0 3\r\nabc\r\n',
        'mg a v\r\n',
        'mn\r\n',
      ],
      ...['delete a\r\n', 'incr a 1\r\n', 'x\r\n', 'version\r\n', 'stats\r\n', 'set a 0 0 x\r\n'],
      `set b 0 0 20000\r\n${'x'.repeat(20000)}\r\n`,
      'set c 0 0 2000000\r\n',
      'ms b 3\r\nxyz\r\n',
    )
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 30 }),
        fc.integer({ min: 1, max: 50 }),
        (lines, cut) => {
          const server = new Server()
          const client = server.connect()
          const bytes = lines.join('')
          for (let at = 0; at < bytes.length; at += cut * 100) {
            client.send(bytes.slice(at, at + cut * 100))
          }
          const { telemetry, statistics } = server.cache
          const sum = (counter: number): number =>
            REQUEST_KINDS.reduce((all, _, kind) => all + telemetry.counted(kind, counter), 0)
          expect(sum(BYTES_IN)).toBe(statistics.get(BYTES_READ))
          expect(sum(BYTES_OUT)).toBe(statistics.get(BYTES_WRITTEN))
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('times', () => {
  /** Lets a thread read and execute these bytes in one round of its loop; what is answered is of no interest. */
  function round(server: Server, client: Client, requests: string): void {
    const { samples } = server.engine
    samples.beginRound()
    client.send(requests)
    samples.endRound()
  }

  test('are those of the whole batch: from the wake-up to the handing over of its answers', () => {
    const server = new Server()
    const client = server.connect()
    round(server, client, 'set a 0 0 1\r\nx\r\nget a\r\nget a\r\n')
    const all = statistics(client, 'latency')
    expect([all.get('get:sampled'), all.get('set:sampled')]).toEqual(['2', '1'])
    expect(all.get('get:max_us')).toBe(all.get('set:max_us'))
    expect(Number(all.get('get:sum_us'))).toBeGreaterThan(0)
  })

  test('are told as quantiles, and as cumulative buckets of a Prometheus histogram', () => {
    const server = new Server()
    const client = server.connect()
    for (let n = 0; n < 100; n++) round(server, client, 'get a\r\n')
    const all = statistics(client, 'latency')
    const of = (name: string): number => Number(all.get(`get:${name}`))
    expect([of('count'), of('sampled'), of('le_inf')]).toEqual([100, 100, 100])
    const quantiles = ['p50_us', 'p90_us', 'p99_us', 'p999_us', 'max_us'].map(of)
    expect(quantiles).toEqual([...quantiles].sort((a, b) => a - b))
    const buckets = beginning(all, 'get:le_').filter(([bound]) => bound !== 'inf')
    expect(buckets.map(([bound]) => +bound)).toEqual(Array.from({ length: 24 }, (_, n) => 2 ** n))
    const counts = buckets.map(([, count]) => count)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(counts.at(-1)).toBe(100)
  })

  test('of many rounds a bounded number is taken, which stands for all', () => {
    const server = new Server({ telemetrySamplesPerSecond: 50 })
    const client = server.connect()
    for (let n = 0; n < 5000; n++) round(server, client, 'get a\r\n')
    const all = statistics(client, 'latency')
    expect(all.get('get:count')).toBe('5000')
    expect(Number(all.get('get:sampled'))).toBeLessThan(500)
    expect(Math.abs(Number(all.get('get:le_inf')) - 5000)).toBeLessThan(2000)
    const loop = statistics(client, 'memshard')
    expect(loop.get('loop:count')).toBe(all.get('get:le_inf'))
    expect(Number(loop.get('loop:sum_us'))).toBeGreaterThan(0)
  })

  test('of who has to go on in another round go back to when it was read', () => {
    const server = new Server()
    const [slow, quick] = [server.connect(), server.connect()]
    const { samples } = server.engine
    samples.beginRound()
    slow.send('get a\r\n')
    const carried = samples.carry(true)
    quick.send('mn\r\n')
    samples.endRound()
    const before = Number(statistics(quick, 'latency').get('mn:max_us'))
    const since = performance.now()
    while (performance.now() - since < 5) statistics(quick, 'latency')
    samples.beginRound()
    samples.resume(carried)
    slow.send('get b\r\n')
    samples.suspend()
    samples.endRound()
    const all = statistics(quick, 'latency')
    expect(all.get('get:sampled')).toBe('2')
    expect(Number(all.get('get:p50_us'))).toBeGreaterThan(5000)
    expect(Number(all.get('mn:max_us'))).toBe(before)
  })
})

describe('keys', () => {
  test('asked for most, by any command, with their prefixes', () => {
    const client = new Server().connect()
    client.send('get user:1 user:2\r\nget user:1\r\nset user:1 0 0 1\r\nx\r\nmg user:1 v\r\n')
    client.send('delete other:1\r\nget plain\r\nms dXNlcjo5 1 b\r\nx\r\nmg dXNlcjo5 b v\r\n')
    const keys = statistics(client, 'hotkeys')
    expect([...keys.keys()].slice(0, 2)).toEqual(['window_seconds', 'sampled'])
    expect([keys.get('window_seconds'), keys.get('sampled')]).toEqual(['60', '9'])
    expect(new Map(beginning(keys, 'key:'))).toEqual(
      new Map([
        ['user%3A1', 4],
        ['user%3A9', 2],
        ...['user%3A2', 'other%3A1', 'plain'].map((key) => [key, 1] as const),
      ]),
    )
    expect(beginning(keys, 'key:')[0]).toEqual(['user%3A1', 4])
    expect(beginning(statistics(client, 'hotkeys 2'), 'key:').length).toBe(2)
    expect(beginning(statistics(client, 'hotprefixes'), 'prefix:')).toEqual([
      ['user', 7],
      ['other', 1],
    ])
  })

  test('count once each, though a value comes in pieces', () => {
    const client = new Server().connect()
    for (const piece of ['set a 0 0 6\r\nab', 'cd', 'ef\r\n', 'ms b 4\r\nab', 'cd\r\n']) {
      client.send(piece)
    }
    expect(statistics(client, 'hotkeys').get('sampled')).toBe('2')
  })

  test('by the delimiter of -D', () => {
    const client = new Server({ prefixDelimiter: '/'.charCodeAt(0) }).connect()
    client.send('get a:b/c\r\nget a:b/d\r\nget a:b\r\n')
    expect(beginning(statistics(client, 'hotprefixes'), 'prefix:')).toEqual([['a%3Ab', 2]])
  })

  test('any bytes make one word', () => {
    const client = new Server().connect()
    const key = Buffer.from([0x25, 0xff, 0x0a, 0x20, 0x41])
    client.send(`mg ${key.toString('base64')} b v\r\n`)
    expect(beginning(statistics(client, 'hotkeys'), 'key:')).toEqual([['%25%FF%0A%20A', 1]])
  })

  test('are looked at a bounded number of times, and estimated from that', () => {
    const client = new Server({ telemetrySamplesPerSecond: 100 }).connect()
    const batch = `${'get hot\r\n'.repeat(60)}${'get warm\r\n'.repeat(30)}get ${'cold '.repeat(10)}\r\n`
    for (let n = 0; n < 300; n++) client.send(batch)
    const keys = statistics(client, 'hotkeys')
    expect(Number(keys.get('sampled'))).toBeLessThan(1500)
    const estimates = beginning(keys, 'key:')
    expect(estimates.map(([key]) => key)).toEqual(['hot', 'warm', 'cold'])
    const [hot, warm, cold] = estimates.map(([, estimate]) => estimate / 300)
    expect(Math.abs(hot - 60)).toBeLessThan(20)
    expect(Math.abs(warm - 30)).toBeLessThan(15)
    expect(Math.abs(cold - 10)).toBeLessThan(8)
  })

  test('of the largest items, with what they take now, as long as they are there', () => {
    const server = new Server()
    const client = server.connect()
    const set = (key: string, length: number): string =>
      `set ${key} 0 0 ${length}\r\n${'x'.repeat(length)}\r\n`
    for (let n = 0; n < 1000; n++) client.send(set(`small:${n}`, 10 + (n % 7)))
    client.send(set('huge', 900_000) + set('large', 20_000) + set('gone', 50_000))
    client.send(`${set('shrunk', 70_000)}delete gone\r\n${set('shrunk', 5000)}`)
    const keys = statistics(client, 'bigkeys 3')
    expect([keys.get('window_seconds'), keys.get('sampled')]).toEqual(['600', '1005'])
    const listed = beginning(keys, 'key:')
    expect(listed.map(([key]) => key)).toEqual(['huge', 'large', 'shrunk'])
    const sizeOf = (key: string): number =>
      Number(/s(\d+)/.exec(client.send(`mg ${key} s\r\n`))?.[1])
    expect(sizeOf('huge')).toBe(900_000)
    // As `lru_crawler metadump` says: key and header are counted too.
    for (const [key, bytes] of listed) expect(bytes - sizeOf(key)).toBeLessThan(100)
  })

  test('of large items that are only read are found when the earlier ones are forgotten', () => {
    const server = new Server()
    const client = server.connect()
    client.send(`set big 0 0 20000\r\n${'x'.repeat(20000)}\r\n`)
    server.cache.clock.move(3000)
    client.send('get nothing\r\n')
    expect(beginning(statistics(client, 'bigkeys'), 'key:')).toEqual([])
    client.send('get big\r\n')
    expect(beginning(statistics(client, 'bigkeys'), 'key:').length).toBe(1)
  })
})

describe('the statistics as commands', () => {
  test('stats reset resets them', () => {
    const server = new Server()
    const client = server.connect()
    client.send(`set a:b 0 0 20000\r\n${'x'.repeat(20000)}\r\nget a:b\r\n`)
    expect(client.send('stats reset\r\n')).toBe('RESET\r\n')
    for (const list of ['hotkeys', 'hotprefixes', 'bigkeys']) {
      expect(statistics(client, list).get('sampled')).toBe('0')
    }
    const latency = statistics(client, 'latency')
    expect([latency.get('get:count'), latency.get('set:count')]).toEqual([undefined, undefined])
    const own = statistics(client, 'memshard')
    expect(own.get('get:bytes_in')).toBe(undefined)
    expect(Number(own.get('lock_acquired'))).toBeLessThan(10)
  })

  test('-X keeps keys to itself', () => {
    const server = new Server({}, { dumpEnabled: false })
    const client = server.connect()
    for (const list of ['hotkeys', 'bigkeys', 'hotprefixes']) {
      expect(client.send(`stats ${list}\r\n`)).toBe(`CLIENT_ERROR stats ${list} not allowed\r\n`)
      const [answer] = readAnswers(
        server.connect().sendForBytes(packet({ opcode: opcode.STAT, key: list })),
      )
      expect(answer.value).toBe('Not found')
    }
    expect(statistics(client, 'latency').size).toBeGreaterThan(0)
  })

  test('with telemetry off they say so, and nothing is noted', () => {
    const server = new Server({ telemetrySamplesPerSecond: 0 })
    const client = server.connect()
    for (let n = 0; n < 10; n++) {
      server.engine.samples.beginRound()
      client.send(`get a:b\r\nset a:b 0 0 20000\r\n${'x'.repeat(20000)}\r\n`)
      server.engine.samples.endRound()
    }
    for (const what of ['latency', 'hotkeys', 'bigkeys', 'hotprefixes']) {
      expect([...statistics(client, what)]).toEqual([['telemetry', 'disabled']])
    }
    expect(ending(statistics(client, 'memshard'), ':bytes_in')).toEqual({})
  })

  test('the binary protocol has them too', () => {
    const server = new Server()
    server.connect().send('get a:b\r\nget a:b\r\n')
    const client = server.connect()
    const stat = (key: string): (readonly [string, string])[] =>
      readAnswers(client.sendForBytes(packet({ opcode: opcode.STAT, key }))).map(
        ({ key, value }) => [key, value] as const,
      )
    expect(stat('hotkeys')).toEqual([
      ['window_seconds', '60'],
      ['sampled', '2'],
      ['key:a%3Ab', '2'],
      ['', ''],
    ])
    expect(stat('hotprefixes 1')).toContainEqual(['prefix:a', '2'])
    expect(stat('bigkeys')).toContainEqual(['window_seconds', '600'])
    expect(stat('latency')).toContainEqual(['get:count', '2'])
    expect(stat('memshard')).toContainEqual(['get:bytes_in', '18'])
  })

  test('a number of keys has to be one, and other names are none of ours', () => {
    const client = new Server().connect()
    expect(client.send('stats hotkeys x\r\n')).toBe('CLIENT_ERROR bad command line format\r\n')
    expect(client.send('stats hotkey\r\nstats latencies\r\n')).toBe('ERROR\r\nERROR\r\n')
  })
})

describe('limits of prefixes', () => {
  const options = {
    prefixLimits: [
      { prefix: 'b:', bytes: 300 },
      { prefix: 'a b', bytes: 5000 },
    ],
  }
  const told = (client: Client): string[] =>
    [...statistics(client, 'memshard')]
      .filter(([name]) => name.startsWith('prefix_limit:'))
      .map(([name, value]) => `${name.slice('prefix_limit:'.length)} ${value}`)

  test('are told with what is under them', () => {
    const client = new Server(options).connect()
    for (const key of ['b:1', 'b:2', 'b:3', 'b:4', 'c'])
      client.send(`set ${key} 0 0 30\r\n${'v'.repeat(30)}\r\n`)
    expect(client.send(`set b:5 0 0 900\r\n${'v'.repeat(900)}\r\n`)).toBe(
      'SERVER_ERROR object too large for cache\r\n',
    )
    expect(client.send('get b:1 b:4 c\r\n')).toContain('VALUE b:4')
    expect(told(client)).toEqual([
      ...['limit_bytes 5000', 'bytes 0', 'items 0', 'evictions 0', 'refusals 0'].map(
        (line) => `a%20b:${line}`,
      ),
      ...['limit_bytes 300', 'bytes 276', 'items 3', 'evictions 1', 'refusals 1'].map(
        (line) => `b%3A:${line}`,
      ),
    ])
    client.send('stats reset\r\n')
    expect(told(client)).toContain('b%3A:evictions 0')
    expect(told(client)).toContain('b%3A:items 3')
  })

  test('hold for every way to store, over the binary protocol too', () => {
    const server = new Server(options)
    const client = server.connect()
    const long = 'v'.repeat(100)
    client.send(`add b:1 0 0 100\r\n${long}\r\nms b:2 100\r\n${long}\r\n`)
    expect(client.send(`append b:2 0 0 100\r\n${long}\r\n`)).toBe('STORED\r\n')
    expect(client.send('get b:1 b:2\r\n')).toBe(`VALUE b:2 0 200\r\n${long}${long}\r\nEND\r\n`)
    expect(client.send(`append b:2 0 0 100\r\n${long}\r\n`)).toMatch(/^(NOT_STORED|SERVER_ERROR)/)
    expect(client.send('ma b:3 N0 J1\r\n')).toBe('HD\r\n')
    expect(client.send('get b:2 b:3\r\n')).toContain('VALUE b:3')
    const binary = server.connect()
    binary.send(
      packet({ opcode: opcode.SET, key: 'b:4', extras: words(0, 0), value: long.repeat(2) }),
    )
    expect(client.send('get b:2 b:4\r\n')).toMatch(/^VALUE b:4 /)
    server.check()
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { set } from '../cache/cache-fixture.ts'
import { MAX_INVALIDATIONS } from '../cache/prefix-invalidations.ts'
import { type Client, converse, Server } from './conversation.ts'

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

  /** The keys of a page, and where the next begins; undefined at the end. */
  const pageOf = (
    client: Client,
    request: string,
  ): { keys: string[]; next: string | undefined } => {
    const lines = client.send(`${request}\r\n`).split('\n')
    const keys = lines.flatMap((line) => /^key=(\S+) /.exec(line)?.[1] ?? [])
    expect(lines).toHaveLength(keys.length + 2)
    const next = /^(?:END|NEXT (\d+))\r$/.exec(lines[keys.length])
    expect(next).not.toBeNull()
    return { keys, next: next?.[1] }
  }

  /** Walks to the end in pages of so many keys; `between` is called before each but the first. */
  const walk = (client: Client, prefix: string, count: number, between = (): void => {}) => {
    const pages: string[][] = []
    let { keys, next } = pageOf(client, `list_prefix ${prefix} ${count}`)
    pages.push(keys)
    while (next !== undefined) {
      between()
      ;({ keys, next } = pageOf(client, `list_prefix ${prefix} ${count} ${next}`))
      pages.push(keys)
    }
    return pages
  }

  test('ends with the count that is wanted, and tells where to go on', () => {
    const client = new Server().connect()
    const keys = Array.from({ length: 3000 }, (_, i) => `${i % 3 === 0 ? 'third' : 'other'}:${i}`)
    client.send(stored(...keys))
    const pages = walk(client, 'third:', 100)
    // A bucket is told whole: of this table it holds a few items.
    for (const page of pages.slice(0, -1)) {
      expect(page.length).toBeGreaterThanOrEqual(100)
      expect(page.length).toBeLessThan(130)
    }
    const third = keys.filter((key) => key.startsWith('third'))
    expect(pages.flat().sort()).toEqual(third.map((key) => encodeURIComponent(key)).sort())
  })

  test('ends for good when there was no more, and when the prefix has nothing', () => {
    const client = new Server().connect()
    client.send(stored('p:1', 'p:2', 'p:3'))
    expect(walk(client, 'p:', 1).flat()).toHaveLength(3)
    expect(pageOf(client, 'list_prefix p: 4294967295').next).toBe(undefined)
    expect(pageOf(client, 'list_prefix q: 1')).toEqual({ keys: [], next: undefined })
  })

  test('lists what stays exactly once, while items come and go, move, and the table grows', () => {
    const server = new Server()
    const client = server.connect()
    const stay = Array.from({ length: 500 }, (_, i) => `p:stays:${i}`)
    client.send(stored(...stay, ...stay.map((_, i) => `p:goes:${i}`)))
    const { power } = server.cache.table
    let step = 0
    const pages = walk(client, 'p:', 50, () => {
      client.send(`delete p:goes:${step}\r\n`)
      // In another chunk from now on, of another class.
      client.send(`set p:stays:${step} 0 0 300 noreply\r\n${'v'.repeat(300)}\r\n`)
      for (let n = 0; n < 2000; n++) set(server.cache, `${step}:${n}`, 'v')
      for (let n = 0; n < 10; n++) set(server.cache, `p:comes:${step}:${n}`, 'v')
      step++
    })
    expect(server.cache.table.power).toBeGreaterThan(power)
    const listed = pages.flat().map(decodeURIComponent)
    expect(new Set(listed).size).toBe(listed.length)
    expect(stay.filter((key) => !listed.includes(key))).toEqual([])
  })

  test('takes any cursor, also of a larger table than this', () => {
    const client = new Server().connect()
    client.send(stored('p:1', 'p:2'))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (cursor) => {
        const { keys } = pageOf(client, `list_prefix p: 10 ${cursor}`)
        expect(['p%3A1', 'p%3A2']).toEqual(expect.arrayContaining(keys))
      }),
    )
  })

  test('has its count reached within a bucket that is longer than an answer', () => {
    const server = new Server({ hashPowerInitial: 4, hashExpansionEnabled: false })
    const client = server.connect()
    const keys = Array.from({ length: 5000 }, (_, i) => `p:${i}`)
    client.send(stored(...keys))
    const pages = walk(client, 'p:', 10)
    expect(pages.length).toBeGreaterThan(1)
    expect(pages.flat().map(decodeURIComponent).sort()).toEqual(keys.sort())
  })

  test.each([
    'list_prefix',
    'list_prefix p 0',
    'list_prefix p -1',
    'list_prefix p ten',
    'list_prefix p 4294967296',
    'list_prefix p 1 x',
    'list_prefix p 1 -1',
    'list_prefix p 1 4294967296',
    'list_prefix p 1 0 0',
  ])('%j is badly formed', (request) => {
    expect(converse(`${request}\r\n`)).toBe('CLIENT_ERROR bad command line format\r\n')
  })

  test('is not allowed where keys are not listed (-X)', () => {
    const client = new Server({}, { dumpEnabled: false }).connect()
    expect(client.send('list_prefix p\r\n')).toBe('CLIENT_ERROR list_prefix not allowed\r\n')
    expect(client.send('list_prefix p 10 5\r\n')).toBe('CLIENT_ERROR list_prefix not allowed\r\n')
  })
})

describe('prefix_limit', () => {
  const options = {
    prefixLimits: [
      { prefix: 'p:', bytes: 10_000 },
      { prefix: 'p:q:', bytes: 10_000 },
    ],
  }
  const told = (client: Client, prefix: string, what: string): number =>
    Number(
      new RegExp(`prefix_limit:${encodeURIComponent(prefix)}:${what} (\\d+)`).exec(
        client.send('stats memshard\r\n'),
      )?.[1],
    )

  test.each([
    ['20000', 20_000],
    ['64k', 65_536],
    ['3M', 3 * 1024 * 1024],
    ['2g', 2 * 1024 ** 3],
    ['0', 0],
  ])('%s is told from then on', (size, bytes) => {
    const client = new Server(options).connect()
    expect(client.send(`prefix_limit p: ${size}\r\n`)).toBe('OK\r\n')
    expect(told(client, 'p:', 'limit_bytes')).toBe(bytes)
    expect(told(client, 'p:q:', 'limit_bytes')).toBe(10_000)
  })

  test('makes an item too large, or not any more', () => {
    const client = new Server(options).connect()
    const item = `set p:1 0 0 15000\r\n${'v'.repeat(15_000)}\r\n`
    expect(client.send(item)).toBe('SERVER_ERROR object too large for cache\r\n')
    client.send('prefix_limit p: 20k\r\n')
    expect(client.send(item)).toBe('STORED\r\n')
    client.send('prefix_limit p: 1k\r\n')
    expect(client.send(item)).toBe('SERVER_ERROR object too large for cache\r\n')
    client.send('prefix_limit p: 0\r\n')
    expect(client.send(item)).toBe('STORED\r\n')
  })

  test('wakes who brings down what is too much, and only then', () => {
    let wakes = 0
    const client = new Server(options, { wakeBackground: () => wakes++ }).connect()
    client.send(stored('p:1', 'p:2'))
    client.send('prefix_limit p: 5000\r\nprefix_limit p: 0\r\n')
    expect(wakes).toBe(0)
    client.send('prefix_limit p: 100\r\n')
    expect(wakes).toBe(1)
  })

  test.each([
    ['prefix_limit', 'CLIENT_ERROR bad command line format'],
    ['prefix_limit p:', 'CLIENT_ERROR bad command line format'],
    ['prefix_limit p: 1 2 3', 'CLIENT_ERROR bad command line format'],
    ['prefix_limit p: -1', 'CLIENT_ERROR a limit is a number of bytes, or one with k, m or g'],
    ['prefix_limit p: 1t', 'CLIENT_ERROR a limit is a number of bytes, or one with k, m or g'],
    [`prefix_limit p: ${'9'.repeat(30)}`, 'CLIENT_ERROR a limit is a number of bytes, or one with'],
    ['prefix_limit p 10', 'CLIENT_ERROR that prefix has no limit'],
    ['prefix_limit p:q 10', 'CLIENT_ERROR that prefix has no limit'],
  ])('%j is refused', (request, answer) => {
    const client = new Server(options).connect()
    expect(client.send(`${request}\r\n`)).toMatch(new RegExp(`^${answer}`))
    expect(told(client, 'p:', 'limit_bytes')).toBe(10_000)
  })

  test('may be sent without an answer', () => {
    const client = new Server(options).connect()
    expect(client.send('prefix_limit p: 5 noreply\r\nmn\r\n')).toBe('MN\r\n')
    expect(told(client, 'p:', 'limit_bytes')).toBe(5)
  })
})

// @memshard/client/memcached beside the npm package that it stands in for: the calls of that package's README, the same
// for both, against a node of ours and real memcached; then keys and values that one writes and the other reads.
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Client } from '@memshard/client'
import {
  type Callback,
  type IssueDetails,
  Memcached,
  type MemcachedOptions,
} from '@memshard/client/memcached'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'

const skipped = missing('memcached (npm)') ?? missing('memcached')
const Original: typeof Memcached = skipped ? Memcached : createRequire(import.meta.url)('memcached')

const LONG_KEY = 'k'.repeat(251)
const MONTH_SECONDS = 30 * 24 * 60 * 60

/** Flushed items are counted until they are found. */
const count: unknown = expect.any(Number)

/** What a call is called back with. */
async function called<T>(call: (callback: Callback<T>) => void): Promise<T> {
  return (await outcome(call)).data
}

interface Outcome<T> {
  readonly data: T
  readonly query: unknown
}

function outcome<T>(call: (callback: Callback<T>) => void): Promise<Outcome<T>> {
  return new Promise((resolve, reject) => {
    call(function (error, data) {
      if (error === undefined) resolve({ data, query: this })
      else reject(error)
    })
  })
}

describe.skipIf(skipped)('the README of memcached 2.2.2', () => {
  describe.each([
    ['memshard', 'memshard'],
    ['memcached', 'memcached'],
  ] as const)('on %s', (_, server) => {
    let node: RunningNode
    beforeAll(async () => {
      node = await startNode({ server })
    })
    afterAll(() => node.stop())

    describe.each([
      ['the package', Original],
      ['the shim', Memcached],
    ])('%s', (_, Made) => {
      let memcached: Memcached
      beforeAll(() => {
        memcached = new Made(node.address, { timeout: 10_000 })
      })
      beforeEach(async () => {
        expect(await called((done) => memcached.flush(done as never))).toEqual([true])
      })
      afterAll(() => memcached.end())

      const set = (key: string, value: unknown, lifetime = 10): Promise<boolean> =>
        called((done) => memcached.set(key, value, lifetime, done))
      const get = (key: string): Promise<unknown> => called((done) => memcached.get(key, done))

      test('touch', async () => {
        await set('key', 'value')
        expect(await called((done) => memcached.touch('key', 10, done))).toBe(true)
        expect(await called((done) => memcached.touch('other', 10, done))).toBe(false)
        expect(await called((done) => memcached.touch('key', -1, done))).toBe(true)
        expect(await get('key')).toBeUndefined()
      })

      test('get, set', async () => {
        expect(await get('foo')).toBeUndefined()
        expect(await set('foo', 'bar')).toBe(true)
        expect(await get('foo')).toBe('bar')
      })

      test.each([
        ['a text', 'ein schöner Wert, ключ, 鍵'],
        ['an empty text', ''],
        ['a text of lines', 'one\r\ntwo\nEND\r\nVALUE foo 0 1\r\n\\'],
        ['a number', 1.5],
        ['an object', { list: [1, 'two', null], of: { lines: '\r\n' } }],
        ['true', true],
        ['null', null],
        ['bytes', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
      ])('keeps %s', async (_, value) => {
        await set('foo', value)
        expect(await get('foo')).toEqual(value)
      })

      test('gets, cas', async () => {
        expect(await called((done) => memcached.gets('foo', done))).toBeUndefined()
        await set('foo', 'bar')
        const data = await called<Record<string, unknown> | undefined>((done) =>
          memcached.gets('foo', done as never),
        )
        expect(data).toEqual({ foo: 'bar', cas: expect.stringMatching(/^\d+$/) })
        const cas = String(data?.cas)
        expect(await called((done) => memcached.cas('foo', 'new', cas, 10, done))).toBe(true)
        expect(await called((done) => memcached.cas('foo', 'newer', cas, 10, done))).toBe(false)
        expect(await called((done) => memcached.cas('bar', 'new', cas, 10, done))).toBe(false)
        expect(await get('foo')).toBe('new')
      })

      test('getMulti, and get of several', async () => {
        await set('foo', 'one')
        await set('bar', { two: 2 })
        const keys = ['foo', 'bar', 'missing']
        const expected = { foo: 'one', bar: { two: 2 } }
        expect(await called((done) => memcached.getMulti(keys, done))).toEqual(expected)
        expect(await called((done) => memcached.get(keys, done))).toEqual(expected)
        expect(await called((done) => memcached.getMulti(['missing'], done))).toEqual({})
      })

      test('replace, add', async () => {
        const refused = { message: 'Item is not stored', notStored: true }
        const replace = () => called((done) => memcached.replace('foo', 'bar', 10, done))
        const add = () => called((done) => memcached.add('foo', 'baz', 10, done))
        await expect(replace()).rejects.toMatchObject(refused)
        expect(await add()).toBe(true)
        await expect(add()).rejects.toMatchObject(refused)
        expect(await replace()).toBe(true)
        expect(await get('foo')).toBe('bar')
      })

      test('append, prepend', async () => {
        const refused = { message: 'Item is not stored', notStored: true }
        const append = () => called((done) => memcached.append('foo', 'c\n', done))
        await expect(append()).rejects.toMatchObject(refused)
        await expect(called((done) => memcached.prepend('foo', 'a', done))).rejects.toMatchObject(
          refused,
        )
        await set('foo', 'b')
        expect(await append()).toBe(true)
        expect(await called((done) => memcached.prepend('foo', 'a', done))).toBe(true)
        expect(await get('foo')).toBe('abc\n')
      })

      test('incr, decr', async () => {
        expect(await called((done) => memcached.incr('foo', 10, done))).toBe(false)
        await set('foo', 1)
        expect(await called((done) => memcached.incr('foo', 10, done))).toBe(11)
        expect(await called((done) => memcached.decr('foo', 2, done))).toBe(9)
        expect(await called((done) => memcached.decr('foo', 20, done))).toBe(0)
        expect(await get('foo')).toBe(0)
        await set('foo', 'text')
        await expect(called((done) => memcached.incr('foo', 1, done))).rejects.toThrow(
          /cannot increment or decrement non-numeric value/,
        )
      })

      test('del', async () => {
        await set('foo', 'bar')
        expect(await called((done) => memcached.del('foo', done))).toBe(true)
        expect(await called((done) => memcached.delete('foo', done))).toBe(false)
        expect(await get('foo')).toBeUndefined()
      })

      test('lifetimes: seconds, Unix times, over at once', async () => {
        const inAnHour = Math.floor(Date.now() / 1000) + 3600
        await set('hour', 'v', inAnHour)
        await set('month', 'v', MONTH_SECONDS)
        await set('past', 'v', MONTH_SECONDS + 1)
        await set('over', 'v', -1)
        await set('ever', 'v', 0)
        await using client = new Client({ nodes: [node.address], timeout: 10_000 })
        const ttl = async (key: string) => (await client.getEntry(key))?.ttl
        expect(await ttl('hour')).toBeGreaterThan(3500)
        expect(await ttl('hour')).toBeLessThan(3700)
        expect(await ttl('month')).toBeGreaterThan(MONTH_SECONDS - 100)
        expect(await ttl('past')).toBeUndefined()
        expect(await ttl('over')).toBeUndefined()
        expect(await get('ever')).toBe('v')
      })

      test('version, stats, settings', async () => {
        const [version] = await called<unknown[]>((done) => memcached.version(done as never))
        const digits = expect.stringMatching(/^\d+$/)
        expect(version).toEqual({
          server: node.address,
          version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
          major: digits,
          minor: digits,
          bugfix: digits,
        })
        const [stats] = await called<unknown[]>((done) => memcached.stats(done as never))
        expect(stats).toMatchObject({ server: node.address, curr_items: count, pid: node.pid })
        const [settings] = await called<unknown[]>((done) => memcached.settings(done as never))
        expect(settings).toMatchObject({
          server: node.address,
          tcpport: node.port,
          evictions: 'on',
        })
      })

      test('slabs, items, cachedump', async () => {
        for (let i = 0; i < 3; i++) await set(`item-${i}`, 'value', 0)
        const [slabs] = await called<unknown[]>((done) => memcached.slabs(done as never))
        expect(slabs).toMatchObject({
          server: node.address,
          '1': { chunk_size: 96, used_chunks: count },
          active_slabs: { undefined: count },
        })
        const [items] = await called<unknown[]>((done) => memcached.items(done as never))
        expect(items).toMatchObject({ server: node.address, '1': { number: count, evicted: 0 } })
        // Only what is in the COLD list is dumped, and when it comes there is the server's affair. The package empties its list
        // as soon as the callback returns.
        const dump = () =>
          called((done) => {
            memcached.cachedump(node.address, 1, 0, function (error, items) {
              done.call(this, error, structuredClone(items))
            })
          })
        const item = { key: expect.stringMatching(/^item-\d$/), b: 5, s: expect.any(Number) }
        await expect.poll(dump).toEqual(expect.arrayContaining([item]))
        expect(await called((done) => memcached.cachedump(node.address, 20, 0, done))).toBe(
          undefined,
        )
      })

      test('a callback has the query as this', async () => {
        const { query } = await outcome<boolean>((done) => memcached.set('foo', 'bar', 10, done))
        expect(query).toMatchObject({
          type: 'set',
          key: 'foo',
          value: 'bar',
          lifetime: 10,
          callback: expect.any(Function),
          start: expect.any(Number),
          execution: expect.any(Number),
        })
      })

      test.each([
        ['a key with a blank', 'a key', 'v', 10, /should not contain any whitespace/],
        ['a lifetime that is none', 'key', 'v', '10', /"lifetime" is not a valid Number/],
        ['a value too long', 'key', 'v'.repeat(2 ** 20 + 1), 10, /is greater than 1048576/],
      ])('refuses %s', async (_, key, value, lifetime, message) => {
        const refused = called((done) => memcached.set(key, value, lifetime as number, done))
        await expect(refused).rejects.toThrow(message)
        expect(await set('foo', 'still well')).toBe(true)
      })

      test('long keys are hashed, or refused', async () => {
        expect(await set(LONG_KEY, 'value')).toBe(true)
        expect(await get(LONG_KEY)).toBe('value')
        const strict = new Made(node.address, { keyCompression: false })
        await expect(called((done) => strict.get(LONG_KEY, done))).rejects.toThrow(
          /longer than the maximum allowed length of 250/,
        )
        strict.end()
      })

      test('a namespace is in front of keys', async () => {
        const inside = new Made(node.address, { namespace: 'in:' })
        expect(await called((done) => inside.set('foo', 'bar', 10, done))).toBe(true)
        expect(await get('in:foo')).toBe('bar')
        expect(await called((done) => inside.get('foo', done))).toBe('bar')
        expect(await called((done) => inside.getMulti(['foo', 'b'], done))).toEqual({ foo: 'bar' })
        const data = await called((done) => inside.gets('foo', done as never))
        expect(data).toEqual({ 'in:foo': 'bar', cas: expect.any(String) })
        expect(await called((done) => inside.del('foo', done))).toBe(true)
        inside.end()
      })
    })
  })

  test('options for all are those of config', async () => {
    await using node = await startNode()
    for (const Made of [Original, Memcached]) {
      Made.config.namespace = 'all:'
      const memcached = new Made(node.address, { timeout: 20_000 })
      Made.config.namespace = ''
      await called((done) => memcached.set('foo', 'bar', 10, done))
      const plain = new Made(node.address, { timeout: 20_000 })
      expect(await called((done) => plain.get('all:foo', done))).toBe('bar')
      expect(await called((done) => plain.del('all:foo', done))).toBe(true)
      memcached.end()
      plain.end()
    }
  })
})

describe.skipIf(skipped)('on one ring, what one writes', () => {
  const nodes: RunningNode[] = []
  beforeAll(async () => {
    for (let i = 0; i < 3; i++) nodes.push(await startNode())
  })
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  })

  /** Short, long, of any letters, and with what a slip in the package's own code changes. */
  const KEYS = [
    ...Array.from({ length: 150 }, (_, i) => `user:${i}`),
    ...Array.from({ length: 30 }, (_, i) => `${i}${LONG_KEY}`),
    ...Array.from({ length: 20 }, (_, i) => `ключ-${i}-鍵`),
    ...['a$$b', 'a$&b', '$1', 'costs$', '$$$'],
    ...['constructor', 'toString', 'hasOwnProperty'],
  ]
  const VALUES = ['text\r\nof lines', 42, { an: ['object'] }, Buffer.from([0, 13, 10, 128, 255])]

  const locations = (weighted: boolean) => {
    const addresses = nodes.map(({ address }) => address)
    if (!weighted) return addresses
    return Object.fromEntries(addresses.map((address, i) => [address, i + 1]))
  }

  test.each([
    ['the package', 'the shim', Original, Memcached, false],
    ['the shim', 'the package', Memcached, Original, false],
    ['the package', 'the shim, with weights', Original, Memcached, true],
    ['the shim', 'the package, with weights', Memcached, Original, true],
  ])('%s, is read by %s', async (_, __, Writer, Reader, weighted) => {
    const writer = new Writer(locations(weighted), { namespace: 'n:' })
    const reader = new Reader(locations(weighted), { namespace: 'n:' })
    for (const [i, key] of KEYS.entries()) {
      await called((done) => writer.set(key, VALUES[i % VALUES.length], 100, done))
    }
    for (const [i, key] of KEYS.entries()) {
      const found = await called((done) => reader.get(key, done))
      expect(found, key).toEqual(VALUES[i % VALUES.length])
    }
    const first = KEYS.slice(0, 50)
    const [many, same] = await Promise.all(
      [reader, writer].map((client) => called((done) => client.getMulti(first, done))),
    )
    expect(Object.keys(many ?? {})).toHaveLength(first.length)
    expect(many).toEqual(same)
    for (const key of KEYS) {
      expect(await called((done) => reader.del(key, done)), key).toBe(true)
      expect(await called((done) => writer.get(key, done)), key).toBeUndefined()
    }
    writer.end()
    reader.end()
  })
})

describe('the shim alone', () => {
  test('lends its client: same nodes, places and values', async () => {
    await using node = await startNode()
    const memcached = new Memcached(node.address, { timeout: 20_000 })
    await called((done) => memcached.set('foo', { a: 1 }, 10, done))
    expect(await memcached.client.get('foo')).toEqual({ a: 1 })
    const made = await memcached.client.fetch(LONG_KEY, 60, async () => 'loaded')
    expect(made).toBe('loaded')
    expect(await called((done) => memcached.get(LONG_KEY, done))).toBe('loaded')
    memcached.end()
  })

  test('does what it is told without a callback', async () => {
    await using node = await startNode()
    const memcached = new Memcached(node.address, { timeout: 20_000 })
    memcached.set('foo', 'bar', 10)
    memcached.append('foo', 'baz')
    expect(await called((done) => memcached.get('foo', done))).toBe('barbaz')
    memcached.del('foo')
    expect(await called((done) => memcached.get('foo', done))).toBeUndefined()
    memcached.incr('foo', -1)
    memcached.end()
  })

  test('reads what others wrote with flags of their own as text', async () => {
    await using node = await startNode()
    await using other = new Client({ nodes: [node.address], timeout: 10_000 })
    await other.meta('ms', 'foo', ['F128'], { data: 'bar' })
    const memcached = new Memcached(node.address, { timeout: 20_000 })
    expect(await called((done) => memcached.get('foo', done))).toBe('bar')
    memcached.end()
  })

  test.each([
    [{ algorithm: 'sha1' }, /only md5 places keys/],
    [{ compatibility: 'hash_ring' }, /only ketama places keys/],
    [{ redundancy: 1 }, /leaves copies that no later set updates/],
    [{ debug: true }, /diagnostics channel/],
    [{ poolsize: 5 }, /no option poolsize/],
  ])('refuses %j', (options, message) => {
    expect(() => new Memcached('127.0.0.1', options as MemcachedOptions)).toThrow(message)
  })

  test('takes what means nothing here', () => {
    const memcached = new Memcached(undefined, {
      ...{ maxExpiration: 2592000, poolSize: 10, retries: 5, factor: 3, minTimeout: 1000 },
      ...{ maxTimeout: 60000, randomize: false, failuresTimeout: 300000, idle: 5000 },
      ...{ reconnect: 18000000, retry: 30000, remove: false, redundancy: false },
    })
    expect(memcached.client.nodes).toMatchObject([{ host: 'localhost', port: 11211 }])
    memcached.end()
  })

  test('tells of a server that fails and comes back, and calls for it are errors meanwhile', async () => {
    const node = await startNode()
    const memcached = new Memcached(node.address, { failures: 1, retry: 20, reconnect: 50 })
    await called((done) => memcached.set('foo', 'bar', 10, done))
    const failed = once(memcached, 'failure')
    const returned = once(memcached, 'reconnect')
    const tried = once(memcached, 'reconnecting')
    await node.stop('SIGKILL')
    await expect(called((done) => memcached.get('foo', done))).rejects.toMatchObject({
      code: expect.stringMatching(/NODE_DOWN|CONNECTION/),
    })
    const [failure] = (await failed) as [IssueDetails]
    expect(failure).toMatchObject({
      server: node.address,
      tokens: [String(node.port), '127.0.0.1'],
      messages: [expect.stringContaining(node.address), ...failure.messages.slice(1)],
      totalDownTime: expect.any(Number),
    })
    await expect(called((done) => memcached.get('foo', done))).rejects.toThrow()
    expect((await tried)[0]).toMatchObject({ totalReconnectsFailed: expect.any(Number) })
    await using _ = await startNode({ port: node.port })
    expect((await returned)[0]).toMatchObject({ server: node.address, totalReconnectsSuccess: 1 })
    await expect.poll(() => called((done) => memcached.set('foo', 'bar', 10, done))).toBe(true)
    memcached.end()
  })

  test('gives the keys of a removed server to others, and what it has of several to getMulti', async () => {
    await using well = await startNode()
    const ill = await startNode()
    const addresses = [well.address, ill.address]
    const strict = new Memcached(addresses, { failures: 1 })
    const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`)
    for (const key of keys) await called((done) => strict.set(key, 'v', 100, done))
    await ill.stop('SIGKILL')
    const { errors, data } = await new Promise<{ errors: unknown; data: object }>((resolve) => {
      strict.getMulti(keys, (errors, data) => resolve({ errors, data }))
    })
    expect(errors).toBeDefined()
    expect(Object.keys(data).length).toBeGreaterThan(0)
    expect(Object.keys(data).length).toBeLessThan(keys.length)
    strict.end()
    const lenient = new Memcached(addresses, { failures: 1, remove: true })
    const removed = once(lenient, 'remove')
    await expect
      .poll(async () => {
        const stored = keys.map((key) => called((done) => lenient.set(key, 'v', 100, done)))
        return (await Promise.allSettled(stored)).every(({ status }) => status === 'fulfilled')
      })
      .toBe(true)
    expect((await removed)[0]).toMatchObject({ server: ill.address })
    lenient.end()
  })
})

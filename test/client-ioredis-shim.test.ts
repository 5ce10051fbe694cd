// @memshard/client/ioredis beside ioredis over a real Redis: what applications ask of a cache is answered alike, over a node of
// ours and real memcached. Then what has no likeness, and says so.
import { Client } from '@memshard/client'
import { Redis, type RedisOptions, UnsupportedCommandError } from '@memshard/client/ioredis'
import { Redis as Original } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { startRedis } from './redis.ts'

interface Backend {
  readonly redis: Redis
  /** One more, with this prefix. */
  within(keyPrefix: string): Redis
  empty(): Promise<void>
  stop(): Promise<void>
}

async function ours(server: 'memshard' | 'memcached'): Promise<Backend> {
  const node = await startNode({ server })
  const options = { nodes: [node.address], timeout: 10_000 }
  const redis = new Redis(options)
  const others: Redis[] = []
  return {
    redis,
    within(keyPrefix) {
      others.push(new Redis({ ...options, keyPrefix }))
      return others.at(-1)!
    },
    empty: () => redis.client.flush(),
    async stop() {
      await Promise.all([redis, ...others].map((redis) => redis.quit()))
      await node.stop()
    },
  }
}

async function theirs(): Promise<Backend> {
  const server = await startRedis()
  const redis = new Original(server.port, '127.0.0.1')
  const others: Original[] = []
  return {
    redis: redis as unknown as Redis,
    within(keyPrefix) {
      others.push(new Original(server.port, '127.0.0.1', { keyPrefix }))
      return others.at(-1) as unknown as Redis
    },
    async empty() {
      await redis.flushall()
    },
    async stop() {
      await Promise.all([redis, ...others].map((redis) => redis.quit()))
      await server[Symbol.asyncDispose]()
    },
  }
}

const backends: [string, () => Promise<Backend>][] = [
  ['the shim on memshard', () => ours('memshard')],
]
if (!missing('memcached')) backends.push(['the shim on memcached', () => ours('memcached')])
if (!missing('redis-server')) backends.push(['ioredis on Redis', theirs])

describe.each(backends)('%s', (_, start) => {
  let backend: Backend
  let redis: Redis
  beforeAll(async () => {
    backend = await start()
    redis = backend.redis
  })
  beforeEach(() => backend.empty())
  afterAll(() => backend?.stop())

  test('get, set', async () => {
    expect(await redis.get('k')).toBeNull()
    expect(await redis.set('k', 'ключ\r\n')).toBe('OK')
    expect(await redis.get('k')).toBe('ключ\r\n')
    expect(await redis.set('k', 42)).toBe('OK')
    expect(await redis.get('k')).toBe('42')
    expect(await redis.set('k', Buffer.from([0, 255]))).toBe('OK')
    expect(await redis.getBuffer('k')).toEqual(Buffer.from([0, 255]))
    expect(await redis.getBuffer('nothing')).toBeNull()
  })

  test('keys of any kind', async () => {
    const keys = ['with blanks\r\n', '', 'k'.repeat(300), 'ключ', `sha256:${'0'.repeat(64)}`]
    for (const [i, key] of keys.entries()) await redis.set(key, i)
    expect(await redis.mget(keys)).toEqual(['0', '1', '2', '3', '4'])
  })

  test('set with times to live', async () => {
    await redis.set('k', 'v', 'EX', 100)
    expect(await redis.ttl('k')).toBeGreaterThan(95)
    expect(await redis.ttl('k')).toBeLessThanOrEqual(100)
    await redis.set('k', 'v')
    expect(await redis.ttl('k')).toBe(-1)
    expect(await redis.pttl('k')).toBe(-1)
    await redis.set('k', 'v', 'PX', 100_000)
    expect(await redis.pttl('k')).toBeGreaterThan(95_000)
    await redis.set('k', 'v', 'EXAT', Math.floor(Date.now() / 1000) + 50)
    expect(await redis.ttl('k')).toBeLessThanOrEqual(53)
    await redis.set('k', 'v', 'PXAT', Date.now() + 30_000)
    expect(await redis.ttl('k')).toBeLessThanOrEqual(33)
    await redis.set('month', 'v', 'EX', 60 * 24 * 3600)
    expect(await redis.ttl('month')).toBeGreaterThan(59 * 24 * 3600)
  })

  test('set with conditions, KEEPTTL and GET', async () => {
    expect(await redis.set('k', 'v', 'XX')).toBeNull()
    expect(await redis.set('k', 'v', 'EX', 100, 'NX')).toBe('OK')
    expect(await redis.set('k', 'w', 'NX')).toBeNull()
    expect(await redis.get('k')).toBe('v')
    expect(await redis.set('k', 'w', 'XX', 'KEEPTTL')).toBe('OK')
    expect(await redis.ttl('k')).toBeGreaterThan(90)
    expect(await redis.set('k', 'x', 'GET')).toBe('w')
    expect(await redis.ttl('k')).toBe(-1)
    expect(await redis.set('k', 'y', 'NX', 'GET')).toBe('x')
    expect(await redis.get('k')).toBe('x')
    expect(await redis.set('new', 'y', 'KEEPTTL', 'GET')).toBeNull()
    expect(await redis.get('new')).toBe('y')
    expect(await redis.ttl('new')).toBe(-1)
    expect(await redis.set('none', 'y', 'XX', 'KEEPTTL')).toBeNull()
  })

  test('setex, psetex, setnx, getset', async () => {
    expect(await redis.setex('k', 100, 'v')).toBe('OK')
    expect(await redis.ttl('k')).toBeGreaterThan(90)
    expect(await redis.psetex('k', 200_000, 'w')).toBe('OK')
    expect(await redis.ttl('k')).toBeGreaterThan(190)
    expect(await redis.setnx('k', 'x')).toBe(0)
    expect(await redis.setnx('n', 'x')).toBe(1)
    expect(await redis.getset('k', 'y')).toBe('w')
    expect(await redis.getset('m', 'z')).toBeNull()
    expect(await redis.mget('k', 'n', 'm')).toEqual(['y', 'x', 'z'])
  })

  test('mget, mset, del, unlink, exists', async () => {
    expect(await redis.mset('a', 1, 'b', 'two')).toBe('OK')
    expect(await redis.mset({ c: 3 })).toBe('OK')
    expect(await redis.mset(new Map([['d', 4]]))).toBe('OK')
    expect(await redis.mset(['e', 5])).toBe('OK')
    expect(await redis.mget('a', 'x', 'b', 'a')).toEqual(['1', null, 'two', '1'])
    expect(await redis.mget(['c', 'd', 'e'])).toEqual(['3', '4', '5'])
    expect(await redis.exists('a', 'x', 'a')).toBe(2)
    expect(await redis.del('a', 'x')).toBe(1)
    expect(await redis.del(['b'])).toBe(1)
    expect(await redis.unlink('c', 'd')).toBe(2)
    expect(await redis.exists('a')).toBe(0)
  })

  test('incr, decr and their like go below zero, and keep the time to live', async () => {
    expect(await redis.incr('n')).toBe(1)
    expect(await redis.ttl('n')).toBe(-1)
    expect(await redis.incrby('n', 9)).toBe(10)
    expect(await redis.decr('n')).toBe(9)
    expect(await redis.decrby('n', 20)).toBe(-11)
    expect(await redis.incr('n')).toBe(-10)
    expect(await redis.incrby('n', '15')).toBe(5)
    expect(await redis.get('n')).toBe('5')
    expect(await redis.decr('fresh')).toBe(-1)
    await redis.set('limited', 99, 'EX', 100)
    await redis.incr('limited')
    await redis.decr('limited')
    expect(await redis.get('limited')).toBe('99')
    expect(await redis.ttl('limited')).toBeGreaterThan(90)
    await redis.set('text', 'text')
    await expect(redis.incr('text')).rejects.toThrow('ERR value is not an integer or out of range')
  })

  test('counts exactly, however many do', async () => {
    const counted = Array.from({ length: 40 }, (_, i) =>
      i % 4 === 0 ? redis.decr('n') : redis.incr('n'),
    )
    await Promise.all(counted)
    expect(await redis.get('n')).toBe('20')
  })

  test('expire, pexpire, expireat, pexpireat, ttl, persist', async () => {
    expect(await redis.expire('k', 100)).toBe(0)
    expect(await redis.ttl('k')).toBe(-2)
    expect(await redis.pttl('k')).toBe(-2)
    await redis.set('k', 'v')
    expect(await redis.expire('k', 100)).toBe(1)
    expect(await redis.ttl('k')).toBeGreaterThan(90)
    expect(await redis.pexpire('k', 200_000)).toBe(1)
    expect(await redis.ttl('k')).toBeGreaterThan(190)
    expect(await redis.expireat('k', Math.floor(Date.now() / 1000) + 300)).toBe(1)
    expect(await redis.ttl('k')).toBeGreaterThan(290)
    expect(await redis.pexpireat('k', Date.now() + 400_000)).toBe(1)
    expect(await redis.ttl('k')).toBeGreaterThan(390)
    expect(await redis.persist('k')).toBe(1)
    expect(await redis.persist('k')).toBe(0)
    expect(await redis.persist('nothing')).toBe(0)
    expect(await redis.ttl('k')).toBe(-1)
    expect(await redis.expire('k', 0)).toBe(1)
    expect(await redis.get('k')).toBeNull()
  })

  test('getdel, getex', async () => {
    expect(await redis.getdel('k')).toBeNull()
    await redis.set('k', 'v')
    expect(await redis.getex('k', 'EX', 100)).toBe('v')
    expect(await redis.ttl('k')).toBeGreaterThan(90)
    expect(await redis.getex('k')).toBe('v')
    expect(await redis.ttl('k')).toBeGreaterThan(90)
    expect(await redis.getex('k', 'PERSIST')).toBe('v')
    expect(await redis.ttl('k')).toBe(-1)
    expect(await redis.getdel('k')).toBe('v')
    expect(await redis.getex('k', 'EX', 100)).toBeNull()
  })

  test('append, strlen', async () => {
    expect(await redis.strlen('k')).toBe(0)
    expect(await redis.append('k', 'ключ')).toBe(8)
    expect(await redis.append('k', '!')).toBe(9)
    expect(await redis.strlen('k')).toBe(9)
    expect(await redis.get('k')).toBe('ключ!')
  })

  test('pipeline', async () => {
    await redis.set('text', 'text')
    const results = await redis
      .pipeline()
      .set('a', 1)
      .incr('a')
      .decrby('a', 5)
      .get('a')
      .incr('text')
      .mget('a', 'text')
      .del('a')
      .exists('a')
      .exec()
    expect(results).toEqual([
      [null, 'OK'],
      [null, 2],
      [null, -3],
      [null, '-3'],
      [expect.objectContaining({ message: expect.stringMatching(/not an integer/) })],
      [null, ['-3', 'text']],
      [null, 1],
      [null, 0],
    ])
    const written = redis.pipeline([
      ['set', 'b', 'c'],
      ['get', 'b'],
    ])
    expect(written.length).toBe(2)
    expect(await written.exec()).toEqual([
      [null, 'OK'],
      [null, 'c'],
    ])
  })

  test('callbacks', async () => {
    const told = (call: (done: (...told: unknown[]) => void) => unknown): Promise<unknown[]> =>
      new Promise((resolve) => call((...told) => resolve(told)))
    expect(await told((done) => redis.set('k', 'v', 'EX', 100, done))).toEqual([null, 'OK'])
    expect(await told((done) => redis.get('k', done))).toEqual([null, 'v'])
    expect((await told((done) => redis.incr('k', done)))[0]).toBeInstanceOf(Error)
    const piped = await told((done) => redis.pipeline().get('k').exec(done))
    expect(piped).toEqual([null, [[null, 'v']]])
  })

  test('keyPrefix', async () => {
    const inside = backend.within('in:')
    await inside.set('k', 'v')
    await inside.set('with blanks', 'w')
    expect(await redis.get('in:k')).toBe('v')
    expect(await inside.mget('k', 'with blanks')).toEqual(['v', 'w'])
    expect(await inside.del('k')).toBe(1)
    expect(await redis.get('in:k')).toBeNull()
  })

  test('ping', async () => {
    expect(await redis.ping()).toBe('PONG')
    expect(await redis.ping('hello')).toBe('hello')
  })

  test.each([
    ['a time that is none', ['k', 'v', 'EX', 0], /invalid expire time in 'set' command/],
    ['a word that is none', ['k', 'v', 'FOR', 'EVER'], /syntax error/],
    ['both conditions', ['k', 'v', 'NX', 'XX'], /syntax error/],
    ['two times', ['k', 'v', 'EX', 1, 'KEEPTTL'], /syntax error/],
    ['a time without its number', ['k', 'v', 'EX'], /syntax error/],
  ] as const)('refuses %s', async (_, args, message) => {
    await expect(redis.set(...(args as unknown as [string, string]))).rejects.toThrow(message)
  })
})

describe('the shim alone', () => {
  let node: RunningNode
  let redis: Redis
  beforeAll(async () => {
    node = await startNode()
    redis = new Redis({ nodes: [node.address], timeout: 10_000, keyPrefix: 'app:' })
  })
  afterAll(async () => {
    await redis.quit()
    await node.stop()
  })

  test.each([
    ['multi', /pipeline\(\)/],
    ['hset', /JSON value/],
    ['zadd', /ranking/],
    ['lpush', /queue/],
    ['sadd', /NX adds one/],
    ['publish', /Tags/],
    ['eval', /rate-limit/],
    ['keys', /doesn't know its keys/],
    ['flushall', /keyPrefix/],
    ['rename', /different nodes/],
    ['incrbyfloat', /whole value/],
    ['call', /as methods/],
  ])('refuses %s, and says what to do', (name, advice) => {
    for (const target of [redis, redis.pipeline()]) {
      const call = Reflect.get(target, name) as () => void
      expect(() => call()).toThrow(UnsupportedCommandError)
      expect(() => call()).toThrow(advice)
    }
  })

  test('knows every command of ioredis, to do it or to refuse it', () => {
    const prototype = Object.getPrototypeOf(Original.prototype)
    const theirs = new Set([
      ...Object.getOwnPropertyNames(Original.prototype),
      ...Object.getOwnPropertyNames(prototype),
    ])
    const commands = new Original({ lazyConnect: true }).getBuiltinCommands()
    expect(commands.length).toBeGreaterThan(200)
    const unknown = commands.filter((name) => theirs.has(name) && !Reflect.has(redis, name))
    expect(unknown).toEqual([])
  })

  test('flushdb forgets what begins with its prefix, and without one is refused', async () => {
    await redis.mset({ a: 1, 'with blanks': 2, ['k'.repeat(300)]: 3 })
    await using other = new Client({ nodes: [node.address], timeout: 10_000 })
    await other.set('other', 'stays')
    expect(await redis.flushdb()).toBe('OK')
    expect(await redis.mget('a', 'with blanks', 'k'.repeat(300))).toEqual([null, null, null])
    expect(await other.get('other')).toBe('stays')
    const plain = new Redis({ nodes: [node.address], timeout: 10_000 })
    await expect(plain.flushdb()).rejects.toThrow(/would empty nodes that others use/)
    await plain.quit()
  })

  test('refuses conditions of expire that memcached has not', async () => {
    await expect(redis.expire('k', 10, 'NX')).rejects.toThrow(UnsupportedCommandError)
  })

  test('refuses to be given a Redis', () => {
    for (const given of ['redis://127.0.0.1', 6379, { host: '127.0.0.1', port: 6379 }, undefined]) {
      expect(() => new Redis(given as unknown as RedisOptions)).toThrow(/nodes of memcached/)
    }
  })

  test('has misses for what is on a node that is down, and no count', async () => {
    const ill = await startNode()
    const redis = new Redis({ nodes: [ill.address], timeout: 10_000, failures: 1 })
    await redis.set('k', 'v')
    await ill.stop('SIGKILL')
    await expect.poll(() => redis.get('k').catch(() => 'failed')).toBeNull()
    expect(await redis.set('k', 'v')).toBeNull()
    expect(await redis.mget('k')).toEqual([null])
    for (const call of [redis.incr('n'), redis.append('k', 'v'), redis.set('k', 'v', 'GET')]) {
      await expect(call).rejects.toMatchObject({ code: 'ERR_MEMSHARD_NODE_DOWN' })
    }
    await redis.quit()
  })

  test('lends its client: same nodes, same keys', async () => {
    await redis.set('k', 'v')
    expect(String(await redis.client.get('k'))).toBe('v')
  })
})

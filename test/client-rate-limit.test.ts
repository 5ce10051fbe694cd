// Rate limits over nodes: the limiter of ours, the stores of express-rate-limit and @fastify/rate-limit, and
// rate-limiter-flexible over what stands in for the package `memcached`.
import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import fastifyRateLimit from '@fastify/rate-limit'
import { Client } from '@memshard/client'
import { Memcached } from '@memshard/client/memcached'
import {
  ExpressRateLimitStore,
  fastifyRateLimitStore,
  type LimitOptions,
  RateLimiter,
} from '@memshard/client/rate-limit'
import express from 'express'
import { rateLimit, type Store } from 'express-rate-limit'
import fastify from 'fastify'
import { RateLimiterMemcache, RateLimiterRes } from 'rate-limiter-flexible'
import { beforeEach, describe, expect, test } from 'vitest'
import type { RunningNode } from './nodes.ts'
import { missing } from './peers.ts'
import { shareCache } from './shared-cache.ts'

const withoutMemcached = missing('memcached')
const servers = ['memshard', ...(withoutMemcached ? [] : ['memcached'])] as const

/** Of a node that is not there. */
function clientOfNone(): Client {
  return new Client({ nodes: ['127.0.0.1:1'], timeout: 200 })
}

describe.each(servers as readonly ('memshard' | 'memcached')[])('a limiter on %s', (server) => {
  let node: RunningNode
  let client: Client
  shareCache({ server }, (cache) => {
    ;({ node, client } = cache)
  })
  beforeEach(() => client.flush())

  test('lets so many pass in a window, and says how it stands', async () => {
    const limiter = new RateLimiter({ client, limit: 2, window: 60 })
    const first = await limiter.consume('10.0.0.1')
    expect(first).toMatchObject({ allowed: true, count: 1, remaining: 1 })
    expect(first.resetsIn).toBeGreaterThan(50)
    expect(first.resetsIn).toBeLessThanOrEqual(60)
    expect(await limiter.peek('10.0.0.1')).toMatchObject({ allowed: true, count: 1 })
    expect(await limiter.consume('10.0.0.1')).toMatchObject({ allowed: true, remaining: 0 })
    expect(await limiter.consume('10.0.0.1')).toMatchObject({ allowed: false, count: 3 })
    expect(await limiter.consume('10.0.0.2')).toMatchObject({ allowed: true, count: 1 })
    expect(await limiter.peek('nobody')).toMatchObject({ allowed: true, count: 0, remaining: 2 })
  })

  test('begins anew when the window is over', async () => {
    const limiter = new RateLimiter({ client, limit: 1, window: 1 })
    expect((await limiter.consume('k')).allowed).toBe(true)
    expect((await limiter.consume('k')).allowed).toBe(false)
    await expect.poll(async () => (await limiter.peek('k')).count).toBe(0)
    expect(await limiter.consume('k')).toMatchObject({ allowed: true, count: 1 })
  })

  test('counts exactly, however many ask at once and wherever', async () => {
    await using other = new Client({ nodes: [node.address], timeout: 10_000 })
    const limiters = [client, other].map(
      (client) => new RateLimiter({ client, limit: 70, window: 60 }),
    )
    const verdicts = await Promise.all(
      Array.from({ length: 200 }, (_, i) => limiters[i % 2]!.consume('all')),
    )
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(70)
    expect(new Set(verdicts.map(({ count }) => count)).size).toBe(200)
  })

  test('asks its node once for each', async () => {
    await using own = new Client({ nodes: [node.address], timeout: 10_000 })
    const limiter = new RateLimiter({ client: own, limit: 5, window: 60 })
    for (let i = 0; i < 10; i++) await limiter.consume('once')
    const [metrics] = own.metrics().values()
    const calls = Object.values(metrics!.operations).reduce((sum, { calls }) => sum + calls, 0)
    expect(calls).toBe(10)
  })

  test('takes what costs more, gives back, and forgets', async () => {
    const limiter = new RateLimiter({ client, limit: 10, window: 60 })
    expect(await limiter.consume('k', 8)).toMatchObject({ allowed: true, remaining: 2 })
    expect(await limiter.consume('k', 4)).toMatchObject({ allowed: false, count: 12 })
    await limiter.refund('k', 4)
    expect(await limiter.consume('k', 2)).toMatchObject({ allowed: true, count: 10 })
    await limiter.reset('k')
    expect(await limiter.peek('k')).toMatchObject({ count: 0 })
    await limiter.refund('nobody')
    expect(await limiter.peek('nobody')).toMatchObject({ count: 0 })
  })

  test('lets nobody escape by a key that could not be sent', async () => {
    const limiter = new RateLimiter({ client, limit: 1, window: 60 })
    const hashed = `sha256:${'0'.repeat(64)}`
    for (const key of ['k'.repeat(10_000), 'a b\r\nflush_all', '', 'ключ', hashed, 'x\ud800']) {
      expect(await limiter.consume(key), key).toMatchObject({ allowed: true, count: 1 })
      expect(await limiter.consume(key), key).toMatchObject({ allowed: false, count: 2 })
    }
  })

  test('has windows longer than memcached takes for seconds', async () => {
    const limiter = new RateLimiter({ client, limit: 1, window: 40 * 24 * 3600 })
    expect((await limiter.consume('k')).resetsIn).toBeGreaterThan(39 * 24 * 3600)
  })
})

describe('a limiter', () => {
  test.each([
    ['lets all pass', 'allow', { allowed: true, count: 1, remaining: 3 }],
    ['lets nobody pass', 'refuse', { allowed: false, count: 1, remaining: 0 }],
  ] as const)('%s when the cache fails, if it is to', async (_, onFailure, expected) => {
    await using client = clientOfNone()
    const limiter = new RateLimiter({ client, limit: 3, window: 60, onFailure })
    for (let i = 0; i < 5; i++) {
      const verdict = await limiter.consume('k')
      expect(verdict).toMatchObject(expected)
      expect(verdict.error).toBeInstanceOf(Error)
    }
    await limiter.refund('k')
    await limiter.reset('k')
  })

  test('rejects when the cache fails, if it is to', async () => {
    await using client = clientOfNone()
    const limiter = new RateLimiter({ client, limit: 3, window: 60, onFailure: 'error' })
    await expect(limiter.consume('k')).rejects.toMatchObject({ code: /CONNECTION|NODE_DOWN/ })
  })

  test('refuses what makes no sense, whatever is to become of failures', async () => {
    await using client = clientOfNone()
    expect(() => new RateLimiter({ client, limit: 0, window: 60 })).toThrow(/limit is 0/)
    expect(() => new RateLimiter({ client, limit: 1, window: 0.5 })).toThrow(/window is 0.5/)
    const onFailure = 'pass' as 'allow'
    expect(() => new RateLimiter({ client, limit: 1, window: 1, onFailure })).toThrow(/onFailure/)
    const limiter = new RateLimiter({ client, limit: 1, window: 1 })
    await expect(limiter.consume('k', -1)).rejects.toThrow(/cost is -1/)
  })
})

describe('in web frameworks', () => {
  let node: RunningNode
  let client: Client
  shareCache({}, (cache) => {
    ;({ node, client } = cache)
  })
  beforeEach(() => client.flush())

  describe('express-rate-limit', () => {
    test('counts in the cache, for all processes together', async () => {
      const one = await listen({ client, prefix: 'api:' })
      const other = await listen({ client, prefix: 'api:' })
      try {
        const answers = []
        for (const { url } of [one, other, one, other]) answers.push(await fetch(url))
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429])
        const [first] = answers
        expect(first?.headers.get('ratelimit')).toMatch(/^limit=3, remaining=2, reset=(59|60)$/)
        expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(50)
      } finally {
        await Promise.all([one.close(), other.close()])
      }
    })

    test.each([
      ['allow', [200, 200, 200, 200]],
      ['refuse', [429, 429, 429, 429]],
      ['error', [500, 500, 500, 500]],
    ] as const)('with %s when the cache is away', async (onFailure, statuses) => {
      await using broken = clientOfNone()
      const app = await listen({ client: broken, onFailure })
      try {
        const answers = []
        for (let i = 0; i < 4; i++) answers.push(await fetch(app.url))
        expect(answers.map(({ status }) => status)).toEqual(statuses)
      } finally {
        await app.close()
      }
    })

    test('the store, call by call', async () => {
      const store: Store & ExpressRateLimitStore = new ExpressRateLimitStore({ client })
      store.init({ windowMs: 1500 })
      expect(await store.get('k')).toBeUndefined()
      const { totalHits, resetTime } = await store.increment('k')
      expect(totalHits).toBe(1)
      expect(resetTime?.getTime()).toBeGreaterThan(Date.now())
      expect(resetTime?.getTime()).toBeLessThanOrEqual(Date.now() + 2000)
      store.init({ windowMs: 60_000 })
      await store.resetKey('k')
      for (let i = 0; i < 3; i++) await store.increment('k')
      await store.decrement('k')
      expect(await store.get('k')).toMatchObject({ totalHits: 2 })
      await store.resetAll()
      expect(await store.get('k')).toBeUndefined()
    })
  })

  describe('@fastify/rate-limit', () => {
    test('counts in the cache, for all processes together, and for routes of their own', async () => {
      const store = fastifyRateLimitStore({ client, prefix: 'fastify:' })
      const apps = [fastify(), fastify()]
      for (const app of apps) {
        await app.register(fastifyRateLimit, { store, max: 2, timeWindow: '1 minute' })
        app.get('/', async () => 'all')
        const own = { config: { rateLimit: { max: 1, timeWindow: 30_000 } } }
        app.get('/own', own, async () => 'own')
      }
      const answers = []
      for (const i of [0, 1, 0]) answers.push(await apps[i]!.inject('/'))
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429])
      expect(answers[0]?.headers).toMatchObject({
        'x-ratelimit-limit': '2',
        'x-ratelimit-remaining': '1',
        'x-ratelimit-reset': expect.stringMatching(/^(59|60)$/),
      })
      expect(Number(answers[2]?.headers['retry-after'])).toBeGreaterThan(50)
      expect((await apps[1]!.inject('/own')).statusCode).toBe(200)
      const refused = await apps[0]!.inject('/own')
      expect(refused.statusCode).toBe(429)
      expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(30)
      await Promise.all(apps.map((app) => app.close()))
    })

    test('lets who goes on wait longer, and looks without counting', async () => {
      const store = fastifyRateLimitStore({ client })
      const app = fastify()
      const limits = { store, max: 1, timeWindow: 10_000, exponentialBackoff: true }
      await app.register(fastifyRateLimit, { ...limits, global: false })
      const look = app.createRateLimit({})
      app.get('/', { config: { rateLimit: {} } }, async () => 'all')
      app.get('/look', async (request) => look(request, { increment: false }))
      expect((await app.inject('/look')).json()).toMatchObject({ remaining: 1 })
      const waits = []
      for (let i = 0; i < 4; i++) waits.push((await app.inject('/')).headers['x-ratelimit-reset'])
      expect(waits.slice(1)).toEqual(['10', '20', '40'])
      expect((await app.inject('/look')).json()).toMatchObject({ remaining: 1 })
      await app.close()
    })

    test.each([
      ['allow', 200],
      ['refuse', 429],
      ['error', 500],
    ] as const)('with %s when the cache is away', async (onFailure, status) => {
      await using broken = clientOfNone()
      const app = fastify()
      const store = fastifyRateLimitStore({ client: broken, onFailure })
      await app.register(fastifyRateLimit, { store, max: 1 })
      app.get('/', async () => 'all')
      for (let i = 0; i < 3; i++) expect((await app.inject('/')).statusCode).toBe(status)
      await app.close()
    })
  })

  const withoutPackage = missing('memcached (npm)')
  const Original: typeof Memcached = withoutPackage
    ? Memcached
    : createRequire(import.meta.url)('memcached')

  describe.each([
    ['the shim', Memcached],
    ...(withoutPackage ? [] : [['the package', Original] as const]),
  ] as const)('rate-limiter-flexible over %s', (_, Made) => {
    test('as its documentation has it', async () => {
      const storeClient = new Made(node.address, { timeout: 20_000 })
      const limiter = new RateLimiterMemcache({ storeClient, points: 5, duration: 60 })
      const first = await limiter.consume('user', 2)
      expect(first).toMatchObject({
        consumedPoints: 2,
        remainingPoints: 3,
        isFirstInDuration: true,
        msBeforeNext: 60_000,
      })
      const second = await limiter.consume('user', 2)
      expect(second).toMatchObject({ remainingPoints: 1, isFirstInDuration: false })
      expect(second.msBeforeNext).toBeGreaterThan(50_000)
      await expect(limiter.consume('user', 2)).rejects.toMatchObject({ consumedPoints: 6 })
      expect(await limiter.get('user')).toMatchObject({ consumedPoints: 6, remainingPoints: 0 })
      expect(await limiter.get('nobody')).toBeNull()
      expect(await limiter.penalty('user', 1)).toMatchObject({ consumedPoints: 7 })
      // It adds a negative number, which memcached doesn't.
      await expect(limiter.reward('user', 3)).rejects.toThrow('Can not add key')
      await limiter.block('user', 30)
      await expect(limiter.consume('user')).rejects.toBeInstanceOf(RateLimiterRes)
      expect(await limiter.set('user', 1, 30)).toMatchObject({ consumedPoints: 1 })
      expect(await limiter.delete('user')).toBe(true)
      expect(await limiter.delete('user')).toBe(false)
      expect(await limiter.get('user')).toBeNull()
      storeClient.end()
    })

    test('counts exactly, however many ask at once', async () => {
      const storeClient = new Made(node.address, { timeout: 20_000 })
      const options = { storeClient, points: 20, duration: 60, keyPrefix: `many-${Made.name}` }
      const limiter = new RateLimiterMemcache(options)
      // The first makes the counter.
      await limiter.consume('user')
      const others = Array.from({ length: 49 }, () => limiter.consume('user'))
      const settled = await Promise.allSettled(others)
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(19)
      storeClient.end()
    })
  })
})

interface App {
  readonly url: string
  close(): Promise<void>
}

async function listen(options: LimitOptions): Promise<App> {
  const app = express()
  // Express tells of errors on the console, but in tests.
  app.set('env', 'test')
  const store = new ExpressRateLimitStore(options)
  app.use(rateLimit({ windowMs: 60_000, limit: 3, standardHeaders: 'draft-7', store }))
  app.get('/', (_, response) => {
    response.send('ok')
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

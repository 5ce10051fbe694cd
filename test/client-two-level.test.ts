// Two processes' worth of two-level caches over a node: what is served without asking, how old it may be, and what never comes back.
import type { Client } from '@memshard/client'
import { TwoLevelCache, type TwoLevelOptions } from '@memshard/client/two-level'
import { expect, test, vi } from 'vitest'
import { shareCache } from './shared-cache.ts'

let client: Client
shareCache({}, (cache) => {
  client = cache.client
})

const newCache = (options: Partial<TwoLevelOptions> = {}) =>
  new TwoLevelCache({ client, staleness: 600, ...options })

/** A client whose answers to `get` come when they are let through. */
function holdingBack() {
  let letThrough = (): void => {}
  const gate = new Promise<void>((resolve) => {
    letThrough = resolve
  })
  const get = vi.fn(async (key: string) => {
    const value = await client.get(key)
    await gate
    return value
  })
  const calls = {
    get,
    getMulti: client.getMulti.bind(client),
    set: client.set.bind(client),
    delete: client.delete.bind(client),
    fetch: client.fetch.bind(client),
    invalidate: client.invalidate.bind(client),
  }
  return { client: calls as unknown as Client, get, letThrough }
}

test('what was read is read again without asking', async () => {
  const cache = newCache()
  await client.set('a', { n: 1 })
  const first = await cache.get('a')
  expect(first).toEqual({ n: 1 })
  expect(await cache.get('a')).toBe(first)
  await client.set('a', { n: 2 })
  expect(await cache.get('a')).toBe(first)
  expect(await cache.get('missing')).toBeUndefined()
  expect(cache.stats()).toMatchObject({ hits: 2, remoteHits: 1, misses: 1, entries: 1 })
  cache.forget('a')
  expect(await cache.get('a')).toEqual({ n: 2 })
  cache.forget()
  expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0 })
})

test('what another process writes is seen when the time is over', async () => {
  const here = newCache({ staleness: 0.3 })
  const there = newCache({ staleness: 0.3 })
  await here.set('seen', 'old')
  expect(await there.get('seen')).toBe('old')
  const writtenAt = performance.now()
  await here.set('seen', 'new')
  let lastOld = writtenAt
  await expect
    .poll(
      async () => {
        const askedAt = performance.now()
        const value = await there.get('seen')
        if (value === 'old') lastOld = askedAt
        return value
      },
      { interval: 5 },
    )
    .toBe('new')
  expect(lastOld - writtenAt).toBeLessThan(310)
})

test('a value is as old as the question it answers, however long the answer took', async () => {
  await client.set('late', 'old')
  const { client: slow, get, letThrough } = holdingBack()
  const cache = newCache({ client: slow, staleness: 0.1 })
  const reading = cache.get('late')
  const askedAt = performance.now()
  await expect.poll(() => performance.now() - askedAt).toBeGreaterThan(200)
  letThrough()
  expect(await reading).toBe('old')
  await cache.get('late')
  expect(get).toHaveBeenCalledTimes(2)
})

test('what is written through it is never read older', async () => {
  const cache = newCache()
  await cache.set('own', 1)
  expect(await cache.get('own')).toBe(1)
  await cache.set('own', 2, { ttl: 100 })
  expect(await cache.get('own')).toBe(2)
  expect(await cache.delete('own')).toBe(true)
  expect(await cache.get('own')).toBeUndefined()
  await cache.set('own', 3)
  await cache.get('own')
  await cache.invalidate('own')
  expect((await client.getEntry('own'))?.stale).toBe(true)
  expect(cache.stats().entries).toBe(0)
})

test('who has asked before a write keeps its old value for nobody, and nobody new shares it', async () => {
  await client.set('race', 'old')
  const { client: slow, get, letThrough } = holdingBack()
  const cache = newCache({ client: slow })
  const early = cache.get('race')
  const shared = cache.get('race')
  await expect.poll(() => get.mock.calls.length).toBe(1)
  // Asked for later on the same connection, and answered.
  await client.get('race')
  await cache.set('race', 'new')
  const late = cache.get('race')
  letThrough()
  expect(await late).toBe('new')
  expect(await early).toBe('old')
  expect(await shared).toBe('old')
  expect(await cache.get('race')).toBe('new')
  expect(cache.stats().shared).toBe(1)
})

test('many keys at once: what is here, and the others from the nodes', async () => {
  const cache = newCache()
  await client.setMulti([
    ['m1', 1],
    ['m2', 2],
  ])
  await cache.get('m1')
  await client.set('m1', 'changed')
  const keys = ['m1', 'm2', 'm3']
  expect(await cache.getMulti(keys)).toEqual(
    new Map([
      ['m1', 1],
      ['m2', 2],
    ]),
  )
  expect(cache.stats()).toMatchObject({ hits: 1, remoteHits: 2, misses: 1 })
  expect(await cache.get('m2')).toBe(2)
})

test('of many who fetch, one loads', async () => {
  const cache = newCache()
  const load = vi.fn(async () => ({ made: true }))
  const values = await Promise.all(
    Array.from({ length: 20 }, () => cache.fetch('loaded', 100, load)),
  )
  expect(new Set(values.map((value) => JSON.stringify(value))).size).toBe(1)
  await cache.fetch('loaded', 100, load)
  expect(load).toHaveBeenCalledTimes(1)
  expect(cache.stats().hits).toBe(1)
})

test('stays within its bounds', async () => {
  const cache = newCache({ maxEntries: 10 })
  for (let i = 0; i < 30; i++) await cache.fetch(`entries:${i}`, 100, () => i + 1)
  expect(cache.stats()).toMatchObject({ entries: 10, evictions: 20 })

  const small = newCache({ maxBytes: 10_000 })
  for (let i = 0; i < 30; i++) await small.fetch(`bytes:${i}`, 100, () => Buffer.alloc(1000, i))
  expect(small.stats().entries).toBe(9)
  expect(small.stats().bytes).toBeLessThanOrEqual(10_000)
  // Larger than all: passed on, and not kept.
  expect(await small.fetch('large', 100, () => 'x'.repeat(50_000))).toHaveLength(50_000)
  expect(small.stats().bytes).toBeLessThanOrEqual(10_000)
})

test('failures are the client’s, and keep nothing', async () => {
  const failing = { get: async () => Promise.reject(new Error('as planned')) }
  const cache = newCache({ client: failing as never })
  await expect(Promise.all([cache.get('key'), cache.get('key')])).rejects.toThrow('as planned')
  expect(cache.stats()).toMatchObject({ entries: 0, hits: 0 })
})

test('refuses what makes no sense', () => {
  expect(() => newCache({ staleness: 0 })).toThrow(/staleness is 0/)
  expect(() => newCache({ maxBytes: -1 })).toThrow(/maxBytes/)
})

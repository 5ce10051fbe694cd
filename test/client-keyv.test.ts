// The storage adapter under Keyv's own test suite and in both of its contracts, and under cache-manager; over nodes of ours and
// over memcached.
import suite from '@keyv/test-suite'
import type { Client } from '@memshard/client'
import { type KeyvStoreOptions, MemshardStore } from '@memshard/client/keyv'
import { createCache } from 'cache-manager'
import { Keyv, type KeyvStoreAdapter } from 'keyv'
import { Keyv as Keyv6, type KeyvStorageAdapter } from 'keyv-6'
import * as vitest from 'vitest'
import { describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { shareCache } from './shared-cache.ts'

/** What can be under the store, and how it is cleared there. */
const GROUNDS = [
  { server: 'memshard', clearBy: 'generation' },
  { server: 'memshard', clearBy: 'prefix' },
  { server: 'memcached', clearBy: 'generation' },
] as const

let node: RunningNode
let client: Client
shareCache({}, (cache) => {
  ;({ node, client } = cache)
})

describe.each(GROUNDS)('over $server, cleared by $clearBy', ({ server, clearBy }) => {
  let client: Client
  shareCache({ server, count: 2 }, (cache) => {
    client = cache.client
  })
  const store = (options?: { prefix: string }) => new MemshardStore({ client, clearBy, ...options })

  // One store for each Keyv, as the suite of adapters with a namespace does it.
  suite(vitest, Keyv, () => store())

  describe.each([
    { version: 5, Keyv },
    { version: 6, Keyv: Keyv6 as unknown as typeof Keyv },
  ])('Keyv $version', ({ version, Keyv }) => {
    const prefix = `v${version}:`

    test('reads, stores, finds and deletes many at once', async () => {
      const keyv = new Keyv({ store: store({ prefix }), namespace: 'many' })
      const entries = [
        { key: 'a', value: 1 },
        { key: 'b', value: { of: ['two'] }, ttl: 60_000 },
        { key: 'c', value: 'three', ttl: 1_000_000 },
      ]
      expect(await keyv.setMany(entries)).toEqual([true, true, true])
      const keys = ['c', 'nothing', 'a', 'b']
      expect(await keyv.getMany(keys)).toEqual(['three', undefined, 1, { of: ['two'] }])
      expect(await keyv.hasMany(keys)).toEqual([true, false, true, true])
      const deleted = await keyv.deleteMany(['a', 'nothing'])
      expect(deleted).toEqual(version === 5 ? true : [true, false])
      expect(await keyv.getMany(keys)).toEqual(['three', undefined, undefined, { of: ['two'] }])
    })

    test('expires to the millisecond, and lets the server forget by the second', async () => {
      const keyv = new Keyv({ store: store({ prefix }), namespace: 'ttl' })
      await keyv.set('long', 'value', 90_000)
      const before = Date.now()
      await keyv.set('short', 'value', 2000)
      // Also where the server's second ends sooner.
      await expect.poll(() => keyv.has('short'), { interval: 1 }).toBe(false)
      expect(Date.now() - before).toBeGreaterThanOrEqual(2000)
      expect(await keyv.get('short')).toBeUndefined()
      const name = version === 5 ? 'ttl:long' : 'long'
      const { ttl } = (await client.getEntry(`${prefix}ttl:${name}`))!
      expect(ttl).toBeGreaterThan(80)
      expect(ttl).toBeLessThanOrEqual(91)
    })

    test('keeps for ever what has no time to live, or one that is longer than memcached counts', async () => {
      const keyv = new Keyv({ store: store({ prefix }), namespace: 'ever' })
      await keyv.set('none', 1)
      await keyv.set('most', 1, Number.MAX_SAFE_INTEGER - Date.now() * 2)
      expect(await keyv.getMany(['none', 'most'])).toEqual([1, 1])
    })

    test('takes any key', async () => {
      const keyv = new Keyv({ store: store({ prefix }), namespace: 'any name: ü' })
      const keys = ['two words', 'x'.repeat(1000), 'ü'.repeat(100), '~0', '\n', 'a:b', ':', '😀']
      for (const key of keys) await keyv.set(key, `value of ${key}`)
      expect(await keyv.getMany(keys)).toEqual(keys.map((key) => `value of ${key}`))
      await keyv.clear()
      expect(await keyv.getMany(keys)).toEqual(keys.map(() => undefined))
    })

    test('keeps bytes, and what is not serialized, as they are', async () => {
      const bytes = Buffer.from([0, 58, 255, 10])
      const keyv = new Keyv({
        store: store({ prefix }),
        ...(version === 5
          ? { serialize: undefined, deserialize: undefined }
          : { serialization: false }),
      } as object)
      await keyv.set('object', { a: [1, null] }, 60_000)
      expect(await keyv.get('object')).toEqual({ a: [1, null] })
      const raw = store({ prefix: 'raw:' })
      await raw.set('bytes', bytes)
      expect(await raw.get('bytes')).toEqual(bytes)
    })

    test('clears its namespace, for other processes too, and nothing else', async () => {
      const mine = new Keyv({ store: store({ prefix }), namespace: 'mine' })
      const others = new Keyv({ store: store({ prefix }), namespace: 'mine-not' })
      const elsewhere = new Keyv({ store: store({ prefix }), namespace: 'mine' })
      const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
      const entries = keys.map((key) => ({ key, value: key }))
      await mine.setMany(entries)
      await others.setMany(entries)
      await client.set(`${prefix}mine`, 'of somebody else')
      await elsewhere.clear()
      expect(await mine.getMany(keys)).toEqual(keys.map(() => undefined))
      expect(await others.getMany(keys)).toEqual(keys)
      expect(await client.get(`${prefix}mine`)).toBe('of somebody else')
      expect(await elsewhere.set('key-1', 'anew')).toBe(true)
      expect(await mine.get('key-1')).toBe('anew')
    })
  })
})

test('is a storage adapter of both versions by its types', () => {
  const store = new MemshardStore({ client })
  expect(store satisfies KeyvStoreAdapter).toBe(store)
  // Of the capabilities Keyv 6 reads one alone, and its emitters have more than Node's.
  type Methods = 'get' | 'getMany' | 'set' | 'setMany' | 'has' | 'hasMany' | 'delete' | 'deleteMany'
  expect(store satisfies Pick<KeyvStorageAdapter, Methods | 'clear' | 'disconnect'>).toBe(store)
  expect(new Keyv6({ store }).store).toBe(store)
})

describe('a generation that is lost', () => {
  test('makes its keys misses, and what was stored before never comes back', async () => {
    const keyv = new Keyv({ store: new MemshardStore({ client, prefix: 'lost:' }) })
    const keys = Array.from({ length: 200 }, (_, i) => String(i))
    await keyv.setMany(keys.map((key) => ({ key, value: `old ${key}` })))
    // As eviction, or the end of a node, would do it.
    const parts = Array.from({ length: 32 }, (_, i) => `lost:keyv:~${i}`)
    const lost = await client.deleteMulti(parts)
    expect([...lost.values()].filter(Boolean).length).toBeGreaterThan(20)
    expect(await keyv.getMany(keys)).toEqual(keys.map(() => undefined))
    await keyv.set('7', 'new')
    expect(await keyv.get('7')).toBe('new')
    await keyv.setMany(keys.map((key) => ({ key: `${key}.`, value: 'another' })))
    const others = keys.filter((key) => key !== '7')
    expect(await keyv.getMany(others)).toEqual(others.map(() => undefined))
  })

  test('is begun by one of all who store at once', async () => {
    const stores = Array.from({ length: 20 }, () => new MemshardStore({ client, prefix: 'race:' }))
    const keys = stores.map((_, i) => String(i))
    await Promise.all(stores.map((store, i) => store.set(keys[i]!, i)))
    expect(await stores[0]!.getMany(keys)).toEqual(stores.map((_, i) => i))
  })

  test('what was being stored while all was cleared is not found after', async () => {
    const store = new MemshardStore({ client, prefix: 'during:' })
    await store.set('key', 'old')
    // Its generation is read before, its value written after.
    const storing = store.set('key', 'of the time before')
    await Promise.all([storing, store.clear()])
    expect(['of the time before', undefined]).toContain(await store.get('key'))
    await store.clear()
    expect(await store.get('key')).toBeUndefined()
  })
})

describe.each(['generation', 'prefix'] as const)('an outage, cleared by %s', (clearBy) => {
  /** Options for a node that is not there, and gives errors rather than misses. */
  const options: KeyvStoreOptions = {
    nodes: ['127.0.0.1:1'],
    timeout: 200,
    onNodeDown: 'error',
    clearBy,
  }

  test.each([
    { version: 5, Keyv },
    { version: 6, Keyv: Keyv6 as unknown as typeof Keyv },
  ])('is misses and an error event in Keyv $version', async ({ Keyv }) => {
    const keyv = new Keyv({ store: new MemshardStore(options) })
    const errors: unknown[] = []
    keyv.on('error', (error) => errors.push(error))
    expect(await keyv.get('key')).toBeUndefined()
    expect(await keyv.getMany(['a', 'b'])).toEqual([undefined, undefined])
    expect(await keyv.has('key')).toBe(false)
    expect(await keyv.hasMany(['key'])).toEqual([false])
    expect(errors.length).toBeGreaterThanOrEqual(4)
    expect(await keyv.set('key', 'value')).toBe(false)
    expect(await keyv.setMany([{ key: 'a', value: 1 }])).toEqual([false])
    expect(errors.length).toBeGreaterThanOrEqual(6)
    const told = errors.length
    expect(await keyv.delete('key')).toBe(false)
    await keyv.clear()
    expect(errors.length).toBeGreaterThanOrEqual(told + 2)
    for (const error of errors) expect(error).toHaveProperty('code')
    await keyv.disconnect()
  })

  test('throws nothing where nobody listens', async () => {
    const keyv = new Keyv({ store: new MemshardStore(options) })
    expect(await keyv.getMany(['a', 'b'])).toEqual([undefined, undefined])
    expect(await keyv.set('key', 'value')).toBe(false)
    await keyv.disconnect()
  })

  test('of one node of two leaves the keys of the other, and a clear that reached one is an error', async () => {
    const [one, other] = await Promise.all([startNode(), startNode()])
    const store = new MemshardStore({
      nodes: [one.address, other.address],
      timeout: 5_000,
      failures: 1,
      clearBy,
    })
    try {
      const keys = Array.from({ length: 200 }, (_, i) => String(i))
      await store.setMany(keys.map((key) => ({ key, value: key })))
      await other.stop('SIGKILL')
      const told: unknown[] = []
      store.on('error', (error) => told.push(error))
      await expect.poll(() => store.getMany(keys).then(() => told.length)).toBeGreaterThan(0)
      const found = (await store.getMany(keys)).filter((value) => value !== undefined)
      expect(found.length).toBeGreaterThan(10)
      expect(found.length).toBeLessThan(190)
      await expect(store.clear()).rejects.toHaveProperty('code')
      expect((await store.getMany(keys)).filter((value) => value !== undefined)).toEqual([])
    } finally {
      await store.disconnect()
      await one.stop()
    }
  })
})

describe('disconnect', () => {
  test('closes a client of its own', async () => {
    const store = new MemshardStore({ nodes: [node.address], timeout: 10_000 })
    const keyv = new Keyv({ store })
    expect(await keyv.set('key', 'value')).toBe(true)
    await keyv.disconnect()
    await expect(store.delete('key')).rejects.toMatchObject({ code: 'ERR_MEMSHARD_CLOSED' })
  })

  test('leaves one that was given open', async () => {
    await new Keyv({ store: new MemshardStore({ client }) }).disconnect()
    expect(await client.set('still', 'open')).toBe(true)
  })
})

test('it can list nothing, and has no iterator', () => {
  const keyv = new Keyv({ store: new MemshardStore({ client }) })
  expect(keyv.iterator).toBeUndefined()
})

test('refuses another way of clearing', () => {
  const clearBy = 'flush' as 'prefix'
  expect(() => new MemshardStore({ client, clearBy })).toThrow(/clearBy is flush/)
})

describe('cache-manager', () => {
  const cache = (namespace: string, ttl?: number) =>
    createCache({
      stores: [new Keyv({ store: new MemshardStore({ client }), namespace })],
      ...(ttl === undefined ? {} : { ttl }),
    })

  test('gets, sets and deletes one and many', async () => {
    const one = cache('cm')
    await one.set('key', { value: 1 })
    expect(await cache('cm').get('key')).toEqual({ value: 1 })
    await one.mset([
      { key: 'a', value: 'x' },
      { key: 'b', value: 'y', ttl: 60_000 },
    ])
    expect(await one.mget(['a', 'none', 'b'])).toEqual(['x', undefined, 'y'])
    await one.mdel(['a', 'b'])
    expect(await one.mget(['a', 'b'])).toEqual([undefined, undefined])
    await one.del('key')
    expect(await one.get('key')).toBeUndefined()
  })

  test('wraps: calls once, then finds it, until it has expired', async () => {
    const one = cache('wrap')
    let calls = 0
    const load = async () => ++calls
    expect(await one.wrap('key', load, 3000)).toBe(1)
    expect(await cache('wrap').wrap('key', load, 3000)).toBe(1)
    await expect.poll(() => one.wrap('key', load, 60_000)).toBe(2)
  })

  test('refreshes in the background what is about to expire', async () => {
    const one = cache('refresh')
    let calls = 0
    const load = async () => ++calls
    const options = { ttl: 60_000, refreshThreshold: 120_000 }
    expect(await one.wrap('key', load, options)).toBe(1)
    expect(await one.wrap('key', load, options)).toBe(1)
    await expect.poll(() => one.get('key')).toBe(2)
  })

  test('knows when a value expires', async () => {
    const one = cache('ttl', 60_000)
    await one.set('key', 'value')
    const deadline = await one.ttl('key')
    expect(deadline).toBeGreaterThan(Date.now() + 50_000)
    expect(deadline).toBeLessThanOrEqual(Date.now() + 60_000)
    expect(await one.ttl('none')).toBeUndefined()
  })

  test('clears its own', async () => {
    const [one, other] = [cache('clear-1'), cache('clear-2')]
    await one.set('key', 1)
    await other.set('key', 2)
    await one.clear()
    expect(await one.get('key')).toBeUndefined()
    expect(await other.get('key')).toBe(2)
  })
})

// What the meta protocol can do and the classic one can't, through the client's calls: each against our node and
// against memcached.
import { Client } from '@memshard/client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'

describe.for(['memshard', 'memcached'] as const)('against %s', (server) => {
  const absent = server === 'memcached' ? missing('memcached') : undefined
  let node: RunningNode
  let cache: Client

  beforeAll(async () => {
    if (absent !== undefined) return
    node = await startNode({ server })
    cache = new Client({ nodes: [node.address], timeout: 5000 })
  })
  afterAll(async () => {
    await cache?.close()
    await node?.stop()
  })
  beforeEach(async ({ skip }) => {
    skip(absent !== undefined, absent)
    await cache.flush()
  })

  describe('an entry', () => {
    test('is the item with all that its node knows of it', async () => {
      await cache.set('a', { name: 'Ada' }, { ttl: 100 })
      const first = await cache.getEntry('a')
      expect(first).toMatchObject({
        value: { name: 'Ada' },
        size: JSON.stringify({ name: 'Ada' }).length,
        fetched: false,
        stale: false,
        won: false,
        taken: false,
      })
      expect(first?.ttl).toBeGreaterThan(70)
      expect(first?.ttl).toBeLessThanOrEqual(100)
      expect(first?.idle).toBeLessThan(30)
      const second = await cache.getEntry('a')
      expect(second?.fetched).toBe(true)
      expect(second?.cas).toBe(first?.cas)
      expect(await cache.getEntry('nothing')).toBeUndefined()
    })

    test('without a time to live lives for ever, and can be given one', async () => {
      await cache.set('a', 1)
      expect((await cache.getEntry('a'))?.ttl).toBeUndefined()
      expect((await cache.getEntry('a', { ttl: 50 }))?.ttl).toBeGreaterThan(40)
      expect((await cache.getEntry('a'))?.ttl).toBeGreaterThan(40)
    })

    test('can be looked at without a trace', async () => {
      await cache.set('a', 1)
      await cache.getEntry('a', { bump: false })
      expect((await cache.getEntry('a'))?.fetched).toBe(false)
    })

    test('that is compressed is told as it was', async () => {
      await using packing = new Client({
        nodes: [node.address],
        timeout: 5000,
        compression: { algorithm: 'gzip', threshold: 100 },
      })
      const value = 'memcached '.repeat(1000)
      await packing.set('long', value)
      const entry = await packing.getEntry('long')
      expect(entry?.value).toBe(value)
      expect(entry?.size).toBeLessThan(1000)
    })

    test('whose flags are wanted tells them', async () => {
      await cache.set('text', 'x')
      expect((await cache.getEntry('text'))?.flags).toBe(0)
      await cache.set('number', 1)
      expect((await cache.getEntry('number'))?.flags).not.toBe(0)
    })
  })

  describe('who is to make a value', () => {
    test('is the first to ask for what is missing', async () => {
      const winner = await cache.getEntry('a', { vivify: 30 })
      expect(winner).toMatchObject({ value: undefined, won: true, taken: false })
      const loser = await cache.getEntry('a', { vivify: 30 })
      expect(loser).toMatchObject({ value: undefined, won: false, taken: true })
      expect(await cache.cas('a', 'made', winner!.cas)).toBe('stored')
      expect(await cache.getEntry('a', { vivify: 30 })).toMatchObject({
        value: 'made',
        won: false,
        taken: false,
      })
    })

    test('while it is being made it is missing for everybody else', async () => {
      await cache.getEntry('a', { vivify: 30 })
      expect(await cache.get('a')).toBeUndefined()
      expect(await cache.gets('a')).toBeUndefined()
      expect(await cache.getMulti(['a'])).toEqual(new Map())
    })

    test('is one of those who find it about to expire', async () => {
      await cache.set('a', 'old', { ttl: 20 })
      expect(await cache.getEntry('a', { recache: 10 })).toMatchObject({ value: 'old', won: false })
      expect(await cache.getEntry('a', { recache: 30 })).toMatchObject({ value: 'old', won: true })
      expect(await cache.getEntry('a', { recache: 30 })).toMatchObject({
        value: 'old',
        won: false,
        taken: true,
      })
    })

    test('is the first to find it invalidated', async () => {
      await cache.set('a', 'old', { ttl: 100 })
      const { cas } = (await cache.gets('a'))!
      expect(await cache.invalidate('a', { staleFor: 30 })).toBe(true)
      const winner = await cache.getEntry('a')
      expect(winner).toMatchObject({ value: 'old', stale: true, won: true })
      expect(winner?.ttl).toBeLessThanOrEqual(30)
      expect(await cache.getEntry('a')).toMatchObject({ stale: true, won: false, taken: true })
      // What was read before is no longer the version to replace; it may be kept as a stale one.
      expect(await cache.cas('a', 'from before', cas)).toBe('conflict')
      expect(await cache.cas('a', 'from before', cas, { staleIfOlder: true })).toBe('stored')
      expect(await cache.getEntry('a')).toMatchObject({ value: 'from before', stale: true })
      expect(await cache.set('a', 'new')).toBe(true)
      expect(await cache.getEntry('a')).toMatchObject({ value: 'new', stale: false, won: false })
      expect(await cache.invalidate('nothing')).toBe(false)
    })
  })

  describe('conditions', () => {
    test('a version is named by gets, or by gats, which sets the time to live', async () => {
      await cache.set('a', 'old')
      const { value, cas } = (await cache.gats('a', 100))!
      expect(value).toBe('old')
      expect((await cache.getEntry('a'))?.ttl).toBeGreaterThan(90)
      expect(await cache.cas('a', 'new', cas)).toBe('stored')
      expect(await cache.gats('nothing', 100)).toBeUndefined()
    })

    test('a token that is none is told before it is sent', async () => {
      const token = '1\r\nflush_all' as unknown as bigint
      const wrong = { code: 'ERR_MEMSHARD_ARGUMENT' }
      await expect(cache.cas('a', 1, token)).rejects.toMatchObject(wrong)
      await expect(cache.delete('a', { cas: token })).rejects.toMatchObject(wrong)
      await expect(cache.invalidate('a', { cas: token })).rejects.toMatchObject(wrong)
      await expect(cache.set('a', 1, { newCas: token })).rejects.toMatchObject(wrong)
    })

    test('a version may be given its token', async ({ skip }) => {
      skip(server === 'memcached', 'Debian’s memcached is older than 1.6.19')
      expect(await cache.set('a', 1, { newCas: 77n })).toBe(true)
      expect(await cache.gets('a')).toEqual({ value: 1, cas: 77n })
      expect(await cache.cas('a', 2, 77n, { newCas: 2n ** 64n - 1n })).toBe('stored')
      expect(await cache.gets('a')).toEqual({ value: 2, cas: 2n ** 64n - 1n })
      expect(await cache.add('a', 3, { newCas: 1n })).toBe(false)
    })

    test('a delete may be of one version alone', async () => {
      await cache.set('a', 1)
      const { cas } = (await cache.gets('a'))!
      await cache.set('a', 2)
      expect(await cache.delete('a', { cas })).toBe(false)
      expect(await cache.get('a')).toBe(2)
      const entry = (await cache.gets('a'))!
      expect(await cache.delete('a', { cas: entry.cas })).toBe(true)
      expect(await cache.get('a')).toBeUndefined()
    })

    test('an append may make what is missing', async ({ skip }) => {
      skip(server === 'memcached', 'memcached has it since 1.6.19, and Debian has 1.6.18')
      expect(await cache.append('log', 'a')).toBe(false)
      expect(await cache.append('log', 'a', { vivify: 100 })).toBe(true)
      expect(await cache.append('log', 'b', { vivify: 100 })).toBe(true)
      expect(await cache.getEntry('log')).toMatchObject({ value: 'ab', size: 2 })
    })
  })

  describe('many at once', () => {
    const keys = Array.from({ length: 200 }, (_, i) => `key:${i}`)

    test('are stored, found and deleted', async () => {
      const stored = await cache.setMulti(
        keys.map((key, i) => [key, { i }] as const),
        { ttl: 100 },
      )
      expect(stored).toEqual(new Map(keys.map((key) => [key, true])))
      const found = await cache.getMulti([...keys, 'other'])
      expect(found).toEqual(new Map(keys.map((key, i) => [key, { i }])))
      expect((await cache.getEntry(keys[0]!))?.ttl).toBeGreaterThan(90)
      const deleted = await cache.deleteMulti([...keys, 'other'])
      expect(deleted.get('other')).toBe(false)
      expect([...deleted.values()].filter(Boolean)).toHaveLength(keys.length)
      expect(await cache.getMulti(keys)).toEqual(new Map())
    })

    test('one bad key or value is told before anything is stored', async () => {
      await expect(
        cache.setMulti([
          ['good', 1],
          ['bad key', 2],
        ]),
      ).rejects.toMatchObject({ code: 'ERR_MEMSHARD_KEY', key: 'bad key' })
      const circular: { self?: object } = {}
      circular.self = circular
      await expect(
        cache.setMulti([
          ['good', 1],
          ['circular', circular],
        ]),
      ).rejects.toMatchObject({ code: 'ERR_MEMSHARD_CODEC', key: 'circular' })
      expect(await cache.get('good')).toBeUndefined()
      expect(await cache.setMulti([])).toEqual(new Map())
    })

    test('one that a node refuses leaves the others', async () => {
      const large = 'x'.repeat(2 ** 21)
      const error = await cache
        .setMulti([
          ['small', 'x'],
          ['large', large],
        ])
        .catch((reason) => reason)
      expect(error).toMatchObject({ code: 'ERR_MEMSHARD_PARTIAL' })
      expect([...error.values]).toEqual([['small', true]])
      expect(error.failed.get('large')).toMatchObject({ code: 'ERR_MEMSHARD_SERVER' })
      expect(await cache.get('small')).toBe('x')
    })
  })

  describe('a meta command as it is written', () => {
    test('gets, sets, counts and deletes', async () => {
      expect(await cache.meta('ms', 'a', ['T100', 'c'], { data: 'value' })).toMatchObject({
        status: 'HD',
      })
      const got = await cache.meta('mg', 'a', ['v', 's', 't', 'h', 'k', 'Omine'])
      expect(got).toMatchObject({ status: 'VA', value: Buffer.from('value') })
      expect(Object.fromEntries(got.flags)).toMatchObject({ s: '5', h: '0', k: 'a', O: 'mine' })
      expect(Number(got.flags.get('t'))).toBeGreaterThan(90)
      const counted = await cache.meta('ma', 'n', ['N0', 'J13', 'v'])
      expect(counted).toMatchObject({ status: 'VA', value: Buffer.from('13') })
      expect(await cache.meta('md', 'a')).toMatchObject({ status: 'HD', value: undefined })
      expect(await cache.meta('mg', 'a', ['v'])).toMatchObject({ status: 'EN' })
      expect(await cache.meta('md', 'a', ['Oabc'])).toMatchObject({
        status: 'NF',
        flags: new Map([['O', 'abc']]),
      })
    })

    test('is told what is wrong before it is sent', async () => {
      const wrong = { code: 'ERR_MEMSHARD_ARGUMENT' }
      await expect(cache.meta('mg', 'a', ['q' as 'v'])).rejects.toMatchObject(wrong)
      await expect(cache.meta('mg', 'a', ['v\r\nflush_all' as 'v'])).rejects.toMatchObject(wrong)
      await expect(cache.meta('mg', 'a', ['v t' as 'v'])).rejects.toMatchObject(wrong)
      await expect(cache.meta('mg', 'a', [`O${'x'.repeat(200)}`])).rejects.toMatchObject(wrong)
      await expect(cache.meta('mn' as 'mg', 'a')).rejects.toMatchObject(wrong)
      await expect(cache.getEntry('a', { recache: -1 })).rejects.toMatchObject(wrong)
      await expect(cache.getEntry('a', { ttl: Number.NaN })).rejects.toMatchObject(wrong)
      await expect(cache.delete('a', { cas: -1n })).rejects.toMatchObject(wrong)
      // What a node refuses leaves the connection as it was.
      await expect(cache.meta('mg', 'a', ['Tx' as 'T1'])).rejects.toMatchObject({
        code: 'ERR_MEMSHARD_SERVER',
      })
      expect(await cache.get('a')).toBeUndefined()
    })
  })
})

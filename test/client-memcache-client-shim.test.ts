// @memshard/client/memcache-client beside the npm package that it stands in for: the calls of that package's README, the same
// for both, against a node of ours and real memcached; then values that one writes and the other reads.
import { createRequire } from 'node:module'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { type Compressor, MemcacheClient } from '@memshard/client/memcache-client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'

const skipped = missing('memcache-client') ?? missing('memcached')
const Original: typeof MemcacheClient = skipped
  ? MemcacheClient
  : createRequire(import.meta.url)('memcache-client').MemcacheClient

const compressor: Compressor = {
  compressSync: ({ input }) => deflateRawSync(input),
  decompressSync: ({ input }) => inflateRawSync(input),
}

describe.skipIf(skipped)('the README of memcache-client 1.0.5', () => {
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
      ['the shim', MemcacheClient],
    ])('%s', (_, Made) => {
      let client: MemcacheClient
      beforeAll(() => {
        client = new Made({ server: node.address, cmdTimeout: 10_000, compressor })
      })
      beforeEach(async () => {
        expect(await client.cmd('flush_all')).toEqual(['OK'])
      })
      afterAll(() => client.shutdown())

      test('set, get', async () => {
        expect(await client.get('key')).toBeUndefined()
        expect(await client.set('key', 'data')).toEqual(['STORED'])
        expect(await client.get('key')).toEqual({
          tokens: ['VALUE', 'key', '0', '4'],
          casUniq: undefined,
          value: 'data',
        })
      })

      test('with callbacks', async () => {
        const told = (call: (done: (...told: unknown[]) => void) => unknown): Promise<unknown[]> =>
          new Promise((resolve) => call((...told) => resolve(told)))
        expect(await told((done) => client.set('key', 'data', done))).toEqual([null, ['STORED']])
        const [error, data] = await told((done) => client.get('key', done))
        expect([error, data]).toMatchObject([null, { value: 'data' }])
        const [refused] = await told((done) => client.add('key', 'data', {}, done).catch(() => {}))
        expect(refused).toMatchObject({ message: 'NOT_STORED' })
      })

      test('get of several, gets', async () => {
        await Promise.all([client.set('key1', 'data1'), client.set('key2', 'data2')])
        const found = await client.get(['key1', 'key2', 'missing'])
        expect(Object.keys(found).sort()).toEqual(['key1', 'key2'])
        expect(found).toMatchObject({ key1: { value: 'data1' }, key2: { value: 'data2' } })
        const versions = await client.gets(['key1'])
        const one = await client.gets('key1')
        expect(versions).toEqual({ key1: one })
        expect(one?.tokens).toEqual(['VALUE', 'key1', '0', '5', one?.casUniq])
      })

      test.each([
        ['a number', 42.5, '4'],
        ['an object', { list: [1, 'zwölf'] }, '2'],
        ['bytes', Buffer.from([0, 13, 10, 255]), '8'],
        ['lines', 'END\r\nVALUE', '0'],
      ])('keeps %s', async (_, value, flags) => {
        await client.set('key', value)
        const data = await client.get('key')
        expect(data?.value).toEqual(value)
        expect(data?.tokens[2]).toBe(flags)
      })

      test('cas', async () => {
        await client.set('key', 'old')
        const casUniq = (await client.gets('key'))?.casUniq ?? ''
        expect(await client.cas('key', 'casData', { casUniq })).toEqual(['STORED'])
        await expect(client.cas('key', 'late', { casUniq })).rejects.toThrow('EXISTS')
        await expect(client.cas('none', 'late', { casUniq })).rejects.toThrow('NOT_FOUND')
        expect((await client.get('key'))?.value).toBe('casData')
      })

      test('add, replace, append, prepend', async () => {
        for (const command of ['replace', 'append', 'prepend'] as const) {
          await expect(client[command]('key', 'x')).rejects.toMatchObject({
            message: 'NOT_STORED',
            cmdTokens: ['NOT_STORED'],
          })
        }
        expect(await client.add('key', 'b')).toEqual(['STORED'])
        await expect(client.add('key', 'b')).rejects.toThrow('NOT_STORED')
        expect(await client.append('key', 'c')).toEqual(['STORED'])
        expect(await client.prepend('key', 'a')).toEqual(['STORED'])
        expect((await client.get('key'))?.value).toBe('abc')
        expect(await client.replace('key', 'd')).toEqual(['STORED'])
      })

      test('incr, decr, delete, touch, version', async () => {
        await expect(client.incr('foo', 5)).rejects.toThrow('NOT_FOUND')
        await client.set('foo', '10')
        expect(await client.incr('foo', 5)).toBe('15')
        expect(await client.decr('foo', 2)).toBe('13')
        expect(await client.touch('foo', 100)).toEqual(['TOUCHED'])
        expect(await client.delete('foo')).toEqual(['DELETED'])
        await expect(client.delete('foo')).rejects.toThrow('NOT_FOUND')
        await expect(client.touch('foo', 100)).rejects.toThrow('NOT_FOUND')
        await client.set('text', 'text')
        await expect(client.incr('text', 1)).rejects.toThrow(/non-numeric value/)
        expect(await client.version()).toEqual(['VERSION', expect.stringMatching(/^\d+\.\d+/)])
      })

      test('cmd, and what wants no reply', async () => {
        expect(await client.set('foo', '10', { noreply: true })).toBeUndefined()
        expect(await client.cmd('incr foo 5')).toBe('15')
        expect(await client.cmd('incr foo 5', { noreply: true })).toBeUndefined()
        expect(await client.cmd('decr foo 1')).toBe('19')
        const { STAT } = (await client.cmd('stats')) as { STAT: [string, string][] }
        expect(new Map(STAT).get('pid')).toBe(String(node.pid))
      })

      test('lifetime: its own, the client’s, or 60 seconds', async () => {
        const seconds = async (key: string) => {
          const reader = new MemcacheClient({ server: node.address, cmdTimeout: 10_000 })
          const entry = await reader.client.getEntry(key)
          reader.shutdown()
          return entry?.ttl ?? Number.POSITIVE_INFINITY
        }
        const patient = new Made({ server: { server: node.address }, lifetime: 500 })
        await client.set('default', 'v')
        await client.set('own', 'v', { lifetime: 200 })
        await client.set('ever', 'v', { lifetime: 0 })
        await client.set('hour', 'v', { lifetime: Math.floor(Date.now() / 1000) + 3600 })
        await patient.set('client', 'v')
        patient.shutdown()
        expect(await seconds('default')).toBeLessThanOrEqual(60)
        expect(await seconds('own')).toBeGreaterThan(150)
        expect(await seconds('own')).toBeLessThanOrEqual(200)
        expect(await seconds('ever')).toBe(Number.POSITIVE_INFINITY)
        expect(await seconds('hour')).toBeGreaterThan(3500)
        expect(await seconds('client')).toBeGreaterThan(400)
      })

      test('a value too large is an error, and the next call is well', async () => {
        await expect(client.set('k', 'v'.repeat(2 ** 20 + 1))).rejects.toThrow(/too large/)
        expect(await client.set('k', 'v')).toEqual(['STORED'])
      })
    })

    test.each([
      ['the package', 'the shim', Original, MemcacheClient],
      ['the shim', 'the package', MemcacheClient, Original],
    ])('what %s writes, compressed or not, %s reads', async (_, __, Writer, Reader) => {
      const options = { server: node.address, cmdTimeout: 10_000, compressor }
      const writer = new Writer(options)
      const reader = new Reader(options)
      const values = ['text', 'long text '.repeat(50), 5, { a: 'ü'.repeat(200) }, Buffer.alloc(500)]
      for (const [i, value] of values.entries()) {
        await writer.set(`plain-${i}`, value)
        await writer.set(`compressed-${i}`, value, { compress: true })
      }
      for (const [i, value] of values.entries()) {
        expect((await reader.get(`plain-${i}`))?.value).toEqual(value)
        const compressed = await reader.get(`compressed-${i}`)
        expect(compressed?.value).toEqual(value)
        if (i > 2) expect(Number(compressed?.tokens[3])).toBeLessThan(100)
      }
      writer.shutdown()
      reader.shutdown()
    })
  })
})

describe('the shim alone', () => {
  test('refuses what it has no way to do', async () => {
    expect(() => new MemcacheClient({ server: '' })).toThrow(/Must provide options.server/)
    const client = new MemcacheClient({ server: { servers: [{ server: '127.0.0.1:1' }] } })
    expect(() => client.send()).toThrow(/client.meta/)
    await expect(client.cmd('lru mode flat')).rejects.toThrow(/none of the commands/)
    const long = 'v'.repeat(200)
    await expect(client.set('k', long, { compress: true })).rejects.toThrow(/give a compressor/)
    client.shutdown()
  })

  test('lends its client, and has the keys of several servers by a ring', async () => {
    await using one = await startNode()
    await using other = await startNode()
    const servers = [one, other].map(({ address }) => ({ server: address, maxConnections: 3 }))
    const client = new MemcacheClient({ server: { servers }, cmdTimeout: 10_000 })
    const keys = Array.from({ length: 30 }, (_, i) => `key-${i}`)
    for (const key of keys) await client.set(key, { of: key })
    expect((await client.client.getMulti(keys)).get('key-7')).toEqual({ of: 'key-7' })
    expect(new Set(keys.map((key) => client.client.locate(key)?.name)).size).toBe(2)
    client.shutdown()
  })
})

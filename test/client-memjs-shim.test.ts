// @memshard/client/memjs beside memjs 1.3.2, which it stands in for: the calls of its README and of its sources' comments, the
// same for both, against a node of ours and real memcached; then keys and values that one writes and the other reads.
import { createRequire } from 'node:module'
import { Client as OurClient } from '@memshard/client'
import { Client, type MemjsOptions, type Serializer } from '@memshard/client/memjs'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'

const skipped = missing('memjs') ?? missing('memcached')
const Original: typeof Client = skipped ? Client : createRequire(import.meta.url)('memjs').Client

const silent = { log() {} }
const options = { timeout: 10, logger: silent }

/** All that a callback is called with. */
function told(call: (callback: (...told: unknown[]) => void) => void): Promise<unknown[]> {
  return new Promise((resolve) => call((...told) => resolve(told)))
}

describe.skipIf(skipped)('the documentation of memjs 1.3.2', () => {
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
      ['memjs', Original],
      ['the shim', Client],
    ])('%s', (_, Made) => {
      let client: Client
      beforeAll(() => {
        client = Made.create(node.address, options)
      })
      beforeEach(async () => {
        expect(await client.flush()).toEqual({ [node.address]: true })
      })
      afterAll(() => client.close())

      test('get, set', async () => {
        expect(await client.get('hello')).toEqual({ value: null, flags: null })
        expect(await client.set('hello', 'world', { expires: 600 })).toBe(true)
        expect(await client.get('hello')).toEqual({
          value: Buffer.from('world'),
          flags: Buffer.alloc(4),
        })
        expect(await client.set('hello', Buffer.from([0, 13, 10, 255]))).toBe(true)
        expect((await client.get('hello')).value).toEqual(Buffer.from([0, 13, 10, 255]))
      })

      test('get, set with callbacks', async () => {
        expect(await told((done) => client.get('hello', done))).toEqual([null, null, null])
        expect(await told((done) => client.set('hello', 'world', { expires: 600 }, done))).toEqual([
          null,
          true,
        ])
        expect(await told((done) => client.get('hello', done))).toEqual([
          null,
          Buffer.from('world'),
          Buffer.alloc(4),
        ])
      })

      test('set with the callback in the place of options', async () => {
        const set = client.set.bind(client) as unknown as Client['delete']
        const old = (done: (...told: unknown[]) => void) =>
          (set as unknown as (...all: unknown[]) => void)('hello', 'world', done)
        expect(await told(old)).toEqual([null, true])
      })

      test('add, replace', async () => {
        expect(await client.replace('k', 'v')).toBe(false)
        expect(await client.add('k', 'v', { expires: 10 })).toBe(true)
        expect(await client.add('k', 'w')).toBe(false)
        expect(await client.replace('k', 'w')).toBe(true)
        expect(await told((done) => client.add('k', 'x', {}, done))).toEqual([null, false])
        expect(await told((done) => client.replace('k', 'x', {}, done))).toEqual([null, true])
        expect(String((await client.get('k')).value)).toBe('x')
      })

      test('delete', async () => {
        await client.set('k', 'v')
        expect(await client.delete('k')).toBe(true)
        expect(await client.delete('k')).toBe(false)
        expect(await told((done) => client.delete('k', done))).toEqual([null, false])
      })

      test('increment, decrement', async () => {
        expect(await client.increment('n', 5, { initial: 7 })).toEqual({ success: true, value: 7 })
        expect(await client.increment('n', 5)).toEqual({ success: true, value: 12 })
        expect(await client.decrement('n', 2, {})).toEqual({ success: true, value: 10 })
        expect(await client.decrement('n', 20, {})).toEqual({ success: true, value: 0 })
        expect(await client.increment('zero', 5)).toEqual({ success: true, value: 0 })
        expect(await told((done) => client.increment('n', 3, {}, done))).toEqual([null, true, 3])
        expect(await told((done) => client.decrement('n', 1, {}, done))).toEqual([null, true, 2])
        await client.set('n', 'text')
        await expect(client.increment('n', 1)).rejects.toThrow(/non-numeric/)
      })

      test('append', async () => {
        await expect(client.append('k', 'b')).rejects.toThrow('MemJS APPEND: Item not stored')
        await client.set('k', 'a')
        expect(await client.append('k', 'b')).toBe(true)
        expect(await told((done) => client.append('k', 'c', done))).toEqual([null, true])
        expect(String((await client.get('k')).value)).toBe('abc')
      })

      test('touch', async () => {
        await client.set('k', 'v')
        expect(await client.touch('k', 100)).toBe(true)
        expect(await told((done) => client.touch('other', 100, done))).toEqual([null, false])
        expect(await ttlOf('k')).toBeLessThanOrEqual(100)
        expect(await ttlOf('k')).toBeGreaterThan(90)
      })

      test('expires: seconds, Unix times, and what the client was made with', async () => {
        const inAnHour = Math.floor(Date.now() / 1000) + 3600
        await client.set('hour', 'v', { expires: inAnHour })
        await client.set('ever', 'v')
        const brief = Made.create(node.address, { ...options, expires: 50 })
        await brief.set('brief', 'v')
        await brief.set('long', 'v', { expires: 500 })
        brief.close()
        expect(await ttlOf('hour')).toBeGreaterThan(3500)
        expect(await ttlOf('hour')).toBeLessThan(3700)
        expect(await ttlOf('ever')).toBe(-1)
        expect(await ttlOf('brief')).toBeLessThanOrEqual(50)
        expect(await ttlOf('long')).toBeGreaterThan(400)
      })

      test('flush, stats, resetStats tell of each server', async () => {
        expect(await told((done) => client.flush(done))).toEqual([null, { [node.address]: true }])
        const [error, server, stats] = await told((done) => client.stats(done))
        expect([error, server]).toEqual([null, node.address])
        expect(stats).toMatchObject({ pid: String(node.pid) })
        const settings = await told((done) => client.statsWithKey('settings', done))
        expect(settings[2]).toMatchObject({ tcpport: String(node.port) })
        expect(await told((done) => client.resetStats(done))).toEqual([null, node.address, {}])
      })

      test('a serializer gives values types, by their flags', async () => {
        const serializer: Serializer = {
          serialize(_, value, extras) {
            if (typeof value === 'string' || extras.length === 0) {
              return { value: String(value), extras }
            }
            const marked = Buffer.from(extras)
            marked.writeUInt32BE(7, 0)
            return { value: JSON.stringify(value), extras: marked }
          },
          deserialize(_, value, extras) {
            const isJson = extras.readUInt32BE(0) === 7
            return { value: isJson ? JSON.parse(value.toString()) : value.toString(), extras }
          },
        }
        const typed = Made.create(node.address, { ...options, serializer })
        await typed.set('json', { a: [1] } as unknown as string)
        await typed.set('text', 'plain', { expires: 100 })
        await typed.append('text', '!')
        expect((await typed.get('json')).value).toEqual({ a: [1] })
        expect((await typed.get('json')).flags).toEqual(Buffer.from([0, 0, 0, 7]))
        expect((await typed.get('text')).value).toBe('plain!')
        expect(await ttlOf('text')).toBeGreaterThan(90)
        typed.close()
      })

      test('a value too large is an error, and the next call is well', async () => {
        await expect(client.set('k', 'v'.repeat(2 ** 20 + 1))).rejects.toThrow(/too large/)
        expect(await client.set('k', 'v')).toBe(true)
      })

      test('servers are those of the environment, when none are given', async () => {
        vi.stubEnv('MEMCACHIER_SERVERS', node.address)
        const fromEnvironment = Made.create(undefined, options)
        vi.unstubAllEnvs()
        expect(fromEnvironment.servers).toMatchObject([{ host: node.host, port: node.port }])
        expect(await fromEnvironment.set('k', 'v')).toBe(true)
        fromEnvironment.quit()
      })
    })

    async function ttlOf(key: string): Promise<number | undefined> {
      await using ours = new OurClient({ nodes: [node.address], timeout: 10_000 })
      return Number((await ours.meta('mg', key, ['t'])).flags.get('t'))
    }
  })
})

describe.skipIf(skipped)('on several servers, what one writes', () => {
  const nodes: RunningNode[] = []
  let servers = ''
  beforeAll(async () => {
    for (let i = 0; i < 3; i++) nodes.push(await startNode())
    servers = nodes.map(({ address }) => address).join(',')
  })
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  })

  const KEYS = [
    ...Array.from({ length: 150 }, (_, i) => `user:${i}`),
    ...Array.from({ length: 20 }, (_, i) => `ключ-${i}-鍵`),
    ...Array.from({ length: 20 }, (_, i) => `with blanks\r\nand ${i}`),
    ...['constructor', '__proto__', 'k'.repeat(250)],
  ]

  test.each([
    ['memjs', 'the shim', Original, Client],
    ['the shim', 'memjs', Client, Original],
  ])('%s, is read by %s', async (_, __, Writer, Reader) => {
    const writer = Writer.create(servers, options)
    const reader = Reader.create(servers, options)
    for (const key of KEYS) await writer.set(key, `value of ${key}`, { expires: 1000 })
    for (const key of KEYS) {
      expect(String((await reader.get(key)).value)).toBe(`value of ${key}`)
      expect(reader.getServer(key) % 3, key).toBe(writer.getServer(key) % 3)
    }
    for (const key of KEYS) expect(await reader.delete(key), key).toBe(true)
    expect(await writer.flush()).toEqual(await reader.flush())
    const told = new Set<string>()
    await new Promise<void>((resolve) => {
      reader.stats((_, server) => {
        told.add(server)
        if (told.size === nodes.length) resolve()
      })
    })
    expect([...told].sort()).toEqual(servers.split(',').sort())
    writer.close()
    reader.close()
  })
})

describe('the shim alone', () => {
  test('prepends, where memjs appends', async () => {
    await using node = await startNode()
    const client = Client.create(node.address, options)
    await expect(client.prepend('k', 'a')).rejects.toThrow('MemJS PREPEND: Item not stored')
    await client.set('k', 'b')
    expect(await client.prepend('k', 'a')).toBe(true)
    expect(String((await client.get('k')).value)).toBe('ab')
    client.close()
  })

  test('needs no options to decrement, which memjs does', async () => {
    await using node = await startNode()
    const client = Client.create(node.address, options)
    expect(await client.decrement('n', 1)).toEqual({ success: true, value: 0 })
    client.close()
  })

  test('lends its client: same servers, places and bytes', async () => {
    await using node = await startNode()
    const client = Client.create(node.address, options)
    await client.set('k', 'v')
    expect(await client.client.getMulti(['k', 'other'])).toEqual(new Map([['k', Buffer.from('v')]]))
    client.close()
  })

  test.each([
    [{ retry: 1 }, /no option retry/],
    [{ timeout: -1 }, /imeout is -/],
  ])('refuses %j', (options, message) => {
    expect(() => Client.create('127.0.0.1', options as MemjsOptions)).toThrow(message)
  })

  test('refuses places of keys that it does not know of, and logins of each server', () => {
    const client = Client.create('127.0.0.1,127.0.0.2')
    expect(() => {
      client.getServer = () => 0
    }).toThrow(/getServer can't be replaced/)
    client.close()
    expect(() => Client.create('a:b@127.0.0.1,c:d@127.0.0.2')).toThrow(/different logins/)
  })

  test('takes what means nothing here', () => {
    const nothing = { retries: 2, retry_delay: 0.2, keepAlive: true, keepAliveDelay: 30 }
    const client = Client.create('a:b@127.0.0.1', nothing)
    expect(client.servers).toEqual([{ host: '127.0.0.1', port: 11211 }])
    client.close()
  })

  test('calls for a server that is down are errors, and its logger is told', async () => {
    await using well = await startNode()
    const ill = await startNode()
    const log = vi.fn()
    const client = Client.create(`${well.address},${ill.address}`, { timeout: 10, logger: { log } })
    const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`)
    for (const key of keys) await client.set(key, 'v')
    await ill.stop('SIGKILL')
    const statuses = async () =>
      new Set((await Promise.allSettled(keys.map((key) => client.get(key)))).map((r) => r.status))
    expect(await statuses()).toEqual(new Set(['fulfilled', 'rejected']))
    await expect
      .poll(async () => {
        await statuses()
        return log.mock.calls.flat().join()
      })
      .toContain(`MemJS: Server <${ill.address}> failed`)
    expect(await told((done) => client.flush(done))).toEqual([
      expect.any(Error),
      { [well.address]: true, [ill.address]: expect.any(Error) },
    ])
    client.close()
  })

  test('with failover its keys are at the others meanwhile, and those of the others stay', async () => {
    await using well = await startNode()
    await using other = await startNode()
    const ill = await startNode()
    const servers = [well, ill, other].map(({ address }) => address).join(',')
    const client = Client.create(servers, { timeout: 10, failover: true })
    const keys = Array.from({ length: 30 }, (_, i) => `key-${i}`)
    for (const key of keys) await client.set(key, 'before')
    const home = new Map(keys.map((key) => [key, client.getServer(key)]))
    await ill.stop('SIGKILL')
    await expect
      .poll(async () => {
        const lost = keys.filter((key) => home.get(key) === 1)
        const stored = await Promise.allSettled(lost.map((key) => client.set(key, 'meanwhile')))
        return stored.every(({ status }) => status === 'fulfilled')
      })
      .toBe(true)
    for (const key of keys) {
      const expected = home.get(key) === 1 ? 'meanwhile' : 'before'
      expect(String((await client.get(key)).value), key).toBe(expected)
    }
    // One after it, as memjs has it.
    for (const key of keys) {
      if (home.get(key) === 1) expect(client.getServer(key), key).toBe(2)
    }
    client.close()
  })
})

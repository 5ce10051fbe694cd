// Keys that are more than a short text: with a namespace, long ones, bytes. Against a real server, looked at
// from outside by a client that sends plain keys.
import {
  bytesCodec,
  Client,
  type ClientOptions,
  type Key,
  KeyError,
  PartialError,
} from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'

const BYTES = Uint8Array.of(0, 0x0d, 0x0a, 0x20, 0xff)
const LONG = 'a long key '.replaceAll(' ', '-').repeat(30)

describe.each(['memshard', 'memcached'] as const)('with %s', (server) => {
  const without = server === 'memcached' ? missing('memcached') : undefined
  let nodes: readonly RunningNode[] = []

  beforeAll(async () => {
    if (without === undefined) {
      nodes = await Promise.all([0, 1, 2].map(() => startNode({ server })))
    }
  })
  afterAll(() => Promise.all(nodes.map((node) => node.stop('SIGKILL'))))

  function clientOf(options: Omit<ClientOptions, 'nodes'> = {}): Client {
    return new Client({ nodes: nodes.map(({ address }) => address), timeout: 10_000, ...options })
  }

  test.skipIf(without)('a namespace comes before every key, and results keep theirs', async () => {
    await using plain = clientOf()
    await using app = clientOf({ namespace: 'app:' })
    await app.setMulti([
      ['a', 1],
      ['b', 2],
    ])
    expect(await plain.getMulti(['app:a', 'app:b', 'a'])).toEqual(
      new Map([
        ['app:a', 1],
        ['app:b', 2],
      ]),
    )
    expect(await app.getMulti(['a', 'b', 'app:a'])).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    )
    expect(await app.incr('a')).toBe(2)
    expect((await app.gets('a'))?.value).toBe(2)
    expect(await app.deleteMulti(['a', 'nope'])).toEqual(
      new Map([
        ['a', true],
        ['nope', false],
      ]),
    )
    expect(app.locate('b')).toMatchObject({ name: plain.locate('app:b')!.name })
  })

  test.skipIf(without)('a namespace of a client shares its sockets', async () => {
    await using cache = clientOf({ namespace: 'app:' })
    const connected: string[] = []
    cache.on('connect', (node) => connected.push(node.name))
    const users = cache.namespace('user:')
    const ids = Array.from({ length: 50 }, (_, i) => String(i))
    await users.setMulti(ids.map((id) => [id, `user ${id}`]))
    expect(await cache.get('user:7')).toBe('user 7')
    expect((await users.getMulti(ids)).size).toBe(50)
    expect(await cache.namespace('user:').namespace('x').get('7')).toBeUndefined()
    await users.close()
    expect(await users.get('7')).toBe('user 7')
    expect(connected.sort()).toEqual(nodes.map(({ address }) => address).sort())
  })

  test.skipIf(without)('a namespace can be left out of the choice of the node', async () => {
    await using plain = clientOf()
    await using app = clientOf({ namespace: 'app:', routeByNamespace: false })
    for (let i = 0; i < 30; i++) {
      expect(app.locate(`k${i}`)!.name).toBe(plain.locate(`k${i}`)!.name)
      await app.set(`k${i}`, i)
      expect(await app.get(`k${i}`)).toBe(i)
    }
  })

  test.skipIf(without)('keys may be any bytes', async () => {
    await using cache = clientOf()
    const key = Buffer.from(BYTES)
    expect(await cache.set(key, 'one')).toBe(true)
    expect(await cache.get(BYTES)).toBe('one')
    expect(await cache.add(key, 'two')).toBe(false)
    expect(await cache.append(key, '!')).toBe(true)
    const entry = await cache.gets(key)
    expect(await cache.cas(key, 'three', entry!.cas, { ttl: 60 })).toBe('stored')
    expect(await cache.getAndTouch(key, 60)).toBe('three')
    expect(await cache.touch(key, 60)).toBe(true)
    expect(await cache.getEntry(key)).toMatchObject({ value: 'three', ttl: 60 })
    expect(await cache.delete(key)).toBe(true)
    expect(await cache.get(key)).toBeUndefined()
    expect(await cache.incr(key, 1, { initial: 5 })).toBe(5)
    expect(await cache.incr(key)).toBe(6)
    await cache.set(key, 'x'.repeat(100_000))
    expect(await cache.get(key)).toHaveLength(100_000)
  })

  test.skipIf(without)('keys of bytes come back as they are, beside others', async () => {
    await using cache = clientOf()
    const largest = new Uint8Array(186).fill(0xfe)
    const keys: Key[] = [BYTES, 'text', Buffer.from('bytes of a text'), largest]
    await cache.setMulti(keys.map((key, i) => [key, i] as const))
    const found = await cache.getMulti(keys)
    expect(keys.map((key) => found.get(key))).toEqual([0, 1, 2, 3])
    expect(found.size).toBe(4)
    expect(await cache.get('bytes-of-a-text')).toBeUndefined()
    await expect(cache.get(new Uint8Array(188))).rejects.toThrow(KeyError)
    const nothing = cache.getMulti([BYTES, new Uint8Array(0)])
    await expect(nothing).rejects.toThrow(KeyError)
  })

  test.skipIf(without)('failures are told by the keys of the caller', async () => {
    await using app = clientOf({ namespace: 'app:' })
    await using raw = clientOf({ codec: bytesCodec })
    await raw.meta('ms', 'app:bad', ['F1'], { data: 'x' })
    const failure = await app.getMulti(['bad', 'good']).catch((error) => error)
    expect(failure).toBeInstanceOf(PartialError)
    expect([...failure.failed.keys()]).toEqual(['bad'])
    expect(failure.failed.get('bad')).toMatchObject({ key: 'app:bad' })
  })

  test.skipIf(without)('long keys are refused, or hashed', async () => {
    await using strict = clientOf()
    await using cache = clientOf({ namespace: 'app:', longKeys: 'hash' })
    await expect(strict.get(LONG)).rejects.toThrow(KeyError)
    await cache.set(LONG, 'long')
    await cache.set(`${LONG}2`, 'other')
    expect(await cache.getMulti([LONG, `${LONG}2`, 'short'])).toEqual(
      new Map([
        [LONG, 'long'],
        [`${LONG}2`, 'other'],
      ]),
    )
    expect(await cache.delete(LONG)).toBe(true)
    expect(await cache.get(LONG)).toBeUndefined()
  })

  test.skipIf(without)('what is no key is refused, not thrown', async () => {
    await using cache = clientOf({ namespace: 'app:', longKeys: 'hash' })
    for (const key of ['', 'a b', 'a\r\nflush_all', undefined, null, 5, {}, new Uint8Array(0)]) {
      await expect(cache.get(key as string)).rejects.toThrow(KeyError)
      await expect(cache.set(key as string, 'x')).rejects.toThrow(KeyError)
      await expect(cache.getMulti([key as string])).rejects.toThrow(KeyError)
    }
  })
})

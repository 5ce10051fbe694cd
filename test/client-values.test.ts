// Values through our client and a real server: every type, compressed and not, and what that does to the
// order of calls.
import {
  ArgumentError,
  bytesCodec,
  Client,
  type ClientOptions,
  type Codec,
  CodecError,
  type CompressionOptions,
  OverloadError,
  TimeoutError,
  v8Codec,
} from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'

const TEXT = 'a text that compresses well. '.repeat(500)
const DEFLATE: CompressionOptions = { algorithm: 'deflate' }

describe.each(['memshard', 'memcached'] as const)('with %s', (server) => {
  const without = server === 'memcached' ? missing('memcached') : undefined
  let node: RunningNode

  beforeAll(async () => {
    if (without === undefined) node = await startNode({ server })
  })
  afterAll(() => node?.stop('SIGKILL'))

  function clientOf<V>(options: Omit<ClientOptions<V>, 'nodes'> = {}): Client<V> {
    return new Client<V>({ nodes: [node.address], timeout: 10_000, ...options })
  }

  test.skipIf(without)('every type comes back as what it went in as', async () => {
    await using cache = clientOf()
    const values = {
      text: 'é',
      number: -1.5,
      bigint: 2n ** 70n,
      boolean: false,
      null: null,
      json: { list: [1, { a: null }] },
      bytes: Buffer.from('\r\nEND\r\n'),
      floats: new Float64Array([1.5, Number.NaN, -0]),
      bigints: new BigUint64Array([2n ** 64n - 1n]),
      buffer: Uint8Array.of(1, 2, 3).buffer,
      view: new DataView(Uint8Array.of(4, 5).buffer),
      empty: new Int32Array(0),
      large: new Uint16Array(100_000).map((_, i) => i),
    }
    await Promise.all(Object.entries(values).map(([key, value]) => cache.set(key, value)))
    const found = await cache.getMulti(Object.keys(values))
    expect(Object.fromEntries(found)).toEqual(values)
  })

  test.skipIf(without)('what one client compressed, every other reads', async () => {
    await using plain = clientOf()
    await using raw = clientOf({ codec: bytesCodec })
    for (const algorithm of ['deflate', 'gzip', 'brotli'] as const) {
      await using cache = clientOf({ compression: { algorithm } })
      await cache.set('text', TEXT)
      await cache.setMulti([
        ['short', 'short'],
        ['object', { TEXT }],
      ])
      expect((await raw.get<Buffer>('text'))!.length).toBeLessThan(TEXT.length / 10)
      expect(await raw.get('short')).toEqual(Buffer.from('short'))
      for (const reader of [cache, plain]) {
        expect(await reader.get('text')).toBe(TEXT)
        expect(await reader.getAndTouch('text', 60)).toBe(TEXT)
        expect(await reader.getEntry('text')).toMatchObject({ value: TEXT, ttl: 60 })
        const entry = await reader.gets('object')
        expect(entry?.value).toEqual({ TEXT })
        expect(await reader.cas('object', { TEXT }, entry!.cas)).toBe('stored')
        expect(await reader.getMulti(['text', 'short', 'object'])).toEqual(
          new Map<string, unknown>([
            ['text', TEXT],
            ['short', 'short'],
            ['object', { TEXT }],
          ]),
        )
      }
    }
  })

  test.skipIf(without)('a compressed value that was appended to is a CodecError', async () => {
    await using cache = clientOf({ compression: DEFLATE })
    await cache.set('appended', TEXT)
    await cache.append('appended', 'more')
    await cache.set('good', TEXT)
    await expect(cache.get('appended')).rejects.toThrow(/appended to/)
    const failure = await cache.getMulti(['appended', 'good']).catch((error) => error)
    expect(failure.failed.get('appended')).toBeInstanceOf(CodecError)
    expect(failure.failed.get('appended')).toMatchObject({ key: 'appended', node: node.address })
    expect(failure.values).toEqual(new Map([['good', TEXT]]))
  })

  test.skipIf(without)('a bomb is a CodecError', async () => {
    await using cache = clientOf({ compression: DEFLATE })
    await using careful = clientOf({ compression: { ...DEFLATE, maxDecompressedBytes: 10_000 } })
    await cache.set('bomb', 'x'.repeat(1_000_000))
    await expect(careful.get('bomb')).rejects.toThrow(/more than 10000 bytes/)
  })

  test.skipIf(without)('calls for one key leave in the order they were made', async () => {
    await using cache = clientOf({ compression: DEFLATE })
    const versions = Array.from({ length: 20 }, (_, i) => (i % 3 === 2 ? `v${i}` : `v${i} ${TEXT}`))
    const seen = versions.map((version) => {
      cache.set('ordered', version)
      return cache.get('ordered')
    })
    const removed = [cache.delete('ordered'), cache.get('ordered')]
    expect(await Promise.all(seen)).toEqual(versions)
    expect(await Promise.all(removed)).toEqual([true, undefined])
  })

  test.skipIf(without)('a compressed value does not hold up calls for other keys', async () => {
    let finish = (): void => {}
    const encoding = new Promise<void>((resolve) => {
      finish = resolve
    })
    const codec: Codec<string> = {
      async encode(data) {
        await encoding
        return { data, flags: 0 }
      },
      decode: (raw) => raw.text(),
    }
    await using slow = clientOf({ codec })
    const stored = slow.set('slow', 'value')
    const read = slow.get('slow')
    expect(await slow.get('other')).toBeUndefined()
    finish()
    expect(await stored).toBe(true)
    expect(await read).toBe('value')
  })

  test.skipIf(without)('an encoding that never ends is bounded in time and number', async () => {
    const codec: Codec<string> = {
      encode: () => new Promise(() => {}),
      decode: (raw) => raw.text(),
    }
    const stuck = clientOf({ codec, timeout: 50, maxInflight: 2 })
    const [first, second, third, fourth] = await Promise.allSettled([
      stuck.set('a', ''),
      stuck.set('b', '', { signal: AbortSignal.abort(new Error('no longer wanted')) }),
      stuck.set('c', ''),
      stuck.set('d', ''),
    ]).then((results) => results.map((result) => (result as PromiseRejectedResult).reason))
    expect(first).toBeInstanceOf(TimeoutError)
    expect(second).toEqual(new Error('no longer wanted'))
    expect(third).toBeInstanceOf(TimeoutError)
    expect(fourth).toBeInstanceOf(OverloadError)
    await expect(stuck.set('e', '')).rejects.toThrow(OverloadError)
    await stuck.close()
  })

  test.skipIf(without)('a promise of bytes that fails is a CodecError', async () => {
    const failing: Codec<string> = {
      encode: () => Promise.reject(new Error('no bytes today')),
      decode: () => Promise.reject(new Error('no value today')),
    }
    await using plain = clientOf()
    await using cache = clientOf({ codec: failing })
    await plain.set('failing', 'there')
    for (const call of [cache.set('failing', ''), cache.get('failing')]) {
      await expect(call).rejects.toThrow(CodecError)
      await expect(call).rejects.toThrow(/today/)
    }
    await expect(cache.set('bad key', '')).rejects.toMatchObject({ code: 'ERR_MEMSHARD_KEY' })
    expect(await plain.get('failing')).toBe('there')
  })

  test.skipIf(without)('close waits for what is being compressed', async () => {
    await using reader = clientOf()
    const cache = clientOf({ compression: DEFLATE })
    const stored = cache.set('last', TEXT)
    await cache.close()
    expect(await stored).toBe(true)
    expect(await reader.get('last')).toBe(TEXT)
  })

  test.skipIf(without)('v8Codec keeps maps, dates and cycles, compressed too', async () => {
    await using cache = clientOf({ codec: v8Codec, compression: { ...DEFLATE, threshold: 10 } })
    const value: Record<string, unknown> = { when: new Date(0), map: new Map([[1, new Set([2n])]]) }
    value.self = value
    await cache.set('structured', value)
    expect(await cache.get('structured')).toEqual(value)
    await cache.set('counter', 10)
    expect(await cache.incr('counter')).toBe(11)
    expect(await cache.get('counter')).toBe(11)
  })

  test('a codec without compression and the option for it are an ArgumentError', () => {
    expect(
      () => new Client({ nodes: ['127.0.0.1'], codec: bytesCodec, compression: DEFLATE }),
    ).toThrow(ArgumentError)
  })
})

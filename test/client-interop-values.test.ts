// Values that apps in other languages and with other clients share with ours: written by the real client and read by us, and
// the other way round, against a real server.
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  Client,
  type Codec,
  CodecError,
  type CompressionOptions,
  dalliCodec,
  memcacheClientCodec,
  memcachedCodec,
  memjsCodec,
  phpMemcachedCodec,
  pylibmcCodec,
  pymemcacheCodec,
  type Value,
} from '@memshard/client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing, type Peer, PYTHON } from './peers.ts'

// The other clients of Node.js, as far as they are used here: what they declare of themselves is nothing, or too little.
interface Memjs {
  readonly Client: {
    create(
      servers: string,
      options: object,
    ): {
      set(key: string, value: string | Buffer, options: object): Promise<boolean>
      get(key: string): Promise<{ readonly value: Buffer }>
      quit(): void
    }
  }
}
type NodeMemcached = new (
  server: string,
  options: object,
) => {
  set(key: string, value: unknown, lifetime: number, done: (error: unknown) => void): void
  get(key: string, done: (error: unknown, data: unknown) => void): void
  end(): void
}
interface MemcacheClientModule {
  readonly MemcacheClient: new (options: {
    readonly server: string
  }) => {
    set(key: string, value: unknown): Promise<unknown>
    get(key: string): Promise<{ readonly value: unknown } | undefined>
    shutdown(): void
  }
}

const require = createRequire(import.meta.url)

/** What the peers' scripts write, too. */
const TEXT = 'ein schöner Wert, ключ, 鍵. '.repeat(200)
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
const DEFLATE: CompressionOptions = { algorithm: 'deflate' }
const DEADLINE_MS = 60_000

let node: RunningNode

beforeAll(async () => {
  node = await startNode()
})
afterAll(() => node?.stop('SIGKILL'))

function clientOf<V>(codec: Codec<V>, compression?: CompressionOptions): Client<V> {
  const options = { nodes: [node.address], codec, timeout: 10_000 }
  return new Client<V>(compression === undefined ? options : { ...options, compression })
}

beforeEach(async () => {
  await using cache = clientOf(memjsCodec)
  await cache.flush()
})

/** Runs a script of interop/values/; with keys, it reads them and says the type and value of each. */
async function run(
  command: string,
  script: string,
  argv: readonly string[],
  keys?: readonly string[],
): Promise<Record<string, [type: string, value: string]>> {
  const path = fileURLToPath(new URL(`interop/values/${script}`, import.meta.url))
  const action = keys === undefined ? 'write' : 'read'
  const child = promisify(execFile)(command, [path, ...argv, action], { timeout: DEADLINE_MS })
  child.child.stdin?.end(JSON.stringify(keys ?? []))
  const { stdout } = await child
  return stdout === '' ? {} : JSON.parse(stdout)
}

function hex(data: string | Uint8Array): string {
  return Buffer.from(data as Uint8Array).toString('hex')
}

function skipWithout(peer: Peer, skip: (condition: boolean, reason?: string) => void): void {
  const reason = missing(peer)
  skip(reason !== undefined, reason)
}

describe.each([
  ['pylibmc', pylibmcCodec],
  ['pymemcache', pymemcacheCodec],
] as const)('%s', (peer, codec) => {
  test('writes what we read', async ({ skip }) => {
    skipWithout(peer, skip)
    await using cache = clientOf(codec)
    await run(PYTHON, 'python_values.py', [peer, node.address])
    expect(await cache.get('text')).toBe(TEXT)
    expect(await cache.get('bytes')).toEqual(ALL_BYTES)
    expect(await cache.get('int')).toBe(-42)
    expect(await cache.get('long')).toBe(2n ** 70n)
    expect(await cache.get('compressed')).toBe(TEXT)
    await expect(cache.get('dict')).rejects.toThrow(/pickled/)
  })

  test('reads what we write', async ({ skip }) => {
    skipWithout(peer, skip)
    await using cache = clientOf(codec)
    const values = { text: TEXT, bytes: ALL_BYTES, int: -42, long: 2n ** 70n, counter: 9 }
    await cache.setMulti(Object.entries(values))
    await cache.incr('counter')
    // pymemcache's own reading of zlib came with 4.0, which Debian doesn't have yet.
    await using compressing = clientOf(codec, DEFLATE)
    if (peer === 'pylibmc') await compressing.set('text', TEXT)
    const found = await run(PYTHON, 'python_values.py', [peer, node.address], Object.keys(values))
    expect(found).toEqual({
      text: ['str', TEXT],
      bytes: ['bytes', hex(ALL_BYTES)],
      int: ['int', '-42'],
      long: ['int', String(2n ** 70n)],
      counter: ['int', '10'],
    })
    for (const value of [1.5, true, null, {}]) {
      await expect(cache.set('other', value)).rejects.toThrow(/JSON as a string/)
    }
  })
})

describe('php-memcached', () => {
  test('writes what we read', async ({ skip }) => {
    skipWithout('php-memcached', skip)
    await using cache = clientOf(phpMemcachedCodec())
    await using bytes = clientOf(phpMemcachedCodec({ strings: 'bytes' }))
    await run('php', 'php_values.php', [node.address])
    expect(await cache.get('text')).toBe('ünïcode')
    expect(await bytes.get('bytes')).toEqual(Buffer.from([0, 0xff, 0x0d, 0x0a]))
    await expect(cache.get('bytes')).rejects.toThrow(/strings: 'bytes'/)
    expect(await cache.get('int')).toBe(-42)
    expect(await cache.get('float')).toBe(1.5)
    expect(await cache.get('infinite')).toBe(Number.NEGATIVE_INFINITY)
    expect(await cache.get('true')).toBe(true)
    expect(await cache.get('false')).toBe(false)
    expect(await cache.get('json')).toEqual({ a: [1, null] })
    expect(await cache.get('json-zlib')).toEqual({ text: TEXT })
    expect(await cache.get('fastlz')).toBe(TEXT)
    expect(await cache.get('zlib')).toBe(TEXT)
    const lines = Array.from(
      { length: 20_000 },
      (_, i) => `line ${(i * 7919) % 10_007} of a text\n`,
    )
    expect(await cache.get('fastlz-large')).toBe(lines.join(''))
    await expect(cache.get('array')).rejects.toThrow(/SERIALIZER_JSON/)
  })

  test('reads what we write', async ({ skip }) => {
    skipWithout('php-memcached', skip)
    await using cache = clientOf(phpMemcachedCodec())
    await using compressing = clientOf(phpMemcachedCodec(), DEFLATE)
    const values: Record<string, Value> = {
      text: 'ünïcode',
      bytes: ALL_BYTES,
      int: -42,
      long: 2n ** 62n,
      float: 1.5,
      infinite: Number.NEGATIVE_INFINITY,
      yes: true,
      no: false,
      nothing: null,
      object: { a: [1] },
    }
    await cache.setMulti(Object.entries(values))
    await compressing.set('zlib', TEXT)
    const keys = [...Object.keys(values), 'zlib']
    expect(await run('php', 'php_values.php', [node.address], keys)).toEqual({
      text: ['string', hex('ünïcode')],
      bytes: ['string', hex(ALL_BYTES)],
      int: ['integer', '-42'],
      long: ['integer', String(2n ** 62n)],
      float: ['double', '1.5'],
      infinite: ['double', '-INF'],
      yes: ['boolean', 'true'],
      no: ['boolean', 'false'],
      nothing: ['NULL', 'NULL'],
      object: ['array', expect.stringMatching(/'a' =>/)],
      zlib: ['string', hex(TEXT)],
    })
    await expect(cache.set('huge', 2n ** 64n)).rejects.toThrow(CodecError)
  })
})

describe('dalli', () => {
  test('writes what we read', async ({ skip }) => {
    skipWithout('dalli', skip)
    await using cache = clientOf(dalliCodec({ serializer: 'json' }))
    await using raw = clientOf(dalliCodec({ strings: 'bytes' }))
    await run('ruby', 'dalli_values.rb', [node.address])
    expect(await cache.get('raw')).toBe('ünïcode')
    expect(await raw.get('bytes')).toEqual(Buffer.from([0, 0xff]))
    expect(await cache.get('hash')).toEqual({ a: [1, null, 'ü'] })
    expect(await cache.get('number')).toBe(1.5)
    expect(await cache.get('compressed')).toEqual({ text: TEXT })
    expect(await cache.get('compressed-raw')).toBe(TEXT)
    await expect(cache.get('marshal')).rejects.toThrow(/Marshal/)
    await expect(raw.get('hash')).rejects.toThrow(/serializer/)
  })

  test('reads what we write', async ({ skip }) => {
    skipWithout('dalli', skip)
    await using cache = clientOf(dalliCodec({ serializer: 'json' }))
    await using compressing = clientOf(dalliCodec({ serializer: 'json' }), DEFLATE)
    await cache.set('text', 'ünïcode')
    await cache.set('bytes', ALL_BYTES)
    await cache.set('number', 42)
    await cache.set('hash', { a: 'b' })
    await compressing.set('compressed', TEXT)
    await compressing.set('compressed-hash', { a: TEXT })
    const keys = ['text', 'bytes', 'number', 'hash', 'compressed', 'compressed-hash']
    const found = await run('ruby', 'dalli_values.rb', [node.address], keys)
    expect(found).toMatchObject({
      text: ['String', hex('ünïcode')],
      bytes: ['String', hex(ALL_BYTES)],
      number: ['Integer', '42'],
      hash: ['Hash', expect.stringMatching(/"a"\s*=>\s*"b"/)],
      compressed: ['String', hex(TEXT)],
      'compressed-hash': ['Hash', expect.stringContaining(TEXT)],
    })
    await using raw = clientOf(dalliCodec())
    await expect(raw.set('hash', {})).rejects.toThrow(/serializer/)
  })
})

describe('memjs', () => {
  test('both ways', async ({ skip }) => {
    skipWithout('memjs', skip)
    const memjs: Memjs = require('memjs')
    const theirs = memjs.Client.create(node.address, { timeout: 10 })
    await using cache = clientOf(memjsCodec)
    await theirs.set('text', TEXT, {})
    await theirs.set('bytes', ALL_BYTES, {})
    expect(await cache.get<Buffer>('text')).toEqual(Buffer.from(TEXT))
    expect(await cache.get<Buffer>('bytes')).toEqual(ALL_BYTES)
    await cache.set('text', 'ünïcode')
    await cache.set('bytes', ALL_BYTES)
    expect((await theirs.get('text')).value).toEqual(Buffer.from('ünïcode'))
    expect((await theirs.get('bytes')).value).toEqual(ALL_BYTES)
    theirs.quit()
  })
})

const NODE_VALUES: Record<string, Value> = {
  text: TEXT,
  lines: 'one\r\ntwo\n\\\r\\three',
  bytes: ALL_BYTES,
  number: -1.5,
  object: { a: ['ü\r\n', null] },
  large: 'x'.repeat(200_000),
}

describe('memcached (npm)', () => {
  test('both ways', async ({ skip }) => {
    skipWithout('memcached (npm)', skip)
    const Memcached: NodeMemcached = require('memcached')
    const theirs = new Memcached(node.address, { timeout: 10_000 })
    await using cache = clientOf(memcachedCodec)
    for (const [key, value] of Object.entries({ ...NODE_VALUES, yes: true, nothing: null })) {
      await new Promise<void>((resolve, reject) => {
        theirs.set(key, value, 100, (error) => (error ? reject(error) : resolve()))
      })
      expect(await cache.get(key), key).toEqual(value)
      await cache.set(key, value)
      const found = await new Promise((resolve, reject) => {
        theirs.get(key, (error, data) => (error ? reject(error) : resolve(data)))
      })
      expect(found, key).toEqual(value)
    }
    theirs.end()
  })
})

describe('memcache-client', () => {
  test('both ways', async ({ skip }) => {
    skipWithout('memcache-client', skip)
    const { MemcacheClient }: MemcacheClientModule = require('memcache-client')
    const theirs = new MemcacheClient({ server: node.address })
    await using cache = clientOf(memcacheClientCodec)
    for (const [key, value] of Object.entries(NODE_VALUES)) {
      await theirs.set(key, value)
      expect(await cache.get(key), key).toEqual(value)
      await cache.set(key, value)
      expect((await theirs.get(key))?.value, key).toEqual(value)
    }
    await expect(cache.set('yes', true)).rejects.toThrow(CodecError)
    theirs.shutdown()
  })
})

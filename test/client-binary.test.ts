// The client over the binary protocol, and its login by SASL: against nodes that speak nothing else.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArgumentError, AuthError, Client, ServerError } from '@memshard/client'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'

const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }
const BINARY = { protocol: 'binary', ...PATIENT } as const

describe.each(['memshard', 'memcached'] as const)('over the binary protocol to %s', (server) => {
  let node: RunningNode
  let cache: Client

  beforeAll(async () => {
    node = await startNode({ server, args: ['-B', 'binary'] })
    cache = new Client({ nodes: [node.address], ...BINARY })
  })
  beforeEach(() => cache?.flush())
  afterAll(async () => {
    await cache?.close()
    await node?.stop('SIGKILL')
  })

  test('values of every type and size come back, and a miss is undefined', async () => {
    const values = ['', 'héllo 😀', -1.5, 2n ** 70n, null, { a: [1, null] }, Buffer.from([0, 255])]
    for (const value of values) {
      await cache.set('clé', value)
      expect(await cache.get('clé')).toEqual(value)
    }
    for (const size of [16_384, 16_385, 70_000, 300_000, 1_000_000]) {
      await cache.set('sized', Buffer.alloc(size, size))
      expect((await cache.get<Buffer>('sized'))?.equals(Buffer.alloc(size, size))).toBe(true)
    }
    expect(await cache.get('nothing')).toBeUndefined()
  })

  test('each of a thousand calls of one tick has its own answer', async () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `one-of-many:${i}`)
    await cache.setMulti(keys.map((key) => [key, `value of ${key}`]))
    expect(await Promise.all(keys.map((key) => cache.get(key)))).toEqual(
      keys.map((key) => `value of ${key}`),
    )
    expect((await cache.getMulti([...keys, 'nothing'])).size).toBe(1000)
  })

  test('keys of bytes are the same as over the meta protocol', async () => {
    await using node = await startNode({ server })
    await using binary = new Client({ nodes: [node.address], ...BINARY })
    await using meta = new Client({ nodes: [node.address], ...PATIENT })
    const key = Buffer.from([0, 13, 10, 32, 255])
    await binary.set(key, 'value')
    expect(await meta.get(key)).toBe('value')
    expect(await binary.get(key)).toBe('value')
  })

  test('add, replace, append and prepend say whether they stored', async () => {
    expect(await cache.replace('k', 'x')).toBe(false)
    expect(await cache.append('k', 'x')).toBe(false)
    expect(await cache.prepend('k', 'x')).toBe(false)
    expect(await cache.add('k', 'b')).toBe(true)
    expect(await cache.add('k', 'x')).toBe(false)
    expect(await cache.append('k', 'c')).toBe(true)
    expect(await cache.prepend('k', Buffer.from('a'))).toBe(true)
    expect(await cache.get('k')).toBe('abc')
    expect(await cache.replace('k', 'd')).toBe(true)
    expect(await cache.get('k')).toBe('d')
  })

  test('cas and delete look at the version', async () => {
    await cache.set('k', 'first')
    const entry = await cache.gets<string>('k')
    expect(entry?.value).toBe('first')
    expect(await cache.cas('k', 'second', entry!.cas)).toBe('stored')
    expect(await cache.cas('k', 'third', entry!.cas)).toBe('conflict')
    expect(await cache.cas('missing', 'x', entry!.cas)).toBe('missing')
    expect(await cache.gets('missing')).toBeUndefined()
    expect(await cache.delete('k', { cas: entry!.cas })).toBe(false)
    const { cas } = (await cache.gets('k'))!
    expect(await cache.delete('k', { cas })).toBe(true)
    expect(await cache.delete('k')).toBe(false)
  })

  test('counters have 64 bits and start where they are told to', async () => {
    expect(await cache.incr('n')).toBeUndefined()
    expect(await cache.incr('n', 5, { initial: 100, ttl: 60 })).toBe(100)
    expect(await cache.incr('n', 5, { initial: 100 })).toBe(105)
    expect(await cache.decr('n', 5)).toBe(100)
    expect(await cache.decr('n', 1000)).toBe(0)
    expect(await cache.incr('n', 2n ** 63n - 1n)).toBe(2n ** 63n - 1n)
    await cache.set('text', 'abc')
    await expect(cache.incr('text')).rejects.toThrow(ServerError)
  })

  test('times to live are set by set, touch and getAndTouch', async () => {
    await cache.set('k', 1, { ttl: -1 })
    expect(await cache.get('k')).toBeUndefined()
    await cache.set('k', 'here', { ttl: 31 * 86_400 })
    expect(await cache.touch('k', 100)).toBe(true)
    expect(await cache.getAndTouch('k', 50)).toBe('here')
    expect(await cache.touch('k', -1)).toBe(true)
    expect(await cache.get('k')).toBeUndefined()
    expect(await cache.touch('k', 100)).toBe(false)
    expect(await cache.getAndTouch('k', 100)).toBeUndefined()
  })

  test('stats and version tell about the node', async () => {
    expect((await cache.stats()).get(node.address)!.get('pid')).toBe(String(node.pid))
    const settings = (await cache.stats('settings')).get(node.address)!
    expect(settings.get('binding_protocol')).toBe('binary')
    expect((await cache.version()).get(node.address)).toMatch(/^\d+\.\d+/)
  })

  test('a value too large is a ServerError, and the connection goes on', async () => {
    const tooLarge = cache.set('huge', Buffer.alloc(3 * 1024 * 1024))
    const next = cache.set('k', 'after')
    await expect(tooLarge).rejects.toThrow(ServerError)
    expect(await next).toBe(true)
    expect(await cache.get('k')).toBe('after')
  })

  test('what only the meta protocol can say is an ArgumentError, and the others go on', async () => {
    const other = cache.set('k', 1)
    await expect(cache.getEntry('k')).rejects.toThrow(ArgumentError)
    await expect(cache.invalidate('k')).rejects.toThrow('meta protocol')
    await expect(cache.append('k', 'x', { vivify: 60 })).rejects.toThrow(ArgumentError)
    expect(await other).toBe(true)
    expect(cache.nodes[0]!.state).toBe('up')
  })

  test('any sequence of commands does what a Map would', async () => {
    const key = fc.constantFrom('a', 'b', 'c')
    const command = fc.tuple(
      fc.constantFrom('set', 'add', 'replace', 'append', 'prepend', 'get', 'delete'),
      key,
      fc.string({ unit: 'grapheme' }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        await cache.flush()
        const model = new Map<string, string>()
        const expected: unknown[] = []
        const actual: Promise<unknown>[] = []
        for (const [name, key, value] of commands as [keyof Commands, string, string][]) {
          actual.push(ask[name](cache, key, value))
          expected.push(ask[name](asCommands(model), key, value))
        }
        expect(await Promise.all(actual)).toEqual(await Promise.all(expected))
      }),
      { numRuns: 40 },
    )
  })
})

type Storing = (key: string, value: string) => Promise<boolean>

interface Commands {
  set: Storing
  add: Storing
  replace: Storing
  append: Storing
  prepend: Storing
  get(key: string): Promise<unknown>
  delete(key: string): Promise<boolean>
}

const ask: {
  [name in keyof Commands]: (cache: Commands, key: string, value: string) => Promise<unknown>
} = {
  set: (cache, key, value) => cache.set(key, value),
  add: (cache, key, value) => cache.add(key, value),
  replace: (cache, key, value) => cache.replace(key, value),
  append: (cache, key, value) => cache.append(key, value),
  prepend: (cache, key, value) => cache.prepend(key, value),
  get: (cache, key) => cache.get(key),
  delete: (cache, key) => cache.delete(key),
}

/** What a node does, done by a map. */
function asCommands(items: Map<string, string>): Commands {
  const store = async (key: string, value: string, ifThere?: boolean): Promise<boolean> => {
    const stores = ifThere === undefined || ifThere === items.has(key)
    if (stores) items.set(key, value)
    return stores
  }
  return {
    set: (key, value) => store(key, value),
    add: (key, value) => store(key, value, false),
    replace: (key, value) => store(key, value, true),
    append: (key, value) => store(key, `${items.get(key)}${value}`, true),
    prepend: (key, value) => store(key, `${value}${items.get(key)}`, true),
    get: async (key) => items.get(key),
    delete: async (key) => items.delete(key),
  }
}

// ---- logging in

const USER = { username: 'web', password: 'a pässword: with spaces' }

describe.each(['memshard', 'memcached'] as const)('SASL PLAIN to %s', (server) => {
  const lacking = server === 'memcached' ? missing('saslpasswd2') : undefined
  let directory: string
  let node: RunningNode

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'memshard-'))
    if (lacking !== undefined) return
    const env = server === 'memcached' ? saslDatabase(directory) : passwordFile(directory)
    node = await startNode({ server, args: ['-S'], env })
  })
  afterAll(async () => {
    await node?.stop('SIGKILL')
    rmSync(directory, { recursive: true })
  })

  test.skipIf(lacking)('comes before the calls that wait, on every connection', async () => {
    await using cache = new Client({
      nodes: [node.address],
      auth: USER,
      connections: 3,
      ...BINARY,
    })
    let connections = 0
    cache.on('connect', () => connections++)
    const keys = Array.from({ length: 500 }, (_, i) => `key:${i}`)
    await Promise.all(keys.map((key) => cache.set(key, `value of ${key}`)))
    const values = await Promise.all(keys.map((key) => cache.get(key)))
    expect(values).toEqual(keys.map((key) => `value of ${key}`))
    expect(connections).toBe(3)
  })

  test.skipIf(lacking)('refused or missing is an AuthError, and ejects the node', async () => {
    for (const auth of [{ ...USER, password: 'guess' }, undefined]) {
      await using cache = new Client({
        nodes: [node.address],
        ...(auth && { auth }),
        ...BINARY,
      })
      const ejected = once(cache, 'eject')
      await expect(cache.get('k')).rejects.toThrow(AuthError)
      expect((await ejected)[1]).toBeInstanceOf(AuthError)
    }
  })
})

test('another protocol is refused when the client is made', () => {
  const protocol = 'udp' as 'binary'
  expect(() => new Client({ nodes: ['127.0.0.1'], protocol })).toThrow(ArgumentError)
  const auth = { username: 'a', password: '\0' }
  expect(() => new Client({ nodes: ['127.0.0.1'], protocol: 'binary', auth })).toThrow(
    ArgumentError,
  )
})

/** Our server's passwords: the environment that makes it find them. */
function passwordFile(directory: string): Record<string, string> {
  const path = join(directory, 'passwords')
  writeFileSync(path, `${USER.username}@${hostname()}:${USER.password}\n`)
  return { MEMCACHED_SASL_PWDB: path }
}

/** The same for memcached, which asks Cyrus SASL. */
function saslDatabase(directory: string): Record<string, string> {
  const database = join(directory, 'sasldb')
  const argv = ['-a', 'memcached', '-c', '-p', '-f', database, USER.username]
  const run = spawnSync('saslpasswd2', argv, { input: USER.password, encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`saslpasswd2 failed: ${run.error ?? run.stderr}`)
  const lines = ['mech_list: plain', 'pwcheck_method: auxprop', 'auxprop_plugin: sasldb']
  writeFileSync(
    join(directory, 'memcached.conf'),
    `${lines.join('\n')}\nsasldb_path: ${database}\n`,
  )
  return { SASL_CONF_PATH: directory }
}

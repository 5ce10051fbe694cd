// Every discovery against what it is made for: a real etcd, a name server, a cluster's node, a file; with
// real nodes behind it.
import { once } from 'node:events'
import { mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ArgumentError,
  Client,
  type ClientOptions,
  ClosedError,
  clusterDiscovery,
  type Discovery,
  DiscoveryError,
  dnsDiscovery,
  etcdDiscovery,
  fileDiscovery,
  fromEnvironment,
  OverloadError,
  register,
  srvDiscovery,
  TimeoutError,
} from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startClusterNode } from './cluster-node.ts'
import { startDnsServer } from './dns-server.ts'
import { startEtcd } from './etcd.ts'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'

// A busy machine must not fail a test that is not about deadlines.
const PATIENT = { timeout: 20_000, connectTimeout: 20_000 }

let nodes: [RunningNode, RunningNode, RunningNode]

beforeAll(async () => {
  const start = () => startNode({ args: ['-m', '64', '-t', '1'] })
  nodes = await Promise.all([start(), start(), start()])
})
afterAll(() => Promise.all((nodes ?? []).map((node) => node.stop('SIGKILL'))))

function client(discovery: Discovery, options: Partial<ClientOptions> = {}): Client {
  return new Client({ nodes: discovery, ...PATIENT, ...options })
}

function names(cache: Client): string[] {
  return cache.nodes.map((node) => node.name).sort()
}

async function expectNames(cache: Client, expected: readonly string[]): Promise<void> {
  await expect.poll(() => names(cache)).toEqual([...expected].sort())
}

/** The next failure of the discovery. */
async function failure(cache: Client): Promise<DiscoveryError> {
  const [error] = await once(cache, 'discoveryError')
  return error
}

describe('any discovery', () => {
  test('gives calls their nodes as soon as they are known, and all later lists', async () => {
    const source = new Source()
    await using cache = client(source)
    const stored = cache.set('k', 'v')
    const versions = cache.version()
    const many = cache.getMulti(['a', 'b'])
    expect(cache.nodes).toEqual([])
    expect(cache.locate('k')).toBeUndefined()
    await source.put([nodes[0].address])
    expect(await stored).toBe(true)
    expect([...(await versions).keys()]).toEqual([nodes[0].address])
    expect((await many).size).toBe(0)
    await source.put([nodes[0].address, nodes[1].address])
    await expectNames(cache, [nodes[0].address, nodes[1].address])
    await expect(cache.setNodes([nodes[2].address])).rejects.toThrow(ArgumentError)
  })

  test('that finds nothing in time makes calls time out, and says why', async () => {
    const cache = client(
      {
        // biome-ignore lint/correctness/useYield: it never comes to that.
        async *watch() {
          throw new Error('no such place')
        },
      },
      { timeout: 50 },
    )
    const errors: Error[] = []
    cache.on('discoveryError', (error) => errors.push(error))
    await expect(cache.get('k')).rejects.toThrow(/no such place/)
    await expect(cache.version()).rejects.toThrow(TimeoutError)
    expect(errors[0]).toBeInstanceOf(DiscoveryError)
    const waiting = cache.get('k', { timeout: 10_000 })
    const closed = cache.close()
    await expect(waiting).rejects.toThrow(ClosedError)
    await closed
  })

  test('lets calls be aborted while they wait, and bounds how many do', async () => {
    await using cache = client(new Source(), { maxInflight: 10 })
    const abort = new AbortController()
    const calls = Array.from({ length: 11 }, () => cache.get('k', { signal: abort.signal }))
    const settled = Promise.allSettled(calls)
    await expect(calls[10]).rejects.toThrow(OverloadError)
    abort.abort(new Error('enough'))
    for (const call of (await settled).slice(0, 10)) {
      expect(call).toMatchObject({ reason: { message: 'enough' } })
    }
  })

  test('that goes wrong leaves the last list as it is, and is asked again', async () => {
    const source = new Source()
    await using cache = client(source)
    await source.put([nodes[0].address])
    await cache.version()
    for (const wrong of [[], ['no node:'], [nodes[1].address, nodes[1].address]]) {
      const failed = failure(cache)
      await source.put(wrong)
      expect(await failed).toBeInstanceOf(DiscoveryError)
      expect(names(cache)).toEqual([nodes[0].address])
    }
    const failed = failure(cache)
    await source.put(new Error('gone'))
    expect((await failed).message).toContain('gone')
    expect(names(cache)).toEqual([nodes[0].address])
    await source.put([nodes[1].address])
    await expectNames(cache, [nodes[1].address])
  })

  test('is asked again when a node fails', async () => {
    await using dying = await startNode({ args: ['-m', '64', '-t', '1'] })
    let asked = 0
    await using cache = client({
      async *watch({ pause }) {
        for (;;) {
          asked++
          yield [asked === 1 ? dying.address : nodes[0].address]
          await pause(60_000)
        }
      },
    })
    await cache.set('k', 1)
    await dying.stop('SIGKILL')
    await expectNames(cache, [nodes[0].address])
    expect(asked).toBe(2)
    expect(await cache.set('k', 2)).toBe(true)
  })
})

describe('the environment', () => {
  test('names nodes and a login as memjs, dalli and Heroku write them', async () => {
    const env = (text: string, more = {}) =>
      fromEnvironment({ env: { MEMCACHE_SERVERS: text, ...more } })
    expect(env('a:11211, b ,[::1]:11212')).toEqual({ nodes: ['a:11211', 'b', '[::1]:11212'] })
    expect(env('a:11211:3,/run/m.sock:2,/run/n.sock')).toEqual({
      nodes: [
        { host: 'a', port: 11211, weight: 3 },
        { path: '/run/m.sock', weight: 2 },
        '/run/n.sock',
      ],
    })
    const auth = { username: 'user', password: 'p@ss' }
    expect(env('user:p%40ss@a,user:p@ss@b').nodes).toEqual(['a', 'b'])
    expect(env('user:p%40ss@a,b')).toEqual({ nodes: ['a', 'b'], auth })
    expect(
      env('a', { MEMCACHE_USERNAME: auth.username, MEMCACHE_PASSWORD: auth.password }),
    ).toEqual({ nodes: ['a'], auth })
    expect(
      fromEnvironment({
        env: {
          MEMCACHIER_SERVERS: 'm:11211',
          MEMCACHIER_USERNAME: auth.username,
          MEMCACHIER_PASSWORD: auth.password,
        },
      }),
    ).toEqual({ nodes: ['m:11211'], auth })
    const variable = { variable: 'CACHES', env: { CACHES: nodes[0].address } }
    await using cache = new Client({ ...fromEnvironment(variable), ...PATIENT })
    expect((await cache.version()).size).toBe(1)
  })

  test('that says nothing, or nothing clear, is refused without telling secrets', () => {
    expect(() => fromEnvironment({ env: {} })).toThrow(/MEMCACHE_SERVERS .*must be set/)
    for (const text of ['u:one@a,v:two@b', 'secret@a', 'u:%secret@a']) {
      const refused = () => fromEnvironment({ env: { MEMCACHE_SERVERS: text } })
      expect(refused).toThrow(ArgumentError)
      expect(refused).not.toThrow(/secret|two/)
    }
  })
})

describe('a file', () => {
  test('is read, and read again when another takes its place, or it changes', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'nodes')
    await writeFile(path, `# the nodes\n${nodes[0].address}\n\n`)
    await using cache = client(fileDiscovery(path, { interval: 60_000 }))
    expect([...(await cache.version()).keys()]).toEqual([nodes[0].address])
    const replace = async (text: string): Promise<void> => {
      await writeFile(`${path}.new`, text)
      await rename(`${path}.new`, path)
    }
    await replace(`${nodes[0].address}:2 first # with a weight\n${nodes[1].address} second`)
    await expectNames(cache, ['first', 'second'])
    await replace(
      JSON.stringify([{ host: '127.0.0.1', port: nodes[2].port, name: 'third' }, 'localhost:1']),
    )
    await expectNames(cache, ['third', 'localhost:1'])

    // Missing, empty or wrong, it changes nothing.
    for (const spoil of [
      () => unlink(path),
      () => writeFile(path, ''),
      () => writeFile(path, '[{'),
    ]) {
      const failed = failure(cache)
      await spoil()
      expect((await failed).message).toContain(path)
      expect(names(cache)).toEqual(['localhost:1', 'third'])
    }
    await replace(nodes[1].address)
    await expectNames(cache, [nodes[1].address])
  })

  test('may be missing at first, and be a link that is changed, as in a ConfigMap', async () => {
    await using directory = await temporaryDirectory()
    const at = (name: string): string => join(directory.path, name)
    await using cache = client(fileDiscovery(at('nodes'), { interval: 60_000 }))
    const version = cache.version()
    expect((await failure(cache)).message).toContain('ENOENT')
    await writeFile(at('old'), nodes[0].address)
    await symlink('old', at('nodes'))
    expect((await version).size).toBe(1)
    await writeFile(at('new'), nodes[1].address)
    await symlink('new', at('next'))
    await rename(at('next'), at('nodes'))
    await expectNames(cache, [nodes[1].address])
  })
})

describe('DNS', () => {
  test('has a node for each address of a name; IPv6 where there is no IPv4', async () => {
    await using dns = await startDnsServer({
      'cache.test': { A: ['127.0.0.1', '127.0.0.2'], AAAA: ['0:0:0:0:0:0:0:1'] },
      'six.test': { AAAA: ['0:0:0:0:0:0:0:1'] },
    })
    const servers = [dns.address]
    const { port } = nodes[0]
    await using cache = client(dnsDiscovery('cache.test', { port, servers, interval: 50 }))
    await expectNames(cache, [`127.0.0.1:${port}`, `127.0.0.2:${port}`])
    dns.records.set('cache.test', { A: ['127.0.0.1'] })
    await expectNames(cache, [`127.0.0.1:${port}`])
    expect(await cache.set('k', 1)).toBe(true)
    await using six = client(dnsDiscovery('six.test', { servers }))
    await expectNames(six, ['::1'])
    await using both = client(dnsDiscovery('cache.test', { servers, family: 6, interval: 50 }))
    expect((await failure(both)).message).toContain('ENODATA')
    await using system = client(dnsDiscovery('localhost', { family: 4, port }))
    expect([...(await system.version()).keys()]).toEqual([`127.0.0.1:${port}`])
  })

  test('keeps the last good list when it fails, falls silent or forgets the name', async () => {
    const { port } = nodes[0]
    await using dns = await startDnsServer({ 'cache.test': { A: ['127.0.0.1'] } })
    await using cache = client(
      dnsDiscovery('cache.test', { port, servers: [dns.address], interval: 50, timeout: 50 }),
    )
    await cache.version()
    for (const mode of ['fail', 'silent'] as const) {
      dns.mode = mode
      expect(await failure(cache)).toBeInstanceOf(DiscoveryError)
      expect(await cache.set('k', mode)).toBe(true)
    }
    dns.mode = 'answer'
    dns.records.clear()
    await expect.poll(async () => (await failure(cache)).message).toContain('ENOTFOUND')
    expect(names(cache)).toEqual([`127.0.0.1:${port}`])
    dns.records.set('cache.test', { A: ['127.0.0.2'] })
    await expectNames(cache, [`127.0.0.2:${port}`])
  })

  test('SRV puts the names of a headless service on the ring; their addresses may change', async () => {
    const service = '_memcache._tcp.memcached.test'
    const pod = (n: number): string => `memcached-${n}.memcached.test`
    const record = (n: number, at = n) => ({ target: pod(n), port: nodes[at]!.port })
    await using dns = await startDnsServer({
      [service]: { SRV: [record(0), record(1), { ...record(2), priority: 10 }] },
      [pod(0)]: { A: ['127.0.0.1'] },
      [pod(1)]: { A: ['127.0.0.1'] },
    })
    const options = { servers: [dns.address], interval: 60_000 }
    await using cache = client(srvDiscovery(service, options))
    await cache.version()
    const name = (n: number): string => `${pod(n)}:${nodes[n]!.port}`
    expect(names(cache)).toEqual([name(0), name(1)])
    expect(cache.nodes.map((node) => node.host)).toEqual(['127.0.0.1', '127.0.0.1'])

    await using named = client(srvDiscovery(service, { ...options, connectByName: true }))
    await expectNames(named, [name(0), name(1)])
    expect(named.nodes.map((node) => node.host).sort()).toEqual([pod(0), pod(1)])

    // A pod comes back at another address: the old one refuses, DNS is asked again, and the keys are where
    // they were. Nobody listens at 127.0.0.9 until then.
    await using moving = await startNode({ args: ['-m', '64', '-t', '1'] })
    const at = (address: string) => {
      dns.records.set(service, { SRV: [{ target: pod(0), port: moving.port }] })
      dns.records.set(pod(0), { A: [address] })
    }
    at('127.0.0.9')
    await using pods = client(srvDiscovery(service, options), { failures: 1 })
    const refused = pods.get('k')
    await once(pods, 'eject')
    await refused.catch(() => {})
    at('127.0.0.1')
    await expect
      .poll(() => pods.nodes.map((node) => [node.name, node.host]))
      .toEqual([[`${pod(0)}:${moving.port}`, '127.0.0.1']])
    expect(await pods.set('k', 1)).toBe(true)
  })

  test('SRV keeps a node whose own name has no address for a moment', async () => {
    const service = '_memcache._tcp.memcached.test'
    const SRV = [
      { target: 'a.test', port: 11211 },
      { target: 'b.test', port: 11211 },
    ]
    await using dns = await startDnsServer({
      [service]: { SRV },
      'a.test': { A: ['127.0.0.1'] },
      'b.test': { A: ['127.0.0.2'] },
    })
    await using cache = client(srvDiscovery(service, { servers: [dns.address], interval: 20 }))
    await expectNames(cache, ['a.test', 'b.test'])
    const changes: unknown[] = []
    cache.on('nodes', (change) => changes.push(change))
    dns.records.delete('b.test')
    const asked = dns.questions
    await expect.poll(() => dns.questions).toBeGreaterThan(asked + 12)
    expect(changes).toEqual([])
  })
})

describe('the configuration endpoint of a cluster', () => {
  test('names its nodes, also without an ip, with IPv6, and from an old engine', async () => {
    await using endpoint = await startClusterNode(nodes[0].port)
    const [a, b] = nodes
    endpoint.configuration = {
      version: 12,
      nodes: [
        `n1.cache.test|127.0.0.1|${a.port}`,
        `localhost||${b.port}`,
        `n3.cache.test|2001:db8::3|11211`,
      ],
    }
    await using cache = client(clusterDiscovery(endpoint.address, { interval: 50 }))
    await expectNames(cache, [`n1.cache.test:${a.port}`, `localhost:${b.port}`, 'n3.cache.test'])
    const hosts = new Map(cache.nodes.map((node) => [node.name, node.host]))
    expect(hosts.get('n3.cache.test')).toBe('2001:db8::3')
    expect(hosts.get(`localhost:${b.port}`)).toBe('localhost')

    // An older version than has been seen is a node that has not heard yet.
    endpoint.configuration = { version: 11, nodes: ['stale.test|127.0.0.1|11211'] }
    await expect.poll(() => names(cache)).not.toContain('stale.test')
    endpoint.configuration = { version: 13, nodes: [`n1.cache.test|127.0.0.1|${a.port}`] }
    await expectNames(cache, [`n1.cache.test:${a.port}`])
    expect(await cache.set('k', 1)).toBe(true)

    endpoint.engine = '1.4.5'
    endpoint.configuration = { version: 14, nodes: [`old.test|127.0.0.1|${b.port}`] }
    await expectNames(cache, [`old.test:${b.port}`])
    expect(await cache.set('k', 2)).toBe(true)
  })

  test('is a node itself', async () => {
    await using endpoint = await startClusterNode(nodes[0].port)
    endpoint.configuration = { version: 1, nodes: [`|127.0.0.1|${endpoint.port}`] }
    await using cache = client(clusterDiscovery(endpoint.address))
    expect(await cache.set('k', 'through it')).toBe(true)
    await using directly = new Client({ nodes: [nodes[0].address], ...PATIENT })
    expect(await directly.get('k')).toBe('through it')
    expect(names(cache)).toEqual([endpoint.address])
  })

  test('that is wrong, silent or gone changes nothing', async () => {
    const endpoint = await startClusterNode(nodes[0].port)
    endpoint.configuration = { version: 1, nodes: [`|127.0.0.1|${nodes[0].port}`] }
    await using cache = client(clusterDiscovery(endpoint.address, { interval: 20, timeout: 100 }))
    await cache.version()
    endpoint.mode = 'wrong'
    await expect.poll(async () => (await failure(cache)).message).toContain('ERROR')
    endpoint.mode = 'silent'
    await expect.poll(async () => (await failure(cache)).message).toContain('no answer')
    await endpoint[Symbol.asyncDispose]()
    await expect.poll(async () => (await failure(cache)).message).toContain('ECONNREFUSED')
    expect(await cache.set('k', 1)).toBe(true)
  })
})

describe.skipIf(missing('etcd'))('etcd', () => {
  let etcd: Awaited<ReturnType<typeof startEtcd>>
  beforeAll(async () => {
    etcd = await startEtcd()
  })
  afterAll(() => etcd?.[Symbol.asyncDispose]())

  let tests = 0
  const freshPrefix = (): string => `/test/${tests++}/`

  test('tells of the nodes under a prefix, and of every change at once', async () => {
    const prefix = freshPrefix()
    const [a, b, c] = nodes
    await etcd.put(`${prefix}one`, a.address)
    await using cache = client(etcdDiscovery({ endpoints: etcd.endpoint, prefix }))
    expect([...(await cache.version()).keys()]).toEqual(['one'])
    await etcd.put(`${prefix}two`, `${b.address}:3`)
    await expectNames(cache, ['one', 'two'])
    expect(cache.nodes.find((node) => node.name === 'two')?.weight).toBe(3)
    await etcd.put(`${prefix}three`, JSON.stringify({ host: '127.0.0.1', port: c.port }))
    await etcd.delete(`${prefix}one`)
    await expectNames(cache, ['three', 'two'])
    await etcd.put(`${prefix}two`, a.address)
    await expect.poll(() => cache.nodes.find((node) => node.name === 'two')?.port).toBe(a.port)
    expect(await cache.set('k', 1)).toBe(true)

    // What is no node is told and left out; what is under another prefix is none of ours.
    const failed = failure(cache)
    await etcd.put(`${prefix}wrong`, 'no node:')
    expect((await failed).message).toContain('wrong')
    await etcd.put(`${prefix.slice(0, -1)}0`, b.address)
    await etcd.put(`${prefix}four`, b.address)
    await expectNames(cache, ['four', 'three', 'two'])
    // The last node going is no reason to be without.
    const empty = failure(cache)
    for (const name of ['four', 'three', 'two', 'wrong']) await etcd.delete(prefix + name)
    await empty
    expect(names(cache).length).toBeGreaterThan(0)
  })

  test('goes on where it was when streams end, and anew when those revisions are gone', async () => {
    const prefix = freshPrefix()
    await etcd.put(`${prefix}one`, nodes[0].address)
    const streams: unknown[] = []
    const discovery = etcdDiscovery({
      endpoints: etcd.endpoint,
      prefix,
      interval: 50,
      fetch: (url, init) => {
        if (String(url).endsWith('/watch')) streams.push(JSON.parse(String(init?.body)))
        return fetch(url, init)
      },
    })
    await using cache = client(discovery)
    await cache.version()
    await expect.poll(() => streams.length).toBeGreaterThan(3)
    await etcd.put(`${prefix}two`, nodes[1].address)
    await expectNames(cache, ['one', 'two'])
    const { header } = (await etcd.ask('/v3/kv/range', { key: 'AA==' })) as {
      header: { revision: string }
    }
    const since = streams.length
    await expect.poll(() => streams.length).toBeGreaterThan(since + 3)
    expect(streams.at(-1)).toMatchObject({
      create_request: { start_revision: String(Number(header.revision) + 1) },
    })

    // Meanwhile the changes that it would go on from are compacted away.
    let hold = true
    let held = 0
    const late = etcdDiscovery({
      endpoints: etcd.endpoint,
      prefix,
      interval: 50,
      fetch: async (url, init) => {
        if (String(url).endsWith('/watch') && hold) {
          held++
          const { header } = (await etcd.ask('/v3/kv/put', {
            key: btoa(`${prefix}three`),
            value: btoa(nodes[2].address),
          })) as { header: { revision: string } }
          await etcd.put(`${prefix}three`, nodes[2].address)
          await etcd.ask('/v3/kv/compaction', { revision: String(Number(header.revision) + 1) })
          hold = false
        }
        return fetch(url, init)
      },
    })
    await using other = client(late)
    await expectNames(other, ['one', 'three', 'two'])
    expect(held).toBe(1)
  })

  test('registers a node for as long as its lease is kept alive', async () => {
    const prefix = freshPrefix()
    const options = { endpoints: etcd.endpoint, prefix }
    const node = (n: number) => ({ host: '127.0.0.1', port: nodes[n]!.port, name: `node-${n}` })
    await using first = await register({ ...options, node: node(0), ttl: 1 })
    await using cache = client(etcdDiscovery(options))
    await cache.version()
    const second = await register({ ...options, node: node(1), ttl: 60 })
    await expectNames(cache, ['node-0', 'node-1'])
    await second.close()
    await expectNames(cache, ['node-0'])

    // Someone ends the lease: it is made anew.
    const { leases = [] } = (await etcd.ask('/v3/lease/leases', {})) as {
      leases?: { ID: string }[]
    }
    for (const { ID } of leases) await etcd.ask('/v3/lease/revoke', { ID })
    await register({ ...options, node: node(2), ttl: 60 }).then(async (third) => {
      await expectNames(cache, ['node-0', 'node-2'])
      await third.close()
    })
    await expectNames(cache, ['node-0'])
    await first.close()

    // A process that dies without a word is forgotten after its time.
    const { ID } = await etcd.ask('/v3/lease/grant', { TTL: '1' })
    const at = (name: string) => btoa(prefix + name)
    await etcd.put(`${prefix}stays`, nodes[0].address)
    await etcd.ask('/v3/kv/put', { key: at('dies'), value: btoa(nodes[1].address), lease: ID })
    await expectNames(cache, ['dies', 'stays'])
    await expectNames(cache, ['stays'])
  })

  test('may go and come back: the pool stays, and follows again', async () => {
    const prefix = freshPrefix()
    const elsewhere = `http://127.0.0.1:${await freePort()}`
    await etcd.put(`${prefix}one`, nodes[0].address)
    // Of two members one is not there.
    const endpoints = [elsewhere, etcd.endpoint]
    await using cache = client(etcdDiscovery({ endpoints, prefix }))
    const errors: DiscoveryError[] = []
    await using registration = await register({
      endpoints,
      prefix,
      node: { host: '127.0.0.1', port: nodes[1].port, name: 'two' },
      ttl: 1,
      onError: (error) => errors.push(error),
    })
    await expectNames(cache, ['one', 'two'])
    const failed = failure(cache)
    await etcd.stop()
    expect(await failed).toBeInstanceOf(DiscoveryError)
    await expect.poll(() => errors.length).toBeGreaterThan(0)
    expect(await cache.set('k', 1)).toBe(true)
    expect(names(cache)).toEqual(['one', 'two'])
    await etcd.start()
    await etcd.put(`${prefix}three`, nodes[2].address)
    await expectNames(cache, ['one', 'three', 'two'])
    await registration.close()
    await expectNames(cache, ['one', 'three'])
    await etcd.stop()
    await expect(
      register({ endpoints, prefix, node: { host: 'x' }, timeout: 500 }),
    ).rejects.toThrow(DiscoveryError)
    await etcd.start()
  })

  test('may ask for a login', async () => {
    await using guarded = await startEtcd()
    const auth = { username: 'root', password: 'secret' }
    await guarded.ask('/v3/auth/user/add', { name: 'root', password: 'secret' })
    await guarded.ask('/v3/auth/user/grant', { user: 'root', role: 'root' })
    await guarded.ask('/v3/auth/enable', {})
    const options = { endpoints: guarded.endpoint, auth }
    await using registration = await register({
      ...options,
      node: { host: '127.0.0.1', port: nodes[0].port, name: 'one' },
    })
    await using cache = client(etcdDiscovery(options))
    expect([...(await cache.version()).keys()]).toEqual(['one'])
    await using stranger = client(etcdDiscovery({ endpoints: guarded.endpoint }))
    expect((await failure(stranger)).message).toContain('etcd refused')
    await registration.close()
  })
})

/** A discovery that finds what a test gives it. */
class Source implements Discovery {
  #next: { found: readonly string[] | Error; taken: () => void } | undefined
  #arrived: (() => void) | undefined

  async *watch({ signal }: { signal: AbortSignal }): AsyncGenerator<readonly string[]> {
    signal.addEventListener('abort', () => this.#arrived?.())
    for (;;) {
      if (this.#next === undefined) {
        await new Promise<void>((resolve) => {
          this.#arrived = resolve
        })
      }
      if (signal.aborted || this.#next === undefined) return
      const { found, taken } = this.#next
      this.#next = undefined
      taken()
      if (found instanceof Error) throw found
      yield found
    }
  }

  /** Resolves when it is taken up. */
  put(found: readonly string[] | Error): Promise<void> {
    return new Promise((taken) => {
      this.#next = { found, taken }
      this.#arrived?.()
    })
  }
}

async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'memshard-discovery-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

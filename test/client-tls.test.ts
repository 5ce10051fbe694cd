// The client over TLS: to our server, to the memcached of the machine, and to a peer made here where the handshake
// itself is to be seen.
import { once } from 'node:events'
import { createServer, type TLSSocket } from 'node:tls'
import { ArgumentError, Client, ConnectionError, NodeDownError } from '@memshard/client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Authority, type Certificate, createAuthority } from './certificates.ts'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'

const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }

const noOpenssl = missing('openssl')
const noMemcached = missing('memcached with TLS')

let authority: Authority
let certificate: Certificate

beforeAll(() => {
  if (noOpenssl !== undefined) return
  authority = createAuthority()
  certificate = authority.issue('DNS:localhost,DNS:cache.example,IP:127.0.0.1')
})
afterAll(() => authority?.[Symbol.dispose]())

describe.skipIf(noOpenssl).each(['memshard', 'memcached'] as const)('over TLS to %s', (server) => {
  let node: RunningNode

  beforeAll(async () => {
    if (server === 'memcached' && noMemcached !== undefined) return
    const { certPath, keyPath } = certificate
    const files = `ssl_chain_cert=${certPath},ssl_key=${keyPath}`
    node = await startNode({ server, args: ['-Z', '-o', files] })
  })
  afterAll(() => node?.stop('SIGKILL'))
  beforeEach(({ skip }) => skip(server === 'memcached' && noMemcached !== undefined, noMemcached))

  test.each(['127.0.0.1', 'localhost'])('values of any size come back from %s', async (host) => {
    const tls = { ca: authority.ca }
    await using cache = new Client({ nodes: [{ host, port: node.port }], tls, ...PATIENT })
    const sizes = [0, 1, 1000, 16_384, 16_385, 70_000, 1_000_000]
    await Promise.all(sizes.map((size) => cache.set(`size:${size}`, Buffer.alloc(size, size))))
    for (const size of sizes) {
      const value = await cache.get<Buffer>(`size:${size}`)
      expect(value?.equals(Buffer.alloc(size, size))).toBe(true)
    }
  })

  test('keys are listed, a page or an answer at a time', async () => {
    const tls = { ca: authority.ca }
    await using cache = new Client({ nodes: [node.address], tls, ...PATIENT })
    const keys = Array.from({ length: 2500 }, (_, i) => `listed:${i}`)
    await cache.setMulti(keys.map((key) => [key, 'x'] as const))
    const listed: unknown[] = []
    for await (const key of cache.keys('listed:')) listed.push(key)
    expect(listed.sort()).toEqual(keys.sort())
    for await (const _ of cache.keys()) break
    expect(await cache.get('listed:0')).toBe('x')
  })

  test('several connections share the calls of many callers', async () => {
    await using cache = new Client({
      nodes: [node.address],
      tls: { ca: authority.ca },
      connections: 3,
      ...PATIENT,
    })
    const connected = new Set<unknown>()
    cache.on('connect', () => connected.add({}))
    const keys = Array.from({ length: 1000 }, (_, i) => `key:${i}`)
    await Promise.all(keys.map((key) => cache.set(key, `value of ${key}`)))
    const values = await Promise.all(keys.map((key) => cache.get(key)))
    expect(values).toEqual(keys.map((key) => `value of ${key}`))
    expect(connected.size).toBe(3)
  })

  test.each([
    ['an authority that is not known', true, /set tls.ca/],
    ['a name that is not in the certificate', { servername: 'other.example' }, /tls.servername/],
  ])('%s is a ConnectionError that says what to do, and ejects', async (_, tls, advice) => {
    const options = tls === true ? true : { ...tls, ca: authority.ca }
    await using cache = new Client({ nodes: [node.address], tls: options, ...PATIENT })
    const ejected = once(cache, 'eject')
    const error = await cache.get('k').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(NodeDownError)
    const [, reason] = await ejected
    expect(reason).toBeInstanceOf(ConnectionError)
    expect(reason.message).toMatch(advice)
    expect((error as Error).cause).toBe(reason)
  })

  test('a node can be asked in plain text while the others are not', async () => {
    await using plain = await startNode({ server })
    await using cache = new Client({
      nodes: [node.address, { host: plain.host, port: plain.port, tls: false }],
      tls: { ca: authority.ca },
      ...PATIENT,
    })
    expect((await cache.version()).size).toBe(2)
    await using other = new Client({
      nodes: [{ host: node.host, port: node.port, tls: { ca: authority.ca } }, plain.address],
      ...PATIENT,
    })
    expect((await other.version()).size).toBe(2)
  })

  test('to a node without TLS there is no connection, and the error says so', async () => {
    await using plain = await startNode({ server })
    await using cache = new Client({ nodes: [plain.address], tls: true, ...PATIENT })
    const disconnected = once(cache, 'disconnect')
    await expect(cache.get('k')).rejects.toThrow(NodeDownError)
    expect((await disconnected)[1].message).toContain('does not speak TLS')
  })
})

describe.skipIf(noOpenssl)('in the handshake', () => {
  test('the name of the host is sent, or the one that was given', async () => {
    await using peer = await startTlsPeer()
    const nodes = [
      { host: 'localhost', port: peer.port },
      { host: '127.0.0.1', port: peer.port, name: 'other' },
      { host: '127.0.0.1', port: peer.port, name: 'given', tls: true },
    ]
    for (const [node, expected] of [
      [nodes[0]!, 'localhost'],
      [nodes[1]!, false],
      [{ ...nodes[2]!, tls: { servername: 'cache.example', ca: authority.ca } }, 'cache.example'],
    ] as const) {
      await using cache = new Client({ nodes: [node], tls: { ca: authority.ca }, ...PATIENT })
      expect(await cache.get('k')).toBeUndefined()
      expect(peer.sockets.at(-1)!.servername).toBe(expected)
    }
  })

  test('the session of an earlier connection is resumed', async () => {
    await using peer = await startTlsPeer()
    const nodes = [{ host: '127.0.0.1', port: peer.port }]
    await using cache = new Client({ nodes, tls: { ca: authority.ca }, ...PATIENT })
    expect(await cache.get('k')).toBeUndefined()
    const disconnected = once(cache, 'disconnect')
    peer.sockets[0]!.destroy()
    await disconnected
    expect(await cache.get('k')).toBeUndefined()
    expect(peer.resumed).toEqual([false, true])
  })
})

test('certificates that are none are refused when the client is made', () => {
  const tls = { ca: 'no certificate', key: 'no key' }
  expect(() => new Client({ nodes: ['127.0.0.1'], tls })).toThrow(ArgumentError)
  const node = { host: '127.0.0.1', tls }
  expect(() => new Client({ nodes: [node] })).toThrow(ArgumentError)
  expect(() => new Client({ nodes: [{ path: '/run/s', tls: true }] })).toThrow(ArgumentError)
})

test('no key of a certificate is told in errors or about nodes', async () => {
  const tls = { passphrase: 'the secret' }
  expect(() => new Client({ nodes: [{ host: 'a', port: 0, tls }] })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('secret') }),
  )
  await using cache = new Client({ nodes: [{ host: 'a', tls }] })
  expect(JSON.stringify(cache.nodes)).not.toContain('secret')
})

interface TlsPeer extends AsyncDisposable {
  readonly port: number
  readonly sockets: readonly TLSSocket[]
  /** Of each connection: whether it went on with the session of an earlier one. */
  readonly resumed: readonly boolean[]
}

/** A server that misses every key. */
async function startTlsPeer(): Promise<TlsPeer> {
  const sockets: TLSSocket[] = []
  const resumed: boolean[] = []
  const { cert, key } = certificate
  const server = createServer({ cert, key }, (socket) => {
    sockets.push(socket)
    resumed.push(socket.isSessionReused())
    socket.on('error', () => {})
    socket.on('data', (data) => socket.write('EN\r\n'.repeat(String(data).split('\n').length - 1)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  return {
    port: address.port,
    sockets,
    resumed,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

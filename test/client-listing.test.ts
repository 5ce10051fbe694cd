// The keys of a pool, listed by the client: over nodes of ours, which tell them a page at a time, of memcached, which has
// one long answer, and over both.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ArgumentError,
  AuthError,
  Client,
  ClosedError,
  type Key,
  KeyError,
  type ListingOptions,
  NodeDownError,
  PartialError,
  ServerError,
} from '@memshard/client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { startPeer } from './scripted-peer.ts'
import { statistic } from './wire.ts'

const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }
const noMemcached = missing('memcached')

async function gathered<T>(given: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of given) all.push(one)
  return all
}

async function listed(
  client: Client,
  prefix?: string,
  options?: ListingOptions,
): Promise<readonly Key[]> {
  return (await gathered(client.keys(prefix, options))).sort()
}

/** `user:0` and so on, stored by this client. */
async function stored(client: Client, prefix: string, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, n) => `${prefix}${n}`)
  await client.setMulti(keys.map((key) => [key, 'x'] as const))
  return keys.sort()
}

const POOLS = {
  memshard: ['memshard', 'memshard', 'memshard'],
  memcached: ['memcached', 'memcached'],
  both: ['memshard', 'memcached'],
} as const

describe.each(Object.keys(POOLS) as (keyof typeof POOLS)[])('a pool of %s', (kind) => {
  const skipped = kind === 'memshard' ? undefined : noMemcached
  let nodes: readonly RunningNode[] = []
  let client: Client

  beforeAll(async () => {
    if (skipped !== undefined) return
    nodes = await Promise.all(POOLS[kind].map((server) => startNode({ server })))
    client = new Client({ nodes: nodes.map(({ address }) => address), ...PATIENT })
  })
  afterAll(async () => {
    await client?.close()
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
  })
  beforeEach(async ({ skip }) => {
    skip(skipped !== undefined, skipped)
    await client.flush()
  })

  test('lists each key once, of all or of those that begin so', async () => {
    const users = await stored(client, 'user:', 3000)
    const others = await stored(client, 'é', 10)
    expect(await listed(client, 'user:')).toEqual(users)
    expect(await listed(client, 'é')).toEqual(others)
    expect(await listed(client)).toEqual([...users, ...others].sort())
    expect(await listed(client, 'nobody:')).toEqual([])
  })

  test('of a namespace lists its keys, as its calls take them', async () => {
    const app = client.namespace('app:')
    const keys = await stored(app, 'user:', 20)
    await stored(client, 'user:', 20)
    expect(await listed(app)).toEqual(keys)
    expect(await listed(app, 'user:1')).toEqual(keys.filter((key) => key.startsWith('user:1')))
    for await (const key of app.keys()) expect(await app.get(key)).toBe('x')
  })

  test('gives bytes that are no text as bytes', async () => {
    const binary = Uint8Array.of(0, 0x0d, 0x0a, 0x20, 0xff)
    await client.set(binary, 'x')
    const [key] = await listed(client)
    expect(key).toEqual(Buffer.from(binary))
    expect(await client.get(key!)).toBe('x')
  })

  test('tells of items how long they live, when they were used last, and where they are', async () => {
    await client.set('brief', 'x', { ttl: 1000 })
    await client.set('eternal', 'x')
    await client.get('eternal')
    const items = await gathered(client.items())
    const [brief, eternal] = items.sort((a, b) => (a.key < b.key ? -1 : 1))
    expect(brief).toMatchObject({
      key: 'brief',
      node: client.locate('brief')?.name,
      fetched: false,
    })
    expect(brief?.ttl).toBeGreaterThan(900)
    expect(brief?.ttl).toBeLessThanOrEqual(1001)
    expect(eternal).toMatchObject({ key: 'eternal', ttl: undefined, fetched: true })
    expect(eternal?.size).toBeGreaterThan('eternal'.length)
    expect(eternal?.idle).toBeLessThan(100)
  })

  test('leaves out what no call would find, unless it is asked for', async () => {
    const keys = await stored(client, 'user:', 20)
    for (const { address } of nodes) {
      await using alone = new Client({ nodes: [address], ...PATIENT })
      await stored(alone, 'user:', 20)
    }
    expect(await listed(client, 'user:')).toEqual(keys)
    const everywhere = await listed(client, 'user:', { everywhere: true })
    expect(everywhere).toHaveLength(keys.length * nodes.length)
  })

  const openConnections = async (): Promise<number[]> =>
    Promise.all(nodes.map((node) => statistic(node, 'curr_connections')))

  test('a loop that is left costs a connection of its own, and no other call notices', async () => {
    await stored(client, 'user:', 5000)
    const before = await openConnections()
    for (const prefix of ['user:', '']) {
      for await (const key of client.keys(prefix)) {
        expect(await client.get(key)).toBe('x')
        break
      }
    }
    await expect.poll(openConnections, { timeout: 10_000 }).toEqual(before)
    expect(await client.get('user:1')).toBe('x')
  })

  test('a signal ends it with its reason, at once or in between', async () => {
    await stored(client, 'user:', 5000)
    const before = await openConnections()
    const reason = new Error('enough')
    const over = client.keys('', { signal: AbortSignal.abort(reason) })
    await expect(over.next()).rejects.toBe(reason)
    const controller = new AbortController()
    let count = 0
    const all = async (): Promise<void> => {
      for await (const _ of client.keys('user:', { signal: controller.signal })) {
        count++
        if (count === 10) controller.abort(reason)
      }
    }
    await expect(all()).rejects.toBe(reason)
    expect(count).toBeLessThan(5000)
    await expect.poll(openConnections, { timeout: 10_000 }).toEqual(before)
    expect(await client.get('user:1')).toBe('x')
  })

  test('a client that closes ends what it lists', async () => {
    await stored(client, 'user:', 5000)
    const other = new Client({ nodes: nodes.map(({ address }) => address), ...PATIENT })
    const keys = other.keys()
    await keys.next()
    await other.close()
    const rest = gathered(keys)
    await expect(rest).rejects.toThrow(PartialError)
    const error = await rest.catch((caught: unknown) => caught)
    for (const cause of (error as PartialError).failed.values()) {
      expect(cause).toBeInstanceOf(ClosedError)
    }
  })
})

test('what the other nodes have is listed before it is told that one is down', async () => {
  const nodes = await Promise.all([startNode(), startNode(), startNode()])
  const [gone, ...living] = nodes
  try {
    await using client = new Client({
      nodes: nodes.map(({ address }) => address),
      ...PATIENT,
      probe: { min: 60_000, max: 60_000 },
    })
    const keys = await stored(client, 'user:', 60)
    const expected = keys.filter((key) => client.locate(key)?.name !== gone?.address)
    await gone?.stop('SIGKILL')
    for (const failure of ['refused', 'ejected']) {
      const given: Key[] = []
      const all = async (): Promise<void> => {
        for await (const key of client.keys('user:')) given.push(key)
      }
      const error = await all().catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(PartialError)
      expect([...(error as PartialError).failed.keys()]).toEqual([gone?.address])
      expect(given.sort()).toEqual(expected)
      const [cause] = (error as PartialError).failed.values()
      if (failure === 'ejected') expect(cause).toBeInstanceOf(NodeDownError)
      while (client.nodes[0]?.state === 'up') await client.version().catch(() => {})
    }
  } finally {
    await Promise.all(living.map((node) => node.stop('SIGKILL')))
  }
})

test('a node that may not list its keys says so, and what it takes', async () => {
  await using node = await startNode({ args: ['-X'] })
  await using client = new Client({ nodes: [node.address], ...PATIENT })
  await client.set('user:1', 'x')
  for (const prefix of ['user:', '']) {
    const error = await listed(client, prefix).catch((caught: unknown) => caught)
    const cause = (error as PartialError).failed.get(node.address)
    expect(cause).toBeInstanceOf(ServerError)
    expect(cause?.message).toMatch(/not allowed.*without -X/)
  }
})

test('logs in where that is asked for', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  const users = join(directory, 'users')
  writeFileSync(users, 'web:secret\n')
  try {
    await using node = await startNode({ args: ['-Y', users] })
    const auth = { username: 'web', password: 'secret' }
    await using client = new Client({ nodes: [node.address], auth, ...PATIENT })
    await client.set('user:1', 'x')
    expect(await listed(client, 'user:')).toEqual(['user:1'])
    await using stranger = new Client({ nodes: [node.address], ...PATIENT })
    const error = await listed(stranger).catch((caught: unknown) => caught)
    expect((error as PartialError).failed.get(node.address)).toBeInstanceOf(AuthError)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('nonsense is refused before any node is asked', async () => {
  await using client = new Client({ nodes: ['127.0.0.1:1'] })
  await expect(listed(client, 'two words')).rejects.toThrow(KeyError)
  await expect(listed(client, 'a', { timeout: -1 })).rejects.toThrow(ArgumentError)
  await using binary = new Client({ nodes: ['127.0.0.1:1'], protocol: 'binary' })
  await expect(listed(binary)).rejects.toThrow(/binary protocol/)
})

describe('a page at a time', () => {
  const ITEM = 'exp=-1 la=1 cas=1 fetch=no cls=1 size=60 flags=0 \n'

  test('one whose connection is lost in between, or within, is asked for again', async () => {
    const asked: string[] = []
    await using peer = await startPeer((socket, connection, line) => {
      asked.push(`${connection} ${line}`)
      if (line.endsWith(' 0')) socket.end(`key=a ${ITEM}NEXT 7\r\n`)
      else if (connection === 2) socket.end(`key=b ${ITEM}`)
      else socket.write(`key=b ${ITEM}key=c ${ITEM}END\r\n`)
    })
    await using client = new Client({ nodes: [peer.address], ...PATIENT })
    const keys = client.keys('p')
    expect((await keys.next()).value).toBe('a')
    await expect.poll(() => peer.sockets.size).toBe(0)
    // The connection of the first page is gone: one more is taken for it, which fails as well.
    await expect(keys.next()).rejects.toThrow(PartialError)
    expect(asked).toEqual(['1 list_prefix p 1000 0', '2 list_prefix p 1000 7'])
  })

  test('goes on over another connection where the first was idle for too long', async () => {
    const asked: string[] = []
    await using peer = await startPeer((socket, connection, line) => {
      asked.push(`${connection} ${line}`)
      if (line.endsWith(' 0')) socket.end(`key=a ${ITEM}NEXT 7\r\n`)
      else socket.write(`key=b ${ITEM}key=c ${ITEM}END\r\n`)
    })
    await using client = new Client({ nodes: [peer.address], ...PATIENT })
    expect(await listed(client, 'p')).toEqual(['a', 'b', 'c'])
    expect(asked.at(-1)).toBe('2 list_prefix p 1000 7')
  })

  test('silence, a line without an end and nonsense are failures of the node', async () => {
    for (const answer of ['key=a', 'x'.repeat(100_000), 'nonsense\r\n', 'key=a\r\n']) {
      await using peer = await startPeer((socket) => socket.write(answer))
      await using client = new Client({ nodes: [peer.address], ...PATIENT })
      const error = await listed(client, '', { timeout: 300 }).catch((caught: unknown) => caught)
      expect(error, answer.slice(0, 20)).toBeInstanceOf(PartialError)
      expect(peer.connections).toBe(1)
      await expect.poll(() => peer.sockets.size).toBe(0)
    }
  })

  test('a node that is busy with another list is asked again', async () => {
    const refusals = ['BUSY currently processing crawler request', 'ERROR locked try again later']
    await using peer = await startPeer((socket) =>
      socket.write(`${refusals.pop() ?? `key=a ${ITEM}END`}\r\n`),
    )
    await using client = new Client({ nodes: [peer.address], ...PATIENT })
    expect(await listed(client)).toEqual(['a'])
    expect(peer.connections).toBe(3)
  })
})

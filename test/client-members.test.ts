// Nodes that come, go and move while calls are under way, on real servers.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ArgumentError, Client, ClosedError, ConnectionError } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, type RunningNode, startNode } from './nodes.ts'

// A busy machine must not fail a test that is not about deadlines.
const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }
const KEYS = Array.from({ length: 400 }, (_, i) => `item:${i}`)

describe('setNodes', () => {
  let nodes: RunningNode[]

  beforeAll(async () => {
    nodes = await Promise.all(
      Array.from({ length: 5 }, () => startNode({ args: ['-m', '64', '-t', '1'] })),
    )
  })
  afterAll(() => Promise.all((nodes ?? []).map((node) => node.stop('SIGKILL'))))

  test('moves only the keys that the new node gains, and back', async () => {
    const addresses = nodes.map((node) => node.address)
    await using cache = new Client({ nodes: addresses.slice(0, 4), ...PATIENT })
    const before = homes(cache)
    await cache.setNodes(addresses)
    const after = homes(cache)
    const moved = KEYS.filter((key) => after.get(key) !== before.get(key))
    expect(moved.length).toBeGreaterThan(0)
    expect(moved.length).toBeLessThan(KEYS.length / 2)
    for (const key of moved) expect(after.get(key)).toBe(addresses[4])
    await cache.setNodes(addresses.slice(0, 4))
    expect(homes(cache)).toEqual(before)
  })

  test('keeps the connections of those that stay, and closes those that left', async () => {
    const [a, b, c] = nodes.map((node) => node.address) as [string, string, string]
    await using cache = new Client({ nodes: [a, b], ...PATIENT })
    await cache.version()
    const connected: string[] = []
    cache.on('connect', (node) => connected.push(node.name))
    const changes: unknown[] = []
    cache.on('nodes', ({ joined, left }) => {
      changes.push([joined.map((node) => node.name), left.map((node) => node.name)])
    })
    await cache.setNodes([{ host: '127.0.0.1', port: nodes[1]!.port, weight: 2 }, c])
    await cache.setNodes([{ host: '127.0.0.1', port: nodes[1]!.port, weight: 3 }, c])
    await cache.version()
    expect(connected).toEqual([c])
    expect(changes).toEqual([[[c], [a]]])
    expect(cache.nodes.map(({ name, weight }) => [name, weight])).toEqual([
      [b, 3],
      [c, 1],
    ])
  })

  test('connects a name anew when its address is another, and its keys stay with it', async () => {
    const [a, b, c] = nodes as [RunningNode, RunningNode, RunningNode]
    const at = (node: RunningNode) => ({ name: 'moving', host: node.host, port: node.port })
    await using cache = new Client({ nodes: [at(a), c.address], ...PATIENT })
    const before = homes(cache)
    const key = KEYS.find((candidate) => before.get(candidate) === 'moving')!
    await cache.set(key, 'at a')
    await cache.setNodes([at(b), c.address])
    expect(homes(cache)).toEqual(before)
    await cache.set(key, 'at b')
    await using directly = new Client({ nodes: [a.address], ...PATIENT })
    expect(await directly.get(key)).toBe('at a')
    await using other = new Client({ nodes: [b.address], ...PATIENT })
    expect(await other.get(key)).toBe('at b')
  })

  test('changed every few milliseconds under load, no call is lost, and no answer is another’s', async () => {
    // Names whose addresses change too: `name:0` is on one server or the next.
    const spec = (name: number, server: number) => ({
      name: `name:${name}`,
      host: '127.0.0.1',
      port: nodes[server % nodes.length]!.port,
    })
    await using cache = new Client({ nodes: nodes.map((node) => node.address), ...PATIENT })
    await cache.flush()
    await cache.setNodes([spec(0, 0), spec(1, 1), spec(2, 2)])
    let stopped = false
    let calls = 0
    let hits = 0
    const caller = async (first: number): Promise<void> => {
      for (let i = first; !stopped; i++) {
        const key = KEYS[i % KEYS.length]!
        const several = KEYS.slice(i % 300, (i % 300) + 20)
        const [stored, one, many, counted] = await Promise.all([
          cache.set(key, `the value of ${key}`),
          cache.get(key),
          cache.getMulti(several),
          cache.incr(`count:${i % 50}`, 1, { initial: 1 }),
        ])
        expect(stored).toBe(true)
        expect(counted).toBeGreaterThan(0)
        if (one !== undefined) expect(one).toBe(`the value of ${key}`)
        for (const [found, value] of many) expect(value).toBe(`the value of ${found}`)
        calls += 4
        hits += many.size
      }
    }
    const callers = Promise.all(Array.from({ length: 20 }, (_, i) => caller(i * 20)))
    const until = performance.now() + 3_000
    let changes = 0
    const leaving: Promise<void>[] = []
    while (performance.now() < until) {
      const size = 1 + (changes % nodes.length)
      const specs = Array.from({ length: size }, (_, name) => spec(name, name + (changes >> 3)))
      leaving.push(cache.setNodes(specs))
      changes++
      await Promise.race([sleep(4), callers])
    }
    stopped = true
    await callers
    await Promise.all(leaving)
    expect(changes).toBeGreaterThan(50)
    expect(calls).toBeGreaterThan(1000)
    expect(hits).toBeGreaterThan(0)
    expect(cache.nodes.every((node) => node.state === 'up' && node.inflight === 0)).toBe(true)
  })

  test('answers what a node was asked before it left, and asks another what it was not', async () => {
    const { server, port, release } = await nodeThatAnswersLater()
    const later = { name: 'later', host: '127.0.0.1', port }
    await using cache = new Client({ nodes: [later], ...PATIENT })
    const asked = cache.get('k')
    await once(server, 'asked')
    const left = cache.setNodes([nodes[0]!.address])
    expect(await cache.set('k', 'of the other')).toBe(true)
    release('HD\r\n')
    // `HD` is no answer to this get; that the call ends with what its own node said shows who was heard.
    await expect(asked).rejects.toThrow(/something else's answer/)
    await left

    // Nobody listens there any more: the call waits for a connection until the node leaves.
    const nobody = await freePort()
    await using patient = new Client({
      nodes: [{ host: '10.255.255.1', port: nobody }],
      ...PATIENT,
    })
    const waiting = patient.get('k')
    await patient.setNodes([nodes[0]!.address])
    expect(await waiting).toBe('of the other')
    server.close()
  })

  test('refuses what is no pool and keeps the one there is; a closed client refuses all', async () => {
    const [a, b] = nodes.map((node) => node.address) as [string, string]
    const cache = new Client({ nodes: [a], ...PATIENT })
    for (const wrong of [[], [a, a], [b, 'no node:'], [{ name: 'x' }]]) {
      await expect(cache.setNodes(wrong)).rejects.toThrow(ArgumentError)
    }
    expect(cache.nodes.map((node) => node.name)).toEqual([a])
    expect(await cache.set('k', 1)).toBe(true)
    await cache.close()
    await expect(cache.setNodes([b])).rejects.toThrow(ClosedError)
  })

  test('close waits for the nodes that left, too', async () => {
    const { server, port, release } = await nodeThatAnswersLater()
    const cache = new Client({ nodes: [`127.0.0.1:${port}`], ...PATIENT })
    const asked = cache.get('k')
    await once(server, 'asked')
    void cache.setNodes([nodes[0]!.address])
    let closed = false
    const closing = cache.close().then(() => {
      closed = true
    })
    await new Promise(setImmediate)
    expect(closed).toBe(false)
    release('EN\r\n')
    expect(await asked).toBeUndefined()
    await closing
    server.close()
  })

  test('a call that had left with the node’s connection is an error only if repeating it could do harm', async () => {
    const { server, port, release } = await nodeThatAnswersLater()
    await using cache = new Client({ nodes: [`127.0.0.1:${port}`], ...PATIENT })
    const read = cache.get('repeated')
    const counted = cache.incr('counted')
    await once(server, 'asked')
    void cache.setNodes([nodes[0]!.address])
    await cache.set('repeated', 'elsewhere')
    release(undefined)
    const [answer, failure] = await Promise.allSettled([read, counted])
    expect(answer).toMatchObject({ value: 'elsewhere' })
    expect(failure).toMatchObject({ reason: expect.any(ConnectionError) })
    server.close()
  })
})

function homes(cache: Client): Map<string, string | undefined> {
  return new Map(KEYS.map((key) => [key, cache.locate(key)?.name]))
}

/** Emits `asked` at the first request, and answers when `release` is called; undefined: hangs up. */
async function nodeThatAnswersLater(): Promise<{
  server: Server
  port: number
  release: (answer: string | undefined) => void
}> {
  let release = (_: string | undefined): void => {}
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      release = (answer) => (answer === undefined ? socket.destroy() : socket.write(answer))
      server.emit('asked')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { server, port, release: (answer) => release(answer) }
}

// What becomes of the keys of a node that is down, on real servers: misses, a gutter that stands in, copies
// on other nodes.
import { once } from 'node:events'
import { Client, type ClientOptions, NodeDownError } from '@memshard/client'
import { describe, expect, test } from 'vitest'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { Wire } from './wire.ts'

// A busy machine must not fail a test that is not about deadlines.
const PATIENT = { timeout: 10_000, connectTimeout: 10_000, probe: { min: 20, max: 50 } }
const KEYS = Array.from({ length: 60 }, (_, i) => `item:${i}`)
const NODE = { args: ['-m', '64', '-t', '1'] }

describe('by default, and with onNodeDown: miss', () => {
  test('a node that is down is an empty one, and the others keep their keys', async () => {
    await using pool = await startPool(2)
    const { cache, nodes } = pool
    await Promise.all(KEYS.map((key) => cache.set(key, key)))
    const [lost, kept] = await loseFirst(pool)
    expect([...(await cache.getMulti(KEYS)).keys()].sort()).toEqual([...kept].sort())
    const key = lost[0]!
    expect(await cache.set(key, 1)).toBe(false)
    expect(await cache.cas(key, 1, 1n)).toBe('missing')
    expect(await cache.incr(key)).toBeUndefined()
    expect(await cache.delete(key)).toBe(false)
    expect(cache.locate(key)?.name).toBe(nodes[0]!.address)
  })

  test('a pool that was never there rejects: a wrong address is no outage', async () => {
    const nobody = `127.0.0.1:${await freePort()}`
    await using cache = new Client({ nodes: [nobody], ...PATIENT, onNodeDown: 'miss' })
    await expect(cache.get('k')).rejects.toThrow(NodeDownError)
    await expect(cache.get('k')).rejects.toThrow(NodeDownError)
  })
})

describe('onNodeDown: gutter', () => {
  test('has the share of a dead node, for a short time', async () => {
    await using gutter = await startNode(NODE)
    await using pool = await startPool(2, { onNodeDown: { gutter: [gutter.address], ttl: 30 } })
    const { cache, nodes } = pool
    const [lost, kept] = await loseFirst(pool)
    const key = lost[0]!
    expect(await cache.get(key)).toBeUndefined()
    expect(cache.locate(key)?.name).toBe(gutter.address)
    await using direct = new Client({ nodes: [gutter.address], ...PATIENT })
    const ttlOf = (item: string) => secondsLeft(gutter, item)

    expect(await cache.set(key, 'for ever')).toBe(true)
    expect(await direct.get(key)).toBe('for ever')
    expect(await ttlOf(key)).toBeLessThanOrEqual(30)
    await cache.set(key, 'long', { ttl: 100 * 24 * 3600 })
    expect(await ttlOf(key)).toBeLessThanOrEqual(30)
    await cache.set(key, 'short', { ttl: 5 })
    expect(await ttlOf(key)).toBeLessThanOrEqual(5)
    await cache.touch(key, 3600)
    expect(await ttlOf(key)).toBeLessThanOrEqual(30)
    await cache.incr(lost[1]!, 1, { initial: 7, ttl: 0 })
    expect(await ttlOf(lost[1]!)).toBeLessThanOrEqual(30)
    expect(await ttlOf(lost[1]!)).toBeGreaterThan(0)

    // The others stay where they are, and all of it belongs to the pool.
    await cache.set(kept[0]!, 1)
    expect(await direct.get(kept[0]!)).toBeUndefined()
    expect(cache.nodes.map((node) => node.name)).toContain(gutter.address)
    await expect(cache.setNodes([gutter.address])).rejects.toThrow(/gutter/)

    // Back at its own node, which is empty.
    const returned = once(cache, 'return')
    await using _again = await startNode({ ...NODE, port: nodes[0]!.port })
    await returned
    expect(await cache.get(key)).toBeUndefined()
    expect(cache.locate(key)?.name).toBe(nodes[0]!.address)
  })

  test('with the gutter down, too, is a miss', async () => {
    const nobody = `127.0.0.1:${await freePort()}`
    await using pool = await startPool(2, { onNodeDown: { gutter: [nobody] } })
    const [lost] = await loseFirst(pool)
    expect(await pool.cache.get(lost[0]!)).toBeUndefined()
    expect(await pool.cache.set(lost[0]!, 1)).toBe(false)
  })
})

describe('replicas', () => {
  test('are written to all and read from any; a node can go', async () => {
    await using pool = await startPool(4, { replicas: (key) => (key.startsWith('hot:') ? 3 : 1) })
    const { cache, nodes } = pool
    const holders = async (key: string): Promise<string[]> => {
      const found = await Promise.all(
        nodes.map(async (node) => {
          await using direct = new Client({ nodes: [node.address], ...PATIENT })
          return (await direct.get(key)) === undefined ? [] : [node.address]
        }),
      )
      return found.flat()
    }
    await cache.set('hot:1', 'one')
    await cache.set('cold:1', 'one')
    expect(await holders('hot:1')).toHaveLength(3)
    expect(await holders('hot:1')).toContain(cache.locate('hot:1')?.name)
    expect(await holders('cold:1')).toEqual([cache.locate('cold:1')?.name])
    await cache.set('cold:2', 'two', { replicas: 2 })
    expect(await holders('cold:2')).toHaveLength(2)

    // All of them are read.
    const before = await gets(pool)
    await Promise.all(Array.from({ length: 300 }, () => cache.get('hot:1')))
    const after = await gets(pool)
    expect(nodes.filter((_, i) => after[i]! - before[i]! > 30)).toHaveLength(3)
    expect((await cache.getMulti(['hot:1', 'cold:1'])).size).toBe(2)

    // A copy that is missing is no miss.
    const copy = (await holders('hot:1')).find((name) => name !== cache.locate('hot:1')?.name)!
    await using one = new Client({ nodes: [copy], ...PATIENT })
    await one.delete('hot:1')
    const values = await Promise.all(Array.from({ length: 50 }, () => cache.get('hot:1')))
    expect(new Set(values)).toEqual(new Set(['one']))

    // What changes the item at its own node leaves no old copies.
    await cache.set('hot:n', 1)
    expect(await cache.incr('hot:n', 4)).toBe(5)
    expect(await holders('hot:n')).toEqual([cache.locate('hot:n')?.name])
    await cache.set('hot:c', 'a')
    const entry = await cache.gets('hot:c')
    expect(await cache.cas('hot:c', 'b', entry!.cas)).toBe('stored')
    expect(
      new Set(await Promise.all(Array.from({ length: 30 }, () => cache.get('hot:c')))),
    ).toEqual(new Set(['b']))
    expect(await cache.touch('hot:1', 100)).toBe(true)
    expect(await cache.delete('hot:1')).toBe(true)
    expect(await holders('hot:1')).toEqual([])

    // Without the key's own node its copies are there still.
    await cache.set('hot:2', 'two')
    const home = nodes.find((node) => node.address === cache.locate('hot:2')?.name)!
    // Not noticed by it: what computes at a node that is lost deletes the copies.
    const cold = Array.from({ length: 200 }, (_, i) => `cold:${i}`)
    const noticed = cold.find((key) => cache.locate(key)?.name === home.address)!
    await lose(cache, home, noticed)
    expect(await cache.get('hot:2')).toBe('two')
    expect(await cache.set('hot:2', 'new')).toBe(true)
    expect(await cache.get('hot:2')).toBe('new')
  })

  test('a number that is none is refused', async () => {
    await using cache = new Client({ nodes: ['127.0.0.1:1'], ...PATIENT })
    await expect(cache.get('k', { replicas: 0 })).rejects.toThrow(/replicas/)
  })
})

interface Pool extends AsyncDisposable {
  readonly cache: Client
  readonly nodes: readonly RunningNode[]
}

async function startPool(size: number, options: Partial<ClientOptions> = {}): Promise<Pool> {
  const nodes = await Promise.all(Array.from({ length: size }, () => startNode(NODE)))
  const addresses = nodes.map((node) => node.address)
  const cache = new Client({ nodes: addresses, ...PATIENT, ...options })
  return {
    cache,
    nodes,
    async [Symbol.asyncDispose]() {
      await cache.close()
      await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
    },
  }
}

/** Kills the first node; returns the keys that were there, and those that were not. */
async function loseFirst({ cache, nodes }: Pool): Promise<[string[], string[]]> {
  const isLost = (key: string): boolean => cache.locate(key)?.name === nodes[0]!.address
  const lost = KEYS.filter(isLost)
  const kept = KEYS.filter((key) => !isLost(key))
  await cache.getMulti(KEYS)
  await lose(cache, nodes[0]!, lost[0]!)
  return [lost, kept]
}

/** Kills a node and lets the client notice, by calls for one of its keys. */
async function lose(cache: Client, node: RunningNode, key: string): Promise<void> {
  const ejected = once(cache, 'eject')
  await node.stop('SIGKILL')
  await cache.incr(`${key}`).catch(() => {})
  await cache.get(key).catch(() => {})
  await cache.gets(key).catch(() => {})
  await ejected
}

async function gets({ cache, nodes }: Pool): Promise<number[]> {
  const stats = await cache.stats()
  return nodes.map((node) => Number(stats.get(node.address)?.get('cmd_get')))
}

/** As the node has it: `mg <key> t`. */
async function secondsLeft(node: RunningNode, key: string): Promise<number> {
  await using wire = await Wire.connect(node)
  const [, seconds] = /^HD t(-?\d+)/.exec((await wire.ask(`mg ${key} t\r\n`)).toString()) ?? []
  return seconds === '-1' ? Number.POSITIVE_INFINITY : Number(seconds)
}

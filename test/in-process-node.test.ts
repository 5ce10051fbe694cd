// The node that tests of applications start inside their own process: a real server by one import.
import { Client } from '@memshard/client'
import { startTestNode } from '@memshard/server/testing'
import { describe, expect, test } from 'vitest'

// A busy machine must not fail a test that is not about deadlines.
const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }

describe('a node inside the test', () => {
  test('serves without any configuration', async () => {
    await using node = await startTestNode()
    await using cache = new Client({ nodes: [node.address], ...PATIENT })
    expect(node.address).toBe(`${node.host}:${node.port}`)
    await cache.set('user:1', { name: 'Ada' }, { ttl: 60 })
    expect(await cache.get('user:1')).toEqual({ name: 'Ada' })
  })

  test('takes the flags of the server', async () => {
    await using node = await startTestNode('-m', '8', '-I', '2m')
    await using cache = new Client({ nodes: [node.address], ...PATIENT })
    const [settings] = (await cache.stats('settings')).values()
    expect(settings?.get('maxbytes')).toBe(String(8 * 2 ** 20))
    expect(settings?.get('item_size_max')).toBe(String(2 * 2 ** 20))
  })

  test('several make a pool, each with items of its own', async () => {
    await using first = await startTestNode()
    await using second = await startTestNode()
    await using cache = new Client({ nodes: [first.address, second.address], ...PATIENT })
    const keys = Array.from({ length: 100 }, (_, i) => `key:${i}`)
    await Promise.all(keys.map((key) => cache.set(key, key)))
    const counts = [...(await cache.stats()).values()].map((of) => Number(of.get('curr_items')))
    expect(counts).toHaveLength(2)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(counts.reduce((sum, count) => sum + count)).toBe(keys.length)
  })

  test('can go, as often as one likes, and come back empty on the same port', async () => {
    const node = await startTestNode()
    await using cache = new Client({
      nodes: [node.address],
      ...PATIENT,
      failures: 1,
      probe: { min: 10 },
      onNodeDown: 'error',
    })
    await cache.set('key', 1)
    await node.stop()
    await node.stop()
    await expect(cache.get('key')).rejects.toMatchObject({ code: /ERR_MEMSHARD_(CONN|NODE)/ })
    await using again = await startTestNode('-p', String(node.port))
    expect(again.port).toBe(node.port)
    await expect.poll(() => cache.get('key').catch((error: Error) => error.message)).toBeUndefined()
  })

  test('refuses nonsense, and a port that is taken', async () => {
    await expect(startTestNode('--nonsense')).rejects.toThrow("Unknown option '--nonsense'")
    await expect(startTestNode('-V')).rejects.toThrow('serves nobody')
    await using node = await startTestNode()
    await expect(startTestNode('-p', String(node.port))).rejects.toThrow('failed to listen')
  })
})

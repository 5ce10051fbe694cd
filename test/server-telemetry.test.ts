// Our own statistics from real servers, over every transport: what is measured is what a client waits for, the keys that
// are asked for most are found though each thread sees but a part, and our client and its command line show them.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { REPOSITORY } from './repository.ts'
import { DIRECT_TRANSPORTS, TRANSPORTS } from './transports.ts'
import { statistics, Wire } from './wire.ts'

const MEMSHARD = join(REPOSITORY, 'packages/client/bin/memshard')

async function numbers(node: RunningNode, what: string): Promise<Record<string, number>> {
  const all = await statistics(node, what)
  return Object.fromEntries(Array.from(all, ([name, value]) => [name, Number(value)]))
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  const threads = transport === 'node' ? '1' : '4'
  let node: RunningNode

  beforeAll(async () => {
    // So many that estimates don't hang on which few batches of a short test were looked at.
    const samples = ['-o', 'telemetry_samples=100000']
    node = await startNode({ args: ['--transport', transport, '-t', threads, ...samples] })
  })
  afterAll(() => node?.stop('SIGKILL'))

  test('requests and bytes are counted exactly, by kind', async () => {
    await using wire = await Wire.connect(node)
    await wire.ask('stats reset\r\n')
    const set = 'set a 0 0 5\r\nhello\r\n'
    await wire.ask(set.repeat(3))
    for (let n = 0; n < 20; n++) await wire.ask('get a\r\nget a b c\r\n')
    const latency = await numbers(node, 'latency')
    expect([latency['get:count'], latency['set:count']]).toEqual([40, 3])
    const own = await numbers(node, 'memshard')
    expect(own['set:bytes_in']).toBe(3 * set.length)
    expect(own['set:bytes_out']).toBe(3 * 'STORED\r\n'.length)
    expect(own['get:bytes_in']).toBe(20 * 'get a\r\nget a b c\r\n'.length)
    expect(own['get:bytes_out']).toBe(40 * 'VALUE a 0 5\r\nhello\r\nEND\r\n'.length)
    expect(own.lock_acquired).toBeGreaterThan(20)
    expect(own['loop:le_inf']).toBe(own['loop:count'])
  })

  test('a request that stands behind 64 KiB of others has waited for them', async () => {
    await using wire = await Wire.connect(node)
    await wire.ask('set a 0 0 1\r\nx\r\nstats reset\r\n')
    for (let n = 0; n < 200; n++) await wire.ask('get a\r\n')
    const alone = await numbers(node, 'latency')
    await wire.ask('stats reset\r\n')
    const batch = 'get a\r\n'.repeat(Math.floor((64 * 1024) / 'get a\r\n'.length))
    for (let n = 0; n < 20; n++) await wire.ask(batch)
    const behind = await numbers(node, 'latency')
    expect(alone['get:sampled']).toBeGreaterThan(0)
    expect(behind['get:sampled']).toBeGreaterThan(0)
    expect(behind['get:p50_us']).toBeGreaterThan(3 * (alone['get:p50_us'] ?? 0))
  })

  test('keys that are asked for most are found, with about as many requests as there were', async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => Wire.connect(node)))
    await clients[0]?.ask('stats reset\r\n')
    const truth = new Map<string, number>()
    for (let round = 0; round < 100; round++) {
      const batches = clients.map(() =>
        Array.from({ length: 400 }, () => {
          const key = `user:${zipf(5000)}`
          truth.set(key, (truth.get(key) ?? 0) + 1)
          return `get ${key}\r\n`
        }).join(''),
      )
      await Promise.all(clients.map((wire, n) => wire.ask(batches[n] ?? '')))
    }
    for (const wire of clients) wire.destroy()
    const hottest = [...truth].sort(([, a], [, b]) => b - a).slice(0, 10)
    const hot = await numbers(node, 'hotkeys 20')
    for (const [key, count] of hottest) {
      const estimate = hot[`key:${key.replace(':', '%3A')}`] ?? 0
      expect(estimate, key).toBeGreaterThan(count * 0.5)
      expect(estimate, key).toBeLessThan(count * 1.5)
    }
    const prefixes = await numbers(node, 'hotprefixes')
    const requests = 100 * 4 * 400
    expect(Math.abs((prefixes['prefix:user'] ?? 0) / requests - 1)).toBeLessThan(0.2)
  })

  test('our client asks every node for them, and so does its command line', async () => {
    await using client = new Client({
      nodes: [node.address],
      timeout: 10_000,
      connectTimeout: 10_000,
    })
    await client.set('shown', 'x'.repeat(1000))
    const of = async (kind: string): Promise<ReadonlyMap<string, string> | undefined> =>
      (await client.stats(kind)).get(node.address)
    expect((await of('latency'))?.get('ms:count')).toMatch(/^[1-9]/)
    expect((await of('memshard'))?.get('ms:bytes_in')).toMatch(/^[1-9]/)
    expect((await of('hotkeys 5'))?.get('window_seconds')).toBe('60')
    expect(Number((await of('bigkeys'))?.get('key:shown'))).toBeGreaterThan(1000)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [MEMSHARD, '--json', '--timeout', '10000', 'stats', 'bigkeys'],
      { env: { ...process.env, MEMCACHE_SERVERS: node.address } },
    )
    expect(JSON.parse(stdout)[node.address]).toHaveProperty('key:shown')
  })
})

test.each(DIRECT_TRANSPORTS)(
  'over %s, who waits for others’ turns is seen to wait',
  async (transport) => {
    await using node = await startNode({ args: ['--transport', transport, '-t', '1', '-R', '5'] })
    await using busy = await Wire.connect(node)
    await using other = await Wire.connect(node)
    await busy.ask(`set long 0 0 1000\r\n${'x'.repeat(1000)}\r\n`)
    await busy.ask('stats reset\r\n')
    const batch = 'get long\r\n'.repeat(500)
    for (let n = 0; n < 50; n++) await Promise.all([busy.ask(batch), other.ask(batch)])
    const latency = await numbers(node, 'latency')
    // Every request is counted, and the time of about as many is known, though their batches took many rounds.
    expect(latency['get:count']).toBe(50 * 2 * 500)
    expect(latency['get:sampled']).toBeGreaterThan(0.5 * 50 * 2 * 500)
  },
)

test('a server without telemetry says so', async () => {
  await using node = await startNode({ args: ['-o', 'no_telemetry'] })
  await using wire = await Wire.connect(node)
  await wire.ask('get a\r\n')
  expect(await wire.say('stats latency\r\nstats hotkeys\r\n')).toBe(
    'STAT telemetry disabled\r\nEND\r\n'.repeat(2),
  )
})

/** A number below `keys`, n drawn about as often as 1 / (n + 1). */
function zipf(keys: number): number {
  return Math.floor(keys ** Math.random()) - 1
}

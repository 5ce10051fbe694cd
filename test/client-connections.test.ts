// Several connections of the client to one node: how many there are, which calls go where, and what
// the failure of one means for the node.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Client, NodeDownError, OverloadError } from '@memshard/client'
import { describe, expect, test } from 'vitest'
import { startNode } from './nodes.ts'
import { startPeer } from './scripted-peer.ts'
import { statistic } from './wire.ts'

// A busy machine must not fail a test that is not about deadlines.
const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }

const keys = (count: number): string[] => Array.from({ length: count }, (_, i) => `key:${i}`)

describe.each(['memshard', 'memcached'] as const)('several connections to %s', (server) => {
  test('a thousand gets at once open no more than were asked for, and each has its answer', async () => {
    await using node = await startNode({ server })
    await using warm = new Client({ nodes: [node.address], ...PATIENT })
    const thousand = keys(1000)
    await Promise.all(thousand.map((key) => warm.set(key, `value of ${key}`)))
    const before = await statistic(node, 'total_connections')
    await using cold = new Client({ nodes: [node.address], connections: 4, ...PATIENT })
    for (let round = 0; round < 5; round++) {
      const values = await Promise.all(thousand.map((key) => cold.get(key)))
      expect(values).toEqual(thousand.map((key) => `value of ${key}`))
    }
    // The statistic's own connection, each time.
    expect((await statistic(node, 'total_connections')) - before).toBe(4 + 1)
  })

  test('one caller after another needs only one', async () => {
    await using node = await startNode({ server })
    const before = await statistic(node, 'total_connections')
    await using cache = new Client({ nodes: [node.address], connections: 4, ...PATIENT })
    for (const key of keys(20)) await cache.set(key, 1)
    expect((await statistic(node, 'total_connections')) - before).toBe(1 + 1)
  })

  test('values of all sizes, written and read by many callers, are those of their keys', async () => {
    await using node = await startNode({ server, args: ['-m', '256'] })
    await using cache = new Client({ nodes: [node.address], connections: 3, ...PATIENT })
    const sizes = [0, 10, 1000, 20_000, 100_000, 900_000]
    const fill = (key: string, size: number): string => key.padEnd(size, `<${key}>`)
    await Promise.all(
      Array.from({ length: 20 }, async (_, caller) => {
        for (const size of sizes) {
          const key = `key:${caller}:${size}`
          await cache.set(key, fill(key, size))
          expect(await cache.get(key)).toBe(fill(key, size))
        }
      }),
    )
  })
})

describe('among several connections', () => {
  test('a value that is slow to come does not hold up the calls after it', async () => {
    const seen: string[] = []
    let finish = (): void => {}
    await using peer = await startPeer((socket, connection, line) => {
      seen.push(`${connection} ${line}`)
      if (connection === 2) socket.write('EN\r\n')
      else if (line === 'mg large v f') {
        socket.write(`VA 200000 f0\r\n${'x'.repeat(100_000)}`)
        finish = () => socket.write(`${'x'.repeat(100_000)}\r\nEN\r\n`)
      }
    })
    await using cache = new Client({ nodes: [peer.address], connections: 2, ...PATIENT })
    const large = cache.get<string>('large')
    await expect.poll(() => seen.length).toBe(1)
    const opened = once(cache, 'connect')
    // Behind the large value, because there is no second connection yet; this opens it.
    const behind = cache.get('behind')
    await opened
    expect(await cache.get('small')).toBeUndefined()
    expect(await cache.get('next')).toBeUndefined()
    expect(seen).toEqual(['1 mg large v f', '1 mg behind v f', '2 mg small v f', '2 mg next v f'])
    finish()
    expect(await large).toBe('x'.repeat(200_000))
    expect(await behind).toBeUndefined()
  })

  test('those lost at the same time are one failure, and the calls of all are sent again', async () => {
    await using peer = await startPeer((socket, connection) => {
      if (connection > 3) socket.write('EN\r\n')
    })
    await using cache = new Client({
      nodes: [peer.address],
      connections: 3,
      failures: 2,
      ...PATIENT,
    })
    const calls = keys(200).map((key) => cache.get(key))
    await expect.poll(() => peer.sockets.size).toBe(3)
    calls.push(...keys(200).map((key) => cache.get(key)))
    for (const socket of peer.sockets) socket.destroy()
    expect(new Set(await Promise.all(calls))).toEqual(new Set([undefined]))
    expect(cache.nodes[0]!.state).toBe('up')
  })

  test('all end when the node is ejected, and one brings it back', async () => {
    let silent = true
    await using peer = await startPeer((socket, _, line) => {
      if (!silent) socket.write(line === 'version' ? 'VERSION 1.6.18\r\n' : 'EN\r\n')
    })
    await using cache = new Client({
      nodes: [peer.address],
      connections: 3,
      failures: 1,
      timeout: 100,
      probe: { min: 20, max: 50 },
      onNodeDown: 'error',
    })
    const ejected = once(cache, 'eject')
    const returned = once(cache, 'return')
    const calls = await Promise.allSettled(keys(200).map((key) => cache.get(key)))
    expect(new Set(calls.map((call) => call.status))).toEqual(new Set(['rejected']))
    await ejected
    await expect(cache.get('k')).rejects.toThrow(NodeDownError)
    expect(cache.nodes[0]!.inflight).toBeLessThanOrEqual(1)
    silent = false
    await returned
    await expect.poll(() => peer.sockets.size).toBe(1)
    expect(await cache.get('k', { timeout: 5000 })).toBeUndefined()
  })

  test('a further one that the node refuses costs nobody anything', async () => {
    await using peer = await startPeer((socket) => socket.write('EN\r\n'))
    await using cache = new Client({
      nodes: [peer.address],
      connections: 8,
      failures: 1,
      ...PATIENT,
    })
    let attempts = 0
    cache.on('disconnect', () => attempts++)
    await cache.get('k')
    peer.stopListening()
    for (let round = 0; round < 20; round++) {
      await Promise.all(keys(200).map((key) => cache.get(key)))
    }
    expect(cache.nodes[0]!.state).toBe('up')
    // Another is not tried again before `connectTimeout` has passed.
    expect(attempts).toBeGreaterThan(0)
    expect(attempts).toBeLessThan(8)
  })

  test('the bound of calls is that of the node', async () => {
    await using peer = await startPeer(() => {})
    await using cache = new Client({
      nodes: [peer.address],
      connections: 3,
      maxInflight: 100,
      // Nobody answers, and whoever closes waits for answers as long as this.
      timeout: 5_000,
      failures: 1000,
    })
    const outcomes: unknown[] = []
    const issue = (count: number): Promise<unknown>[] =>
      keys(count).map((key) => cache.get(key).catch((error) => outcomes.push(error)))
    // Some before the first connection is open, some after, when there are three.
    const calls = issue(70)
    await expect.poll(() => peer.sockets.size).toBeGreaterThan(1)
    calls.push(...issue(70))
    expect(cache.nodes[0]!.inflight).toBe(100)
    await cache.close()
    await Promise.all(calls)
    expect(outcomes.filter((error) => error instanceof OverloadError).length).toBe(40)
  })
})

describe('the bound of bytes', () => {
  test('holds before the connection is open, too', async () => {
    // Nobody is there, so nothing is ever sent; the address is one that answers no one.
    await using cache = new Client({
      nodes: ['192.0.2.1'],
      timeout: 300,
      connectTimeout: 10_000,
      maxQueuedBytes: 1024 * 1024,
    })
    const value = Buffer.alloc(100 * 1024)
    const calls = await Promise.allSettled(keys(50).map((key) => cache.set(key, value)))
    const overloads = calls.filter(
      (call) => call.status === 'rejected' && call.reason instanceof OverloadError,
    )
    // One beyond the bound, as elsewhere: it is what goes beyond it.
    expect(calls.length - overloads.length).toBe(Math.floor((1024 * 1024) / value.length) + 1)
    expect(calls.every((call) => call.status === 'rejected')).toBe(true)
  })
})

describe.runIf(process.platform === 'linux')('a connection that has nothing to say', () => {
  test('is kept alive by the kernel, which finds out when the other side is gone', async () => {
    await using node = await startNode({ server: 'memcached' })
    await using cache = new Client({ nodes: [node.address], ...PATIENT })
    await cache.get('k')
    await expect.poll(() => timersOf(node.port)).toEqual(['keepalive'])
  })
})

/** What the kernel waits for on the connections to a local port, from their client's side. */
function timersOf(port: number): string[] {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , to, state]) => to === remote && state === '01')
    .map((fields) => (fields[5]!.startsWith('02:') ? 'keepalive' : `timer ${fields[5]}`))
}

// `memshard proxy --workers`: several processes on one port, their death, reloading, ending, and what they tell together.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { type RunningProxy, startProxy } from './proxying.ts'
import { statistics, Wire } from './wire.ts'

let node: RunningNode

beforeAll(async () => {
  node = await startNode({ args: ['-t', '1'] })
})
afterAll(async () => {
  await node.stop('SIGKILL')
})

const withWorkers = (workers: number): Promise<RunningProxy> =>
  startProxy({
    flags: ['-s', node.address, '--timeout', '10000', '--workers', `${workers}`, '--admin', '0'],
  })

/** The processes that have told that they serve, the dead ones too. */
const workersOf = (proxy: RunningProxy): number[] =>
  [...proxy.output().matchAll(/worker (\d+): main: nodes/g)].map(([, pid]) => Number(pid))

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function eightClients(proxy: RunningProxy): Promise<readonly Wire[]> {
  const wires = await Promise.all(Array.from({ length: 8 }, () => proxy.connect()))
  for (const wire of wires) {
    wire.send('set a 0 0 1\r\nx\r\n')
    expect((await wire.readUntil('\r\n')).toString()).toBe('STORED\r\n')
  }
  return wires
}

const leave = (wires: readonly Wire[]): void => {
  for (const wire of wires) wire.socket.destroy()
}

describe('the workers of a proxy', () => {
  test('share its port, and tell as one what they have done', async () => {
    await using proxy = await withWorkers(2)
    const wires = await eightClients(proxy)
    await using wire = await proxy.connect()
    const told = await statistics(proxy)
    expect(told.get('threads')).toBe('2')
    expect(told.get('pid')).toBe(String(proxy.pid))
    expect(told.get('cmd_set')).toBe('8')
    expect(told.get('curr_connections')).toBe('10')
    expect(told.get('max_connections')).toBe('1024')
    expect(told.get('pool:main:nodes_up')).toBe('1')
    expect((await statistics(proxy, 'nodes')).get(`main:${node.address}:calls:set`)).toBe('8')
    const [, admin = ''] = /metrics and health on (\S+)/.exec(proxy.output()) ?? []
    const metrics = await (await fetch(`${admin}/metrics`)).text()
    expect(metrics).toContain('memshard_proxy_requests_total{command="set"} 8\n')
    expect(metrics).toMatch(/memshard_proxy_node_answer_seconds_count\{.*command="set"\} 8\n/)
    // What is asked behind it is answered behind it.
    wire.send('stats reset\r\nget a\r\nstats nothing\r\nmn\r\n')
    const answers = (await wire.readUntil('MN\r\n')).toString()
    expect(answers).toBe('RESET\r\nVALUE a 0 1\r\nx\r\nEND\r\nERROR\r\nMN\r\n')
    expect((await statistics(proxy)).get('cmd_set')).toBe('0')
    leave(wires)
  })

  test('share a unix socket, and take over one that was left behind', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'memshard-workers-'))
    const path = join(directory, 'cache.sock')
    const yaml = `{listen: ['127.0.0.1:0', ${path}], workers: 2, pools: {main: {nodes: [${node.address}]}}}`
    try {
      const first = await startProxy({ yaml })
      const orphans = workersOf(first)
      expect(orphans).toHaveLength(2)
      // Whoever starts them gone, they leave nothing running.
      await first.stop('SIGKILL')
      await vi.waitFor(() => expect(orphans.filter(isAlive)).toEqual([]), 20_000)
      await using second = await startProxy({ yaml })
      for (let i = 0; i < 4; i++) {
        await using wire = await Wire.connect({ path })
        wire.send('version\r\n')
        expect((await wire.readUntil('\r\n')).toString()).toMatch(/^VERSION /)
      }
      expect(await second.stop('SIGTERM')).toBe(0)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })

  test('are replaced when they die, and the others’ clients notice nothing', async () => {
    await using proxy = await withWorkers(2)
    const wires = await eightClients(proxy)
    const ended = wires.map((wire) =>
      wire.readToEnd().then(
        () => wire,
        () => wire,
      ),
    )
    process.kill(workersOf(proxy)[0]!, 'SIGKILL')
    await proxy.told(/ended with SIGKILL: its clients are cut off, and another one is started/)
    const cut = new Set([await Promise.race(ended)])
    await vi.waitFor(() => expect(workersOf(proxy)).toHaveLength(3), 20_000)
    for (const wire of wires) if (wire.socket.readyState !== 'open') cut.add(wire)
    expect(cut.size).toBeLessThan(8)
    for (const wire of wires) {
      if (!cut.has(wire)) await askVersion(wire)
    }
    await vi.waitFor(async () => {
      expect((await statistics(proxy)).get('threads')).toBe('2')
    }, 20_000)
    leave(wires)
  })

  test('read the file again one after the other, while clients are served; a broken one changes nothing', async () => {
    const yaml = (workers: number, more = ''): string =>
      `{listen: '127.0.0.1:0', workers: ${workers}, ${more} pools: {main: {nodes: [${node.address}], timeout: 10000}}}`
    await using proxy = await startProxy({ yaml: yaml(2) })
    let asking = true
    const wires = await eightClients(proxy)
    const asked = Promise.all(
      wires.map(async (wire) => {
        let answers = 0
        while (asking) {
          await askVersion(wire)
          answers++
        }
        return answers
      }),
    )
    expect(await proxy.reload(yaml(2, 'maxConnections: 100,'))).toMatch(/is read again/)
    expect(await proxy.reload(yaml(2, 'nonsense: 1,'))).toMatch(/stays as it was/)
    expect(await proxy.reload(yaml(3, 'flushAll: false, maxConnections: 99,'))).toMatch(
      /read again/,
    )
    asking = false
    expect(Math.min(...(await asked))).toBeGreaterThan(0)
    const told = await statistics(proxy)
    expect(told.get('threads')).toBe('3')
    expect(told.get('max_connections')).toBe('99')
    expect(await proxy.reload(yaml(1))).toMatch(/read again/)
    await vi.waitFor(async () => {
      expect((await statistics(proxy)).get('threads')).toBe('1')
    }, 20_000)
    leave(wires)
  })

  test('answer what was asked before they end', async () => {
    const slow = await startNode({ args: ['-t', '1'] })
    const proxy = await startProxy({
      flags: ['-s', slow.address, '--timeout', '10000', '--workers', '2'],
    })
    try {
      const wires = await eightClients(proxy)
      process.kill(slow.pid, 'SIGSTOP')
      for (const wire of wires) wire.send('get a\r\n')
      await using other = await proxy.connect()
      await vi.waitFor(async () => {
        other.send('stats\r\n')
        const [, inflight] =
          /inflight (\d+)/.exec((await other.readUntil('END\r\n')).toString()) ?? []
        expect(Number(inflight)).toBeGreaterThanOrEqual(8)
      }, 20_000)
      const workers = workersOf(proxy)
      const ended = proxy.stop('SIGTERM')
      await proxy.told(/ends/)
      process.kill(slow.pid, 'SIGCONT')
      for (const wire of wires) {
        expect((await wire.readToEnd()).toString()).toBe('VALUE a 0 1\r\nx\r\nEND\r\n')
      }
      expect(await ended).toBe(0)
      expect(workers.filter(isAlive)).toEqual([])
    } finally {
      await slow.stop('SIGKILL')
      await proxy.stop('SIGKILL')
    }
  })

  test('say once why they can’t listen', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const address = taken.address()
    const port = typeof address === 'object' ? address?.port : 0
    const yaml = `{listen: '127.0.0.1:${port}', workers: 2, pools: {main: {nodes: [${node.address}]}}}`
    await expect(startProxy({ yaml })).rejects.toThrow(/ended with 2: [\s\S]*EADDRINUSE/)
    taken.close()
  })
})

async function askVersion(wire: Wire): Promise<void> {
  wire.send('version\r\n')
  expect((await wire.readUntil('\r\n')).toString()).toMatch(/^VERSION /)
}

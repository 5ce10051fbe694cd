// Nodes that come, go and die behind `memshard proxy` while a client of it goes on: they are found in a real etcd, by a name
// server, and in a watched file.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { type RunningEtcd, startEtcd } from './etcd.ts'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { type RunningProxy, startProxy } from './proxying.ts'
import { statistic } from './wire.ts'

const KEYS = 50

interface Load {
  /** Writes that failed. */
  readonly failures: number
  readonly rounds: number
  /** Resolves when as many further rounds have been answered. */
  more(rounds: number): Promise<void>
  stop(): Promise<void>
}

/**
 * A client that stores and reads on one connection until it is stopped. It is answered for everything, in order, and is
 * never given a value that it has not stored.
 */
async function startLoad(proxy: RunningProxy): Promise<Load> {
  const wire = await proxy.connect()
  const load = { failures: 0, rounds: 0, more, stop }
  let isDone = false
  const running = (async (): Promise<void> => {
    for (; !isDone; load.rounds++) {
      const digit = load.rounds % 10
      const keys = Array.from({ length: KEYS }, (_, i) => `k${i}`)
      const sets = keys.map((key) => `set ${key} 0 0 1\r\n${digit}\r\n`).join('')
      // Not a fence that is asked of a node, which may be dead.
      wire.send(`${sets}get ${keys.join(' ')}\r\nmn\r\n`)
      const answers = (await wire.readUntil('MN\r\n')).toString().split('\r\n')
      for (const answer of answers.splice(0, KEYS)) {
        if (answer === 'STORED') continue
        expect(answer).toMatch(/^SERVER_ERROR /)
        load.failures++
      }
      expect(answers.splice(-3)).toEqual(['END', 'MN', ''])
      for (const line of answers) expect(line).toMatch(/^VALUE k\d+ 0 1$|^\d$/)
    }
  })()
  running.catch(() => {})
  async function more(rounds: number): Promise<void> {
    const wanted = load.rounds + rounds
    await Promise.race([expect.poll(() => load.rounds).toBeGreaterThanOrEqual(wanted), running])
  }
  async function stop(): Promise<void> {
    isDone = true
    await running
    wire.destroy()
  }
  return load
}

const names = (...nodes: readonly RunningNode[]): readonly string[] =>
  nodes.map(({ address }) => address).sort()

/** The nodes of the pool, by what `stats nodes` says. */
async function nodesOf(proxy: RunningProxy): Promise<readonly string[]> {
  await using wire = await proxy.connect()
  const told = await wire.say('stats nodes\r\n')
  return [...told.matchAll(/^STAT main:(\S+):state /gm)].map(([, name = '']) => name).sort()
}

async function expectNodes(proxy: RunningProxy, expected: readonly string[]): Promise<void> {
  await expect.poll(() => nodesOf(proxy)).toEqual(expected)
}

const small = (args: readonly string[] = []): Promise<RunningNode> =>
  startNode({ args: ['-t', '1', '-m', '16', ...args] })

describe.skipIf(missing('etcd'))('in etcd, where they register themselves', () => {
  let etcd: RunningEtcd
  beforeAll(async () => {
    etcd = await startEtcd()
  })
  afterAll(() => etcd?.[Symbol.asyncDispose]())

  test('nodes come and stop without a failed request, die with few, and etcd may be away', async () => {
    const prefix = '/cache/'
    const url = `${etcd.endpoint.replace('http', 'etcd')}${prefix}`
    const registering = (): Promise<RunningNode> => small(['--register', `${url}?ttl=2`])
    await using first = await registering()
    await using proxy = await startProxy({ flags: ['-s', url, '--timeout', '10000'] })
    await expectNodes(proxy, names(first))
    const load = await startLoad(proxy)
    await load.more(3)

    await using second = await registering()
    await using third = await registering()
    await expectNodes(proxy, names(first, second, third))
    await load.more(3)
    expect(await statistic(second, 'cmd_set')).toBeGreaterThan(0)
    // It leaves etcd first, and is asked by nobody when it stops.
    expect(await first.stop('SIGUSR1')).toBe(0)
    await expectNodes(proxy, names(second, third))
    await load.more(3)
    expect(load.failures).toBe(0)

    // While etcd is away the last list holds.
    await etcd.stop()
    await load.more(3)
    expect(await nodesOf(proxy)).toEqual(names(second, third))
    await etcd.start()

    // One that dies is missed until its lease lapses.
    await second.stop('SIGKILL')
    await expectNodes(proxy, names(third))
    await load.more(2)
    const { failures } = load
    await load.more(5)
    expect(load.failures).toBe(failures)
    await load.stop()
  })
})

describe('by a name server', () => {
  let dns: DnsServer
  beforeAll(async () => {
    dns = await startDnsServer({})
  })
  afterAll(() => dns?.[Symbol.asyncDispose]())

  const yaml = (from: string): string => `
listen: 127.0.0.1:0
pools: { main: { nodes: { from: '${from}', interval: 50, servers: ['${dns.address}'] }, timeout: 10000 } }
`

  test('as services (SRV): nodes keep their names, and requests go on while they come and go', async () => {
    await using one = await small()
    await using other = await small()
    const services = { '0': one, '1': other }
    const publish = (...which: readonly ('0' | '1')[]): void => {
      const SRV = which.map((i) => ({ target: `node-${i}.test`, port: services[i].port }))
      dns.records.set('_memcache._tcp.test', { SRV })
      for (const i of which) dns.records.set(`node-${i}.test`, { A: ['127.0.0.1'] })
    }
    const expected = (...which: readonly ('0' | '1')[]): readonly string[] =>
      which.map((i) => `node-${i}.test:${services[i].port}`)
    publish('0')
    await using proxy = await startProxy({ yaml: yaml('srv:_memcache._tcp.test') })
    await expectNodes(proxy, expected('0'))
    const load = await startLoad(proxy)
    for (const which of [['0', '1'], ['1'], ['0', '1']] as const) {
      publish(...which)
      await expectNodes(proxy, expected(...which))
      await load.more(2)
    }
    // A name server that fails, or says nothing, changes nothing.
    for (const mode of ['fail', 'silent'] as const) {
      dns.mode = mode
      const asked = dns.questions
      await expect.poll(() => dns.questions).toBeGreaterThan(asked)
      await load.more(2)
      expect(await nodesOf(proxy)).toEqual(expected('0', '1'))
    }
    dns.mode = 'answer'
    await load.stop()
    expect(load.failures).toBe(0)
    expect(await statistic(other, 'cmd_set')).toBeGreaterThan(0)
  })

  test('as addresses', async () => {
    await using node = await small(['-l', '127.0.0.2'])
    dns.records.set('nodes.test', { A: ['127.0.0.1'] })
    await using proxy = await startProxy({ yaml: yaml(`dns:nodes.test:${node.port}`) })
    const load = await startLoad(proxy)
    await expectNodes(proxy, [`127.0.0.1:${node.port}`])
    dns.records.set('nodes.test', { A: ['127.0.0.2', '127.0.0.1'] })
    await expectNodes(proxy, [`127.0.0.1:${node.port}`, `127.0.0.2:${node.port}`])
    await load.more(2)
    dns.records.set('nodes.test', { A: ['127.0.0.2'] })
    await expectNodes(proxy, [`127.0.0.2:${node.port}`])
    await load.more(2)
    await load.stop()
    expect(load.failures).toBe(0)
  })
})

test('in a watched file: they come and go without a failed request', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'memshard-proxy-nodes-'))
  try {
    await using first = await small()
    await using second = await small()
    await using third = await small()
    const nodes = [first, second, third]
    const file = join(directory, 'nodes')
    const write = (which: readonly number[]): Promise<void> =>
      writeFile(file, which.map((i) => `${nodes[i]!.address}\n`).join(''))
    await write([0])
    await using proxy = await startProxy({ flags: ['-s', `file:${file}`, '--timeout', '10000'] })
    const load = await startLoad(proxy)
    for (const which of [[0, 1, 2], [1, 2], [2], [0, 1, 2], [0, 1]]) {
      await write(which)
      await expectNodes(proxy, names(...which.map((i) => nodes[i]!)))
      await load.more(2)
    }
    // What is no list changes nothing.
    const before = proxy.output().length
    await writeFile(file, 'no node: at all:\n')
    await proxy.told(/discovery found no nodes/, before)
    await load.more(2)
    expect(await nodesOf(proxy)).toEqual(names(nodes[0]!, nodes[1]!))
    await load.stop()
    expect(load.failures).toBe(0)
  } finally {
    await rm(directory, { recursive: true })
  }
})

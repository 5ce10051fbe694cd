// Nodes that register themselves in a real etcd (`--register`), and a client that finds them there: while they come,
// leave, die and freeze, and while etcd itself is away.

import { Client, etcdDiscovery } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEtcd } from './etcd.ts'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { start } from './processes.ts'

const TTL_SECONDS = 2

// A busy machine must not fail a test that is not about deadlines.
const PATIENT = { timeout: 10_000, connectTimeout: 10_000 }

describe.skipIf(missing('etcd'))('--register', () => {
  let etcd: Awaited<ReturnType<typeof startEtcd>>
  beforeAll(async () => {
    etcd = await startEtcd()
  })
  afterAll(() => etcd?.[Symbol.asyncDispose]())

  let prefixes = 0
  const freshPrefix = (): string => `/pool-${++prefixes}/`

  function registering(prefix: string, port?: number): Promise<RunningNode> {
    const url = `${etcd.endpoint.replace('http', 'etcd')}${prefix}?ttl=${TTL_SECONDS}`
    return startNode({
      ...(port && { port }),
      args: ['-t', '1', '-m', '16', '-v', '--register', url],
    })
  }

  const follower = (prefix: string): Client =>
    new Client({ nodes: etcdDiscovery({ endpoints: etcd.endpoint, prefix }), ...PATIENT })

  async function expectNodes(cache: Client, ...nodes: readonly RunningNode[]): Promise<void> {
    const expected = nodes.map(({ address }) => address).sort()
    await expect.poll(() => cache.nodes.map(({ name }) => name).sort()).toEqual(expected)
  }

  test('brings nodes into the pool, and takes them out when they stop, die or freeze', async () => {
    const prefix = freshPrefix()
    await using first = await registering(prefix)
    await using second = await registering(prefix)
    await using third = await registering(prefix)
    await using cache = follower(prefix)
    await expectNodes(cache, first, second, third)
    expect(await cache.set('key', 'value')).toBe(true)

    // A node that stops is out of the pool before it takes no more requests.
    expect(await first.stop('SIGUSR1')).toBe(0)
    expect(first.output()).toMatch(/no longer registered[\s\S]*stopped/)
    await expectNodes(cache, second, third)

    await second.stop('SIGKILL')
    await expectNodes(cache, third)

    await using again = await registering(prefix, second.port)
    await expectNodes(cache, third, again)

    third.process.kill('SIGSTOP')
    await expectNodes(cache, again)
    third.process.kill('SIGCONT')
    await expectNodes(cache, third, again)
  })

  test('serves while etcd is away, and is registered when it is there', async () => {
    const prefix = freshPrefix()
    await etcd.stop()
    await using node = await registering(prefix)
    await using other = await registering(prefix)
    await expect.poll(() => node.output()).toContain('the registration may lapse')
    await using direct = new Client({ nodes: [node.address], ...PATIENT })
    expect(await direct.set('key', 'value')).toBe(true)
    await etcd.start()
    await using cache = follower(prefix)
    await expectNodes(cache, node, other)

    await etcd.stop()
    expect(await node.stop('SIGTERM')).toBe(0)
    await etcd.start()
    await expectNodes(cache, other)
  })

  test.each([
    [['--register', 'redis://x'], /--register\) must be etcd:/],
    [['--register', 'etcd://x'], /--register-as host:port/],
    [['--register', 'etcd://x', '--register-as', '0.0.0.0'], /must be one that clients reach/],
    [['--register-as', 'here:1'], /give --register too/],
    [['--register', 'etcd://x', '-s', '/tmp/none.sock'], /listens on TCP/],
  ])('%j is refused', async (args, reason) => {
    await using node = start(['-p', String(await freePort()), ...args])
    expect(await node.exited).not.toBe(0)
    expect(node.stderr()).toMatch(reason)
  })
})

// `memshard proxy` with real nodes behind it: routes, replication, shadows, failing nodes, other lists of nodes, other
// configurations, and clients that behave badly.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { startProxy } from './proxying.ts'
import { statistic, statistics, Wire } from './wire.ts'

let nodes: readonly RunningNode[] = []

beforeAll(async () => {
  nodes = await Promise.all(Array.from({ length: 4 }, () => startNode({ args: ['-t', '1'] })))
})
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
})

const at = (i: number): RunningNode => nodes[i]!
const list = (...which: number[]): string => `[${which.map((i) => at(i).address).join(', ')}]`

async function ask(node: RunningNode, request: string): Promise<string> {
  await using wire = await Wire.connect(node)
  return await wire.say(request)
}

async function emptyAll(): Promise<void> {
  for (const node of nodes) expect(await ask(node, 'flush_all\r\n')).toBe('OK\r\n')
}

describe('keys', () => {
  test('lie where the client library puts them, ASCII or not', async () => {
    await emptyAll()
    await using proxy = await startProxy({
      flags: ['-s', nodes.map(({ address }) => address).join(), '--timeout', '10000'],
    })
    await using wire = await proxy.connect()
    const keys = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? `ключ:${i}` : `key:${i}`))
    const sets = keys.map((key) => `set ${key} 0 0 2\r\nup\r\n`).join('')
    expect(await wire.say(Buffer.from(sets))).toBe('STORED\r\n'.repeat(keys.length))

    await using client = new Client({ nodes: nodes.map(({ address }) => address), timeout: 10_000 })
    const found = await client.getMulti(keys)
    expect(keys.filter((key) => !found.has(key))).toEqual([])
    const shares = nodes.map(({ address }) => client.metrics().get(address)?.hits ?? 0)
    expect(Math.min(...shares)).toBeGreaterThan(0)
  })

  test('of one get are answered in the order asked, from all nodes, 100,000 of them', async () => {
    await emptyAll()
    await using proxy = await startProxy({
      flags: ['-s', nodes.map(({ address }) => address).join(), '--timeout', '20000'],
    })
    await using wire = await proxy.connect()
    const keys = Array.from({ length: 100_000 }, (_, i) => `k${i}`)
    const stored = keys.filter((_, i) => i % 10 === 0)
    const sets = stored.map((key) => `set ${key} 0 0 3 noreply\r\nval\r\n`).join('')
    expect(await wire.say(sets)).toBe('')
    const expected = `${stored.map((key) => `VALUE ${key} 0 3\r\nval\r\n`).join('')}END\r\n`
    expect((await wire.say(`get ${keys.join(' ')}\r\n`)) === expected).toBe(true)
  })
})

describe('routes', () => {
  const yaml = (): string => `
listen: 127.0.0.1:0
pools:
  first: { nodes: ${list(0)}, timeout: 10000 }
  second: { nodes: ${list(1)}, timeout: 10000 }
  third: { nodes: ${list(2)}, timeout: 10000 }
routes:
  - { prefix: 'user:', pool: first }
  - { prefix: 'user:photo:', pool: second }
  - { pool: third }
`

  test('go by the longest prefix, or the default', async () => {
    await emptyAll()
    await using proxy = await startProxy({ yaml: yaml() })
    await using wire = await proxy.connect()
    await wire.say(
      'set user:1 0 0 1\r\na\r\nset user:photo:1 0 0 1\r\nb\r\nset other 0 0 1\r\nc\r\n',
    )
    expect(await ask(at(0), 'get user:1 user:photo:1 other\r\n')).toContain('VALUE user:1 ')
    expect(await ask(at(1), 'get user:1 user:photo:1 other\r\n')).toContain('VALUE user:photo:1 ')
    expect(await ask(at(2), 'get user:1 user:photo:1 other\r\n')).toContain('VALUE other ')
    expect(await wire.say('get other user:photo:1 user:1\r\n')).toBe(
      'VALUE other 0 1\r\nc\r\nVALUE user:photo:1 0 1\r\nb\r\nVALUE user:1 0 1\r\na\r\nEND\r\n',
    )
    expect(await statistic(proxy, 'pool:second:nodes_up')).toBe(1)
  })

  test('without a default say so', async () => {
    await using proxy = await startProxy({ yaml: yaml().replace('  - { pool: third }\n', '') })
    await using wire = await Wire.connect(proxy)
    wire.send('get other\r\nset other 0 0 1\r\nx\r\nget user:none other\r\nmn\r\n')
    const answers = (await wire.readUntil('MN\r\n')).toString()
    expect(answers).toMatch(/^(SERVER_ERROR no route for this key.*\r\n){3}MN\r\n$/)
  })

  test('change on SIGHUP, while clients stay; a broken file changes nothing', async () => {
    await emptyAll()
    await using proxy = await startProxy({ yaml: yaml() })
    await using wire = await proxy.connect()
    expect(await wire.say('set other 0 0 1\r\nc\r\n')).toBe('STORED\r\n')
    const said = await proxy.reload(yaml().replace('pool: third', 'pool: thrid'))
    expect(said).toMatch(/proxy\.yml:10: routes\[2\]\.pool names no pool: .* stays as it was/)
    expect(await wire.say('get other\r\n')).toBe('VALUE other 0 1\r\nc\r\nEND\r\n')
    const connections = await statistic(at(2), 'total_connections')

    await proxy.reload(yaml().replace('{ pool: third }', '{ pool: second }'))
    expect(await wire.say('get other\r\n')).toBe('END\r\n')
    await wire.say('set other 0 0 1\r\nd\r\n')
    expect(await ask(at(1), 'get other\r\n')).toBe('VALUE other 0 1\r\nd\r\nEND\r\n')
    // The pools have not changed, nor have their connections.
    await proxy.reload(yaml())
    expect(await wire.say('get other\r\n')).toBe('VALUE other 0 1\r\nc\r\nEND\r\n')
    expect(await statistic(at(2), 'total_connections')).toBe(connections + 1)
  })
})

describe('replication', () => {
  const yaml = (): string => `
listen: 127.0.0.1:0
pools:
  east: { nodes: ${list(0, 1)}, timeout: 10000 }
  west: { nodes: ${list(2, 3)}, timeout: 10000 }
routes:
  - pools: [east, west]
`
  const east = (request: string): Promise<string> => askPool([0, 1], request)
  const west = (request: string): Promise<string> => askPool([2, 3], request)
  const askPool = async (which: readonly number[], key: string): Promise<string> => {
    const answers = await Promise.all(which.map((i) => ask(at(i), `get ${key}\r\n`)))
    return answers.find((answer) => answer !== 'END\r\n')?.split('\r\n')[1] ?? ''
  }

  test('writes to all pools, and reads from the first that has it', async () => {
    await emptyAll()
    await using proxy = await startProxy({ yaml: yaml() })
    await using wire = await proxy.connect()
    expect(await wire.say('set a 0 0 1\r\n1\r\nset b 0 0 1\r\n2\r\n')).toBe('STORED\r\nSTORED\r\n')
    expect([await east('a'), await west('a'), await east('b'), await west('b')]).toEqual([
      '1',
      '1',
      '2',
      '2',
    ])
    await ask(at(0), 'flush_all\r\n')
    await ask(at(1), 'flush_all\r\n')
    expect(await wire.say('get a none b\r\nmg a v\r\nmg none v k\r\n')).toBe(
      'VALUE a 0 1\r\n1\r\nVALUE b 0 1\r\n2\r\nEND\r\nVA 1\r\n1\r\nEN knone\r\n',
    )
    expect(await wire.say('delete a\r\ndelete a\r\n')).toBe('DELETED\r\nNOT_FOUND\r\n')
    expect([await east('a'), await west('a')]).toEqual(['', ''])
  })

  test('leaves no old value where a command can be carried out only once', async () => {
    await emptyAll()
    await using proxy = await startProxy({ yaml: yaml() })
    await using wire = await proxy.connect()
    const both = async (key: string): Promise<readonly string[]> => [
      await east(key),
      await west(key),
    ]
    expect(await wire.say('add a 0 0 1\r\n1\r\nadd a 0 0 1\r\n2\r\n')).toBe(
      'STORED\r\nNOT_STORED\r\n',
    )
    expect(await both('a')).toEqual(['1', '1'])
    const [, cas] = /VALUE a 0 1 (\d+)/.exec(await wire.say('gets a\r\n')) ?? []
    expect(await wire.say(`cas a 0 0 1 ${cas}\r\n3\r\ncas a 0 0 1 ${cas}\r\n4\r\n`)).toBe(
      'STORED\r\nEXISTS\r\n',
    )
    expect(await both('a')).toEqual(['3', '3'])
    expect(await wire.say('incr a 4\r\n')).toBe('7\r\n')
    expect(await both('a')).toEqual(['7', ''])
    expect(await wire.say('ms a 1 MR T0\r\n8\r\nms a 1 MA\r\n9\r\n')).toBe('HD\r\nHD\r\n')
    expect(await both('a')).toEqual(['89', ''])
    expect(await wire.say('get a\r\n')).toBe('VALUE a 0 2\r\n89\r\nEND\r\n')
  })

  test('serves on when one pool is dead', async () => {
    const dead = await startNode({ args: ['-t', '1'] })
    const alive = at(3)
    await ask(alive, 'flush_all\r\n')
    await using proxy = await startProxy({
      yaml: `
listen: 127.0.0.1:0
pools:
  dead: { nodes: ['${dead.address}'], timeout: 10000, failures: 1 }
  alive: { nodes: ['${alive.address}'], timeout: 10000 }
routes:
  - pools: [dead, alive]
`,
    })
    await using wire = await proxy.connect()
    expect(await wire.say('set a 0 0 1\r\n1\r\n')).toBe('STORED\r\n')
    await dead.stop('SIGKILL')
    expect(await wire.say('get a\r\n')).toBe('VALUE a 0 1\r\n1\r\nEND\r\n')
    await proxy.told(/is down and being probed/)
    expect(await wire.say('get a\r\nset b 0 0 1\r\n2\r\nincr b 1\r\nget b\r\n')).toBe(
      'VALUE a 0 1\r\n1\r\nEND\r\nSTORED\r\n3\r\nVALUE b 0 1\r\n3\r\nEND\r\n',
    )
  })
})

describe('shadow traffic', () => {
  test('is copied, and its answers are nobody’s', async () => {
    await emptyAll()
    await using proxy = await startProxy({
      yaml: `
listen: 127.0.0.1:0
pools:
  main: { nodes: ${list(0)}, timeout: 10000 }
  test: { nodes: ${list(1)}, timeout: 10000 }
routes:
  - { pool: main, shadow: { pool: test, share: 100% } }
`,
    })
    await using wire = await proxy.connect()
    await ask(at(1), 'set only 0 0 1\r\nx\r\n')
    expect(await wire.say('set a 0 0 1\r\n1\r\nget a only\r\nincr a 1\r\n')).toBe(
      'STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n2\r\n',
    )
    await expect.poll(() => ask(at(1), 'get a\r\n')).toBe('VALUE a 0 1\r\n2\r\nEND\r\n')
    expect(await statistic(proxy, 'shadow:default:copied')).toBeGreaterThanOrEqual(5)
  })

  test('that its pool can’t bear slows nobody', async () => {
    await emptyAll()
    const frozen = await startNode({ args: ['-t', '1'] })
    try {
      await using proxy = await startProxy({
        yaml: `
listen: 127.0.0.1:0
pools:
  main: { nodes: ${list(0)}, timeout: 10000 }
  test: { nodes: ['${frozen.address}'], timeout: 10000 }
routes:
  - { pool: main, shadow: { pool: test } }
`,
      })
      await using wire = await proxy.connect()
      expect(await wire.say('set a 0 0 1\r\n1\r\n')).toBe('STORED\r\n')
      process.kill(frozen.pid, 'SIGSTOP')
      const requests = 30_000
      const answers = await wire.say('get a\r\n'.repeat(requests))
      expect(answers.length).toBe('VALUE a 0 1\r\n1\r\nEND\r\n'.length * requests)
      expect(await statistic(proxy, 'shadow:default:skipped')).toBeGreaterThan(0)
    } finally {
      await frozen.stop('SIGKILL')
    }
  })
})

describe('a node that dies', () => {
  test('has nothing and takes nothing, until it is back', async () => {
    const port = await freePort()
    let mortal = await startNode({ port, args: ['-t', '1'] })
    try {
      await using proxy = await startProxy({
        yaml: `
listen: 127.0.0.1:0
pools:
  main:
    nodes: ['127.0.0.1:${port}']
    timeout: 10000
    failures: 1
    probe: { min: 20, max: 50 }
`,
      })
      await using wire = await proxy.connect()
      expect(await wire.say('set a 0 0 1\r\n1\r\nget a\r\n')).toMatch(/^STORED\r\nVALUE a/)
      await mortal.stop('SIGKILL')
      // A node is found dead by who asks it.
      wire.send('get a\r\n')
      expect((await wire.readUntil('\r\n')).toString()).toBe('END\r\n')
      await proxy.told(/is down and being probed/)
      wire.send('get a b\r\nmg a v\r\nset a 0 0 1\r\n1\r\ndelete a noreply\r\nmn\r\n')
      expect((await wire.readUntil('MN\r\n')).toString()).toMatch(
        /^END\r\nEN\r\nSERVER_ERROR the node of this key is down.*\r\nMN\r\n$/,
      )
      mortal = await startNode({ port, args: ['-t', '1'] })
      await proxy.told(/is back/)
      expect(await wire.say('get a\r\nset a 0 0 1\r\n1\r\nget a\r\n')).toBe(
        'END\r\nSTORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n',
      )
    } finally {
      await mortal.stop('SIGKILL')
    }
  })

  test('is stood in for by the gutter, where nothing lives long', async () => {
    await emptyAll()
    const dead = await freePort()
    await using proxy = await startProxy({
      yaml: `
listen: 127.0.0.1:0
pools:
  main:
    nodes: ['127.0.0.1:${dead}']
    timeout: 10000
    failures: 1
    onNodeDown: { gutter: ${list(2)}, ttl: 30 }
`,
    })
    await using wire = await proxy.connect()
    wire.send('get a\r\n')
    await wire.readUntil('\r\n')
    await proxy.told(/is down and being probed/)
    expect(await wire.say('set a 0 0 1\r\n1\r\nms b 1\r\n2\r\nget a b\r\n')).toBe(
      'STORED\r\nHD\r\nVALUE a 0 1\r\n1\r\nVALUE b 0 1\r\n2\r\nEND\r\n',
    )
    const times = await ask(at(2), 'mg a t\r\nmg b t\r\n')
    expect(times).toMatch(/^HD t(30|2\d)\r\nHD t(30|2\d)\r\n$/)
  })
})

describe('a client', () => {
  test('that vanishes in the middle of a value leaves nothing behind, and harms nobody', async () => {
    await emptyAll()
    await using proxy = await startProxy({ flags: ['-s', at(0).address, '--timeout', '10000'] })
    await using other = await proxy.connect()
    for (let i = 0; i < 20; i++) {
      const wire = await proxy.connect()
      wire.send(`get a\r\nset half 0 0 ${100_000 + i}\r\n${'h'.repeat(50_000)}`)
      await wire.sent()
      wire.destroy()
      expect(await other.say(`set a 0 0 2\r\n${10 + i}\r\nget a half\r\n`)).toBe(
        `STORED\r\nVALUE a 0 2\r\n${10 + i}\r\nEND\r\n`,
      )
    }
    await expect.poll(() => statistic(proxy, 'curr_connections')).toBe(2)
    expect(await statistic(proxy, 'value_memory')).toBe(0)
  })

  test('that does not read is not read from, and slows nobody', async () => {
    await emptyAll()
    await using proxy = await startProxy({ flags: ['-s', at(0).address, '--timeout', '10000'] })
    await using other = await proxy.connect()
    const size = 500_000
    expect(await other.say(`set big 0 0 ${size}\r\n${'b'.repeat(size)}\r\n`)).toBe('STORED\r\n')
    await using slow = await proxy.connect()
    slow.socket.pause()
    const times = 400
    const before = await statistic(proxy, 'rss')
    slow.send('get big\r\n'.repeat(times))
    await slow.sent()
    for (let i = 0; i < 50; i++) expect(await other.say('get none\r\n')).toBe('END\r\n')
    // 200 MB were asked for; what waits is what may be under way.
    expect((await statistic(proxy, 'rss')) - before).toBeLessThan(120_000_000)
    slow.socket.resume()
    const answer = `VALUE big 0 ${size}\r\n${'b'.repeat(size)}\r\nEND\r\n`
    for (let i = 0; i < times; i++) {
      expect((await slow.read(answer.length)).toString() === answer).toBe(true)
    }
  })

  test('that sends garbage is told, or closed, and others go on', async () => {
    await emptyAll()
    await using proxy = await startProxy({ flags: ['-s', at(0).address, '--timeout', '10000'] })
    await using other = await proxy.connect()
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff
      return seed % below
    }
    const words = [
      'get ',
      'set a 0 0 ',
      'ms ',
      'mg a v',
      'cas ',
      '\r\n',
      '\n',
      ' ',
      '99',
      'noreply',
    ]
    for (let i = 0; i < 100; i++) {
      const wire = await proxy.connect()
      const parts = Array.from({ length: 60 }, () =>
        random(3) > 0
          ? Buffer.from(words[random(words.length)]!)
          : Buffer.from(Array.from({ length: random(20) }, () => random(256))),
      )
      wire.send(Buffer.concat(parts))
      wire.end()
      await wire.readToEnd()
      wire.destroy()
      if (i % 10 === 0) {
        expect(await other.say('set safe 0 0 1\r\nx\r\nget safe\r\n')).toBe(
          'STORED\r\nVALUE safe 0 1\r\nx\r\nEND\r\n',
        )
      }
    }
    expect(await statistic(at(0), 'total_connections')).toBeLessThan(100)
  })

  test('that has said all still gets its answers', async () => {
    await using proxy = await startProxy({ flags: ['-s', at(0).address, '--timeout', '10000'] })
    await using wire = await proxy.connect()
    wire.send('set a 0 0 1\r\n1\r\nget a\r\nversion\r\n')
    wire.end()
    expect((await wire.readToEnd()).toString()).toMatch(
      /^STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\nVERSION 1\.6\.\d+\r\n$/,
    )
  })

  test('too many is refused as memcached does', async () => {
    await using proxy = await startProxy({
      yaml: `
listen: 127.0.0.1:0
maxConnections: 2
pools: { main: { nodes: ${list(0)} } }
`,
    })
    await using one = await proxy.connect()
    await using two = await proxy.connect()
    expect(await one.say('mn\r\n')).toBe('MN\r\n')
    expect(await two.say('mn\r\n')).toBe('MN\r\n')
    await using three = await proxy.connect()
    expect((await three.readToEnd()).toString()).toBe('ERROR Too many open connections\r\n')
  })
})

describe('the proxy', () => {
  test('answers what was asked before it ends', async () => {
    const slow = await startNode({ args: ['-t', '1'] })
    const proxy = await startProxy({ flags: ['-s', slow.address, '--timeout', '10000'] })
    try {
      await using wire = await proxy.connect()
      expect(await wire.say('set a 0 0 1\r\n1\r\n')).toBe('STORED\r\n')
      process.kill(slow.pid, 'SIGSTOP')
      wire.send('get a\r\n')
      await using other = await proxy.connect()
      await expect
        .poll(async () => {
          other.send('stats\r\n')
          return (await other.readUntil('END\r\n')).toString()
        })
        .toMatch(/STAT pool:main:inflight [1-9]/)
      const ended = proxy.stop('SIGTERM')
      await proxy.told(/ends/)
      process.kill(slow.pid, 'SIGCONT')
      expect((await wire.readToEnd()).toString()).toBe('VALUE a 0 1\r\n1\r\nEND\r\n')
      expect(await ended).toBe(0)
    } finally {
      await slow.stop('SIGKILL')
      await proxy.stop('SIGKILL')
    }
  })

  test('listens at several places, unix sockets too, and takes over one that was left behind', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'memshard-proxy-socket-'))
    const path = join(directory, 'cache.sock')
    const yaml = `
listen: [127.0.0.1:0, ${path}]
pools: { main: { nodes: ${list(0)}, timeout: 10000 } }
`
    try {
      const killed = await startProxy({ yaml })
      await killed.stop('SIGKILL')
      await using proxy = await startProxy({ yaml })
      await using one = await proxy.connect()
      await using two = await Wire.connect({ path })
      expect(await one.say('set a 0 0 1\r\n1\r\n')).toBe('STORED\r\n')
      expect(await two.say('get a\r\n')).toBe('VALUE a 0 1\r\n1\r\nEND\r\n')
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test('empties all nodes, unless it must not', async () => {
    await using proxy = await startProxy({
      yaml: `
listen: 127.0.0.1:0
flushAll: false
pools: { main: { nodes: ${list(0, 1)}, timeout: 10000 } }
`,
    })
    await using wire = await proxy.connect()
    expect(await wire.say('set a 0 0 1\r\n1\r\nflush_all\r\nflush_all noreply\r\nget a\r\n')).toBe(
      'STORED\r\nCLIENT_ERROR flush_all not allowed\r\nVALUE a 0 1\r\n1\r\nEND\r\n',
    )
  })

  test('tells what it has done, by memcached’s names and by pool and node', async () => {
    await emptyAll()
    await using proxy = await startProxy({ flags: ['-s', at(0).address, '--timeout', '10000'] })
    await using wire = await proxy.connect()
    await wire.say('set a 0 0 1\r\n1\r\nget a b c\r\nmg a v\r\ntouch a 0\r\nstats reset\r\n')
    await wire.say('set a 0 0 1\r\n1\r\nget a b c\r\nmg a v\r\ntouch a 0\r\n')
    const general = await statistics(proxy)
    const counted = ['cmd_get', 'cmd_set', 'cmd_touch', 'get_hits', 'get_misses', 'threads']
    expect(counted.map((name) => general.get(name))).toEqual(['4', '1', '1', '2', '2', '1'])
    expect(general.get('pool:main:nodes_up')).toBe('1')
    const byNode = await statistics(proxy, 'nodes')
    expect(byNode.get(`main:${at(0).address}:state`)).toBe('up')
    expect(Number(byNode.get(`main:${at(0).address}:calls:get`))).toBe(6)
  })
})

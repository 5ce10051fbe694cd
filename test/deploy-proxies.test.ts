// The configurations of other proxies in deploy/: twemproxy runs with exactly its file in front of three nodes (the ports
// are those that are free here, and its patience longer) and our client finds what it stored; mcrouter is in no distribution, so its file is
// read as mcrouter would, and the nodes are asked what it asks them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { REPOSITORY } from './repository.ts'
import { statistic, Wire } from './wire.ts'

const read = (file: string): Promise<string> => readFile(join(REPOSITORY, 'deploy', file), 'utf8')

describe.skipIf(missing('twemproxy') !== undefined)('deploy/twemproxy/nutcracker.yml', () => {
  let nodes: RunningNode[] = []
  let directory = ''
  let proxy: ChildProcess | undefined
  let port = 0

  beforeAll(async () => {
    nodes = await Promise.all([0, 1, 2].map(() => startNode()))
    directory = await mkdtemp(join(tmpdir(), 'memshard-nutcracker-'))
    port = await freePort()
    let configuration = (await read('twemproxy/nutcracker.yml')).replace(':22121', `:${port}`)
    for (const [i, node] of nodes.entries()) {
      configuration = configuration.replace(`10.0.0.${i + 1}:11211`, node.address)
    }
    // This machine may be busier than a proxy's should be.
    configuration = configuration.replace('timeout: 250', 'timeout: 20000')
    expect(configuration).not.toMatch(/10\.0\.0\.|:11211|: 250/)
    const file = (name: string): string => join(directory, name)
    await writeFile(file('nutcracker.yml'), configuration)
    const statistics = ['-a', '127.0.0.1', '-s', String(await freePort())]
    const files = ['-c', file('nutcracker.yml'), '-p', file('pid'), '-o', file('log')]
    proxy = spawn('nutcracker', [...files, ...statistics], { stdio: 'ignore' })
    await vi.waitFor(async () => (await throughProxy()).destroy(), 20_000)
  })
  afterAll(async () => {
    if (proxy !== undefined && proxy.exitCode === null) {
      proxy.kill('SIGKILL')
      await once(proxy, 'exit')
    }
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
    await rm(directory, { recursive: true, force: true })
  })

  const throughProxy = (): Promise<Wire> => Wire.connect({ host: '127.0.0.1', port })

  /** Our client, told of the pool by the same file. */
  async function beside(): Promise<Client> {
    const { memshard } = parse(await read('twemproxy/nutcracker.yml'))
    const names: string[] = memshard.servers.map((server: string) => server.split(' ')[1])
    const { distribution, hash } = memshard
    return new Client({
      nodes: nodes.map(({ host, port }, i) => ({ host, port, name: names[i]! })),
      compat: { twemproxy: { distribution, hash } },
      timeout: 20_000,
    })
  }

  test('our client finds what came through it, spread over all three', async () => {
    const keys = Array.from({ length: 600 }, (_, i) => `user:${i}`)
    await using wire = await throughProxy()
    wire.send(`${keys.map((key) => `set ${key} 0 0 2\r\nup\r\n`).join('')}get nothing\r\n`)
    const answer = (await wire.readUntil('END\r\n')).toString()
    expect(answer).toBe(`${'STORED\r\n'.repeat(keys.length)}END\r\n`)

    await using cache = await beside()
    expect((await cache.getMulti(keys)).size).toBe(keys.length)
    for (const node of nodes) expect(await statistic(node, 'curr_items')).toBeGreaterThan(100)
  })

  test('a dead node takes its own keys with it, and nobody else is given them', async () => {
    await using cache = await beside()
    const keys = Array.from({ length: 60 }, (_, i) => `page:${i}`)
    const names = keys.map((key) => cache.locate(key)?.name)
    await using wire = await throughProxy()
    wire.send(`${keys.map((key) => `set ${key} 0 0 1\r\nx\r\n`).join('')}get nothing\r\n`)
    await wire.readUntil('END\r\n')
    await nodes[2]!.stop('SIGKILL')
    for (const [i, key] of keys.entries()) {
      wire.send(`get ${key}\r\n`)
      const lost = names[i] === 'cache-3'
      const answer = (await wire.readUntil(lost ? '\r\n' : 'END\r\n')).toString()
      if (lost) expect(answer).toMatch(/^SERVER_ERROR /)
      else expect(answer).toBe(`VALUE ${key} 0 1\r\nx\r\nEND\r\n`)
    }
    expect(new Set(names)).toEqual(new Set(['cache-1', 'cache-2', 'cache-3']))
  })
})

describe('deploy/mcrouter/memshard.json', () => {
  /** mcrouter takes comments as JavaScript has them; there are none within strings here. */
  async function configuration(): Promise<McrouterConfiguration> {
    const text = await read('mcrouter/memshard.json')
    return JSON.parse(text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, ''))
  }

  interface McrouterConfiguration {
    readonly pools: Readonly<Record<string, { readonly servers: readonly string[] }>>
    readonly route: unknown
  }

  test('every route names a pool that is there', async () => {
    const { pools, route } = await configuration()
    const routes = [...JSON.stringify(route).matchAll(/"PoolRoute\|(\w+)"/g)]
    const named = routes.map(([, pool = '']) => pool)
    expect(named.sort()).toEqual(['gutter', 'memshard', 'memshard'])
    for (const pool of named) expect(pools[pool]?.servers.length).toBeGreaterThan(0)
    expect(pools.memshard?.servers).toHaveLength(3)
  })

  // Of 2 to 4 in a row that fail it takes a node for dead, and asks it this until it answers.
  test('a node answers its probe, whatever else goes on', async () => {
    await using node = await startNode({ args: ['-m', '8', '-M'] })
    await using wire = await Wire.connect(node)
    wire.send('version\r\n')
    expect((await wire.readUntil('\r\n')).toString()).toMatch(/^VERSION \d+\.\d+\.\d+\r\n$/)
    // And what it sends for its clients.
    expect(await wire.say('add k 0 10 1\r\na\r\nappend k 0 0 1\r\nb\r\nget k\r\n')).toBe(
      'STORED\r\nSTORED\r\nVALUE k 0 2\r\nab\r\nEND\r\n',
    )
    expect(await wire.say('touch k 20\r\ngat 30 k\r\ndelete k\r\n')).toBe(
      'TOUCHED\r\nVALUE k 0 2\r\nab\r\nEND\r\nDELETED\r\n',
    )
  })
})

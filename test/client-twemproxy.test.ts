// What was stored through twemproxy is found without it: our client looks on the nodes that the proxy chose.
// One proxy with a pool for each way in which it places keys, over the same three nodes.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type TwemproxyHash, type TwemproxyPool } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { Wire } from './wire.ts'

const HASHES: readonly TwemproxyHash[] = [
  'one_at_a_time',
  'md5',
  'crc16',
  'crc32',
  'crc32a',
  'fnv1_64',
  'fnv1a_64',
  'fnv1_32',
  'fnv1a_32',
  'hsieh',
  'murmur',
  'jenkins',
]

interface Pool {
  readonly twemproxy: TwemproxyPool
  readonly weights: readonly number[]
  readonly names?: readonly string[]
}

const EQUAL = [1, 1, 1]
const UNEQUAL = [1, 2, 5]
const POOLS: readonly Pool[] = [
  ...HASHES.map((hash) => ({
    twemproxy: { distribution: 'ketama', hash } as const,
    weights: EQUAL,
  })),
  ...HASHES.map((hash) => ({
    twemproxy: { distribution: 'modula', hash } as const,
    weights: EQUAL,
  })),
  { twemproxy: {}, weights: UNEQUAL },
  { twemproxy: { distribution: 'modula' }, weights: UNEQUAL },
  { twemproxy: { hash: 'md5', hash_tag: '{}' }, weights: UNEQUAL },
  { twemproxy: { hash: 'murmur' }, weights: UNEQUAL, names: ['b', 'aa', 'a'] },
  { twemproxy: { distribution: 'modula' }, weights: UNEQUAL, names: ['b', 'aa', 'a'] },
]

/** Patterned, tagged, and beyond ASCII, where signed characters show. */
function keysOf(pool: number): string[] {
  return Array.from({ length: 1000 }, (_, i) => {
    const kinds = [
      `key:${i}`,
      `{user:${i}}:mail:${i}`,
      `{}${i}`,
      `ключ-${i}`,
      `é${i}`,
      'k'.repeat(i % 200),
    ]
    return `${pool}:${i}:${kinds[i % kinds.length]}`
  })
}

/** Every pool listens on a unix socket: so many ports would not stay free for long. */
function configuration(socketOf: (pool: number) => string, nodes: readonly RunningNode[]): string {
  const lines = POOLS.flatMap(({ twemproxy, weights, names }, i) => [
    `pool${i}:`,
    `  listen: ${socketOf(i)} 0600`,
    '  auto_eject_hosts: false',
    ...Object.entries(twemproxy).map(([name, value]) => `  ${name}: "${value}"`),
    '  servers:',
    ...nodes.map(({ address }, n) => `    - ${address}:${weights[n]} ${names?.[n] ?? ''}`),
  ])
  return `${lines.join('\n')}\n`
}

describe.skipIf(missing('twemproxy') !== undefined)('with twemproxy', () => {
  let nodes: RunningNode[] = []
  let directory = ''
  let proxy: ChildProcess | undefined
  const socketOf = (pool: number): string => join(directory, `${pool}.sock`)

  beforeAll(async () => {
    nodes = await Promise.all([0, 1, 2].map(() => startNode()))
    directory = await mkdtemp(join(tmpdir(), 'memshard-twemproxy-'))
    const file = (name: string): string => join(directory, name)
    await writeFile(file('nutcracker.yml'), configuration(socketOf, nodes))
    const statistics = ['-a', '127.0.0.1', '-s', String(await freePort())]
    const files = ['-c', file('nutcracker.yml'), '-p', file('pid'), '-o', file('log')]
    proxy = spawn('nutcracker', [...files, ...statistics], { stdio: 'ignore' })
    await vi.waitFor(async () => (await connectTo(POOLS.length - 1)).socket.destroy(), 20_000)
  })
  afterAll(async () => {
    if (proxy !== undefined && proxy.exitCode === null) {
      proxy.kill('SIGKILL')
      await once(proxy, 'exit')
    }
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
    await rm(directory, { recursive: true, force: true })
  })

  const connectTo = (pool: number): Promise<Wire> => Wire.connect({ path: socketOf(pool) })

  test.each(POOLS.map((pool, index) => ({ ...pool, index })))(
    '$twemproxy, weights $weights',
    async ({ index, twemproxy, weights, names }) => {
      const keys = keysOf(index)
      await using wire = await connectTo(index)
      const sets = keys.map((key) => `set ${key} 0 0 2\r\nup\r\n`).join('')
      wire.send(Buffer.from(`${sets}get nothing\r\n`))
      const answer = (await wire.readUntil('END\r\n')).toString()
      expect(answer).toBe(`${'STORED\r\n'.repeat(keys.length)}END\r\n`)

      await using cache = new Client({
        nodes: nodes.map(({ host, port }, i) => {
          return { host, port, weight: weights[i]!, ...(names && { name: names[i]! }) }
        }),
        compat: { twemproxy },
        timeout: 20_000,
      })
      const found = await cache.getMulti(keys)
      expect(keys.filter((key) => !found.has(key))).toEqual([])
    },
  )
})

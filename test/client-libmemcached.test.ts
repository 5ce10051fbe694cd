// Where our client and libmemcached (through pylibmc) put keys on the same three nodes: one writes,
// the other reads. A key that one of them looked for on another node would be a miss.
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { Client, type ClientOptions } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'

// Debian's own interpreter, because that is the one for which python3-pylibmc is packaged.
const PYTHON = '/usr/bin/python3'
const hasPylibmc = spawnSync(PYTHON, ['-c', 'import pylibmc']).status === 0

const KEYS = Array.from({ length: 600 }, (_, i) => `user:${i}`).concat(
  Array.from({ length: 100 }, (_, i) => `ключ-${i}`),
)

/** Arguments: set or get, the nodes as JSON; keys on stdin, values as JSON on stdout. */
const SCRIPT = `
import json, sys, pylibmc
action, nodes = sys.argv[1], json.loads(sys.argv[2])
keys = json.load(sys.stdin)
client = pylibmc.Client(nodes, behaviors={"ketama_weighted": True})
if action == "set":
    for key in keys:
        client.set(key.encode(), b"pylibmc has " + key.encode())
else:
    values = client.get_multi([key.encode() for key in keys])
    print(json.dumps({(k if isinstance(k, str) else k.decode()): v.decode() for k, v in values.items()}))
`

async function pylibmc(action: 'set' | 'get', nodes: readonly string[]): Promise<string> {
  const child = promisify(execFile)(PYTHON, ['-c', SCRIPT, action, JSON.stringify(nodes)])
  child.child.stdin?.end(JSON.stringify(KEYS))
  return (await child).stdout
}

describe.skipIf(!hasPylibmc)('with pylibmc (skipped without python3-pylibmc)', () => {
  let nodes: RunningNode[] = []

  beforeAll(async () => {
    nodes = await Promise.all([0, 1, 2].map(() => startNode({ server: 'memcached' })))
  })
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
  })

  test.each<[string, readonly number[], Pick<ClientOptions, 'compat'>]>([
    ['equal weights, compat: libmemcached', [1, 1, 1], { compat: 'libmemcached' }],
    ['equal weights, the default layout', [1, 1, 1], {}],
    ['weights 1, 2 and 5, compat: libmemcached', [1, 2, 5], { compat: 'libmemcached' }],
  ])('every key is on the same node: %s', async (_, weights, options) => {
    await using cache = new Client({
      nodes: nodes.map(({ host, port }, i) => ({ host, port, weight: weights[i]! })),
      timeout: 10_000,
      ...options,
    })
    const theirs = nodes.map((node, i) => `${node.address}:${weights[i]}`)

    await cache.flush()
    await pylibmc('set', theirs)
    const found = await cache.getMulti<string>(KEYS)
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(KEYS.map((key) => [key, `pylibmc has ${key}`])),
    )
    expect(new Set(KEYS.map((key) => cache.locate(key)!.name)).size).toBe(3)

    await cache.flush()
    await Promise.all(KEYS.map((key) => cache.set(key, `memshard has ${key}`)))
    expect(JSON.parse(await pylibmc('get', theirs))).toEqual(
      Object.fromEntries(KEYS.map((key) => [key, `memshard has ${key}`])),
    )
  })
})

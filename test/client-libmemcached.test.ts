// Where our client and libmemcached (through pylibmc) put 10,000 keys on the same nodes, for its behaviors and for
// equal and unequal weights: one writes, the other reads. A key that one of them looked for on another node would
// be a miss.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Client, type Compat, type PylibmcBehaviors } from '@memshard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing, PYTHON } from './peers.ts'

const KEYS = Array.from({ length: 9900 }, (_, i) => `user:${i}`).concat(
  Array.from({ length: 100 }, (_, i) => `ключ-${i}`),
)

/** Arguments: set or get, the nodes and the behaviors as JSON; keys on stdin, values as JSON on stdout. */
const SCRIPT = `
import json, sys, pylibmc
action, nodes, behaviors = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
keys = json.load(sys.stdin)
client = pylibmc.Client(nodes, behaviors=behaviors)
if action == "set":
    failed = client.set_multi({key: b"pylibmc has " + key.encode() for key in keys})
    assert failed == [], failed
else:
    values = client.get_multi(keys)
    print(json.dumps({key: value.decode() for key, value in values.items()}))
`

interface Libmemcached {
  readonly nodes: readonly string[]
  readonly behaviors: PylibmcBehaviors
}

async function pylibmc(action: 'set' | 'get', { nodes, behaviors }: Libmemcached): Promise<string> {
  const argv = ['-c', SCRIPT, action, JSON.stringify(nodes), JSON.stringify(behaviors)]
  const child = promisify(execFile)(PYTHON, argv, { maxBuffer: 64 * 1024 * 1024 })
  child.child.stdin?.end(JSON.stringify(KEYS))
  return (await child).stdout
}

const BEHAVIORS: readonly PylibmcBehaviors[] = [
  {},
  { hash: 'md5' },
  { hash: 'crc' },
  { hash: 'jenkins' },
  { hash: 'murmur' },
  { ketama: true },
  { ketama: true, hash: 'md5' },
  { ketama: true, hash: 'fnv1_64' },
  { ketama: true, hash: 'jenkins' },
  { ketama: false },
  { ketama_weighted: true },
  { ketama_weighted: true, hash: 'fnv1a_32' },
  { ketama_weighted: false },
  { ketama_weighted: false, hash: 'md5' },
  { ketama: true, ketama_weighted: true },
  { distribution: 'modula' },
  { distribution: 'consistent' },
  { distribution: 'consistent ketama', hash: 'fnv1a_64' },
  { distribution: 'consistent ketama spy' },
  { distribution: 'consistent ketama spy', hash: 'md5' },
  { distribution: 'consistent weighted' },
  { ketama_weighted: true, distribution: 'consistent' },
  { ketama_weighted: true, distribution: 'consistent ketama spy' },
  { ketama_weighted: true, distribution: 'modula' },
]

describe.skipIf(missing('pylibmc') !== undefined)('with pylibmc', () => {
  let nodes: RunningNode[] = []

  beforeAll(async () => {
    nodes = await Promise.all([0, 1, 2].map(() => startNode()))
  })
  afterAll(() => Promise.all(nodes.map((node) => node.stop('SIGKILL'))))

  function clientWith(weights: readonly number[], compat: Compat | undefined): Client {
    return new Client({
      nodes: nodes.map(({ host, port }, i) => ({ host, port, weight: weights[i]! })),
      timeout: 20_000,
      maxInflight: 100_000,
      ...(compat === undefined ? {} : { compat }),
    })
  }

  const addressesWith = (weights: readonly number[]): string[] =>
    nodes.map((node, i) => `${node.address}:${weights[i]}`)

  describe.each([
    [1, 1, 1],
    [1, 2, 5],
  ])('weights %i, %i and %i', (...weights) => {
    test.each(BEHAVIORS)('we find all that it wrote with %o', async (behaviors) => {
      await using cache = clientWith(weights, { pylibmc: behaviors })
      await cache.flush()
      await pylibmc('set', { nodes: addressesWith(weights), behaviors })
      const found = await cache.getMulti<string>(KEYS)
      expect(KEYS.filter((key) => found.get(key) !== `pylibmc has ${key}`)).toEqual([])
      expect(new Set(KEYS.map((key) => cache.locate(key)!.name)).size).toBeGreaterThan(0)
    })
  })

  test.each<[string, readonly number[], Compat | undefined]>([
    ['equal weights, the default distribution', [1, 1, 1], undefined],
    ['equal weights, compat: libmemcached', [1, 1, 1], 'libmemcached'],
    ['weights 1, 2 and 5, compat: libmemcached', [1, 2, 5], 'libmemcached'],
  ])('each finds what the other wrote: %s', async (_, weights, compat) => {
    const theirs = { nodes: addressesWith(weights), behaviors: { ketama_weighted: true } }
    await using cache = clientWith(weights, compat)

    await cache.flush()
    await pylibmc('set', theirs)
    const found = await cache.getMulti<string>(KEYS)
    expect(KEYS.filter((key) => found.get(key) !== `pylibmc has ${key}`)).toEqual([])
    expect(new Set(KEYS.map((key) => cache.locate(key)!.name)).size).toBe(3)

    await cache.flush()
    await Promise.all(KEYS.map((key) => cache.set(key, `memshard has ${key}`)))
    const read: Record<string, string> = JSON.parse(await pylibmc('get', theirs))
    expect(KEYS.filter((key) => read[key] !== `memshard has ${key}`)).toEqual([])
  })
})

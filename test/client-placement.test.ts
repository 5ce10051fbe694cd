// Where our client and others put 10,000 keys on the same pools, weighted and not: the same node for every key.
// The others say so themselves, through their own libraries; no server is needed for that. Those that can only
// be watched at work are in client-libmemcached.test.ts and client-twemproxy.test.ts.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client, type Compat, type PhpMemcachedOptions } from '@memshard/client'
import { describe, expect, test } from 'vitest'
import { missing, type Peer, PYTHON } from './peers.ts'

interface Server {
  readonly host: string
  readonly port: number
  readonly weight: number
}

interface Case {
  readonly servers: readonly Server[]
  readonly options: PhpMemcachedOptions
}

const ASCII_KEYS = Array.from({ length: 10_000 }, (_, i) => {
  if (i % 3 === 0) return `user:${i}`
  if (i % 3 === 1) return `session/${(i * 2_654_435_761) % 2 ** 32}/${'x'.repeat(i % 60)}`
  return (i * i).toString(36)
})
const KEYS = ASCII_KEYS.with(0, 'ключ').with(1, '鍵:1').with(2, 'naïve').with(3, '\u{1f511}')

function pool(count: number, weightOf = (_: number): number => 1, port = 11211): Server[] {
  return Array.from({ length: count }, (_, i) => {
    return { host: `10.1.${count}.${i + 1}`, port, weight: weightOf(i) }
  })
}

/** 25, 47 and 61 are counts for which libmemcached's floats round, 7 and 14 those for which doubles do. */
const EQUAL_POOLS: Readonly<Record<string, readonly Server[]>> = {
  'three nodes, one on a port of its own': pool(3).with(2, { host: 'c', port: 11212, weight: 1 }),
  '7 nodes': pool(7),
  '14 nodes on other ports': pool(14, () => 1, 11311),
  '25 nodes': pool(25),
  '47 nodes': pool(47),
  '61 nodes': pool(61),
}
const WEIGHTED_POOLS: Readonly<Record<string, readonly Server[]>> = {
  'weights 3, 2 and 1': pool(3, (i) => 3 - i),
  'weights from 1 to 10': pool(10, (i) => i + 1, 11300),
  'weights 600, 300, 200, 350, 1000, 800, 950 and 100': pool(
    8,
    (i) => [600, 300, 200, 350, 1000, 800, 950, 100][i]!,
  ),
}
const IPV6_POOL = ['::1', '2001:db8::2', '2001:db8::3'].map((host, i) => {
  return { host, port: 11211 + (i >> 1), weight: 1 }
})
const POOLS = { ...EQUAL_POOLS, ...WEIGHTED_POOLS, 'IPv6 addresses': IPV6_POOL }

/** Runs a script of interop/ with one question for each case. */
async function ask(
  [command, ...argv]: readonly [string, ...string[]],
  cases: readonly Case[],
  keys: readonly string[],
): Promise<number[][]> {
  const [script, ...rest] = argv
  const path = fileURLToPath(new URL(`interop/${script}`, import.meta.url))
  const asked = promisify(execFile)(command, [path, ...rest], { maxBuffer: 64 * 1024 * 1024 })
  asked.child.stdin?.end(JSON.stringify({ keys, cases }))
  return JSON.parse((await asked).stdout)
}

/** Where our client puts the keys. It doesn't connect for that. */
function placesOf(compat: Compat, servers: readonly Server[], keys: readonly string[]): number[] {
  const cache = new Client({ nodes: servers, compat })
  const index = new Map(cache.nodes.map((node, i) => [node.name, i]))
  return keys.map((key) => index.get(cache.locate(key)!.name)!)
}

const HASHES = [
  'HASH_DEFAULT',
  'HASH_MD5',
  'HASH_CRC',
  'HASH_FNV1_64',
  'HASH_FNV1A_64',
  'HASH_FNV1_32',
  'HASH_FNV1A_32',
  'HASH_MURMUR',
] as const

const PHP_OPTIONS: readonly PhpMemcachedOptions[] = [
  {},
  { OPT_LIBKETAMA_COMPATIBLE: true },
  { OPT_LIBKETAMA_COMPATIBLE: false },
  { OPT_DISTRIBUTION: 'DISTRIBUTION_CONSISTENT' },
  { OPT_DISTRIBUTION: 'DISTRIBUTION_CONSISTENT', OPT_LIBKETAMA_COMPATIBLE: true },
  { OPT_LIBKETAMA_COMPATIBLE: true, OPT_DISTRIBUTION: 'DISTRIBUTION_CONSISTENT' },
  { OPT_LIBKETAMA_COMPATIBLE: true, OPT_DISTRIBUTION: 'DISTRIBUTION_MODULA' },
  ...HASHES.flatMap((hash): PhpMemcachedOptions[] => [
    { OPT_HASH: hash },
    { OPT_HASH: hash, OPT_DISTRIBUTION: 'DISTRIBUTION_CONSISTENT' },
    { OPT_HASH: hash, OPT_LIBKETAMA_COMPATIBLE: true },
    { OPT_LIBKETAMA_COMPATIBLE: true, OPT_HASH: hash },
  ]),
]

interface Oracle {
  readonly peer: Peer
  readonly script: readonly [string, ...string[]]
  readonly compat: Compat
  readonly pools: Readonly<Record<string, readonly Server[]>>
  readonly keys: readonly string[]
}

const ORACLES: readonly Oracle[] = [
  {
    peer: 'dalli',
    script: ['ruby', 'dalli_placement.rb'],
    compat: 'dalli',
    pools: POOLS,
    keys: KEYS,
  },
  {
    // Takes ASCII only, unless told otherwise, and no weights; and takes its time with many nodes.
    peer: 'pymemcache',
    script: [PYTHON, 'pymemcache_placement.py'],
    compat: 'pymemcache',
    pools: { '7 nodes': pool(7), 'IPv6 addresses': IPV6_POOL },
    keys: ASCII_KEYS,
  },
  {
    peer: 'memcached (npm)',
    script: [process.execPath, 'npm_placement.js', 'memcached'],
    compat: 'memcached',
    pools: POOLS,
    keys: KEYS,
  },
  {
    peer: 'memjs',
    script: [process.execPath, 'npm_placement.js', 'memjs'],
    compat: 'memjs',
    pools: EQUAL_POOLS,
    keys: KEYS,
  },
]

describe.each(ORACLES)('$peer', ({ peer, script, compat, pools, keys }) => {
  test('10,000 keys are on the same nodes, for every pool', async ({ skip }) => {
    skip(missing(peer) !== undefined)
    const cases = Object.values(pools).map((servers) => ({ servers, options: {} }))
    const theirs = await ask(script, cases, keys)
    Object.entries(pools).forEach(([name, servers], i) => {
      expect(placesOf(compat, servers, keys), name).toEqual(theirs[i])
    })
  })
})

describe.skipIf(missing('php-memcached') !== undefined)('php-memcached', () => {
  test.each(PHP_OPTIONS)(
    '10,000 keys are on the same nodes, for every pool: %o',
    async (options) => {
      const cases = Object.values(POOLS).map((servers) => ({ servers, options }))
      const theirs = await ask(['php', 'php_placement.php'], cases, KEYS)
      Object.entries(POOLS).forEach(([name, servers], i) => {
        expect(placesOf({ 'php-memcached': options }, servers, KEYS), name).toEqual(theirs[i])
      })
    },
  )
})

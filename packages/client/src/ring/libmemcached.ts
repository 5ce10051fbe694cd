// libmemcached's distributions, which pylibmc and php-memcached share, to the point. Knows libmemcached's own
// terms; the names that its bindings give them are in libmemcached-bindings.ts.
import { Continuum } from './continuum.ts'
import { ketamaPoints, weightedDigests } from './ketama.ts'
import { type KeyHash, keyHashes, rangeOf } from './key-hash.ts'
import { modula } from './modula.ts'
import { NodePoints } from './node-points.ts'
import type { Distribution, RingNode } from './router.ts'

/** libhashkit's hashes. `hsieh` is not among them: libmemcached as packaged leaves it out. */
const HASHES = {
  default: 'one_at_a_time',
  md5: 'md5',
  crc: 'crc',
  fnv1_64: 'fnv1_64',
  fnv1a_64: 'fnv1a_64',
  fnv1_32: 'fnv1_32',
  fnv1a_32: 'fnv1a_32',
  murmur: 'murmur',
  murmur3: 'libhashkit_murmur3',
  jenkins: 'jenkins',
} as const

export type LibmemcachedHash = keyof typeof HASHES

export const LIBMEMCACHED_HASHES = Object.keys(HASHES) as readonly LibmemcachedHash[]

/**
 * - `modula`: `MEMCACHED_DISTRIBUTION_MODULA`, libmemcached's default. The order of the nodes matters.
 * - `ketama`: `MEMCACHED_BEHAVIOR_KETAMA`, `DISTRIBUTION_CONSISTENT`: 100 points per node by the key's own
 *   hash; with any weight above 1 libmemcached switches to the points of `ketama_weighted`, by itself.
 * - `ketama_weighted`: `MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED`: 160 points per node by MD5, shared out by weight.
 * - `ketama_spy`, `ketama_weighted_spy`: the same two with `DISTRIBUTION_CONSISTENT_KETAMA_SPY`'s names of nodes.
 */
export type LibmemcachedDistribution = (typeof LIBMEMCACHED_DISTRIBUTIONS)[number]

export const LIBMEMCACHED_DISTRIBUTIONS = [
  'modula',
  'ketama',
  'ketama_weighted',
  'ketama_spy',
  'ketama_weighted_spy',
] as const

const POINTS_PER_NODE = 100

export function libmemcached(
  distribution: LibmemcachedDistribution,
  hash: LibmemcachedHash = defaultHash(distribution),
): Distribution {
  const keyHash = keyHashes[HASHES[hash]]
  if (distribution === 'modula') return modula(keyHash)
  const hashes = rangeOf(HASHES[hash])
  const prefix = isSpy(distribution) ? '/' : ''
  const alwaysWeighted = isWeightedKetama(distribution)
  const ownPoints = new NodePoints((name, count) => pointsBy(keyHash, prefix + name, count))
  const md5Points = new NodePoints((name, digests) => ketamaPoints(prefix + name, digests))
  return (nodes) =>
    new Continuum(
      alwaysWeighted || isWeighted(nodes)
        ? md5Points.of(nodes, weightedDigests(nodes))
        : ownPoints.of(nodes, new Array<number>(nodes.length).fill(POINTS_PER_NODE)),
      keyHash,
      hashes,
    )
}

function defaultHash(distribution: LibmemcachedDistribution): LibmemcachedHash {
  return isWeightedKetama(distribution) ? 'md5' : 'default'
}

function isWeightedKetama(distribution: LibmemcachedDistribution): boolean {
  return distribution === 'ketama_weighted' || distribution === 'ketama_weighted_spy'
}

/** Whether nodes are called as libmemcached thinks that spymemcached calls them: `/host:port`. */
export function isSpy(distribution: LibmemcachedDistribution): boolean {
  return distribution === 'ketama_spy' || distribution === 'ketama_weighted_spy'
}

function isWeighted(nodes: readonly RingNode[]): boolean {
  return nodes.some((node) => node.weight > 1)
}

function pointsBy(keyHash: KeyHash, name: string, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => keyHash(`${name}-${i}`))
}

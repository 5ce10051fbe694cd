// twemproxy's distributions (nutcracker.yml's `distribution` and `hash`), so that a client that talks to the
// nodes finds what was stored through the proxy. Knows its terms; the points are ketama's.
import { Continuum } from './continuum.ts'
import { ketamaPoints, weightedDigests } from './ketama.ts'
import { keyHashes, rangeOf } from './key-hash.ts'
import { weightedModula } from './modula.ts'
import { NodePoints } from './node-points.ts'
import type { Distribution, RingNode } from './router.ts'

const HASHES = {
  one_at_a_time: 'one_at_a_time',
  md5: 'md5',
  crc16: 'crc16',
  crc32: 'crc',
  crc32a: 'crc32a',
  fnv1_64: 'fnv1_64',
  fnv1a_64: 'fnv1a_64',
  fnv1_32: 'fnv1_32',
  fnv1a_32: 'fnv1a_32',
  hsieh: 'hsieh',
  murmur: 'murmur',
  jenkins: 'jenkins',
} as const

export type TwemproxyHash = keyof typeof HASHES

export const TWEMPROXY_HASHES = Object.keys(HASHES) as readonly TwemproxyHash[]

/** A pool of nutcracker.yml, as far as it places keys. Defaults: `ketama`, `fnv1a_64`, no hash tag. */
export interface TwemproxyPool {
  readonly distribution?: 'ketama' | 'modula'
  readonly hash?: TwemproxyHash
  readonly hash_tag?: string
}

export function twemproxy(distribution: 'ketama' | 'modula', hash: TwemproxyHash): Distribution {
  const keyHash = keyHashes[HASHES[hash]]
  if (distribution === 'modula') return weightedModula(keyHash, byName)
  const points = new NodePoints(ketamaPoints)
  return (nodes) =>
    new Continuum(points.of(nodes, weightedDigests(nodes)), keyHash, rangeOf(HASHES[hash]))
}

/** twemproxy sorts its servers by name, the shortest first, whatever their order in nutcracker.yml. */
function byName(a: RingNode, b: RingNode): number {
  const [nameA, nameB] = [Buffer.from(a.name), Buffer.from(b.name)]
  return nameA.length - nameB.length || nameA.compare(nameB)
}

// Where npm's `memcached` puts keys: hashring's own ketama, which rounds each node's digests in doubles.
import { Continuum } from './continuum.ts'
import { ketamaPoints } from './ketama.ts'
import { keyHashes } from './key-hash.ts'
import { NodePoints } from './node-points.ts'
import type { Distribution, RingNode } from './router.ts'

const DIGESTS_PER_NODE = 40

export function hashringKetama(): Distribution {
  const points = new NodePoints(ketamaPoints)
  return (nodes) => new Continuum(points.of(nodes, countDigests(nodes)), keyHashes.md5)
}

/** In hashring's order of operations: another one rounds otherwise. */
function countDigests(nodes: readonly RingNode[]): number[] {
  const total = nodes.reduce((sum, node) => sum + node.weight, 0)
  return nodes.map((node) => Math.floor((node.weight / total) * DIGESTS_PER_NODE * nodes.length))
}

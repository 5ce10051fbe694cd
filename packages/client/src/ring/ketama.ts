// Ketama's points: MD5 of `name-0`, `name-1`, ..., four points of each digest. `hashring` computes them,
// for one node at a time, so that they can be kept; how many a node gets, and the lookup, are ours.
import HashRing from 'hashring'
import { Continuum } from './continuum.ts'
import { keyHashes } from './key-hash.ts'
import { pack } from './key-words.ts'
import { md5 } from './md5.ts'
import { NodePoints } from './node-points.ts'
import type { Distribution, RingNode } from './router.ts'

const POINTS_PER_DIGEST = 4
const DIGESTS_PER_NODE = 40

/** Four points for each of `digests` digests. */
export function ketamaPoints(name: string, digests: number): Uint32Array {
  if (digests === 0) return new Uint32Array(0)
  // hashring sees an index instead of the name, so that no name can confuse its parsing; the digest
  // function puts the name back. A 'vnode count' of 0 makes it take the node's `vnodes` as they are.
  const digest = (point: string): Uint8Array => md5(pack(name + point.slice(point.indexOf('-'))))
  const options = { 'vnode count': 0, compatibility: 'ketama' } as const
  return Uint32Array.from(
    new HashRing({ 0: { vnodes: digests } }, digest, options).ring,
    (point) => point.value,
  )
}

/**
 * 160 points per unit of weight, whatever the other nodes are: when a node comes or goes, only keys that
 * it gains or loses move.
 */
export function ring(keyHash: (key: string) => number = keyHashes.md5): Distribution {
  const points = new NodePoints(ketamaPoints)
  return (nodes) => new Continuum(points.of(nodes, nodes.map(fixedDigests)), keyHash)
}

function fixedDigests(node: RingNode): number {
  return Math.max(1, Math.round(DIGESTS_PER_NODE * node.weight))
}

/**
 * 160 points per node on average, shared out by weight over the present nodes in the 32-bit floats of
 * libmemcached's `update_continuum` (and twemproxy's), step by step. Equal weights give each 160, or 156
 * where the floats round 40 digests down (25, 47, 50, 55, ... nodes).
 */
export function weightedDigests(nodes: readonly RingNode[]): number[] {
  const f = Math.fround
  const total = nodes.reduce((sum, node) => sum + node.weight, 0)
  return nodes.map((node) => {
    const share = f(f(node.weight) / f(total))
    const perNode = f(f(share * (DIGESTS_PER_NODE * POINTS_PER_DIGEST)) / POINTS_PER_DIGEST)
    return Math.floor(f(f(perNode * f(nodes.length)) + 1e-10))
  })
}

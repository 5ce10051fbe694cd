// The continuum: which of a list of named nodes owns a hash. `hashring` computes the ketama points;
// how many points a node gets, under which name, and the lookup are ours, because hashring rounds in
// doubles where libmemcached rounds in floats and splits IPv6 names at ':', and because a search in a
// typed array needs no cache of keys. Knows no address, no connection and no health.
import { createHash } from 'node:crypto'
import HashRing from 'hashring'

export interface RingNode {
  /** What is hashed: the node's identity, whatever its address. */
  readonly name: string
  /** Relative share, above 0. */
  readonly weight: number
}

/**
 * How many points a node gets.
 * - `fixed`: 160 x weight, whatever the other nodes are: when a node comes or goes, only keys that it
 *   gains or loses move.
 * - `libmemcached`: exactly `MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED` of libmemcached (pylibmc's
 *   `ketama_weighted`, PHP's `OPT_LIBKETAMA_COMPATIBLE`): the points are shared out again over the
 *   present nodes, in 32-bit floats, so with unequal weights some keys of other nodes move too.
 *
 * With equal weights both give 160 points to every node, except for the node counts where
 * libmemcached's floats round 160 down to 156 (25, 47, 50, 55, ...).
 */
export type Layout = 'fixed' | 'libmemcached'

const POINTS_PER_DIGEST = 4
const DIGESTS_PER_NODE = 40

export class Ring {
  readonly #points: Uint32Array
  readonly #owners: Uint16Array

  /** At most 65,536 nodes. The owners that `locate` returns are indexes into `nodes`. */
  constructor(nodes: readonly RingNode[], layout: Layout) {
    const continuum = buildContinuum(nodes, layout)
    this.#points = Uint32Array.from(continuum, (point) => point.value)
    this.#owners = Uint16Array.from(continuum, (point) => Number(point.server))
  }

  /** The index of the node that owns `hash`: the one of the first point at or after it, or -1 on an empty ring. */
  locate(hash: number): number {
    const points = this.#points
    let low = 0
    let high = points.length
    if (high === 0) return -1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (points[middle]! < hash) low = middle + 1
      else high = middle
    }
    return this.#owners[low === points.length ? 0 : low]!
  }

  /** How many points each node has, in the order of the nodes. */
  pointCounts(): number[] {
    const counts: number[] = []
    for (const owner of this.#owners) counts[owner] = (counts[owner] ?? 0) + 1
    return counts
  }
}

function buildContinuum(nodes: readonly RingNode[], layout: Layout): HashRing['ring'] {
  const digests = layout === 'fixed' ? fixedDigests(nodes) : libmemcachedDigests(nodes)
  const servers: Record<string, { vnodes: number }> = {}
  nodes.forEach((_, index) => {
    if (digests[index]! > 0) servers[index] = { vnodes: digests[index]! }
  })
  // hashring knows a node by its index only, so no name can confuse its parsing; the digest function
  // puts the name back. A 'vnode count' of 0 makes it take each node's `vnodes` as they are.
  const digest = (point: string): Uint8Array => {
    const dash = point.indexOf('-')
    const name = nodes[Number(point.slice(0, dash))]!.name
    return createHash('md5')
      .update(name + point.slice(dash))
      .digest()
  }
  return new HashRing(servers, digest, { 'vnode count': 0, compatibility: 'ketama' }).ring
}

function fixedDigests(nodes: readonly RingNode[]): number[] {
  return nodes.map((node) => Math.max(1, Math.round(DIGESTS_PER_NODE * node.weight)))
}

/** The float32 arithmetic of libmemcached's `update_continuum`, step by step. */
function libmemcachedDigests(nodes: readonly RingNode[]): number[] {
  const f = Math.fround
  const total = nodes.reduce((sum, node) => sum + node.weight, 0)
  return nodes.map((node) => {
    const share = f(f(node.weight) / f(total))
    const perNode = f(f(share * (DIGESTS_PER_NODE * POINTS_PER_DIGEST)) / POINTS_PER_DIGEST)
    return Math.floor(f(f(perNode * f(nodes.length)) + 1e-10))
  })
}

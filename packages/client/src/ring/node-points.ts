// The points of each node, kept from one continuum to the next: a change of membership hashes only the
// nodes that are new. Knows nothing of how points are made.
import type { RingNode } from './router.ts'

/** How many nodes of the past may be remembered, for they may return. */
const REMEMBERED_AT_LEAST = 64

export class NodePoints {
  readonly #make: (name: string, count: number) => Uint32Array
  readonly #kept = new Map<string, { readonly count: number; readonly points: Uint32Array }>()

  /** `make` hashes `count` times; how many points come of that is its own affair. */
  constructor(make: (name: string, count: number) => Uint32Array) {
    this.#make = make
  }

  of(nodes: readonly RingNode[], counts: readonly number[]): Uint32Array[] {
    if (this.#kept.size > Math.max(REMEMBERED_AT_LEAST, 2 * nodes.length)) {
      const present = new Set(nodes.map((node) => node.name))
      for (const name of this.#kept.keys()) if (!present.has(name)) this.#kept.delete(name)
    }
    return nodes.map(({ name }, index) => {
      const count = counts[index]!
      const kept = this.#kept.get(name)
      if (kept?.count === count) return kept.points
      const points = this.#make(name, count)
      this.#kept.set(name, { count, points })
      return points
    })
  }
}

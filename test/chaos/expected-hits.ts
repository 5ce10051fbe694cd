// How many reads of keys that have a value must find it, by what has befallen the nodes: those of a node that is not well may
// miss, and afterwards those of keys that were not written since. Knows nodes, times and rates; no key and no value.

interface Trouble {
  readonly from: number
  /** Infinite while it lasts. */
  until: number
}

/** After a fault: the client's probes, and connecting through what is left of it. */
const RETURN_MS = 3_000

export class ExpectedHits {
  readonly #troubles = new Map<string, Trouble[]>()

  fault(node: string, at: number): void {
    const troubles = this.#troubles.get(node) ?? []
    troubles.push({ from: at, until: Number.POSITIVE_INFINITY })
    this.#troubles.set(node, troubles)
  }

  well(node: string, at: number): void {
    const last = this.#troubles.get(node)?.at(-1)
    if (last !== undefined) last.until = at
  }

  /**
   * The least share of hits between two times, if `shares` of the keys belong to the nodes, and each key is written once in `rewriteMs` on average. What a node has
   * lost comes back by writes, as many a second as there are left to write: in the sum that is as if all of its keys were
   * missing for `rewriteMs`. Twice, because a key that moves away and back is missing here and there.
   */
  least(
    shares: ReadonlyMap<string, number>,
    from: number,
    until: number,
    rewriteMs: number,
  ): number {
    let missing = 0
    for (const [node, troubles] of this.#troubles) {
      // A node of no share is before all others.
      const share = shares.get(node) ?? 1
      const after = RETURN_MS + 2 * rewriteMs
      let end = from
      for (const trouble of troubles) {
        const begin = Math.max(end, trouble.from)
        end = Math.max(end, Math.min(until, trouble.until + after))
        missing += share * Math.max(0, end - begin)
      }
    }
    return Math.max(0, 1 - missing / (until - from))
  }
}

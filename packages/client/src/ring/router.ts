// What every distribution is: named, weighted nodes in, and for each key the index of its node out.
// A pure function of names: knows no address, no connection and no health.

export interface RingNode {
  /** What is hashed: the node's identity, whatever its address. */
  readonly name: string
  /** Relative share, above 0. */
  readonly weight: number
}

export interface Router {
  /** The index of the node that owns `key`, in the list the router was made for; -1 when that is empty. */
  locate(key: string): number
  /** The share of all hashes, and so of the keys, that each node owns, in the order of the nodes. */
  shares(): number[]
}

/**
 * Makes the router for the nodes that are present. At most 65,536 nodes, of distinct names. `all` are those too that are away
 * for a while, in their order: some distributions then leave the keys of the others alone, which they otherwise would not.
 */
export type Distribution = (nodes: readonly RingNode[], all?: readonly RingNode[]) => Router

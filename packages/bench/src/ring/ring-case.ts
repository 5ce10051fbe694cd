// What `memshard-bench ring` measures: placements of the client, and pools. Measures nothing.

/** The options of the client that place keys, by the name that the report gives them. */
export const PLACEMENTS: Readonly<Record<string, object>> = {
  'ring, md5 (the default)': {},
  'ring, murmur3': { keyHash: 'murmur3' },
  rendezvous: { distribution: 'rendezvous' },
  jump: { distribution: 'jump' },
  'compat libmemcached': { compat: 'libmemcached' },
  'compat dalli': { compat: 'dalli' },
  'compat twemproxy': { compat: 'twemproxy' },
}

export const NODE_COUNTS = [3, 10, 100] as const

export interface RingCase {
  readonly placement: string
  readonly nodes: number
}

export interface RingCost extends RingCase {
  /** Nanoseconds of CPU to find one key's node: the median of the rounds. */
  readonly lookupNs: number
  /** Milliseconds of CPU to place keys on the nodes for the first time in a process. */
  readonly firstMs: number
  /** The same again with one node more, when the code is warm: the median of the rounds. */
  readonly changeMs: number
  /** The share of the node that has most, relative to the mean. */
  readonly maxShare: number
  /** How many of the keys move when that node is added, relative to the share that it gets. */
  readonly moved: number
}

// A cache that all tests of a file, or of a `describe`, share: nodes that run as long as they do, and a client of them.
// Knows when they begin and end; nothing of what a test does with them.
import { Client } from '@memshard/client'
import { afterAll, beforeAll } from 'vitest'
import { type NodeOptions, type RunningNode, startNode } from './nodes.ts'

/** On a loaded machine an answer takes as long as it takes. */
const PATIENT = { timeout: 10_000 }

export interface SharedCache {
  /** The first of the nodes. */
  readonly node: RunningNode
  readonly nodes: readonly RunningNode[]
  readonly client: Client
}

export interface SharedCacheOptions extends Pick<NodeOptions, 'server'> {
  /** How many nodes; default 1. */
  readonly count?: number
}

/** `begin` is given the cache before the first test, to put it where they find it. */
export function shareCache(
  { server = 'memshard', count = 1 }: SharedCacheOptions,
  begin: (cache: SharedCache) => void,
): void {
  let cache: SharedCache | undefined
  beforeAll(async () => {
    const nodes = await Promise.all(Array.from({ length: count }, () => startNode({ server })))
    const client = new Client({ nodes: nodes.map(({ address }) => address), ...PATIENT })
    cache = { node: nodes[0]!, nodes, client }
    begin(cache)
  })
  afterAll(async () => {
    await cache?.client.close()
    await Promise.all(cache?.nodes.map((node) => node.stop()) ?? [])
  })
}

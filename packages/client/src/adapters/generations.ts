// What makes everything under a prefix a miss at once, on any memcached: each value bears the generation it was stored in, and
// a value of another than the present one counts as none. Knows no framework.
import type { Client } from '../client.ts'
import { NodeDownError } from '../errors.ts'
import {
  begunGenerations,
  newGeneration,
  onOneNode,
  readGenerations,
} from '../random-generations.ts'

type Items = ReturnType<Client['namespace']>

/**
 * Each generation belongs to a part of the keys and is an item of its own, so that they lie on all nodes: one of them bears not
 * the reads of all, and a node that is down has not all with it.
 */
const PARTS = 32

/**
 * A generation is random and never comes again. So one that the cache has evicted, or whose node has lost it, makes its part of
 * the keys misses, and never brings back what was cleared.
 */
export class Generations {
  readonly #items: Items

  constructor(items: Items) {
    this.#items = items
  }

  /** The generation of each item, by the item's name, as far as they are there. */
  async of(names: readonly string[]): Promise<Map<string, string>> {
    return byName(names, await readGenerations(this.#items, new Set(names.map(partOf))))
  }

  /** The same, begun where there are none: for what is to be stored. */
  async begun(names: readonly string[]): Promise<Map<string, string>> {
    return byName(names, await begunGenerations(this.#items, names.map(partOf)))
  }

  /**
   * Begins all of them anew.
   * @throws MemshardError when a node can't be told: what has its generation there may be found again.
   */
  async renew(): Promise<void> {
    const anew = Array.from({ length: PARTS }, (_, i) => [`~${i}`, newGeneration()] as const)
    const stored = await this.#items.setMulti(anew, onOneNode({}))
    const failed = [...stored.values()].filter((isStored) => !isStored).length
    if (failed === 0) return
    throw new NodeDownError(`${failed} of ${PARTS} parts were not cleared: their nodes are down`)
  }
}

function partOf(name: string): string {
  let sum = 0
  for (let i = 0; i < name.length; i++) sum = (Math.imul(sum, 31) + name.charCodeAt(i)) >>> 0
  return `~${sum % PARTS}`
}

function byName(names: readonly string[], parts: ReadonlyMap<string, string>): Map<string, string> {
  const found = new Map<string, string>()
  for (const name of names) {
    const generation = parts.get(partOf(name))
    if (generation !== undefined) found.set(name, generation)
  }
  return found
}

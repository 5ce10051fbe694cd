// What makes everything under a prefix a miss at once, on any memcached: each value bears the generation it was stored in, and
// a value of another than the present one counts as none. Knows no framework.
import { randomBytes } from 'node:crypto'
import type { Client } from '../client.ts'
import { NodeDownError } from '../errors.ts'

type Items = ReturnType<Client['namespace']>

/**
 * Each generation belongs to a part of the keys and is an item of its own, so that they lie on all nodes: one of them bears not
 * the reads of all, and a node that is down has not all with it.
 */
const PARTS = 32

/** Of two replicas that disagree, one would let through what the other has cleared. */
const ON_ONE_NODE = { replicas: 1 }

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
    const found = await this.#read(new Set(names.map(partOf)))
    return byName(names, found)
  }

  /** The same, begun where there are none: for what is to be stored. */
  async begun(names: readonly string[]): Promise<Map<string, string>> {
    const parts = new Set(names.map(partOf))
    const found = await this.#read(parts)
    const missing = [...parts].filter((part) => !found.has(part))
    if (missing.length === 0) return byName(names, found)
    // Of several who begin one at once, one does, and all take that.
    await Promise.all(missing.map((part) => this.#items.add(part, generation(), ON_ONE_NODE)))
    return byName(names, new Map([...found, ...(await this.#read(missing))]))
  }

  /**
   * Begins all of them anew.
   * @throws MemshardError when a node can't be told: what has its generation there may be found again.
   */
  async renew(): Promise<void> {
    const anew = Array.from({ length: PARTS }, (_, i) => [`~${i}`, generation()] as const)
    const stored = await this.#items.setMulti(anew, ON_ONE_NODE)
    const failed = [...stored.values()].filter((isStored) => !isStored).length
    if (failed === 0) return
    throw new NodeDownError(`${failed} of ${PARTS} parts were not cleared: their nodes are down`)
  }

  #read(parts: Iterable<string>): Promise<Map<string, string>> {
    return this.#items.getMulti<string>(parts, ON_ONE_NODE)
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

/** 72 random bits, as 12 characters. */
function generation(): string {
  return randomBytes(9).toString('base64url')
}

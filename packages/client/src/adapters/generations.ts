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

/**
 * A generation is random and never comes again. So one that the cache has evicted, or whose node has lost it, makes its part of
 * the keys misses, and never brings back what was cleared.
 */
export class Generations {
  readonly #items: Items

  constructor(items: Items) {
    this.#items = items
  }

  /** The key of the generation that an item belongs to: to be read together with the item. */
  keyFor(name: string): string {
    let sum = 0
    for (let i = 0; i < name.length; i++) sum = (Math.imul(sum, 31) + name.charCodeAt(i)) >>> 0
    return `~${sum % PARTS}`
  }

  /** The generations by their keys, begun where there are none. */
  async current(keys: Iterable<string>): Promise<Map<string, string>> {
    const wanted = [...new Set(keys)]
    const found = await this.#items.getMulti<string>(wanted)
    const missing = wanted.filter((key) => !found.has(key))
    if (missing.length === 0) return found
    // Of several who begin one at once, one does, and all take that.
    await Promise.all(missing.map((key) => this.#items.add(key, generation())))
    const begun = await this.#items.getMulti<string>(missing)
    return new Map([...found, ...begun])
  }

  /**
   * Begins all of them anew.
   * @throws MemshardError when a node can't be told: what has its generation there may be found again.
   */
  async renew(): Promise<void> {
    const anew = Array.from({ length: PARTS }, (_, i) => [`~${i}`, generation()] as const)
    const stored = await this.#items.setMulti(anew)
    const failed = [...stored.values()].filter((isStored) => !isStored).length
    if (failed === 0) return
    throw new NodeDownError(`${failed} of ${PARTS} parts were not cleared: their nodes are down`)
  }
}

/** 72 random bits, as 12 characters. */
function generation(): string {
  return randomBytes(9).toString('base64url')
}

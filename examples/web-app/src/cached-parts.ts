// What pages are made of, from the cache or from the origin, and an account of it: which key, from which node, how long it
// took and what it would have cost. Knows the client's `fetch`; no page and no plant.
import type { Client } from '@memshard/client'

/** What a page or a fragment is in the cache. */
export interface Stored {
  readonly html: string
  /** The origin's work in it, measured when it was made. */
  readonly originMs: number
}

export interface Part {
  readonly name: string
  readonly key: string
  /** Where it was looked for; undefined without the cache. */
  readonly node: string | undefined
  readonly from: 'cache' | 'origin'
  /** From the question to the answer. */
  readonly ms: number
  readonly originMs: number
}

export interface PartOptions {
  readonly name: string
  readonly key: string
  /** Seconds in which it is fresh, and after these, in which it is served while one makes it anew. */
  readonly ttl: number
  readonly staleFor: number
}

export class CachedParts {
  readonly #cache: Client
  /** False: everything is the origin's, and nothing is stored. */
  readonly #enabled: boolean
  readonly #parts: Part[] = []

  constructor(cache: Client, enabled: boolean) {
    this.#cache = cache
    this.#enabled = enabled
  }

  /** In the order in which they were ready. */
  get parts(): readonly Part[] {
    return this.#parts
  }

  /**
   * From the cache, or made: `fetch` sees to it that one of all who miss makes it, and makes it without the cache when that
   * fails.
   */
  async part<S extends Stored>(options: PartOptions, make: () => Promise<S>): Promise<S> {
    const { name, key, ttl, staleFor } = options
    const begun = performance.now()
    const node = this.#enabled ? this.#cache.locate(key)?.name : undefined
    let from: Part['from'] = 'cache'
    const load = async (): Promise<S> => {
      // Behind an older value that is served meanwhile, it is not this page's.
      if (!done) from = 'origin'
      return make()
    }
    let done = false
    const stored = this.#enabled
      ? await this.#cache.fetch<S>(key, ttl, load, { staleFor })
      : await load()
    done = true
    if (stored === undefined) throw new Error(`there is no ${key}`)
    const ms = performance.now() - begun
    this.#parts.push({ name, key, node, from, ms, originMs: stored.originMs })
    return stored
  }
}

// Two levels: values in this process for a moment, the nodes behind. What another process writes is seen here when that moment is over,
// and not before. Knows `lru-cache`, which keeps what is here within its bounds, and the client's calls.
import { serialize } from 'node:v8'
import { LRUCache } from 'lru-cache'
import { positiveInteger } from '../arguments.ts'
import type { Client } from '../client.ts'
import { ArgumentError } from '../errors.ts'
import type { FetchOptions, Loader } from '../fetch/fetch-options.ts'
import type { CallOptions, InvalidateOptions, WriteOptions } from '../options.ts'

export interface TwoLevelOptions {
  /** The nodes. It stays yours to close. */
  readonly client: Pick<Client, 'delete' | 'fetch' | 'get' | 'getMulti' | 'invalidate' | 'set'>
  /** Seconds that a value is used here without asking the nodes: how old it may be at most. Default 1. */
  readonly staleness?: number
  /** Values here at most. Default 10,000. */
  readonly maxEntries?: number
  /** Bytes of keys and values here at most, as they would be written down. Default 64 MiB. */
  readonly maxBytes?: number
}

export interface TwoLevelStats {
  /** Found here. */
  readonly hits: number
  /** Not here, but on the nodes. */
  readonly remoteHits: number
  /** Nowhere. What a loader of `fetch` made counts among `remoteHits`: it isn't known who made it. */
  readonly misses: number
  /** Asked for while another call for the same key was under way, and given what that got. */
  readonly shared: number
  readonly entries: number
  readonly bytes: number
  /** Values that had to leave for others before their time. */
  readonly evictions: number
}

interface Asking {
  readonly askedAt: number
  /** What others may share. */
  readonly value: Promise<unknown> | undefined
}

type Held = NonNullable<unknown>

const DEFAULT_STALENESS_SECONDS = 1
const DEFAULT_MAX_ENTRIES = 10_000
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024

/**
 * A client with a cache of this process in front. What is written through it is never read older here afterwards; what others write is at
 * most `staleness` seconds older. Values are shared by all who ask: don't change what you are given.
 */
export class TwoLevelCache {
  readonly #client: TwoLevelOptions['client']
  readonly #values: LRUCache<string, Held>
  /** Who asks the nodes, by key. What they find is kept only if nothing was written since: then they aren't here any more. */
  readonly #asking = new Map<string, Asking>()
  #hits = 0
  #remoteHits = 0
  #misses = 0
  #shared = 0
  #evictions = 0

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: TwoLevelOptions) {
    const { client, staleness = DEFAULT_STALENESS_SECONDS } = options
    if (!(staleness > 0)) {
      throw new ArgumentError(`staleness is ${String(staleness)}: give seconds above 0`)
    }
    this.#client = client
    this.#values = new LRUCache({
      max: positiveInteger('maxEntries', options.maxEntries ?? DEFAULT_MAX_ENTRIES),
      maxSize: positiveInteger('maxBytes', options.maxBytes ?? DEFAULT_MAX_BYTES),
      sizeCalculation: (value, key) => sizeOf(key) + sizeOf(value),
      ttl: Math.ceil(staleness * 1000),
      dispose: (_value, _key, reason) => {
        if (reason === 'evict') this.#evictions++
      },
    })
  }

  /** As the client's. Calls without options of their own for the same key share one question to the nodes. */
  get<T>(key: string, options?: CallOptions): Promise<T | undefined> {
    const ask = () => this.#client.get<T>(key, options)
    return this.#through(key, ask, options === undefined)
  }

  /** As the client's; only what is not here is asked for. */
  async getMulti<T>(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, T>> {
    const found = new Map<string, T>()
    const others: string[] = []
    for (const key of keys) {
      const value = this.#here<T>(key)
      if (value === undefined) others.push(key)
      else found.set(key, value)
    }
    if (others.length === 0) return found
    const asking: Asking = { askedAt: performance.now(), value: undefined }
    for (const key of others) this.#asking.set(key, asking)
    try {
      const remote = await this.#client.getMulti<T>(others, options)
      for (const key of others) {
        const value = remote.get(key)
        this.#keep(key, value, asking)
        if (value !== undefined) found.set(key, value)
      }
      return found
    } finally {
      for (const key of others) this.#done(key, asking)
    }
  }

  /** As the client's: of all who miss, here and elsewhere, one loads. */
  fetch<T, Previous = T>(
    key: string,
    ttl: number,
    loader: Loader<T, Previous>,
    options?: FetchOptions,
  ): Promise<T | undefined> {
    const ask = () => this.#client.fetch<T, Previous>(key, ttl, loader, options)
    // It shares by itself, and who gives up does so alone.
    return this.#through(key, ask, false)
  }

  /** Writes to the nodes. Who reads it here next gets what they have. */
  set(key: string, value: Parameters<Client['set']>[1], options?: WriteOptions): Promise<boolean> {
    return this.#write(key, () => this.#client.set(key, value, options))
  }

  delete(key: string, options?: CallOptions): Promise<boolean> {
    return this.#write(key, () => this.#client.delete(key, options))
  }

  /** As the client's: stale there, and forgotten here. */
  invalidate(key: string, options?: InvalidateOptions): Promise<boolean> {
    return this.#write(key, () => this.#client.invalidate(key, options))
  }

  /** Forgets what is here, of one key or of all: the next who asks gets what the nodes have. */
  forget(key?: string): void {
    if (key === undefined) {
      this.#values.clear()
      this.#asking.clear()
    } else {
      this.#values.delete(key)
      this.#asking.delete(key)
    }
  }

  stats(): TwoLevelStats {
    return {
      hits: this.#hits,
      remoteHits: this.#remoteHits,
      misses: this.#misses,
      shared: this.#shared,
      entries: this.#values.size,
      bytes: this.#values.calculatedSize,
      evictions: this.#evictions,
    }
  }

  async #through<T>(
    key: string,
    ask: () => Promise<T | undefined>,
    isShared: boolean,
  ): Promise<T | undefined> {
    const here = this.#here<T>(key)
    if (here !== undefined) return here
    const others = isShared ? this.#asking.get(key)?.value : undefined
    if (others !== undefined) {
      this.#shared++
      return others as Promise<T | undefined>
    }
    // It is as old as the question, however long the answer takes.
    const askedAt = performance.now()
    const answer = ask()
    const asking: Asking = { askedAt, value: isShared ? answer : undefined }
    this.#asking.set(key, asking)
    try {
      const value = await answer
      this.#keep(key, value, asking)
      return value
    } finally {
      this.#done(key, asking)
    }
  }

  #here<T>(key: string): T | undefined {
    const value = this.#values.get(key) as T | undefined
    if (value !== undefined) this.#hits++
    return value
  }

  #keep(key: string, value: unknown, asking: Asking): void {
    if (value === undefined || value === null) {
      this.#misses++
      return
    }
    this.#remoteHits++
    if (this.#asking.get(key) === asking) this.#values.set(key, value, { start: asking.askedAt })
  }

  #done(key: string, asking: Asking): void {
    if (this.#asking.get(key) === asking) this.#asking.delete(key)
  }

  /** Before and after: who asks in between may get the old value, but keeps it for nobody. */
  async #write<T>(key: string, write: () => Promise<T>): Promise<T> {
    this.forget(key)
    try {
      return await write()
    } finally {
      this.forget(key)
    }
  }
}

/** Bytes, about: those of the values themselves, not what the engine needs around them. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Math.max(1, value.length * 2)
  if (value instanceof Uint8Array) return Math.max(1, value.byteLength)
  if (typeof value === 'object') return serialize(value).byteLength
  return 8
}

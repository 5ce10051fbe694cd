// Next.js's caches in one that all of its servers share: pages, routes and fetches (`cacheHandler`), and what is marked with
// 'use cache' (`cacheHandlers`). Knows both contracts, and loads nothing of Next.js.
import { deserialize, serialize } from 'node:v8'
import {
  NextCache,
  type NextCacheOptions,
  type NextDurations,
  type NextHandlerContext,
} from './next-cache.ts'
import type { TagStamp } from './next-tags.ts'

export type { NextCacheOptions, NextDurations, NextHandlerContext }

/** For how long Next.js may serve an entry, in seconds. */
export interface NextCacheControl {
  readonly revalidate: number | false
  readonly expire?: number | undefined
}

/** What Next.js stores, of which this is looked at. */
export interface NextCacheValue {
  readonly kind: string
  readonly headers?: object | undefined
  readonly revalidate?: unknown
}

export interface NextCacheHandlerValue<V> {
  readonly value: V | null
  readonly lastModified: number
  readonly cacheControl?: NextCacheControl
}

export interface NextGetContext {
  readonly kind?: string
  readonly revalidate?: number | false | undefined
  readonly tags?: readonly string[] | undefined
  readonly softTags?: readonly string[] | undefined
}

export interface NextSetContext {
  readonly tags?: readonly string[] | undefined
  readonly cacheControl?: NextCacheControl | undefined
}

/** What Next.js makes for each request of the class that it is given. */
export interface NextCacheHandler {
  get<V extends NextCacheValue>(
    key: string,
    context: NextGetContext,
  ): Promise<NextCacheHandlerValue<V> | null>
  set(key: string, value: NextCacheValue | null, context: NextSetContext): Promise<void>
  revalidateTag(tags: string | readonly string[], durations?: NextDurations): Promise<void>
  resetRequestCache(): void
}

/** An entry of 'use cache': times in seconds, but its moment in milliseconds. */
export interface NextCacheEntry {
  readonly value: ReadableStream<Uint8Array>
  readonly tags: string[]
  readonly stale: number
  readonly timestamp: number
  readonly expire: number
  readonly revalidate: number
}

export interface NextUseCacheHandler {
  get(key: string, softTags: readonly string[]): Promise<NextCacheEntry | undefined>
  set(key: string, pending: Promise<NextCacheEntry>): Promise<void>
  refreshTags(): Promise<void>
  getExpiration(tags: readonly string[]): Promise<number>
  updateTags(tags: readonly string[], durations?: NextDurations): Promise<void>
}

/** What is known of an entry without its value. */
interface About {
  readonly begunAt: number
  readonly storedAt: number
  readonly stamp: TagStamp
  readonly cacheControl?: NextCacheControl | undefined
}

type AboutUseCache = Omit<NextCacheEntry, 'value'> & { readonly stamp: TagStamp }

const TAGS_HEADER = 'x-next-cache-tags'
/** Of one request, which asks for few. */
const BEGUN_MAX = 1_000

/**
 * The class for `cacheHandler` of `next.config`: `export default cacheHandler({ nodes: ['cache-0', 'cache-1'] })`. What fails on the
 * way to the cache is a miss; only a tag that can't be revalidated is an error, because its entries may be found again.
 */
export function cacheHandler(
  options: NextCacheOptions,
): new (
  context: NextHandlerContext,
) => NextCacheHandler {
  const cache = new NextCache(options)
  return class MemshardCacheHandler implements NextCacheHandler {
    readonly #context: NextHandlerContext
    /** When a value was asked for in vain: what is stored after is made of what was there since then. */
    readonly #begun = new Map<string, number>()

    constructor(context: NextHandlerContext) {
      this.#context = context
    }

    async get<V extends NextCacheValue>(
      key: string,
      context: NextGetContext,
    ): Promise<NextCacheHandlerValue<V> | null> {
      if (isBuilding()) return null
      const asked = [...(context.tags ?? []), ...(context.softTags ?? [])]
      const found = await cache.read<About>(
        cache.pages(this.#context),
        key,
        asked,
        (about) => about,
      )
      if (this.#begun.size < BEGUN_MAX) this.#begun.set(key, Date.now())
      if (found === undefined) return null
      const value: V | null = deserialize(found.bytes)
      const { storedAt, cacheControl } = found.about
      const said = cacheControl === undefined ? {} : { cacheControl }
      if (!found.isStale) return { value, lastModified: storedAt, ...said }
      // As old as it takes for Next.js to serve it and make it anew. What lives for ever is never as old.
      const lifetimes = [cacheControl?.revalidate, context.revalidate, value?.revalidate]
      const lifetime = Math.max(...lifetimes.filter((seconds) => typeof seconds === 'number'))
      if (!Number.isFinite(lifetime)) return null
      return { value, lastModified: Math.min(storedAt, Date.now() - lifetime * 1000 - 1), ...said }
    }

    async set(key: string, value: NextCacheValue | null, context: NextSetContext): Promise<void> {
      if (isBuilding()) return
      const { cacheControl } = context
      const begunAt = this.#begun.get(key) ?? Date.now()
      const tags = value?.kind === 'FETCH' ? context.tags : tagsOf(value?.headers)
      await cache.store<About>(
        cache.pages(this.#context),
        key,
        { begunAt, tags: tags ?? [], ttl: cacheControl?.expire },
        (stamp) => ({ begunAt, storedAt: Date.now(), stamp, cacheControl }),
        () => serialize(value),
      )
    }

    async revalidateTag(
      tags: string | readonly string[],
      durations?: NextDurations,
    ): Promise<void> {
      await cache.revalidate(typeof tags === 'string' ? [tags] : tags, durations)
    }

    resetRequestCache(): void {}
  }
}

/** What is to be the default export of a file for `cacheHandlers` of `next.config`. Fails as `cacheHandler` does. */
export function useCacheHandler(options: NextCacheOptions): NextUseCacheHandler {
  const cache = new NextCache(options)
  /** What is being stored by this process: whoever asks for it waits. */
  const pendingSets = new Map<string, Promise<void>>()

  async function store(key: string, pending: Promise<NextCacheEntry>): Promise<void> {
    const { value, ...about } = await pending
    const { tags, timestamp: begunAt, expire } = about
    // Also where nothing is stored: a stream that nobody reads holds what is behind it.
    const bytes = Buffer.from(await new Response(value).arrayBuffer())
    if (isBuilding() || expire <= 0) return
    await cache.store<AboutUseCache>(
      'use',
      key,
      { begunAt, tags, ttl: expire },
      (stamp) => ({ ...about, stamp }),
      () => bytes,
    )
  }

  return {
    async get(key, softTags) {
      await pendingSets.get(key)
      if (isBuilding()) return undefined
      const found = await cache.read<AboutUseCache>('use', key, softTags, (about) => ({
        begunAt: about.timestamp,
        stamp: about.stamp,
      }))
      if (found === undefined) return undefined
      const { stamp: _, ...about } = found.about
      const value = new Blob([found.bytes as Uint8Array<ArrayBuffer>]).stream()
      return { ...about, value, revalidate: found.isStale ? -1 : about.revalidate }
    },

    async set(key, pending) {
      const stored = store(key, pending).catch(() => {
        // The stream has failed: its reader is told, and there is nothing to keep.
      })
      pendingSets.set(key, stored)
      await stored
      if (pendingSets.get(key) === stored) pendingSets.delete(key)
    },

    // Tags are looked up whenever entries are.
    async refreshTags() {},
    // So `get` is given them.
    getExpiration: async () => Number.POSITIVE_INFINITY,
    updateTags: (tags, durations) => cache.revalidate(tags, durations),
  }
}

/** A build needs no cache, and has nothing to fill one with that servers would ask for by the time they run. */
function isBuilding(): boolean {
  return process.env.NEXT_PHASE === 'phase-production-build'
}

function tagsOf(headers: object | undefined): string[] {
  const tags = (headers as Record<string, unknown> | undefined)?.[TAGS_HEADER]
  return typeof tags === 'string' && tags !== '' ? tags.split(',') : []
}

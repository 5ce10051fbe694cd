// The entries of an application of Next.js in a cache: where they are, whether their tags are what they were, and what happens
// when the cache is not reached. Knows no contract of Next.js with its handlers.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { Client } from '../client.ts'
import { bytesCodec } from '../codec/value-codec.ts'
import { ArgumentError } from '../errors.ts'
import type { ClientOptions } from '../options.ts'
import { CHUNK_BYTES, ChunkedValues, unpacked } from './chunked-values.ts'
import { itemName, prefixName } from './item-names.ts'
import { NextTags, type TagStamp } from './next-tags.ts'

export type NextCacheOptions = {
  /** What the keys of all items begin with; applications that share a cache have each their own. Default `next:`. */
  readonly prefix?: string
  /** Separates the pages of one deployment from those of another. Default: Next.js's own, of `.next/BUILD_ID`. */
  readonly buildId?: string
  /** Seconds that entries live that Next.js sets no end for; what is evicted before is made anew. Default 30 days. */
  readonly ttl?: number
  /** Longer values are in several items: less than the servers' limit (`-I`). Default 900 KiB. */
  readonly chunkBytes?: number
} & (
  | ({ readonly client?: undefined } & Omit<ClientOptions, 'codec'>)
  | {
      /** One that is there already, and whose codec leaves bytes what they are. */
      readonly client: Pick<Client, 'namespace'>
    }
)

export interface NextHandlerContext {
  readonly dev?: boolean | undefined
  readonly serverDistDir?: string | undefined
}

/** How long entries are served while they are made anew; without, they are not. */
export interface NextDurations {
  readonly expire?: number | undefined
}

type Items = ReturnType<Client['namespace']>

const DEFAULT_TTL_SECONDS = 30 * 24 * 60 * 60
const YEAR_SECONDS = 365 * 24 * 60 * 60

/** The items of an application, and its tags. */
export class NextCache {
  readonly #options: NextCacheOptions
  readonly #prefix: string
  readonly #ttl: number
  readonly #chunkBytes: number
  readonly #buildIds = new Map<string, string>()
  readonly #values = new Map<string, { items: Items; chunked: ChunkedValues }>()
  #client: Pick<Client, 'namespace'> | undefined
  #tags: NextTags | undefined

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: NextCacheOptions) {
    const { prefix = 'next:', ttl = DEFAULT_TTL_SECONDS, chunkBytes = CHUNK_BYTES } = options
    if (!(ttl > 0)) throw new ArgumentError(`ttl is ${String(ttl)}: give seconds above 0`)
    if (!(chunkBytes >= 1024)) {
      throw new ArgumentError(`chunkBytes is ${String(chunkBytes)}: give 1024 or more`)
    }
    this.#options = options
    this.#prefix = prefix
    this.#ttl = ttl
    this.#chunkBytes = chunkBytes
  }

  /** What the pages of a deployment are under. */
  pages({ dev = false, serverDistDir }: NextHandlerContext): string {
    const { buildId = dev ? 'development' : undefined } = this.#options
    return prefixName(buildId ?? this.#buildIdOf(serverDistDir ?? ''))
  }

  /** Undefined for what is not there, out of date, or not reached. */
  async read<A>(
    group: string,
    key: string,
    asked: readonly string[],
    times: (about: A) => { readonly begunAt: number; readonly stamp: TagStamp },
  ): Promise<{ about: A; bytes: Buffer; isStale: boolean } | undefined> {
    const name = itemName(key)
    try {
      const { items, chunked } = this.#group(group)
      const head = unpacked(await items.get<unknown>(name))
      if (head === undefined) {
        // What is made now is asked for with these.
        await this.#allTags().know(asked)
        return undefined
      }
      const about: A = deserialize(head.about)
      const { begunAt, stamp } = times(about)
      const [freshness, bytes] = await Promise.all([
        this.#allTags().freshness(stamp, begunAt, asked),
        chunked.value(name, head),
      ])
      if (freshness === 'expired' || bytes === undefined) return undefined
      return { about, bytes, isStale: freshness === 'stale' }
    } catch {
      return undefined
    }
  }

  async store<A>(
    group: string,
    key: string,
    entry: {
      readonly begunAt: number
      readonly tags: readonly string[]
      readonly ttl: number | undefined
    },
    about: (stamp: TagStamp) => A,
    value: () => Uint8Array,
  ): Promise<void> {
    try {
      const { chunked } = this.#group(group)
      const stamp = await this.#allTags().stamp(entry.tags, entry.begunAt)
      if (stamp === undefined) return
      const ttl = Math.max(1, Math.min(entry.ttl ?? this.#ttl, YEAR_SECONDS))
      await chunked.set(itemName(key), serialize(about(stamp)), value(), ttl)
    } catch {
      // What is not stored is made again.
    }
  }

  async revalidate(tags: readonly string[], durations: NextDurations | undefined): Promise<void> {
    const expire = durations === undefined ? undefined : (durations.expire ?? YEAR_SECONDS)
    try {
      await this.#allTags().revalidate(tags, expire)
    } catch (error) {
      // Next.js has answered by then, and says nothing of it.
      console.warn(`memshard: tags were not revalidated: ${String(error)}`)
      throw error
    }
  }

  #allTags(): NextTags {
    // Of all deployments: who revalidates doesn't know which of them serve.
    this.#tags ??= new NextTags(this.#namespace('~tag:'))
    return this.#tags
  }

  #group(group: string): { items: Items; chunked: ChunkedValues } {
    let values = this.#values.get(group)
    if (values === undefined) {
      const items = this.#namespace(`${group}:`)
      values = { items, chunked: new ChunkedValues(items, this.#chunkBytes) }
      this.#values.set(group, values)
    }
    return values
  }

  #namespace(namespace: string): Items {
    // Not before: Next.js loads this also where it caches nothing.
    this.#client ??= this.#options.client ?? clientOf(this.#options)
    return this.#client.namespace(this.#prefix + namespace)
  }

  #buildIdOf(serverDistDir: string): string {
    let buildId = this.#buildIds.get(serverDistDir)
    if (buildId === undefined) {
      const file = join(serverDistDir, '..', 'BUILD_ID')
      try {
        buildId = readFileSync(file, 'utf8').trim()
      } catch (cause) {
        throw new ArgumentError(`${file} can't be read: give the option buildId`, { cause })
      }
      this.#buildIds.set(serverDistDir, buildId)
    }
    return buildId
  }
}

/** Next.js gives no logger, but has what is written there in its own output. */
function clientOf(options: Omit<ClientOptions, 'codec'>): Pick<Client, 'namespace'> {
  const client = new Client({ ...options, codec: bytesCodec })
  client.on('eject', ({ name }, error) => {
    console.warn(`memshard: node ${name} of the cache is down: ${error.message}`)
  })
  client.on('return', ({ name }) => console.warn(`memshard: node ${name} of the cache is back`))
  return client as unknown as Pick<Client, 'namespace'>
}

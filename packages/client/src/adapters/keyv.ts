// A storage adapter for Keyv, and so for cache-manager and what builds on them. Knows the two contracts that Keyv has with
// its adapters (version 5's and version 6's), but loads nothing of it.
import { EventEmitter } from 'node:events'
import { Client } from '../client.ts'
import type { Value } from '../codec/value-codec.ts'
import { ArgumentError, PartialError } from '../errors.ts'
import type { ClientOptions } from '../options.ts'
import { Generations } from './generations.ts'
import { itemName, prefixName } from './item-names.ts'
import { stamped, unstamped } from './stamped-values.ts'

export type KeyvStoreOptions = {
  /** What the keys of all items begin with, in front of Keyv's namespace. Default `keyv:`. */
  readonly prefix?: string
  /**
   * How `clear` makes all of a namespace misses. `generation`: on any memcached; a read asks for one small item more, a write
   * for two answers, one after the other. `prefix`: by a command that nodes of memshard have, and it costs nothing else.
   * All that use the same items must say the same. Default `generation`.
   */
  readonly clearBy?: 'generation' | 'prefix'
} & (
  | ({ readonly client?: undefined } & ClientOptions)
  | {
      /** One that is there already, and that `disconnect` doesn't close. */
      readonly client: Pick<Client, 'namespace'>
    }
)

/** Of Keyv 5 with `ttl`, milliseconds from now; of Keyv 6 with `expires`, a moment in milliseconds. */
export interface KeyvStoreEntry {
  readonly key: string
  readonly value: unknown
  readonly ttl?: number | undefined
  readonly expires?: number | undefined
}

type Items = ReturnType<Client['namespace']>

interface LastingValue {
  readonly value: Value
  /** In seconds. */
  readonly ttl: number
}

/** memcached would take what is much longer for nonsense; the stamp still says when. */
const LONGEST_TTL_SECONDS = 10 * 365 * 24 * 60 * 60

/**
 * `new Keyv({ store: new MemshardStore({ nodes: ['cache-0', 'cache-1'] }) })`. What fails on the way to the cache is a miss, or not
 * stored; an `error` event tells. But `delete` and `clear` reject, because what they fail to remove may be read again.
 * It has no `iterator`: memcached can't list its keys.
 */
export class MemshardStore extends EventEmitter {
  readonly opts = { dialect: 'memshard' }
  readonly #client: Pick<Client, 'namespace'>
  readonly #own: Client | undefined
  readonly #prefix: string
  readonly #hasGenerations: boolean
  #namespace: string | undefined
  #items: Items
  #generations: Generations | undefined
  /** Whether Keyv 6 has it, which other than 5 asks for the capabilities before all else. */
  #isOfVersion6 = false

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: KeyvStoreOptions) {
    super()
    const { prefix = 'keyv:', clearBy = 'generation' } = options
    if (clearBy !== 'generation' && clearBy !== 'prefix') {
      throw new ArgumentError(`clearBy is ${String(clearBy)}: give generation or prefix`)
    }
    this.#prefix = prefix
    this.#hasGenerations = clearBy === 'generation'
    this.#own = options.client === undefined ? new Client(options) : undefined
    this.#own?.on('eject', (_, error) => this.#tell(error))
    this.#client = options.client ?? this.#own!
    this.#items = this.#client.namespace(prefix)
    this.namespace = undefined
  }

  /** Keyv's, which sets it. Two Keyvs of different namespaces need a store each, which may share a client. */
  get namespace(): string | undefined {
    return this.#namespace
  }

  set namespace(namespace: string | undefined) {
    this.#namespace = namespace
    // Each with a colon, also where there is none: no namespace is within another.
    const name = namespace === undefined ? '' : prefixName(namespace)
    this.#items = this.#client.namespace(`${this.#prefix}${name}:`)
    this.#generations = this.#hasGenerations ? new Generations(this.#items) : undefined
  }

  /** With these Keyv 6 speaks to it as it is, and gives the moments at which values expire. */
  get capabilities(): { readonly expires: true } {
    this.#isOfVersion6 = true
    return { expires: true }
  }

  async get<T>(key: string): Promise<T | undefined> {
    return (await this.getMany<T>([key]))[0]
  }

  /** The values in the order of their keys. */
  async getMany<T>(keys: readonly string[]): Promise<Array<T | undefined>> {
    const names = keys.map(itemName)
    const generations = this.#generations
    // In one tick, and so in one round trip.
    const [found, present] = await Promise.all([
      this.#found(this.#items.getMulti<unknown>(new Set(names))),
      generations && this.#found(generations.of(names)),
    ])
    const now = Date.now()
    return names.map((name) => {
      const generation = present === undefined ? '' : present.get(name)
      if (generation === undefined) return undefined
      return unstamped(found.get(name), generation, now) as T | undefined
    })
  }

  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined
  }

  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return (await this.getMany(keys)).map((value) => value !== undefined)
  }

  /** `time` is how long it lives, in Keyv 5, or until when, in Keyv 6; in milliseconds. False when it was not stored. */
  async set(key: string, value: unknown, time?: number): Promise<boolean> {
    const entry = this.#isOfVersion6 ? { key, value, expires: time } : { key, value, ttl: time }
    return (await this.setMany([entry]))[0]!
  }

  /** By entry, whether it was stored. */
  setMany(entries: readonly KeyvStoreEntry[]): Promise<boolean[]>
  setMany(entries: readonly KeyvStoreEntry[]): Promise<void>
  async setMany(entries: readonly KeyvStoreEntry[]): Promise<unknown> {
    try {
      return await this.#store(entries)
    } catch (error) {
      this.#tell(error)
      return entries.map(() => false)
    }
  }

  async delete(key: string): Promise<boolean> {
    return this.#items.delete(itemName(key))
  }

  /** By key, whether there was something to delete; for Keyv 5, whether there was anything. */
  deleteMany(keys: readonly string[]): Promise<boolean>
  deleteMany(keys: readonly string[]): Promise<boolean[]>
  async deleteMany(keys: readonly string[]): Promise<boolean[] | boolean> {
    const names = keys.map(itemName)
    const deleted = await this.#items.deleteMulti(names)
    const each = names.map((name) => deleted.get(name) === true)
    return this.#isOfVersion6 ? each : each.includes(true)
  }

  /** Makes all of the namespace misses, in no time, and nothing else. */
  async clear(): Promise<void> {
    if (this.#generations !== undefined) await this.#generations.renew()
    else await this.#items.invalidatePrefix('')
  }

  /** Closes the client, unless it was given. */
  async disconnect(): Promise<void> {
    await this.#own?.close()
  }

  /** What can be read; the rest is told. */
  async #found<T>(reading: Promise<Map<string, T>>): Promise<ReadonlyMap<string, T>> {
    try {
      return await reading
    } catch (error) {
      this.#tell(error)
      return error instanceof PartialError ? error.values : new Map()
    }
  }

  async #store(entries: readonly KeyvStoreEntry[]): Promise<boolean[]> {
    const names = entries.map(({ key }) => itemName(key))
    const present = await this.#generations?.begun(names)
    const now = Date.now()
    /** By name; undefined for what has expired already: nor may what was there before be found. */
    const items = new Map<string, LastingValue | undefined>()
    entries.forEach((entry, i) => {
      const left = millisecondsLeft(entry, now)
      const generation = present === undefined ? '' : present.get(names[i]!)
      if (left !== undefined && left <= 0) items.set(names[i]!, undefined)
      else if (generation !== undefined) {
        const deadline = left === undefined ? undefined : now + left
        const value = stamped(entry.value as Value, generation, deadline)
        items.set(names[i]!, { value, ttl: secondsOf(left) })
      }
    })
    const stored = await Promise.all([...items].map((item) => this.#storeOne(...item)))
    const outcomes = new Map([...items.keys()].map((name, i) => [name, stored[i]!]))
    return names.map((name) => outcomes.get(name) ?? false)
  }

  async #storeOne(name: string, item: LastingValue | undefined): Promise<boolean> {
    try {
      if (item !== undefined) return await this.#items.set(name, item.value, { ttl: item.ttl })
      await this.#items.delete(name)
      return true
    } catch (error) {
      this.#tell(error)
      return false
    }
  }

  /** Who doesn't listen is not told; an `error` event without a listener would throw. */
  #tell(error: unknown): void {
    try {
      if (this.listenerCount('error') > 0) this.emit('error', error)
    } catch {
      // Keyv's own, which throws where it has no listener in turn.
    }
  }
}

/** Undefined: it never expires. */
function millisecondsLeft({ ttl, expires }: KeyvStoreEntry, now: number): number | undefined {
  const left = expires === undefined ? ttl || Number.POSITIVE_INFINITY : expires - now
  return Number.isFinite(left) ? left : undefined
}

function secondsOf(milliseconds: number | undefined): number {
  if (milliseconds === undefined) return 0
  // One more: a server's seconds have begun before, and what lives for one may be gone at once.
  const seconds = milliseconds / 1000 + 1
  return seconds <= LONGEST_TTL_SECONDS ? seconds : 0
}

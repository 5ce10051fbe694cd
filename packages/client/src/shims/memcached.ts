// Stands in for the npm package `memcached`: its calls with callbacks, over a client of ours that puts the same keys on the
// same nodes and writes the same values. Knows that package's interface, and
// not the package. It is long because its calls are many.
import { EventEmitter } from 'node:events'
import { Client } from '../client.ts'
import type { PlainCodec } from '../codec/codec.ts'
import { memcachedCodec } from '../codec/interop/node-clients.ts'
import type { Value } from '../codec/value-codec.ts'
import { ArgumentError, PartialError } from '../errors.ts'
import {
  type IssueDetails,
  type MemcachedEvents,
  serverOf,
  tellIssues,
} from './memcached-issues.ts'
import { checkMemcachedKey, memcachedKeyForm, sentAs } from './memcached-keys.ts'
import { clientOptionsOf, type Locations, type MemcachedOptions } from './memcached-options.ts'
import {
  type DumpedItem,
  dumpedItems,
  itemStatistics,
  plainStatistics,
  type ServerVersion,
  type Statistics,
  slabStatistics,
  versionOf,
} from './memcached-statistics.ts'

export type {
  DumpedItem,
  IssueDetails,
  Locations,
  MemcachedEvents,
  MemcachedOptions,
  ServerVersion,
  Statistics,
}

/** What a callback has as `this`. */
export interface CommandData {
  /** The command's name. */
  readonly type: string
  /** With its namespace. */
  readonly key?: string
  readonly value?: unknown
  readonly lifetime?: number
  readonly cas?: string
  readonly callback?: unknown
  /** When it was called, in milliseconds of Unix time. */
  readonly start: number
  /** Milliseconds that it took. */
  readonly execution: number
}

/** What `add`, `replace`, `append` and `prepend` are called back with when the item was there, or wasn't. */
export interface NotStoredError extends Error {
  readonly notStored?: true
}

/** `error` is undefined when there was none; `data` is undefined or false for what is not there. */
export type Callback<T> = (this: CommandData, error: NotStoredError | undefined, data: T) => void

/** Called back once for all nodes, without a `this`; the last of their errors, and what the others say. */
export type NodesCallback<T> = (error: Error | undefined, data: T[]) => void

/** What `gets` calls back with: the value by the key with its namespace, and `cas`. */
export type GetsData<T> = Record<string, T | string> & { readonly cas: string }

const MAX_KEY_UNITS = 250
const MAX_VALUE_BYTES = 1024 * 1024
/** memcached takes longer lifetimes for Unix times, and so does who calls this. */
const RELATIVE_MAX_SECONDS = 30 * 24 * 60 * 60

type Query = { -readonly [K in keyof CommandData]: CommandData[K] }
type Lines = ReadonlyMap<string, string>

export class Memcached extends EventEmitter<MemcachedEvents> {
  /** Options of all that are made from now on, unless they have their own. */
  static readonly config: MemcachedOptions = {}

  /** The client beneath, for all that callbacks can't do: on the same nodes, in the same places, with the same values. */
  readonly client: Client
  readonly #codec: PlainCodec<Value>
  readonly #namespace: string
  readonly #maxKeySize: number
  readonly #hashes: boolean

  /** @throws ArgumentError when an option can't be honoured. */
  constructor(locations?: Locations, options: MemcachedOptions = {}) {
    super()
    const all = { ...Memcached.config, ...options }
    this.#namespace = all.namespace ?? ''
    this.#maxKeySize = all.maxKeySize ?? MAX_KEY_UNITS
    this.#hashes = all.keyCompression ?? true
    this.#codec = codecWithin(all.maxValue ?? MAX_VALUE_BYTES)
    this.client = new Client({
      ...clientOptionsOf(locations, all),
      codec: this.#codec,
      keyForm: memcachedKeyForm(this.#maxKeySize),
    })
    tellIssues(this.client, this, all.failures ?? 5, all.remove ?? false)
  }

  get<T = unknown>(key: string, callback: Callback<T | undefined>): void
  get<T = unknown>(keys: readonly string[], callback: Callback<Record<string, T>>): void
  get<T>(
    key: string | readonly string[],
    callback: Callback<T | undefined> | Callback<Record<string, T>>,
  ): void {
    if (typeof key === 'object') {
      this.getMulti(key, callback as Callback<Record<string, T>>)
      return
    }
    const query = this.#query('get', callback, key)
    answer(query, () => this.client.get<T>(this.#checked(key)), callback as Callback<unknown>)
  }

  gets<T = unknown>(key: string, callback: Callback<GetsData<T> | undefined>): void {
    const query = this.#query('gets', callback, key)
    const work = async (): Promise<GetsData<T> | undefined> => {
      const entry = await this.client.gets<T>(this.#checked(key))
      if (entry === undefined) return undefined
      const fields = [
        [this.#sentAs(key), entry.value],
        ['cas', String(entry.cas)],
      ]
      return Object.fromEntries(fields)
    }
    answer(query, work, callback)
  }

  /** With errors, `data` still has what was found. */
  getMulti<T = unknown>(keys: readonly string[], callback: Callback<Record<string, T>>): void {
    const query = this.#query('get', callback)
    const named = (found: ReadonlyMap<string, T>): Record<string, T> =>
      Object.fromEntries([...found].map(([key, value]) => [this.#labelOf(key), value]))
    this.#multi<T>(keys).then(
      (found) => finish(query, callback, undefined, named(found)),
      (error) => finish(query, callback, error, named(foundBefore<T>(error))),
    )
  }

  set(key: string, value: unknown, lifetime: number, callback?: Callback<boolean>): void {
    this.#store('set', key, value, lifetime, callback)
  }

  add(key: string, value: unknown, lifetime: number, callback?: Callback<boolean>): void {
    this.#store('add', key, value, lifetime, callback)
  }

  replace(key: string, value: unknown, lifetime: number, callback?: Callback<boolean>): void {
    this.#store('replace', key, value, lifetime, callback)
  }

  /** False when it has changed since `gets`, or is gone. */
  cas(
    key: string,
    value: unknown,
    cas: string,
    lifetime: number,
    callback?: Callback<boolean>,
  ): void {
    const query = { ...this.#query('cas', callback, key), value, lifetime, cas }
    const work = async (): Promise<boolean> => {
      const token = tokenOf(cas)
      const ttl = ttlOf(lifetime)
      const stored = await this.client.cas(this.#checked(key), value as Value, token, { ttl })
      return stored === 'stored'
    }
    answer(query, work, callback, false)
  }

  append(key: string, value: unknown, callback?: Callback<boolean>): void {
    this.#extend('append', key, value, callback)
  }

  prepend(key: string, value: unknown, callback?: Callback<boolean>): void {
    this.#extend('prepend', key, value, callback)
  }

  touch(key: string, lifetime: number, callback?: Callback<boolean>): void {
    const query = { ...this.#query('touch', callback, key), lifetime }
    const work = async () => this.client.touch(this.#checked(key), ttlOf(lifetime))
    answer(query, work, callback, false)
  }

  /** The new value, or false when there is no such counter. */
  incr(key: string, amount: number, callback?: Callback<number | false>): void {
    this.#count('incr', key, amount, callback)
  }

  /** As `incr`; it stops at 0. */
  decr(key: string, amount: number, callback?: Callback<number | false>): void {
    this.#count('decr', key, amount, callback)
  }

  increment(key: string, amount: number, callback?: Callback<number | false>): void {
    this.#count('incr', key, amount, callback)
  }

  decrement(key: string, amount: number, callback?: Callback<number | false>): void {
    this.#count('decr', key, amount, callback)
  }

  /** False when there was nothing to delete. */
  del(key: string, callback?: Callback<boolean>): void {
    const query = this.#query('delete', callback, key)
    answer(query, () => this.client.delete(this.#checked(key)), callback, false)
  }

  delete(key: string, callback?: Callback<boolean>): void {
    this.del(key, callback)
  }

  /** Empties every node. */
  flush(callback?: NodesCallback<true>): void {
    const every = async () => {
      await this.client.flush()
      return new Map(this.client.nodes.map(({ name }) => [name, true] as const))
    }
    this.#askNodes<unknown, true>(every(), () => true, callback)
  }

  flushAll(callback?: NodesCallback<true>): void {
    this.flush(callback)
  }

  version(callback?: NodesCallback<ServerVersion>): void {
    this.#askNodes(this.client.version(), versionOf, callback)
  }

  stats(callback?: NodesCallback<Statistics>): void {
    this.#askNodes(this.client.stats(), plainStatistics, callback)
  }

  settings(callback?: NodesCallback<Statistics>): void {
    this.#askNodes(this.client.stats('settings'), plainStatistics, callback)
  }

  statsSettings(callback?: NodesCallback<Statistics>): void {
    this.settings(callback)
  }

  slabs(callback?: NodesCallback<Statistics>): void {
    this.#askNodes(this.client.stats('slabs'), slabStatistics, callback)
  }

  statsSlabs(callback?: NodesCallback<Statistics>): void {
    this.slabs(callback)
  }

  items(callback?: NodesCallback<Statistics>): void {
    this.#askNodes(this.client.stats('items'), itemStatistics, callback)
  }

  statsItems(callback?: NodesCallback<Statistics>): void {
    this.items(callback)
  }

  /** Of one server, as `items` and `slabs` call it, the keys of a class: the first `number`, or all with 0. */
  cachedump(
    server: string,
    slabid: number | string,
    number: number,
    callback: Callback<DumpedItem[] | DumpedItem | undefined>,
  ): void {
    const work = async () => dumpedItems(await this.#dump(server, `${slabid} ${number}`))
    answer(this.#query('stats cachedump', callback), work, callback)
  }

  /** Closes the connections when what is under way is done. There is no way back: make a new one. */
  end(): void {
    void this.client.close()
  }

  #query(type: string, callback: unknown, key?: string): Query {
    const query = { type, callback, start: Date.now(), execution: 0 }
    return key === undefined ? query : { ...query, key: this.#namespace + key }
  }

  /** The key as text, as it is for the client, which puts the namespace in front. @throws KeyError */
  #checked(key: string): string {
    checkMemcachedKey(this.#namespace + key, this.#maxKeySize, this.#hashes)
    return String(key)
  }

  #sentAs(key: string): string {
    return sentAs(this.#namespace + key, this.#maxKeySize)
  }

  /** What `getMulti` calls a value: what was sent for its key, without the namespace. */
  #labelOf(key: string): string {
    return this.#sentAs(key).replace(this.#namespace, '')
  }

  async #multi<T>(keys: readonly string[]): Promise<ReadonlyMap<string, T>> {
    if (!Array.isArray(keys)) throw new ArgumentError('Argument "key" is not a valid Array.')
    return await this.client.getMulti<T>(keys.map((key) => this.#checked(key)))
  }

  #store(
    type: 'set' | 'add' | 'replace',
    key: string,
    value: unknown,
    lifetime: number,
    callback: Callback<boolean> | undefined,
  ): void {
    const query = { ...this.#query(type, callback, key), value, lifetime }
    const work = async (): Promise<boolean> => {
      const ttl = ttlOf(lifetime)
      const stored = await this.client[type](this.#checked(key), value as Value, { ttl })
      return stored || notStored()
    }
    answer(query, work, callback, false)
  }

  #extend(
    type: 'append' | 'prepend',
    key: string,
    value: unknown,
    callback: Callback<boolean> | undefined,
  ): void {
    const query = { ...this.#query(type, callback, key), value }
    const work = async (): Promise<boolean> => {
      const { data } = this.#codec.encode(value as Value)
      return (await this.client[type](this.#checked(key), data)) || notStored()
    }
    answer(query, work, callback, false)
  }

  #count(
    type: 'incr' | 'decr',
    key: string,
    amount: number,
    callback: Callback<number | false> | undefined,
  ): void {
    const query = { ...this.#query(type, callback, key), value: amount }
    const work = async (): Promise<number | false> => {
      if (typeof amount !== 'number') {
        throw new ArgumentError('Argument "value" is not a valid Number.')
      }
      const count = await this.client[type](this.#checked(key), amount)
      return count === undefined ? false : Number(count)
    }
    answer(query, work, callback, false)
  }

  async #dump(server: string, what: string): Promise<Lines> {
    const node = this.client.nodes.find((node) => serverOf(node) === server || node.name === server)
    if (node === undefined) throw new ArgumentError(`${server} is none of the servers`)
    try {
      return (await this.client.stats(`cachedump ${what}`)).get(node.name)!
    } catch (error) {
      if (!(error instanceof PartialError)) throw error
      const lines: Lines | undefined = error.values.get(node.name)
      if (lines !== undefined) return lines
      throw error.failed.get(node.name) ?? error
    }
  }

  #askNodes<T, R>(
    answers: Promise<ReadonlyMap<string, T>>,
    shape: (server: string, answer: T) => R,
    callback: NodesCallback<R> | undefined,
  ): void {
    const shaped = (given: ReadonlyMap<string, T>): R[] => {
      const servers = new Map(this.client.nodes.map((node) => [node.name, serverOf(node)]))
      return [...given].map(([name, answer]) => shape(servers.get(name) ?? name, answer))
    }
    if (callback === undefined) return void answers.catch(() => {})
    answers.then(
      (given) => process.nextTick(callback, undefined, shaped(given)),
      (error) => process.nextTick(callback, lastError(error), shaped(foundBefore<T>(error))),
    )
  }
}

/** The package's conventions with its bound, and what others have written as text, whatever their flags. */
function codecWithin(maxValue: number): PlainCodec<Value> {
  return {
    encode(value) {
      const encoded = memcachedCodec.encode(value)
      if (Buffer.byteLength(encoded.data) <= maxValue) return encoded
      throw new ArgumentError(`The length of the value is greater than ${maxValue}`)
    },
    decode: (raw, flags) => memcachedCodec.decode(raw, [2, 4, 8].includes(flags) ? flags : 0),
  }
}

function ttlOf(lifetime: unknown): number | Date {
  if (typeof lifetime !== 'number') {
    throw new ArgumentError('Argument "lifetime" is not a valid Number.')
  }
  return lifetime > RELATIVE_MAX_SECONDS ? new Date(lifetime * 1000) : lifetime
}

function tokenOf(cas: string): bigint {
  if (/^\d+$/.test(cas)) return BigInt(cas)
  throw new ArgumentError(`cas is ${String(cas)}: give what gets called back with`)
}

function notStored(): never {
  throw Object.assign(new Error('Item is not stored'), { notStored: true })
}

function foundBefore<T>(error: unknown): ReadonlyMap<string, T> {
  return error instanceof PartialError ? error.values : new Map<string, T>()
}

function lastError(error: unknown): unknown {
  return error instanceof PartialError ? ([...error.failed.values()].at(-1) ?? error) : error
}

/** `failed` is what stands for the result of a call that failed. */
function answer<T>(
  query: Query,
  work: () => Promise<T>,
  callback: Callback<T> | undefined,
  failed?: T,
): void {
  // What it throws at once is to be called back as well.
  const result = (async () => await work())()
  result.then(
    (result) => finish(query, callback, undefined, result),
    (error) => finish(query, callback, error, failed as T),
  )
}

/** Not within the promise: what a callback throws is no rejection of ours. */
function finish<T>(
  query: Query,
  callback: Callback<T> | undefined,
  error: NotStoredError | undefined,
  data: T,
): void {
  query.execution = Date.now() - query.start
  if (typeof callback === 'function') process.nextTick(() => callback.call(query, error, data))
}

// Stands in for memcache-client: its calls, with callbacks or promises, over a client of ours that writes the same values. Knows
// that package's interface, and not the package.
import { Client } from '../client.ts'
import { memcacheClientCodec } from '../codec/interop/node-clients.ts'
import type { Value } from '../codec/value-codec.ts'
import { ArgumentError } from '../errors.ts'
import type { ItemEntry } from '../options.ts'
import {
  clientOptionsOf,
  type MemcacheClientOptions,
  type SingleServer,
} from './memcache-client-options.ts'
import { type Compressor, PackingCodec } from './memcache-client-values.ts'

export type { Compressor, MemcacheClientOptions, SingleServer }

export interface StoreOptions {
  /** Seconds, or a Unix time beyond 30 days. Default: the client's, or 60. */
  readonly lifetime?: number
  /** Of 100 bytes or more. */
  readonly compress?: boolean
  /** Resolves at once, with nothing, whatever becomes of it. */
  readonly noreply?: boolean
}

export interface CasOptions extends StoreOptions {
  /** What `gets` gave. */
  readonly casUniq: string | number
}

export interface CommandOptions {
  readonly noreply?: boolean
}

export interface Retrieved<T> {
  /** `VALUE`, the key, flags and bytes; of `gets` the version, too. */
  readonly tokens: readonly string[]
  readonly casUniq?: string
  readonly value: T
}

/** What a node refuses or has not: the message is its answer, such as `NOT_STORED`. */
export interface CommandError extends Error {
  readonly cmdTokens?: readonly string[]
}

type Callback<T> = (error: CommandError | null, result?: T) => void
type Answer = readonly string[] | string | { readonly STAT: readonly (readonly string[])[] }
type StoreCommand = 'set' | 'add' | 'replace' | 'append' | 'prepend' | 'cas'

const DEFAULT_LIFETIME_SECONDS = 60
/** memcached takes longer times for Unix times, and so does who calls this. */
const RELATIVE_MAX_SECONDS = 30 * 24 * 60 * 60

export class MemcacheClient {
  /** The client beneath, for all that memcache-client can't do: same nodes, same values. */
  readonly client: Client
  readonly #codec: PackingCodec
  readonly #lifetime: number

  /** @throws ArgumentError when an option can't be honoured. */
  constructor(options: MemcacheClientOptions) {
    this.#codec = new PackingCodec(memcacheClientCodec, options.compressor)
    this.#lifetime = options.lifetime || DEFAULT_LIFETIME_SECONDS
    this.client = new Client({ ...clientOptionsOf(options), codec: this.#codec })
  }

  /** Of several keys: an object of those that are there. */
  get<T = unknown>(
    key: string,
    callback?: Callback<Retrieved<T> | undefined>,
  ): Promise<Retrieved<T> | undefined>
  get<T = Record<string, Retrieved<unknown>>>(
    keys: readonly string[],
    callback?: Callback<T>,
  ): Promise<T>
  get(key: string | readonly string[], callback?: Callback<never>): Promise<unknown> {
    return told(this.#retrieve(key, false) as Promise<never>, callback)
  }

  /** With `casUniq`. */
  gets<T = unknown>(
    key: string,
    callback?: Callback<Retrieved<T> | undefined>,
  ): Promise<Retrieved<T> | undefined>
  gets<T = Record<string, Retrieved<unknown>>>(
    keys: readonly string[],
    callback?: Callback<T>,
  ): Promise<T>
  gets(key: string | readonly string[], callback?: Callback<never>): Promise<unknown> {
    return told(this.#retrieve(key, true) as Promise<never>, callback)
  }

  set(key: string, value: Value, ...rest: Rest<StoreOptions, string[]>): Promise<string[]> {
    return this.#store('set', key, value, rest)
  }

  add(key: string, value: Value, ...rest: Rest<StoreOptions, string[]>): Promise<string[]> {
    return this.#store('add', key, value, rest)
  }

  replace(key: string, value: Value, ...rest: Rest<StoreOptions, string[]>): Promise<string[]> {
    return this.#store('replace', key, value, rest)
  }

  append(key: string, value: Value, ...rest: Rest<StoreOptions, string[]>): Promise<string[]> {
    return this.#store('append', key, value, rest)
  }

  prepend(key: string, value: Value, ...rest: Rest<StoreOptions, string[]>): Promise<string[]> {
    return this.#store('prepend', key, value, rest)
  }

  /** Rejects with `EXISTS` when it has changed since `gets`, with `NOT_FOUND` when it is gone. */
  cas(key: string, value: Value, ...rest: Rest<CasOptions, string[]>): Promise<string[]> {
    return this.#store('cas', key, value, rest)
  }

  delete(key: string, ...rest: Rest<CommandOptions, string[]>): Promise<string[]> {
    return settled(async () => {
      return (await this.client.delete(key)) ? ['DELETED'] : refused('NOT_FOUND')
    }, rest)
  }

  incr(key: string, by: number, ...rest: Rest<CommandOptions, string>): Promise<string> {
    return this.#count('incr', key, by, rest)
  }

  decr(key: string, by: number, ...rest: Rest<CommandOptions, string>): Promise<string> {
    return this.#count('decr', key, by, rest)
  }

  touch(key: string, exptime: number, ...rest: Rest<CommandOptions, string[]>): Promise<string[]> {
    return settled(async () => {
      return (await this.client.touch(key, ttlOf(exptime))) ? ['TOUCHED'] : refused('NOT_FOUND')
    }, rest)
  }

  version(callback?: Callback<string[]>): Promise<string[]> {
    return told(this.#version(), callback)
  }

  /** A line of the text protocol: of those that have methods, `stats` and `flush_all`. */
  cmd<T = Answer>(line: string, ...rest: Rest<CommandOptions, T>): Promise<T> {
    return settled(() => this.#line(line) as Promise<T>, rest)
  }

  /** What has no place is refused: a client of ours has no bytes of its own to send. */
  send(): never {
    throw new ArgumentError(
      "send takes bytes of the protocol, which can't be placed on a node: use cmd, or .client.meta",
    )
  }

  /** Closes the connections when what is under way is done. There is no way back. */
  shutdown(): void {
    void this.client.close()
  }

  async #retrieve(key: string | readonly string[], withVersion: boolean): Promise<unknown> {
    if (typeof key === 'string') {
      return retrieved(key, await this.client.getEntry(key), withVersion)
    }
    const entries = await Promise.all(key.map((key) => this.client.getEntry(key)))
    const found = key.map((key, i) => [key, retrieved(key, entries[i], withVersion)] as const)
    return Object.fromEntries(found.filter(([, item]) => item !== undefined))
  }

  #store(
    command: StoreCommand,
    key: string,
    value: Value,
    rest: Rest<StoreOptions | CasOptions, string[]>,
  ): Promise<string[]> {
    const options: Partial<CasOptions> = optionsOf(rest) ?? {}
    return settled(() => this.#stored(command, key, value, options), rest)
  }

  async #stored(
    command: StoreCommand,
    key: string,
    value: Value,
    options: Partial<CasOptions>,
  ): Promise<string[]> {
    const ttl = ttlOf(options.lifetime ?? this.#lifetime)
    const packed = options.compress === true ? await this.#codec.compressed(value) : value
    if (command === 'cas') {
      if (!options.casUniq) throw new ArgumentError('Must provide options.casUniq for cas')
      const result = await this.client.cas(key, packed, BigInt(options.casUniq), { ttl })
      if (result !== 'stored') refused(result === 'conflict' ? 'EXISTS' : 'NOT_FOUND')
    } else if (command === 'append' || command === 'prepend') {
      const { data } = await this.#codec.encode(packed)
      if (!(await this.client[command](key, data))) refused('NOT_STORED')
    } else if (!(await this.client[command](key, packed, { ttl }))) refused('NOT_STORED')
    return ['STORED']
  }

  #count(
    command: 'incr' | 'decr',
    key: string,
    by: number,
    rest: Rest<CommandOptions, string>,
  ): Promise<string> {
    return settled(async () => {
      const count = await this.client[command](key, by)
      return count === undefined ? refused('NOT_FOUND') : String(count)
    }, rest)
  }

  async #version(): Promise<string[]> {
    const [version = ''] = (await this.client.version()).values()
    return ['VERSION', version]
  }

  async #line(line: string): Promise<Answer> {
    const [name, first = '', second = ''] = line.trim().split(/\s+/)
    switch (name) {
      case 'incr':
      case 'decr':
        return this[name](first, Number(second))
      case 'delete':
        return this.delete(first)
      case 'touch':
        return this.touch(first, Number(second))
      case 'version':
        return this.#version()
      case 'flush_all':
        await this.client.flush()
        return ['OK']
      case 'stats': {
        const all = [...(await this.client.stats(first)).values()]
        return { STAT: all.flatMap((stats) => [...stats]) }
      }
      default:
        throw new ArgumentError(
          `${name} is none of the commands of cmd: use a method, or .client.meta`,
        )
    }
  }
}

/** Options and a callback, or either. */
type Rest<O, R> = [options?: O | Callback<R>, callback?: Callback<R>]

function optionsOf<O, R>([options]: Rest<O, R>): O | undefined {
  return typeof options === 'function' ? undefined : options
}

function settled<R>(work: () => Promise<R>, rest: Rest<CommandOptions, R>): Promise<R> {
  const result = (async () => await work())()
  const [options, callback] = rest
  if (optionsOf<CommandOptions, R>(rest)?.noreply === true) {
    result.catch(() => {})
    return Promise.resolve() as Promise<never>
  }
  return told(result, typeof options === 'function' ? options : callback)
}

/** The promise, which a callback hears of as well. */
function told<T>(result: Promise<T>, callback: Callback<T> | undefined): Promise<T> {
  if (callback === undefined) return result
  result.then(
    (value) => process.nextTick(callback, null, value),
    (error) => process.nextTick(callback, error),
  )
  return result
}

function retrieved(
  key: string,
  entry: ItemEntry<Value> | undefined,
  withVersion: boolean,
): Retrieved<Value> | undefined {
  if (entry?.value === undefined) return undefined
  const tokens = ['VALUE', key, String(entry.flags), String(entry.size)]
  if (!withVersion) return { tokens, value: entry.value }
  const casUniq = String(entry.cas)
  return { tokens: [...tokens, casUniq], casUniq, value: entry.value }
}

function ttlOf(lifetime: number): number | Date {
  return lifetime > RELATIVE_MAX_SECONDS ? new Date(lifetime * 1000) : lifetime
}

function refused(answer: string): never {
  throw Object.assign(new Error(answer), { cmdTokens: [answer] })
}

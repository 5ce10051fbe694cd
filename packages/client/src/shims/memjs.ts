// Stands in for memjs: its calls, with callbacks or promises, over a client of ours that puts the same keys on the same
// servers and writes the same bytes. Knows memjs' interface, and not memjs. It is long because its calls
// are many, each in two forms.
import { Client as OurClient } from '../client.ts'
import type { Encoded, PlainCodec, RawValue } from '../codec/codec.ts'
import { bytesCodec } from '../codec/value-codec.ts'
import { ArgumentError, CodecError, PartialError } from '../errors.ts'
import type { NodeInfo } from '../options.ts'
import type { KeyAsSent } from '../wire/key-form.ts'
import {
  clientOptionsOf,
  type MemjsOptions,
  type Serialized,
  type Serializer,
} from './memjs-options.ts'

export type { MemjsOptions, Serialized, Serializer }

export interface Item {
  /** Null for what is not there; otherwise a Buffer, unless a serializer makes something else of it. */
  readonly value: Buffer | null
  /** Four bytes. */
  readonly flags: Buffer | null
}

export interface Counted {
  readonly success: boolean
  readonly value: number | null
}

export interface WriteOptions {
  /** Seconds; beyond 30 days a Unix time. */
  readonly expires?: number
}

export interface CounterOptions extends WriteOptions {
  /** What a counter begins with that isn't there. Default 0. */
  readonly initial?: number
}

type Done<T> = (error: Error | null, result: T | null) => void
type Got = (error: Error | null, value: Buffer | null, flags: Buffer | null) => void
type DoneCounting = (error: Error | null, success: boolean | null, value: number | null) => void
/** Called once for each server. */
type ServerTold = (
  error: Error | null,
  server: string,
  stats: Record<string, string> | null,
) => void

const Opcode = { get: 0, set: 1, add: 2, replace: 3, append: 14, prepend: 15 } as const
/** memcached takes longer times for Unix times, and so does who calls this. */
const RELATIVE_MAX_SECONDS = 30 * 24 * 60 * 60
/** What the text protocols have no room for in a key. */
const UNUSUAL = /[\0-\x20\x7f]/

const NOOP: Serializer = {
  serialize: (_, value, extras) => ({ value: value as string | Buffer, extras }),
  deserialize: (_, value, extras) => ({ value, extras }),
}

export class Client {
  /** The client beneath, for all that memjs can't do: on the same servers, in the same places, with bytes as values. */
  readonly client: OurClient<Uint8Array | string>
  readonly #flags = new Flags()
  readonly #serializer: Serializer
  readonly #expires: number

  private constructor(servers: string | undefined, options: MemjsOptions) {
    this.#serializer = options.serializer ?? NOOP
    this.#expires = options.expires ?? 0
    this.client = new OurClient({
      ...clientOptionsOf(servers, options, process.env),
      codec: this.#flags,
      keyForm: keyAsSent,
    })
    const { logger } = options
    if (logger === undefined) return
    this.client.on('eject', (node, error) => {
      logger.log(`MemJS: Server <${hostAndPort(node)}> failed with error - ${error.message}`)
    })
  }

  /**
   * `[user:pass@]host[:port],...`, or what `MEMCACHIER_SERVERS` or `MEMCACHE_SERVERS` says, or `localhost:11211`.
   * @throws ArgumentError when an option can't be honoured.
   */
  static create(servers?: string, options: MemjsOptions = {}): Client {
    return new Client(servers, options)
  }

  get servers(): readonly { readonly host: string; readonly port: number }[] {
    return this.client.nodes.map(({ host, port }) => ({ host, port }))
  }

  /** Which of `servers` a key is on. */
  get getServer(): (key: string) => number {
    return (key) => {
      const home = this.client.locate(key)?.name
      return this.client.nodes.findIndex(({ name }) => name === home)
    }
  }

  set getServer(_: (key: string) => number) {
    throw new ArgumentError(
      "getServer can't be replaced: places of keys are a client's own, by its distribution or compat",
    )
  }

  get(key: string): Promise<Item>
  get(key: string, callback: Got): void
  get(key: string, callback?: Got): Promise<Item> | undefined {
    const item = this.#get(key)
    if (callback === undefined) return item
    item.then(
      ({ value, flags }) => process.nextTick(callback, null, value, flags),
      (error) => process.nextTick(callback, error, null, null),
    )
    return undefined
  }

  set(key: string, value: string | Uint8Array, options?: WriteOptions): Promise<boolean>
  set(key: string, value: string | Uint8Array, options: WriteOptions, callback: Done<boolean>): void
  set(
    key: string,
    value: string | Uint8Array,
    options?: WriteOptions,
    callback?: Done<boolean>,
  ): Promise<boolean> | undefined {
    return this.#store('set', key, value, options, callback)
  }

  /** False when the key is there already. */
  add(key: string, value: string | Uint8Array, options?: WriteOptions): Promise<boolean>
  add(key: string, value: string | Uint8Array, options: WriteOptions, callback: Done<boolean>): void
  add(
    key: string,
    value: string | Uint8Array,
    options?: WriteOptions,
    callback?: Done<boolean>,
  ): Promise<boolean> | undefined {
    return this.#store('add', key, value, options, callback)
  }

  /** False when the key isn't there. */
  replace(key: string, value: string | Uint8Array, options?: WriteOptions): Promise<boolean>
  replace(
    key: string,
    value: string | Uint8Array,
    options: WriteOptions,
    callback: Done<boolean>,
  ): void
  replace(
    key: string,
    value: string | Uint8Array,
    options?: WriteOptions,
    callback?: Done<boolean>,
  ): Promise<boolean> | undefined {
    return this.#store('replace', key, value, options, callback)
  }

  /** False when there was nothing to delete. */
  delete(key: string): Promise<boolean>
  delete(key: string, callback: Done<boolean>): void
  delete(key: string, callback?: Done<boolean>): Promise<boolean> | undefined {
    return either(this.client.delete(key), callback)
  }

  /** Rejects when the key isn't there. */
  append(key: string, value: string | Uint8Array): Promise<boolean>
  append(key: string, value: string | Uint8Array, callback: Done<boolean>): void
  append(
    key: string,
    value: string | Uint8Array,
    callback?: Done<boolean>,
  ): Promise<boolean> | undefined {
    return either(this.#extend('append', key, value), callback)
  }

  /** As `append`, at the beginning; that of memjs 1.3.2 appends. */
  prepend(key: string, value: string | Uint8Array): Promise<boolean>
  prepend(key: string, value: string | Uint8Array, callback: Done<boolean>): void
  prepend(
    key: string,
    value: string | Uint8Array,
    callback?: Done<boolean>,
  ): Promise<boolean> | undefined {
    return either(this.#extend('prepend', key, value), callback)
  }

  increment(key: string, amount: number, options?: CounterOptions): Promise<Counted>
  increment(key: string, amount: number, options: CounterOptions, callback: DoneCounting): void
  increment(
    key: string,
    amount: number,
    options?: CounterOptions,
    callback?: DoneCounting,
  ): Promise<Counted> | undefined {
    return this.#count('incr', key, amount, options, callback)
  }

  /** It stops at 0. */
  decrement(key: string, amount: number, options?: CounterOptions): Promise<Counted>
  decrement(key: string, amount: number, options: CounterOptions, callback: DoneCounting): void
  decrement(
    key: string,
    amount: number,
    options?: CounterOptions,
    callback?: DoneCounting,
  ): Promise<Counted> | undefined {
    return this.#count('decr', key, amount, options, callback)
  }

  /** False when the key isn't there. */
  touch(key: string, expires: number): Promise<boolean>
  touch(key: string, expires: number, callback: Done<boolean>): void
  touch(key: string, expires: number, callback?: Done<boolean>): Promise<boolean> | undefined {
    return either(this.client.touch(key, this.#ttl(expires)), callback)
  }

  /** Empties every server: true or its error, by `host:port`. */
  flush(): Promise<Record<string, true | Error>>
  flush(
    callback: (lastError: Error | null, results: Record<string, true | Error> | null) => void,
  ): void
  flush(
    callback?: (lastError: Error | null, results: Record<string, true | Error> | null) => void,
  ): Promise<Record<string, true | Error>> | undefined {
    const flushed = this.client.flush()
    const results = (failed: ReadonlyMap<string, Error>): Record<string, true | Error> =>
      Object.fromEntries(
        this.client.nodes.map((node) => [hostAndPort(node), failed.get(node.name) ?? true]),
      )
    if (callback === undefined) {
      return flushed.then(
        () => results(new Map()),
        (error) => Promise.reject(lastOf(error)),
      )
    }
    flushed.then(
      () => process.nextTick(callback, null, results(new Map())),
      (error) => {
        const failed = error instanceof PartialError ? error.failed : undefined
        process.nextTick(callback, lastOf(error), failed === undefined ? null : results(failed))
      },
    )
    return undefined
  }

  stats(callback?: ServerTold): void {
    this.statsWithKey('', callback)
  }

  /** Of a kind: `settings`, `items`, ... */
  statsWithKey(key: string, callback: ServerTold = () => {}): void {
    const tell = (name: string, error: Error | null, stats: ReadonlyMap<string, string>): void => {
      const node = this.client.nodes.find((node) => node.name === name)
      const server = node === undefined ? name : hostAndPort(node)
      process.nextTick(callback, error, server, error === null ? Object.fromEntries(stats) : null)
    }
    this.client.stats(key).then(
      (all) => {
        for (const [name, stats] of all) tell(name, null, stats)
      },
      (error) => {
        if (error instanceof PartialError) {
          for (const [name, stats] of error.values) tell(name, null, stats)
          for (const [name, failure] of error.failed) tell(name, failure, new Map())
        } else for (const { name } of this.client.nodes) tell(name, error, new Map())
      },
    )
  }

  resetStats(callback?: ServerTold): void {
    this.statsWithKey('reset', callback)
  }

  /** Closes the connections when what is under way is done. There is no way back. */
  quit(): void {
    void this.client.close()
  }

  /** The same. */
  close(): void {
    this.quit()
  }

  #ttl(expires: number | undefined): number | Date {
    const seconds = expires || this.#expires
    return seconds > RELATIVE_MAX_SECONDS ? new Date(seconds * 1000) : seconds
  }

  async #get(key: string): Promise<Item> {
    const bytes = await this.client.get<Buffer>(key)
    if (bytes === undefined) return { value: null, flags: null }
    const flags = Buffer.alloc(4)
    flags.writeUInt32BE(this.#flags.of(bytes))
    const { value, extras } = this.#serializer.deserialize(Opcode.get, bytes, flags)
    return { value: value as Buffer, flags: extras as Buffer }
  }

  #store(
    operation: 'set' | 'add' | 'replace',
    key: string,
    value: string | Uint8Array,
    options: WriteOptions | Done<boolean> | null | undefined,
    callback: Done<boolean> | undefined,
  ): Promise<boolean> | undefined {
    // As it once was, and still is taken: the callback in the place of the options.
    if (typeof options === 'function') {
      return this.#store(operation, key, value, undefined, options)
    }
    const stored = async (): Promise<boolean> => {
      const ttl = this.#ttl(options?.expires)
      return this.client[operation](key, this.#serialized(operation, value, ttl), { ttl })
    }
    return either(stored(), callback)
  }

  async #extend(
    operation: 'append' | 'prepend',
    key: string,
    value: string | Uint8Array,
  ): Promise<boolean> {
    const serialized = this.#serializer.serialize(Opcode[operation], value, '')
    if (await this.client[operation](key, serialized.value)) return true
    throw new Error(`MemJS ${operation.toUpperCase()}: Item not stored`)
  }

  #count(
    operation: 'incr' | 'decr',
    key: string,
    amount: number,
    options: CounterOptions | DoneCounting | undefined,
    callback: DoneCounting | undefined,
  ): Promise<Counted> | undefined {
    if (typeof options === 'function') {
      return this.#count(operation, key, amount, undefined, options)
    }
    const counted = async (): Promise<Counted> => {
      const ttl = this.#ttl(options?.expires)
      const count = await this.client[operation](key, amount, {
        initial: options?.initial ?? 0,
        ttl,
      })
      return { success: count !== undefined, value: count === undefined ? null : Number(count) }
    }
    const result = counted()
    if (callback === undefined) return result
    result.then(
      ({ success, value }) => process.nextTick(callback, null, success, value),
      (error) => process.nextTick(callback, error, null, null),
    )
    return undefined
  }

  /** The bytes, and which flags a serializer has given them. */
  #serialized(
    operation: 'set' | 'add' | 'replace',
    value: unknown,
    ttl: number | Date,
  ): string | Uint8Array {
    if (this.#serializer === NOOP) return value as string | Uint8Array
    const extras = Buffer.alloc(8)
    extras.writeUInt32BE(ttl instanceof Date ? ttl.getTime() / 1000 : Math.max(0, ttl), 4)
    const serialized = this.#serializer.serialize(Opcode[operation], value, extras)
    const flags = Buffer.from(serialized.extras).readUInt32BE(0)
    return this.#flags.marked(serialized.value, flags)
  }
}

/** Bytes as they are; the flags of those that have any are known by their Buffers. */
class Flags implements PlainCodec<Uint8Array | string> {
  readonly #flags = new WeakMap<object, number>()

  of(bytes: Uint8Array): number {
    return this.#flags.get(bytes) ?? 0
  }

  marked(value: string | Uint8Array, flags: number): string | Uint8Array {
    if (flags === 0) return value
    const bytes = Buffer.from(value)
    this.#flags.set(bytes, flags)
    return bytes
  }

  encode(value: Uint8Array | string): Encoded {
    if (typeof value === 'string') return bytesCodec.encode(value)
    if (value instanceof Uint8Array) return { data: value, flags: this.of(value) }
    throw new CodecError(`memjs takes strings and Buffers, not ${typeof value}: use a serializer`)
  }

  decode(raw: RawValue, flags: number): Buffer {
    const bytes = raw.bytes()
    if (flags !== 0) this.#flags.set(bytes, flags)
    return bytes
  }
}

/** memjs speaks the binary protocol, in which a key may be any bytes. */
function keyAsSent(key: string): KeyAsSent {
  return { sent: UNUSUAL.test(key) ? Buffer.from(key) : key, placedBy: key }
}

function hostAndPort({ host, port }: NodeInfo): string {
  return `${host}:${port}`
}

function lastOf(error: unknown): Error {
  if (error instanceof PartialError) return [...error.failed.values()].at(-1) ?? error
  return error as Error
}

/** The promise, or what tells the callback. */
function either<T>(result: Promise<T>, callback: Done<T> | undefined): Promise<T> | undefined {
  if (callback === undefined) return result
  result.then(
    (value) => process.nextTick(callback, null, value),
    (error) => process.nextTick(callback, error, null),
  )
  return undefined
}

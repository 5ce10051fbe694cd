// Commands of Redis by those of memcached, each atomic for its key: by one command where there is one, else by the version of the
// item, again when another was faster. Knows the client, no callbacks and no pipelines.
import type { Ttl } from '../arguments.ts'
import type { Client } from '../client.ts'
import { ArgumentError, NodeDownError, ServerError } from '../errors.ts'
import type { ItemEntry } from '../options.ts'
import {
  getexWords,
  integerOf,
  keysOf,
  type Lifetime,
  noMoreWords,
  pairsOf,
  type RedisKey,
  type RedisValue,
  setWords,
} from './ioredis-arguments.ts'

/** So many others may be faster, one after the other. */
const ATTEMPTS_MAX = 100
const MILLISECONDS = 1000
const INT64_MAX = 2n ** 63n - 1n

type Stored = Uint8Array | string

export class RedisCommands {
  readonly #client: Client<Stored>
  readonly #flush: () => Promise<void>

  constructor(client: Client<Stored>, flush: () => Promise<void>) {
    this.#client = client
    this.#flush = flush
  }

  async get(key: RedisKey): Promise<string | null> {
    return textOf(await this.#client.get<Buffer>(key))
  }

  async getBuffer(key: RedisKey): Promise<Buffer | null> {
    return (await this.#client.get<Buffer>(key)) ?? null
  }

  /** With `EX`, `PX`, `EXAT`, `PXAT` or `KEEPTTL`, `NX` or `XX`, and `GET`. Milliseconds are rounded up to seconds. */
  async set(
    key: RedisKey,
    value: RedisValue,
    ...words: (string | number)[]
  ): Promise<'OK' | string | null> {
    const { lifetime, condition, get } = setWords(words)
    const data = storedOf(value)
    if (!get && lifetime !== 'kept') {
      const operation = condition === 'NX' ? 'add' : condition === 'XX' ? 'replace' : 'set'
      return (await this.#client[operation](key, data, { ttl: ttlOf(lifetime, 0) })) ? 'OK' : null
    }
    let wasSet = false
    const before = await this.#update(key, (entry) => {
      wasSet = condition !== (entry === undefined ? 'XX' : 'NX')
      return wasSet ? { data, ttl: ttlOf(lifetime, left(entry)) } : undefined
    })
    if (get) return textOf(before)
    return wasSet ? 'OK' : null
  }

  async setex(key: RedisKey, seconds: number | string, value: RedisValue): Promise<'OK'> {
    await this.set(key, value, 'EX', seconds)
    return 'OK'
  }

  async psetex(key: RedisKey, milliseconds: number | string, value: RedisValue): Promise<'OK'> {
    await this.set(key, value, 'PX', milliseconds)
    return 'OK'
  }

  async setnx(key: RedisKey, value: RedisValue): Promise<number> {
    return Number(await this.#client.add(key, storedOf(value)))
  }

  async getset(key: RedisKey, value: RedisValue): Promise<string | null> {
    return this.set(key, value, 'GET')
  }

  async getdel(key: RedisKey): Promise<string | null> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const entry = await this.#client.gets<Buffer>(key)
      if (entry === undefined) return null
      if (await this.#client.delete(key, { cas: entry.cas })) return textOf(entry.value)
    }
    throw contended(key)
  }

  /** With `EX`, `PX`, `EXAT`, `PXAT` or `PERSIST`. */
  async getex(key: RedisKey, ...words: (string | number)[]): Promise<string | null> {
    const lifetime = getexWords(words)
    if (lifetime === 'kept') return this.get(key)
    return textOf(await this.#client.getAndTouch<Buffer>(key, ttlOf(lifetime, 0)))
  }

  async mget(...keys: (RedisKey | readonly RedisKey[])[]): Promise<(string | null)[]> {
    const flat = keysOf(keys)
    const found = await this.#client.getMulti<Buffer>(flat)
    return flat.map((key) => textOf(found.get(key)))
  }

  /** Each is atomic, all of them are not. */
  async mset(...pairs: unknown[]): Promise<'OK'> {
    await this.#client.setMulti(pairsOf(pairs).map(([key, value]) => [key, storedOf(value)]))
    return 'OK'
  }

  async del(...keys: (RedisKey | readonly RedisKey[])[]): Promise<number> {
    const deleted = await this.#client.deleteMulti(keysOf(keys))
    return [...deleted.values()].filter(Boolean).length
  }

  async unlink(...keys: (RedisKey | readonly RedisKey[])[]): Promise<number> {
    return this.del(...keys)
  }

  async exists(...keys: (RedisKey | readonly RedisKey[])[]): Promise<number> {
    const seconds = await Promise.all(keysOf(keys).map((key) => this.#secondsLeft(key)))
    return seconds.filter((left) => left !== undefined).length
  }

  async incr(key: RedisKey): Promise<number> {
    return this.incrby(key, 1)
  }

  async decr(key: RedisKey): Promise<number> {
    return this.incrby(key, -1)
  }

  async decrby(key: RedisKey, by: number | string): Promise<number> {
    return this.incrby(key, -integerOf(by))
  }

  /** Counters of memcached know nothing below 0, and stay there: what comes near is counted by its version. */
  async incrby(key: RedisKey, by: number | string): Promise<number> {
    const amount = integerOf(by)
    if (amount >= 0) {
      try {
        const count = await this.#client.incr(key, amount, { initial: amount })
        if (count !== undefined) return Number(count)
      } catch (error) {
        if (!(error instanceof ServerError)) throw error
      }
    }
    let count = 0n
    await this.#update(key, (entry) => {
      count = int64Of(textOf(entry?.value) ?? '0') + BigInt(amount)
      if (count > INT64_MAX || count < -INT64_MAX - 1n) {
        throw new ArgumentError('ERR increment or decrement would overflow')
      }
      return { data: String(count), ttl: ttlOf('kept', left(entry)) }
    })
    return Number(count)
  }

  async append(key: RedisKey, value: RedisValue): Promise<number> {
    const data = storedOf(value)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (await this.#client.append(key, data)) return this.strlen(key)
      if (await this.#client.add(key, data)) return Buffer.byteLength(data)
      this.#checkNode(key)
    }
    throw contended(key)
  }

  async strlen(key: RedisKey): Promise<number> {
    return Number((await this.#client.meta('mg', key, ['s'])).flags.get('s') ?? 0)
  }

  async expire(key: RedisKey, seconds: number | string, ...words: string[]): Promise<number> {
    noMoreWords('expire', words)
    return this.#expireIn(key, integerOf(seconds))
  }

  async pexpire(key: RedisKey, milliseconds: number | string, ...words: string[]): Promise<number> {
    noMoreWords('pexpire', words)
    return this.#expireIn(key, Math.ceil(integerOf(milliseconds) / MILLISECONDS))
  }

  async expireat(key: RedisKey, unixTime: number | string, ...words: string[]): Promise<number> {
    noMoreWords('expireat', words)
    return this.#expireIn(key, integerOf(unixTime) - Math.floor(Date.now() / MILLISECONDS))
  }

  async pexpireat(key: RedisKey, unixTime: number | string, ...words: string[]): Promise<number> {
    noMoreWords('pexpireat', words)
    return this.#expireIn(key, Math.ceil((integerOf(unixTime) - Date.now()) / MILLISECONDS))
  }

  /** Seconds; -1: for ever, -2: there is none. */
  async ttl(key: RedisKey): Promise<number> {
    return (await this.#secondsLeft(key)) ?? -2
  }

  /** As `ttl`, in milliseconds, of which only whole seconds are known. */
  async pttl(key: RedisKey): Promise<number> {
    const seconds = await this.ttl(key)
    return seconds > 0 ? seconds * MILLISECONDS : seconds
  }

  async persist(key: RedisKey): Promise<number> {
    const seconds = await this.#secondsLeft(key)
    if (seconds === undefined || seconds < 0) return 0
    return Number(await this.#client.touch(key, 0))
  }

  /** Forgets what begins with the `keyPrefix`; without one it is refused. Needs nodes of memshard. */
  async flushdb(..._mode: string[]): Promise<'OK'> {
    await this.#flush()
    return 'OK'
  }

  async ping(message?: string): Promise<string> {
    await this.#client.version()
    return message ?? 'PONG'
  }

  async #expireIn(key: RedisKey, seconds: number): Promise<number> {
    if (seconds > 0) return Number(await this.#client.touch(key, seconds))
    return Number(await this.#client.delete(key))
  }

  /** Negative: it lives for ever. */
  async #secondsLeft(key: RedisKey): Promise<number | undefined> {
    const seconds = (await this.#client.meta('mg', key, ['t'])).flags.get('t')
    return seconds === undefined ? undefined : Number(seconds)
  }

  /** Where failures are misses, what can't be stored looks as if another had been faster. @throws NodeDownError */
  #checkNode(key: RedisKey): void {
    const node = this.#client.locate(key)
    if (node?.state === 'up') return
    throw new NodeDownError(`the node of ${String(key)} is down`, { node: node?.name })
  }

  /** The value from before; `change` says what to make of it, if anything. */
  async #update(
    key: RedisKey,
    change: (
      entry: ItemEntry<Buffer> | undefined,
    ) => { readonly data: Stored; readonly ttl: Ttl } | undefined,
  ): Promise<Buffer | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const entry = await this.#client.getEntry<Buffer>(key)
      const changed = change(entry)
      if (changed === undefined) return entry?.value
      const { data, ttl } = changed
      const isStored =
        entry === undefined
          ? await this.#client.add(key, data, { ttl })
          : (await this.#client.cas(key, data, entry.cas, { ttl })) === 'stored'
      if (isStored) return entry?.value
      this.#checkNode(key)
    }
    throw contended(key)
  }
}

function textOf(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : bytes.toString()
}

/** As ioredis sends it. */
function storedOf(value: unknown): Stored {
  return value instanceof Uint8Array || typeof value === 'string' ? value : String(value ?? '')
}

/** Seconds that an item has left; 0 for ever, which the last second of one is not. */
function left(entry: ItemEntry<unknown> | undefined): number {
  return entry?.ttl === undefined ? 0 : Math.max(1, entry.ttl)
}

function ttlOf(lifetime: Lifetime, before: number): Ttl {
  if (lifetime === 'kept') return before
  return lifetime === 'ever' ? 0 : lifetime
}

function int64Of(text: string): bigint {
  if (/^-?\d+$/.test(text)) return BigInt(text)
  throw new ArgumentError('ERR value is not an integer or out of range')
}

function contended(key: RedisKey): ServerError {
  return new ServerError(`${String(key)} was changed by others ${ATTEMPTS_MAX} times in a row`)
}

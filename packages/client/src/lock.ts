// A lock in the cache: one holder at a time as long as its node remembers, with a number for those who can tell the older holder
// from the newer. An item with a time to live, changed only as the version that its owner has seen. Knows the client's calls.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import { ArgumentError, LockedError, LockLostError, NodeDownError } from './errors.ts'
import type { CallOptions, Entry } from './options.ts'

export interface LockOptions {
  /** Seconds after which it is free when its holder renews it no more. At least 2, because nodes count whole ones. Default 30. */
  readonly ttl?: number
  /** Renews it by itself, three times in its time, until it is released. Default true. */
  readonly renew?: boolean
  /** Milliseconds to wait for who has it. Default 0: one look. */
  readonly waitFor?: number
  /** Gives up waiting. */
  readonly signal?: AbortSignal
  /** What the keys of locks begin with. Default `lock:`. */
  readonly prefix?: string
  /** Milliseconds for each call, instead of the client's. */
  readonly timeout?: number
}

/** A lock that is held. `await using` and `run` release it. */
export interface Lock extends AsyncDisposable {
  readonly key: string
  /** Higher than that of all holders before, as long as the node remembers or clocks go forward. */
  readonly token: number
  /** Aborts when the lock is lost, or may be. */
  readonly signal: AbortSignal
  /** False as well when it is not known. */
  readonly isHeld: boolean
  /** Takes it for its whole time anew; false when it is lost. @throws what the client throws: then it isn't known. */
  renew(): Promise<boolean>
  /** False when it was somebody else's already, or gone. @throws what the client throws: it is free when its time is over. */
  release(): Promise<boolean>
  /** Releases it when that has settled. @throws LockLostError when it was lost meanwhile, though the work is done. */
  run<T>(work: (lock: Lock) => T | Promise<T>): Promise<T>
}

type LockClient = Pick<Client, 'add' | 'cas' | 'delete' | 'gets' | 'incr'>

const DEFAULT_TTL_SECONDS = 30
/** By so much an item may end before its time. */
const NODE_CLOCK_SECONDS = 1
const FIRST_LOOK_MS = 10
const LAST_LOOK_MS = 250
const RENEWALS = 3
/** Milliseconds between a renewal that failed and the next. */
const RETRY_MS = 100
/** Counters of tokens are forgotten, too: those that are made anew begin beyond, with microseconds since 1970. */
const COUNTER_TTL_SECONDS = 24 * 60 * 60
const FIRST_TOKENS_PER_MS = 1000

/**
 * The lock of this name. It is a cache's: who evicts, restarts or loses the item, or two clients that see different nodes, give it to
 * two at once. What must not happen twice has to refuse a `token` that is lower than one it has seen.
 * @throws LockedError when somebody else has it for all of `waitFor`; what the client throws when it can't be known.
 */
export async function lock(
  client: LockClient,
  key: string,
  options: LockOptions = {},
): Promise<Lock> {
  const { ttl = DEFAULT_TTL_SECONDS, waitFor = 0, signal } = options
  if (!(ttl >= 2)) throw new ArgumentError(`ttl is ${String(ttl)}: give 2 seconds or more`)
  if (!(waitFor >= 0)) throw new ArgumentError(`waitFor is ${String(waitFor)}: give milliseconds`)
  const item = new LockItem(client, key, { ...options, ttl: Math.ceil(ttl) })
  const giveUpAt = performance.now() + waitFor
  for (let look = FIRST_LOOK_MS; ; look = Math.min(LAST_LOOK_MS, look * 2)) {
    signal?.throwIfAborted()
    const begunAt = performance.now()
    const token = await item.take()
    if (token !== undefined) {
      const held = new HeldLock(item, token, begunAt, options.renew ?? true)
      if (!signal?.aborted) return held
      await held.release()
      throw signal.reason
    }
    const left = giveUpAt - performance.now()
    if (left <= 0) throw new LockedError(`somebody else has the lock ${key}`, { key })
    const pause = Math.min(left, look * (0.5 + Math.random()))
    await sleep(pause, undefined, { signal }).catch(() => signal?.throwIfAborted())
  }
}

/** What is in the cache: `owner`, and behind it the token once that is known. */
class LockItem {
  readonly key: string
  readonly ttl: number
  readonly #client: LockClient
  readonly #sent: string
  readonly #call: CallOptions
  readonly #owner = randomBytes(15).toString('base64url')

  constructor(
    client: LockClient,
    key: string,
    { prefix = 'lock:', ttl, timeout }: LockOptions & { readonly ttl: number },
  ) {
    this.key = key
    this.ttl = ttl
    this.#client = client
    this.#sent = prefix + key
    // Of several nodes each would have a holder of its own.
    this.#call = timeout === undefined ? { replicas: 1 } : { replicas: 1, timeout }
  }

  /** The token; undefined when somebody else has it. */
  async take(): Promise<number | undefined> {
    const { ttl } = this
    try {
      // Also when it is not said to be stored: an answer may be of an attempt that was made twice.
      await this.#client.add(this.#sent, this.#owner, { ...this.#call, ttl })
      const entry = await this.#own()
      if (entry === undefined) return undefined
      const token = await this.#nextToken()
      // Only now is it taken: nobody else has had it since, so nobody who came later has a lower token.
      return (await this.#put(entry, `${this.#owner} ${token}`)) ? token : undefined
    } catch (error) {
      await this.free().catch(() => {})
      throw error
    }
  }

  async prolong(): Promise<boolean> {
    const entry = await this.#own()
    return entry !== undefined && (await this.#put(entry, entry.value))
  }

  async free(): Promise<boolean> {
    const entry = await this.#own()
    if (entry === undefined) return false
    return this.#client.delete(this.#sent, { ...this.#call, cas: entry.cas })
  }

  async #own(): Promise<Entry<string> | undefined> {
    const entry = await this.#client.gets<string>(this.#sent, this.#call)
    return entry?.value.split(' ')[0] === this.#owner ? entry : undefined
  }

  async #put({ cas }: Entry<string>, value: string): Promise<boolean> {
    const { ttl } = this
    return (await this.#client.cas(this.#sent, value, cas, { ...this.#call, ttl })) === 'stored'
  }

  async #nextToken(): Promise<number> {
    const token = await this.#client.incr(`${this.#sent}:token`, 1, {
      ...this.#call,
      initial: Date.now() * FIRST_TOKENS_PER_MS,
      ttl: COUNTER_TTL_SECONDS,
    })
    if (token !== undefined) return Number(token)
    throw new NodeDownError(`the node of the tokens of lock ${this.key} is down`, { key: this.key })
  }
}

class HeldLock implements Lock {
  readonly token: number
  readonly #item: LockItem
  readonly #renews: boolean
  readonly #lost = new AbortController()
  #isReleased = false
  /** By this process' clock; the node counts from later on. */
  #heldUntil: number
  #expiry: NodeJS.Timeout | undefined
  #renewal: NodeJS.Timeout | undefined

  constructor(item: LockItem, token: number, begunAt: number, renews: boolean) {
    this.#item = item
    this.token = token
    this.#renews = renews
    this.#heldUntil = this.#until(begunAt)
    this.#watch()
  }

  get key(): string {
    return this.#item.key
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  get isHeld(): boolean {
    // The clock, too: after a pause of the process its timers come late.
    return !this.#isReleased && !this.signal.aborted && performance.now() < this.#heldUntil
  }

  async renew(): Promise<boolean> {
    if (!this.isHeld) return false
    const begunAt = performance.now()
    const isOurs = await this.#item.prolong()
    if (this.#isReleased) return false
    if (!isOurs) {
      this.#lose('it is somebody else’s, or its node has lost it')
      return false
    }
    this.#heldUntil = this.#until(begunAt)
    this.#watch()
    return this.isHeld
  }

  async release(): Promise<boolean> {
    if (this.#isReleased) return false
    this.#isReleased = true
    this.#stop()
    return this.#item.free()
  }

  async run<T>(work: (lock: Lock) => T | Promise<T>): Promise<T> {
    let result: T
    let isLost: boolean
    try {
      result = await work(this)
    } finally {
      isLost = !this.#isReleased && !this.isHeld
      // What can't be released is free when its time is over.
      await this.release().catch(() => false)
    }
    if (isLost) throw this.signal.reason ?? this.#lostError('its time was over')
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch(() => false)
  }

  #until(begunAt: number): number {
    return begunAt + (this.#item.ttl - NODE_CLOCK_SECONDS) * 1000
  }

  #watch(): void {
    this.#stop()
    const left = Math.max(0, this.#heldUntil - performance.now())
    this.#expiry = setTimeout(() => this.#lose('it was not renewed in time'), left).unref()
    if (this.#renews) this.#renewIn(left / RENEWALS)
  }

  #renewIn(milliseconds: number): void {
    this.#renewal = setTimeout(() => {
      this.renew().catch(() => {
        if (this.isHeld) this.#renewIn(RETRY_MS)
      })
    }, milliseconds).unref()
  }

  #lose(reason: string): void {
    this.#stop()
    this.#lost.abort(this.#lostError(reason))
  }

  #lostError(reason: string): LockLostError {
    return new LockLostError(`the lock ${this.key} is lost: ${reason}`, { key: this.key })
  }

  #stop(): void {
    clearTimeout(this.#expiry)
    clearTimeout(this.#renewal)
  }
}

// `fetch`: the value from the cache, or from a loader that one caller of all runs. In this process they share a
// flight; across processes the node chooses a winner, who makes the value while the others wait or serve the old
// one. A cache that is down costs loads, never answers. Knows the client's calls, no node and no connection.
import { setTimeout as sleep } from 'node:timers/promises'
import { expiry } from '../arguments.ts'
import { ArgumentError, ClosedError, CodecError, KeyError } from '../errors.ts'
import type {
  CallOptions,
  CasOptions,
  CasResult,
  DeleteOptions,
  EntryOptions,
  InvalidateOptions,
  ItemEntry,
  MetaOptions,
  WriteOptions,
} from '../options.ts'
import type { MetaAnswer, MetaFlag } from '../wire/meta-operations.ts'
import { NOTHING_FLAGS } from '../wire/operations.ts'
import type { FetchPlan, Loader } from './fetch-options.ts'
import { SingleFlight } from './single-flight.ts'

/** The calls of a client that `fetch` is made of. */
export interface LeaseCache<V> {
  getEntry<T = V>(key: string, options?: EntryOptions): Promise<ItemEntry<T> | undefined>
  set(key: string, value: V, options?: WriteOptions): Promise<boolean>
  cas(key: string, value: V, token: bigint, options?: CasOptions): Promise<CasResult>
  delete(key: string, options?: DeleteOptions): Promise<boolean>
  invalidate(key: string, options?: InvalidateOptions): Promise<boolean>
  meta(
    command: 'ms',
    key: string,
    flags: readonly MetaFlag<'ms'>[],
    options?: MetaOptions,
  ): Promise<MetaAnswer>
}

/** What nobody waits for, and somebody may want to know. */
export interface FetchObserver {
  /** A value was loaded without the cache, which failed. */
  bypassed(key: string, error: Error): void
  /** The loader failed while an older value was served. */
  refreshFailed(key: string, error: Error): void
}

/** Milliseconds between two looks whether the winner is done: doubling, with jitter. */
const FIRST_LOOK_MS = 4
const LAST_LOOK_MS = 100
/** Milliseconds between a failed load behind a value that is still served, and the next that may be tried. */
const RETRY_MS = 1000
/** How much the latest load counts in the average. */
const LATEST_LOAD_SHARE = 0.2

interface Request<V> extends FetchPlan {
  readonly key: string
  readonly loader: Loader<V>
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal
  /** For the calls to the cache. */
  readonly call: CallOptions
}

export class Fetcher<V> {
  readonly #cache: LeaseCache<V>
  readonly #observer: FetchObserver
  readonly #random: () => number
  readonly #flights = new SingleFlight<V | undefined>()
  /** Milliseconds that a loader takes, on average. */
  #averageLoad = 0

  constructor(cache: LeaseCache<V>, observer: FetchObserver, random: () => number = Math.random) {
    this.#cache = cache
    this.#observer = observer
    this.#random = random
  }

  /** Those who ask for a key while it is being fetched share what comes of it, their plans apart. */
  fetch(
    key: string,
    plan: FetchPlan,
    loader: Loader<V>,
    signal: AbortSignal | undefined,
  ): Promise<V | undefined> {
    const call = plan.timeout === undefined ? {} : { timeout: plan.timeout }
    return this.#flights.run(
      key,
      (whileWanted) => this.#run({ ...plan, key, loader, call, signal: whileWanted }),
      signal,
    )
  }

  async #run(request: Request<V>): Promise<V | undefined> {
    const giveUpAt = performance.now() + request.waitFor
    for (let look = FIRST_LOOK_MS; ; look = Math.min(LAST_LOOK_MS, look * 2)) {
      let entry: ItemEntry<V> | undefined
      try {
        entry = await this.#cache.getEntry<V>(request.key, this.#question(request))
      } catch (error) {
        return this.#bypass(request, error)
      }
      // A node that is down and counts as empty.
      if (entry === undefined) return this.#load(request, undefined)
      if (entry.won) return this.#refresh(request, entry)
      if (isServable(entry, request)) return entry.value
      // Somebody else makes the value.
      if (performance.now() >= giveUpAt) return this.#load(request, entry.value)
      await sleep(look * (0.5 + this.#random()), undefined, { signal: request.signal })
    }
  }

  #question({ leaseFor, staleFor, call, ttl, earlyRefresh, loadTime }: Request<V>): EntryOptions {
    if (ttl === 0) return { ...call, vivify: leaseFor }
    const loadSeconds = (loadTime ?? this.#averageLoad) / 1000
    const early = -earlyRefresh * loadSeconds * Math.log(1 - this.#random())
    // The node counts in seconds: a fraction of one is that chance of a whole one.
    const recache = Math.ceil(staleFor) + Math.floor(early + this.#random())
    return recache > 0 ? { ...call, vivify: leaseFor, recache } : { ...call, vivify: leaseFor }
  }

  /** This caller is the one to make the value: at once if there is none to serve meanwhile. */
  async #refresh(request: Request<V>, entry: ItemEntry<V>): Promise<V | undefined> {
    if (!isServable(entry, request)) return this.#replace(request, entry)
    // Not told to stop with those who have been served, but when it is another's turn.
    const signal = AbortSignal.timeout(request.leaseFor * 1000)
    this.#replace({ ...request, signal }, entry).catch((error) =>
      this.#observer.refreshFailed(request.key, errorOf(error)),
    )
    return entry.value
  }

  /** Loads, and stores unless something else has happened to the item meanwhile. */
  async #replace(request: Request<V>, entry: ItemEntry<V>): Promise<V | undefined> {
    const { key, call } = request
    let value: V | undefined
    try {
      value = await this.#load(request, entry.value)
    } catch (error) {
      const release = (): Promise<void> => this.#release(request, entry).catch(() => {})
      // While there is something to serve, the next one to try need not do so at once.
      if (isServable(entry, request)) setTimeout(release, RETRY_MS).unref()
      else await release()
      throw error
    }
    try {
      if (value !== undefined) {
        await this.#cache.cas(key, value, entry.cas, { ...call, ttl: storedFor(request) })
      } else await this.#storeNothing(request, entry)
    } catch (error) {
      this.#observer.bypassed(key, errorOf(error))
    }
    return value
  }

  /** Lets another win, with the item as it was before this one did. */
  async #release({ key, call }: Request<V>, entry: ItemEntry<V>): Promise<void> {
    const { cas } = entry
    if (!isKnown(entry)) await this.#cache.delete(key, { ...call, cas })
    else if (entry.stale) await this.#cache.invalidate(key, { ...call, cas })
    // Nothing appended is the same item anew: value, flags and time to live, and nobody who has won.
    else await this.#cache.meta('ms', key, ['MA', `C${cas}`], { ...call, data: '' })
  }

  async #storeNothing(request: Request<V>, { cas }: ItemEntry<V>): Promise<void> {
    const { key, negativeTtl, call } = request
    if (negativeTtl === 0) {
      await this.#cache.delete(key, { ...call, cas })
      return
    }
    const flags = [
      `F${NOTHING_FLAGS}`,
      `T${expiry(negativeTtl + request.staleFor)}`,
      `C${cas}`,
    ] as const
    await this.#cache.meta('ms', key, flags, { ...call, data: '' })
  }

  /** The cache can't be asked, or has what can't be read. */
  async #bypass(request: Request<V>, error: unknown): Promise<V | undefined> {
    if (error instanceof KeyError || error instanceof ArgumentError) throw error
    if (error instanceof ClosedError) throw error
    this.#observer.bypassed(request.key, errorOf(error))
    const value = await this.#load(request, undefined)
    if (error instanceof CodecError && value !== undefined) {
      const { key, call } = request
      await this.#cache
        .set(key, value, { ...call, ttl: storedFor(request) })
        .catch((reason) => this.#observer.bypassed(key, errorOf(reason)))
    }
    return value
  }

  async #load({ loader, signal }: Request<V>, previous: V | undefined): Promise<V | undefined> {
    signal.throwIfAborted()
    const begun = performance.now()
    const value = await loader({ signal, previous })
    const took = performance.now() - begun
    this.#averageLoad +=
      this.#averageLoad === 0 ? took : LATEST_LOAD_SHARE * (took - this.#averageLoad)
    return value ?? undefined
  }
}

/** As long as it is fresh, and then as long as it may be stale. */
function storedFor({ ttl, staleFor }: FetchPlan): number {
  return ttl === 0 ? 0 : ttl + staleFor
}

/** A value, or that there is none. */
function isKnown({ value, flags }: ItemEntry<unknown>): boolean {
  return value !== undefined || flags === NOTHING_FLAGS
}

/** Whether the item may be given to a caller, be it while another is being made. */
function isServable(entry: ItemEntry<unknown>, { staleFor }: FetchPlan): boolean {
  return isKnown(entry) && (staleFor > 0 || !entry.stale)
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

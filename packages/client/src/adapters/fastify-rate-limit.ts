// A store for @fastify/rate-limit. Knows what it asks of a store, and not the package.
import {
  type Count,
  type LimitOptions,
  type OnFailure,
  onFailureOf,
  TOO_MANY,
  unlessDown,
  WindowCounters,
  windowSeconds,
} from './window-counters.ts'

/** Of those that a limiter or a route is given, what a store looks at. */
export interface FastifyRateLimitOptions {
  readonly continueExceeding?: boolean
  readonly exponentialBackoff?: boolean
  readonly routeInfo?: { readonly method?: unknown; readonly url?: unknown }
}

type Callback = (
  error: Error | null,
  result?: { readonly current: number; readonly ttl: number },
) => void

/** As @fastify/rate-limit calls it. */
export interface FastifyRateLimitStore {
  incr(key: string, callback: Callback, timeWindow?: number, max?: number): void
  read(key: string, callback: Callback, timeWindow?: number): void
  /** Of a route with a limit of its own, whose options these are. */
  child(options: object): FastifyRateLimitStore
}

/** memcached takes no longer times than Unix times have seconds. */
const BACKOFF_MAX_SECONDS = 10 * 365 * 24 * 60 * 60

/** `app.register(rateLimit, { store: fastifyRateLimitStore({ client }), max, timeWindow })`. */
export function fastifyRateLimitStore(
  options: LimitOptions,
): new (
  limiter: FastifyRateLimitOptions,
) => FastifyRateLimitStore {
  const counters = new WindowCounters(options)
  const onFailure = onFailureOf(options)
  return class extends RateLimitStore {
    constructor(limiter: FastifyRateLimitOptions) {
      super(counters, onFailure, limiter, '')
    }
  }
}

class RateLimitStore implements FastifyRateLimitStore {
  readonly #counters: WindowCounters
  readonly #onFailure: OnFailure
  readonly #options: FastifyRateLimitOptions
  readonly #prefix: string

  constructor(
    counters: WindowCounters,
    onFailure: OnFailure,
    options: FastifyRateLimitOptions,
    prefix: string,
  ) {
    this.#counters = counters
    this.#onFailure = onFailure
    this.#options = options
    this.#prefix = prefix
  }

  incr(key: string, callback: Callback, timeWindow = 60_000, max = Number.POSITIVE_INFINITY): void {
    const window = windowSeconds(timeWindow)
    this.#answer(this.#count(this.#prefix + key, window, max), window, callback)
  }

  read(key: string, callback: Callback, timeWindow = 60_000): void {
    const window = windowSeconds(timeWindow)
    this.#answer(this.#counters.read(this.#prefix + key, window), window, callback)
  }

  child(route: object): RateLimitStore {
    const options: FastifyRateLimitOptions = route
    const { method = '', url = '' } = options.routeInfo ?? {}
    const prefix = `${this.#prefix}${String(method)}${String(url)}-`
    return new RateLimitStore(this.#counters, this.#onFailure, options, prefix)
  }

  /** Who goes on beyond the limit waits longer, if it is to be so: that is a second command. */
  async #count(key: string, window: number, max: number): Promise<Count> {
    const counted = await this.#counters.add(key, 1, window)
    const beyond = counted.count - max
    const { continueExceeding = false, exponentialBackoff = false } = this.#options
    if (beyond <= 0 || !(continueExceeding || exponentialBackoff)) return counted
    const seconds = continueExceeding ? window : window * 2 ** (beyond - 1)
    const resetsIn = Math.min(seconds, BACKOFF_MAX_SECONDS)
    await this.#counters.extend(key, resetsIn)
    return { ...counted, resetsIn }
  }

  #answer(counted: Promise<Count>, window: number, callback: Callback): void {
    unlessDown(this.#onFailure, counted, (isAllowed) => ({
      count: isAllowed ? 0 : TOO_MANY,
      resetsIn: window,
    })).then(
      ({ count, resetsIn }) => callback(null, { current: count, ttl: resetsIn * 1000 }),
      callback,
    )
  }
}

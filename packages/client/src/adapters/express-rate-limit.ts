// A store for express-rate-limit. Knows what it asks of a store, and not the package.
import {
  type Count,
  isOutage,
  type LimitOptions,
  type OnFailure,
  onFailureOf,
  WindowCounters,
} from './window-counters.ts'

interface Hits {
  readonly totalHits: number
  readonly resetTime: Date
}

/** A request that isn't counted, and must be refused. */
const TOO_MANY = Number.MAX_SAFE_INTEGER

/**
 * `rateLimit({ store: new ExpressRateLimitStore({ client }), windowMs, limit })`. Limiters that count the same keys apart need
 * prefixes of their own.
 */
export class ExpressRateLimitStore {
  /** Counters are shared by all processes: express-rate-limit needn't look for two that count in the same place. */
  readonly localKeys = false
  readonly prefix: string
  readonly #counters: WindowCounters
  readonly #onFailure: OnFailure
  #window = 60

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: LimitOptions) {
    const { prefix = 'limit:' } = options
    this.prefix = prefix
    this.#onFailure = onFailureOf(options)
    this.#counters = new WindowCounters({ ...options, prefix })
  }

  /** memcached counts time in seconds: a window has at least one, and whole ones. */
  init({ windowMs }: { readonly windowMs: number }): void {
    this.#window = Math.max(1, Math.ceil(windowMs / 1000))
  }

  async get(key: string): Promise<Hits | undefined> {
    const hits = await this.#hits(this.#counters.read(key, this.#window))
    return hits.totalHits === 0 ? undefined : hits
  }

  async increment(key: string): Promise<Hits> {
    return this.#hits(this.#counters.add(key, 1, this.#window))
  }

  async decrement(key: string): Promise<void> {
    await this.#unlessDown(this.#counters.subtract(key, 1))
  }

  async resetKey(key: string): Promise<void> {
    await this.#unlessDown(this.#counters.remove(key))
  }

  /** Needs nodes of memshard, and is an error with others. */
  async resetAll(): Promise<void> {
    await this.#counters.removeAll()
  }

  async #hits(counted: Promise<Count>): Promise<Hits> {
    try {
      const { count: totalHits, resetsIn } = await counted
      return { totalHits, resetTime: inSeconds(resetsIn) }
    } catch (error) {
      if (this.#onFailure === 'error' || !isOutage(error)) throw error
      const totalHits = this.#onFailure === 'allow' ? 1 : TOO_MANY
      return { totalHits, resetTime: inSeconds(this.#window) }
    }
  }

  async #unlessDown(done: Promise<void>): Promise<void> {
    try {
      await done
    } catch (error) {
      if (this.#onFailure === 'error' || !isOutage(error)) throw error
    }
  }
}

function inSeconds(seconds: number): Date {
  return new Date(Date.now() + seconds * 1000)
}

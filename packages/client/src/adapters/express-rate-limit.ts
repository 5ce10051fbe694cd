// A store for express-rate-limit. Knows what it asks of a store, and not the package.
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

interface Hits {
  readonly totalHits: number
  readonly resetTime: Date
}

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

  init({ windowMs }: { readonly windowMs: number }): void {
    this.#window = windowSeconds(windowMs)
  }

  async get(key: string): Promise<Hits | undefined> {
    const hits = await this.#hits(this.#counters.read(key, this.#window))
    return hits.totalHits === 0 ? undefined : hits
  }

  async increment(key: string): Promise<Hits> {
    return this.#hits(this.#counters.add(key, 1, this.#window))
  }

  async decrement(key: string): Promise<void> {
    await unlessDown(this.#onFailure, this.#counters.subtract(key, 1), () => {})
  }

  async resetKey(key: string): Promise<void> {
    await unlessDown(this.#onFailure, this.#counters.remove(key), () => {})
  }

  /** Needs nodes of memshard, and is an error with others. */
  async resetAll(): Promise<void> {
    await this.#counters.removeAll()
  }

  async #hits(counted: Promise<Count>): Promise<Hits> {
    const { count, resetsIn } = await unlessDown(this.#onFailure, counted, (isAllowed) => ({
      count: isAllowed ? 1 : TOO_MANY,
      resetsIn: this.#window,
    }))
    return { totalHits: count, resetTime: inSeconds(resetsIn) }
  }
}

function inSeconds(seconds: number): Date {
  return new Date(Date.now() + seconds * 1000)
}

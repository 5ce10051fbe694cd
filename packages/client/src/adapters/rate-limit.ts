// Counts what somebody does within a window of time, and says when it is too much. Knows no web framework but by the stores
// that it hands on.
import { positiveInteger } from '../arguments.ts'
import {
  type Count,
  isOutage,
  type LimitOptions,
  type OnFailure,
  onFailureOf,
  WindowCounters,
} from './window-counters.ts'

export { ExpressRateLimitStore } from './express-rate-limit.ts'
export {
  type FastifyRateLimitOptions,
  type FastifyRateLimitStore,
  fastifyRateLimitStore,
} from './fastify-rate-limit.ts'
export type { Count, LimitOptions, OnFailure }

export interface RateLimiterOptions extends LimitOptions {
  /** How much passes within a window. */
  readonly limit: number
  /** Seconds, from the first that is counted on. */
  readonly window: number
}

export interface Verdict {
  readonly allowed: boolean
  /** How much was counted in this window, this included. */
  readonly count: number
  /** How much more passes in this window. */
  readonly remaining: number
  /** Seconds until the next window begins. */
  readonly resetsIn: number
  /** Why it wasn't counted. */
  readonly error?: Error
}

/**
 * `await limiter.consume(ip)` says whether somebody may go on. Counters are exact as long as they are there: one that is evicted,
 * or whose node is lost, begins anew.
 */
export class RateLimiter {
  readonly #counters: WindowCounters
  readonly #limit: number
  readonly #window: number
  readonly #onFailure: OnFailure

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: RateLimiterOptions) {
    this.#limit = positiveInteger('limit', options.limit)
    this.#window = positiveInteger('window', options.window)
    this.#onFailure = onFailureOf(options)
    this.#counters = new WindowCounters(options)
  }

  /** Counts, whether it passes or not. */
  async consume(key: string, cost = 1): Promise<Verdict> {
    positiveInteger('cost', cost)
    return this.#judge(cost, () => this.#counters.add(key, cost, this.#window))
  }

  /** What `consume` would say if it cost nothing. */
  async peek(key: string): Promise<Verdict> {
    return this.#judge(0, () => this.#counters.read(key, this.#window))
  }

  /** Takes back what was counted; for what turned out not to count. */
  async refund(key: string, cost = 1): Promise<void> {
    positiveInteger('cost', cost)
    await this.#orIgnored(this.#counters.subtract(key, cost))
  }

  /** Forgets what was counted. */
  async reset(key: string): Promise<void> {
    await this.#orIgnored(this.#counters.remove(key))
  }

  async #judge(cost: number, count: () => Promise<Count>): Promise<Verdict> {
    try {
      const counted = await count()
      const remaining = Math.max(0, this.#limit - counted.count)
      return { ...counted, allowed: counted.count <= this.#limit, remaining }
    } catch (error) {
      if (this.#onFailure === 'error' || !isOutage(error)) throw error
      const allowed = this.#onFailure === 'allow'
      const resetsIn = this.#window
      return { allowed, count: cost, remaining: allowed ? this.#limit : 0, resetsIn, error }
    }
  }

  async #orIgnored(done: Promise<void>): Promise<void> {
    try {
      await done
    } catch (error) {
      if (this.#onFailure === 'error' || !isOutage(error)) throw error
    }
  }
}

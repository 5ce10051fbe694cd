// Counts what somebody does within a window of time, and says when it is too much. Knows no web framework but by the stores
// that it hands on.
import { positiveInteger } from '../arguments.ts'
import {
  type Count,
  type LimitOptions,
  type OnFailure,
  onFailureOf,
  unlessDown,
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
    return this.#judge(cost, this.#counters.add(key, cost, this.#window))
  }

  /** What `consume` would say if it cost nothing. */
  async peek(key: string): Promise<Verdict> {
    return this.#judge(0, this.#counters.read(key, this.#window))
  }

  /** Takes back what was counted; for what turned out not to count. */
  async refund(key: string, cost = 1): Promise<void> {
    positiveInteger('cost', cost)
    await unlessDown(this.#onFailure, this.#counters.subtract(key, cost), () => {})
  }

  /** Forgets what was counted. */
  async reset(key: string): Promise<void> {
    await unlessDown(this.#onFailure, this.#counters.remove(key), () => {})
  }

  #judge(cost: number, counted: Promise<Count>): Promise<Verdict> {
    const judged = counted.then((seen) => {
      const remaining = Math.max(0, this.#limit - seen.count)
      return { ...seen, allowed: seen.count <= this.#limit, remaining }
    })
    return unlessDown<Verdict>(this.#onFailure, judged, (allowed, error) => {
      const remaining = allowed ? this.#limit : 0
      return { allowed, count: cost, remaining, resetsIn: this.#window, error }
    })
  }
}

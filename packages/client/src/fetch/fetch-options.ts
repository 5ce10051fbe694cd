// What callers of `fetch` may ask for, checked and with its defaults. Knows no cache.
import { milliseconds } from '../arguments.ts'
import { ArgumentError } from '../errors.ts'
import type { CallOptions } from '../options.ts'

/** What a loader is told. */
export interface LoadContext<Previous> {
  /** Aborts when nobody waits for the value any more. */
  readonly signal: AbortSignal
  /** The value that is to be replaced, if there is one. */
  readonly previous: Previous | undefined
}

/**
 * Makes the value that the cache does not have. `undefined` or `null`: there is none. (The previous value has a type of
 * its own, or T could not be inferred from what the loader returns.)
 */
export type Loader<T, Previous = T> = (
  context: LoadContext<Previous>,
) => T | undefined | null | Promise<T | undefined | null>

export interface FetchOptions extends CallOptions {
  /**
   * Seconds after `ttl` in which the value is still served while one caller of all makes it anew, and when that fails.
   * An invalidated value is served so too. Default 0: everybody waits.
   */
  readonly staleFor?: number
  /**
   * Makes the value anew a little before its time, at random, sooner the longer that takes ("optimal probabilistic
   * cache stampede prevention", Vattani et al. 2015): their beta, 1 is a good value. Default 0: never.
   */
  readonly earlyRefresh?: number
  /** Milliseconds that loading takes, for `earlyRefresh`. Default: what this client's loaders take on average. */
  readonly loadTime?: number
  /** Seconds for which it is remembered that there is no value. Default 0: not at all. */
  readonly negativeTtl?: number
  /** Seconds in which the one who won has to load; then another may. Default 30. */
  readonly leaseFor?: number
  /** Milliseconds to wait for the one who won, before one loads as well, without storing. Default 2000. */
  readonly waitFor?: number
}

export interface FetchPlan {
  readonly ttl: number
  readonly staleFor: number
  readonly earlyRefresh: number
  readonly loadTime: number | undefined
  readonly negativeTtl: number
  readonly leaseFor: number
  readonly waitFor: number
  /** Those of the calls to the cache. */
  readonly timeout: number | undefined
}

const DEFAULT_LEASE_SECONDS = 30
const DEFAULT_WAIT_MS = 2000

/** @throws ArgumentError when something makes no sense. */
export function fetchPlan(ttl: number, options: FetchOptions): FetchPlan {
  const plan: FetchPlan = {
    ttl: notNegative('ttl', ttl),
    staleFor: notNegative('staleFor', options.staleFor ?? 0),
    earlyRefresh: notNegative('earlyRefresh', options.earlyRefresh ?? 0),
    loadTime: options.loadTime && milliseconds('loadTime', options.loadTime),
    negativeTtl: notNegative('negativeTtl', options.negativeTtl ?? 0),
    leaseFor: Math.max(1, notNegative('leaseFor', options.leaseFor ?? DEFAULT_LEASE_SECONDS)),
    waitFor: notNegative('waitFor', options.waitFor ?? DEFAULT_WAIT_MS),
    timeout: options.timeout,
  }
  return plan
}

function notNegative(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && value < Number.MAX_SAFE_INTEGER) return value
  throw new ArgumentError(`${name} is ${String(value)}: give a number from 0 on`)
}

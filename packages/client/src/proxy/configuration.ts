// What a proxy is to do, whether a file or flags have said it. Knows neither.
import { ArgumentError } from '../errors.ts'
import type { ClientOptions } from '../options.ts'
import type { AdminAddress } from './admin/admin-address.ts'
import type { ListenConfiguration } from './listener.ts'
import type { Logins } from './logins.ts'

export interface ShadowConfiguration {
  readonly pool: string
  /** Of the requests that are copied: 0 to 1. */
  readonly share: number
}

export interface RouteConfiguration {
  /** '' for the default. */
  readonly prefix: string
  /** One, or several that each have everything. */
  readonly pools: readonly string[]
  readonly shadow: ShadowConfiguration | undefined
}

export interface PoolConfiguration {
  /** What the options were made of: pools with the same source are the same. */
  readonly source: unknown
  readonly options: ClientOptions<unknown>
}

export interface ProxyConfiguration {
  readonly listen: readonly ListenConfiguration[]
  /** Who may log in, and has to; undefined: nobody has to. */
  readonly logins: Logins | undefined
  /** Where its metrics and its health are told; undefined: nowhere. */
  readonly admin: AdminAddress | undefined
  /** How many processes share the work. */
  readonly workers: number
  readonly pools: ReadonlyMap<string, PoolConfiguration>
  readonly routes: readonly RouteConfiguration[]
  readonly maxConnections: number
  /** Bytes. */
  readonly maxValueSize: number
  /** Bytes that values may take together while they come. */
  readonly valueMemory: number
  readonly flushAll: boolean
  /** Milliseconds that clients have to take their answers when the proxy ends. */
  readonly drainTimeout: number
}

export const DEFAULTS = {
  admin: undefined,
  logins: undefined,
  workers: 1,
  maxConnections: 1024,
  maxValueSize: 1024 * 1024,
  valueMemory: 256 * 1024 * 1024,
  flushAll: true,
  drainTimeout: 10_000,
} as const

/** More than any machine has cores. @throws ArgumentError */
export function checkedWorkers(count: number): number {
  if (count >= 1 && count <= MAX_WORKERS) return count
  throw new ArgumentError(`workers are from 1 to ${MAX_WORKERS}: about as many as there are cores`)
}

const MAX_WORKERS = 256

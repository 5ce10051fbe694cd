// What callers may ask of the response cache. Knows no framework.
import type { Client } from '../../client.ts'
import type { CacheableRequest } from './request.ts'

export interface HttpCacheOptions {
  /** Whose sockets it uses. It stays yours to close. */
  readonly client: Pick<Client, 'add' | 'delete' | 'get' | 'getMulti' | 'set'>
  /** What the keys of responses begin with. Default `http:`. */
  readonly prefix?: string
  /**
   * Seconds for which a 200 is fresh that says nothing of that itself, and was asked for without Cookie and Authorization.
   * Default 0: it is not stored.
   */
  readonly ttl?: number
  /** For responses that don't say it themselves: seconds after that in which they are served while one request asks. Default 0. */
  readonly staleWhileRevalidate?: number
  /** The same, when the application answers with 500 or more. Default 0. */
  readonly staleIfError?: number
  /** Larger bodies are passed on and not stored. Default 512 KiB: nodes take items of 1 MiB, headers included. */
  readonly maxBodyBytes?: number
  /** Milliseconds that a request waits for another one's response, before it asks the application itself. Default 5000. */
  readonly waitFor?: number
  /** The cache's name in the header Cache-Status. False: none is sent. Default `memshard`. */
  readonly cacheStatus?: string | false
  /** Whether a client's `Cache-Control: no-cache`, `max-age` and `min-fresh` count. Default true. */
  readonly clientsMayReload?: boolean
  /** What else responses depend on, like a language that the path doesn't have; undefined: this one is not cached. */
  readonly key?: (request: CacheableRequest) => string | undefined
  /** What responses are made of: see `invalidate`. */
  readonly tags?: (request: CacheableRequest) => Iterable<string>
  /** Told when the cache fails, which requests don't feel. */
  readonly onError?: (error: unknown) => void
}

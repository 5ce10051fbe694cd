// What a study of hit ratios wants to know of a load's answers, key by key.

export interface Observer {
  /** A get found a value. */
  hit(key: number): void
  /** A get found none. */
  miss(key: number): void
  /** It was stored, or touched: from now on it lives `ttl` seconds, or, where that is 0, for ever. */
  stored(key: number, ttl: number): void
  /** It was deleted, if it was there. */
  deleted(key: number): void
}

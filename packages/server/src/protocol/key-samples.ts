// Takes samples of the keys that are asked for, for the lists of hot keys and prefixes. Knows keys, no command; callers
// hold the cache's lock.
import type { Cache } from '../cache/cache.ts'
import { hashKey } from '../cache/hash.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import { SampleRate } from '../cache/sample-rate.ts'
import { TOTAL_ITEMS } from '../cache/statistics.ts'

export class KeySamples {
  readonly #cache: Cache
  readonly #delimiter: number
  /** Whoever has a key counts it down in `left`, and offers it when that is 0 or less. */
  readonly rate: SampleRate

  constructor(cache: Cache) {
    const { telemetrySamplesPerSecond, prefixDelimiter } = cache.options
    this.#cache = cache
    this.#delimiter = prefixDelimiter
    this.rate = new SampleRate(telemetrySamplesPerSecond)
  }

  /** A key that is asked for, and its hash. */
  take(key: MemoryBlock, at: number, length: number, hash: number): void {
    const { telemetry, clock, statistics } = this.#cache
    const { rate } = this
    const { weight } = rate
    rate.renew(clock.now)
    if (!rate.enabled) return
    telemetry.hotKeys.add(hash, key, at, length, weight)
    telemetry.bigKeys.turn(statistics.get(TOTAL_ITEMS))
    const prefixLength = this.#prefixLength(key, at, length)
    if (prefixLength < 0) return
    const prefixHash = hashKey(key, at, prefixLength)
    telemetry.hotPrefixes.add(prefixHash, key, at, prefixLength, weight)
  }

  /** Bytes before the delimiter; -1 without one. */
  #prefixLength({ bytes }: MemoryBlock, at: number, keyLength: number): number {
    for (let length = 0; length < keyLength; length++) {
      if (bytes[at + length] === this.#delimiter) return length
    }
    return -1
  }
}

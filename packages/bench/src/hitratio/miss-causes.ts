// Why a get found nothing: the key was never stored, it had expired, it was deleted, or else it was evicted.
// Knows what a client can know; asks no server.
import type { Observer } from '../wire/observer.ts'

export interface MissCauses {
  /** Asked for before it was ever stored. */
  readonly cold: number
  readonly expired: number
  readonly deleted: number
  /** It should have been there: the server had no room for it. */
  readonly evicted: number
}

const NEVER = 0
const FOR_EVER = -1
const DELETED = -2

export class KeyHistory implements Observer {
  hits = 0
  cold = 0
  expired = 0
  deletedMisses = 0
  evicted = 0
  /** Of each key: the second after which it has expired, or one of the above. */
  readonly #until: Float64Array
  readonly #now: () => number

  /** `now` in seconds. */
  constructor(keys: number, now: () => number) {
    this.#until = new Float64Array(keys)
    this.#now = now
  }

  get misses(): number {
    return this.cold + this.expired + this.deletedMisses + this.evicted
  }

  get causes(): MissCauses {
    const { cold, expired, deletedMisses: deleted, evicted } = this
    return { cold, expired, deleted, evicted }
  }

  hit(): void {
    this.hits++
  }

  miss(key: number): void {
    const until = this.#until[key]!
    if (until === NEVER) this.cold++
    else if (until === DELETED) this.deletedMisses++
    else if (until !== FOR_EVER && until <= this.#now()) this.expired++
    else this.evicted++
  }

  stored(key: number, ttl: number): void {
    this.#until[key] = ttl === 0 ? FOR_EVER : this.#now() + ttl
  }

  deleted(key: number): void {
    this.#until[key] = DELETED
  }
}

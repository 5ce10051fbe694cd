// The largest items that were stored, or read from where they lie, in the last ten to twenty minutes. Every item is
// looked at, since that is one comparison; only the few that are large enough are noted. Knows bytes of keys and sizes,
// no items; callers hold the cache's lock.
import type { Clock } from './clock.ts'
import { KeyList, keyListBytes } from './key-list.ts'
import type { MemoryBlock } from './memory.ts'
import { Periods } from './periods.ts'
import type { SharedState } from './shared-state.ts'

export const BIG_WINDOW_SECONDS = 600

const KEYS_KEPT = 128

/** Of no item there are more bytes. */
const NONE = 0x7fff_ffff

export const BIG_KEYS_BYTES = 3 * 64 + 2 * keyListBytes(KEYS_KEPT)

/** A key of which a large item was seen. */
export interface BigKey {
  readonly key: Buffer
  readonly hash: number
}

export class BigKeys {
  readonly #periods: Periods
  readonly #lists: readonly [KeyList, KeyList]
  readonly #least: Int32Array
  /** How many items had ever been stored when each list was begun. */
  readonly #storedBefore: Float64Array

  constructor(state: SharedState, clock: Clock, enabled: boolean) {
    this.#periods = new Periods(state, clock, BIG_WINDOW_SECONDS)
    this.#least = state.int32(1)
    this.#storedBefore = state.float64(2)
    this.#lists = [new KeyList(state, KEYS_KEPT), new KeyList(state, KEYS_KEPT)]
    if (!enabled) this.#least[0] = NONE
  }

  /** Items of more bytes are to be noted. */
  get least(): number {
    return this.#least[0]
  }

  note(hash: number, key: MemoryBlock, at: number, length: number, bytes: number): void {
    const list = this.#lists[this.#periods.current]
    list.put(hash, key, at, length, bytes)
    this.#least[0] = list.least
  }

  /** The time may have come to forget; `storedItems` is how many were ever stored. */
  turn(storedItems: number): void {
    const periods = this.#periods
    const over = periods.turn()
    if (over > 0) this.#clear(periods.current, storedItems)
    if (over > 1) this.#clear(periods.earlier, storedItems)
  }

  /** How many items were looked at as they were stored. */
  looked(storedItems: number): number {
    return storedItems - Math.min(...this.#storedBefore)
  }

  /** The keys noted, each once; what they hold now the cache knows. */
  keys(): readonly BigKey[] {
    const found = new Map<string, BigKey>()
    for (const list of this.#lists) {
      for (let place = 0; place < list.count; place++) {
        const key = list.text(place)
        found.set(key.toString('latin1'), { key, hash: list.hash(place) })
      }
    }
    return [...found.values()]
  }

  reset(storedItems: number): void {
    this.#periods.restart()
    this.#clear(0, storedItems)
    this.#clear(1, storedItems)
  }

  #clear(list: number, storedItems: number): void {
    this.#lists[list].clear()
    this.#storedBefore[list] = storedItems
    if (list === this.#periods.current && this.least !== NONE) this.#least[0] = 0
  }
}

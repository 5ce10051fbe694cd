// Which keys, or prefixes of keys, were asked for most in the last minute: two sketches that take turns, so that the
// last minute is this one's count and of the one before what still lies in it. Knows bytes of keys; callers hold the
// cache's lock.
import type { Clock } from './clock.ts'
import { HEAVY_KEEPER_BYTES, HeavyKeeper } from './heavy-keeper.ts'
import type { MemoryBlock } from './memory.ts'
import { Periods } from './periods.ts'
import type { SharedState } from './shared-state.ts'

export const HOT_WINDOW_SECONDS = 60

export const HOT_KEYS_BYTES = 64 + 2 * HEAVY_KEEPER_BYTES

/** A key, or a prefix, with what it is listed for. */
export interface RankedKey {
  readonly key: Buffer
  readonly number: number
}

export class HotKeys {
  readonly #periods: Periods
  readonly #sketches: readonly [HeavyKeeper, HeavyKeeper]

  constructor(state: SharedState, clock: Clock) {
    this.#periods = new Periods(state, clock, HOT_WINDOW_SECONDS)
    this.#sketches = [new HeavyKeeper(state), new HeavyKeeper(state)]
  }

  /** A sample of a request for this key, that stands for `weight` of them. */
  add(hash: number, key: MemoryBlock, at: number, length: number, weight: number): void {
    this.#turn()
    this.#sketches[this.#periods.current].add(hash, key, at, length, weight)
  }

  /** The samples that the estimates are made of. */
  get samples(): number {
    this.#turn()
    const { current, earlier, earlierPart } = this.#periods
    const sketches = this.#sketches
    return Math.round(sketches[current].samples + sketches[earlier].samples * earlierPart)
  }

  /** At most so many keys, those asked for most first, with how often that was in the window. */
  top(limit: number): readonly RankedKey[] {
    this.#turn()
    const { current, earlier, earlierPart } = this.#periods
    const sketches = this.#sketches
    const found = new Map<string, RankedKey>()
    for (const { keys } of sketches) {
      for (let place = 0; place < keys.count; place++) {
        const key = keys.text(place)
        const hash = keys.hash(place)
        const number = Math.round(
          sketches[current].count(hash) + sketches[earlier].count(hash) * earlierPart,
        )
        if (number > 0) found.set(key.toString('latin1'), { key, number })
      }
    }
    return [...found.values()].sort((a, b) => b.number - a.number).slice(0, limit)
  }

  reset(): void {
    for (const sketch of this.#sketches) sketch.clear()
    this.#periods.restart()
  }

  #turn(): void {
    const periods = this.#periods
    const over = periods.turn()
    if (over > 0) this.#sketches[periods.current].clear()
    if (over > 1) this.#sketches[periods.earlier].clear()
  }
}

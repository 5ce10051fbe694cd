// How long the nodes of a pool took to answer, by command: counts in buckets that each reach twice as far as the one
// before. Knows no call and reads no clock.
import type { LatencyRecorder } from '../node/latency.ts'
import type { Operation } from '../wire/command.ts'

/** Of commands that were answered within a bound; those within a smaller one are among them. */
export interface DurationHistogram {
  /** For each of DURATION_BOUNDS. */
  readonly cumulative: readonly number[]
  readonly sumSeconds: number
}

/** The first bucket reaches to 2^4 us. */
const FIRST_EXPONENT = 4
/** The last one that ends, to 2^24 us, which is 17 s. */
const LAST_EXPONENT = 24
/** Longer ones are no longer told apart, and must fit into 32 bits as microseconds. */
const MAX_MS = 60_000
const BUCKETS = LAST_EXPONENT - FIRST_EXPONENT + 2

/** Seconds, ascending; the last is Infinity. */
export const DURATION_BOUNDS: readonly number[] = Array.from({ length: BUCKETS }, (_, i) =>
  i === BUCKETS - 1 ? Number.POSITIVE_INFINITY : 2 ** (FIRST_EXPONENT + i) / 1e6,
)

interface Counted {
  readonly buckets: number[]
  milliseconds: number
}

export class CommandDurations implements LatencyRecorder {
  /** Whether anybody wants to know. */
  isOn = false
  readonly latency = undefined
  readonly #counted = new Map<string, Counted>()
  /** Of the operation that was answered last: most often the next one's. */
  #operation: Operation | undefined
  #current: Counted = { buckets: [], milliseconds: 0 }

  record(operation: Operation, milliseconds: number): void {
    if (!this.isOn) return
    if (operation !== this.#operation) this.#turnTo(operation)
    // Math.clz32 sees the highest bit: 2^n us and less are in bucket n.
    const exponent = 32 - Math.clz32(Math.ceil(Math.min(milliseconds, MAX_MS) * 1000) - 1)
    const bucket =
      milliseconds <= 0 || exponent <= FIRST_EXPONENT
        ? 0
        : Math.min(exponent, LAST_EXPONENT + 1) - FIRST_EXPONENT
    this.#current.buckets[bucket]!++
    this.#current.milliseconds += milliseconds
  }

  histograms(): ReadonlyMap<string, DurationHistogram> {
    return new Map(
      Array.from(this.#counted, ([name, { buckets, milliseconds }]) => {
        let count = 0
        const cumulative = buckets.map((further) => {
          count += further
          return count
        })
        return [name, { cumulative, sumSeconds: milliseconds / 1000 }]
      }),
    )
  }

  #turnTo(operation: Operation): void {
    let counted = this.#counted.get(operation.name)
    if (counted === undefined) {
      counted = { buckets: new Array<number>(BUCKETS).fill(0), milliseconds: 0 }
      this.#counted.set(operation.name, counted)
    }
    this.#operation = operation
    this.#current = counted
  }
}

// Histograms of times in shared memory: log-linear buckets, 8 to each power of two, so that what is read from them is
// wrong by less than an eighth (the idea of HdrHistogram, Gil Tene). Knows microseconds, not whose; callers hold the
// cache's lock.
import type { SharedState } from './shared-state.ts'

/** Times are told apart from an eighth of a microsecond on. */
const TICKS_PER_MICROSECOND = 8
const SUB_BUCKET_BITS = 3
const SUB_BUCKETS = 1 << SUB_BUCKET_BITS
/** Longer ones count as this long: 16.8 seconds. */
const MAX_TICKS = 2 ** 27 - 1
const BUCKETS = bucketOf(MAX_TICKS) + 1

// What a histogram has behind its buckets.
const SUM = BUCKETS
const MAXIMUM = BUCKETS + 1
const SAMPLES = BUCKETS + 2
const TOTAL = BUCKETS + 3
const LENGTH = BUCKETS + 4

/** Shared memory that so many histograms take. */
export function histogramsBytes(count: number): number {
  return count * LENGTH * 8 + 64
}

export class Histograms {
  readonly #values: Float64Array

  constructor(state: SharedState, count: number) {
    this.#values = state.float64(count * LENGTH)
  }

  /** Notes that `count` things, measured by one sample, took so long. */
  record(histogram: number, microseconds: number, count: number, samples: number): void {
    const values = this.#values
    const at = histogram * LENGTH
    const ticks = Math.max(0, Math.min(MAX_TICKS, Math.round(microseconds * TICKS_PER_MICROSECOND)))
    values[at + bucketOf(ticks)] += count
    values[at + SUM] += microseconds * count
    values[at + TOTAL] += count
    values[at + SAMPLES] += samples
    if (microseconds > values[at + MAXIMUM]) values[at + MAXIMUM] = microseconds
  }

  reset(): void {
    this.#values.fill(0)
  }

  /** What was recorded, as often as it stands for. */
  total(histogram: number): number {
    return this.#values[histogram * LENGTH + TOTAL]
  }

  /** What was really measured of that. */
  samples(histogram: number): number {
    return this.#values[histogram * LENGTH + SAMPLES]
  }

  sum(histogram: number): number {
    return this.#values[histogram * LENGTH + SUM]
  }

  maximum(histogram: number): number {
    return this.#values[histogram * LENGTH + MAXIMUM]
  }

  /** The time that this part of all, 0 to 1, did not exceed. */
  quantile(histogram: number, part: number): number {
    const values = this.#values
    const at = histogram * LENGTH
    const rank = part * values[at + TOTAL]
    let below = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const here = values[at + bucket]
      if (here === 0) continue
      if (below + here >= rank) {
        const from = lowerBound(bucket)
        const ticks = from + ((rank - below) / here) * (lowerBound(bucket + 1) - from)
        return Math.min(ticks / TICKS_PER_MICROSECOND, values[at + MAXIMUM])
      }
      below += here
    }
    return values[at + MAXIMUM]
  }

  /** How many took at most so long; exact for powers of two. */
  atMost(histogram: number, microseconds: number): number {
    const end = histogram * LENGTH + bucketOf(microseconds * TICKS_PER_MICROSECOND)
    let sum = 0
    for (let at = histogram * LENGTH; at < end; at++) sum += this.#values[at]
    return sum
  }
}

function bucketOf(ticks: number): number {
  if (ticks < SUB_BUCKETS) return ticks
  const power = 31 - Math.clz32(ticks) - SUB_BUCKET_BITS
  return ((power + 1) << SUB_BUCKET_BITS) + ((ticks >>> power) & (SUB_BUCKETS - 1))
}

function lowerBound(bucket: number): number {
  if (bucket < 2 * SUB_BUCKETS) return bucket
  const power = (bucket >> SUB_BUCKET_BITS) - 1
  return (SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1))) * 2 ** power
}

// Histograms as `stats latency` and `stats memshard` tell them: `le_<microseconds> <cumulative count>` lines that end
// with `le_inf`, and `sum_us`. Knows how they are written, and how to take one from a later one.
import { numberOf, type Statistics } from './statistics-text.ts'

export interface Histogram {
  /** Upper bounds in microseconds, ascending; the last is Infinity. */
  readonly bounds: readonly number[]
  /** How many were at most so long. */
  readonly cumulative: readonly number[]
  readonly sumMicroseconds: number
}

/** Undefined where none is told. */
export function parseHistogram(statistics: Statistics): Histogram | undefined {
  const buckets: [bound: number, count: number][] = []
  for (const name of statistics.keys()) {
    const [, bound] = /^le_(\d+(?:\.\d+)?|inf)$/.exec(name) ?? []
    const count = numberOf(statistics, name)
    if (bound === undefined || count === undefined) continue
    buckets.push([bound === 'inf' ? Number.POSITIVE_INFINITY : Number(bound), count])
  }
  buckets.sort(([one], [other]) => one - other)
  if (buckets.at(-1)?.[0] !== Number.POSITIVE_INFINITY) return undefined
  return {
    bounds: buckets.map(([bound]) => bound),
    cumulative: buckets.map(([, count]) => count),
    sumMicroseconds: numberOf(statistics, 'sum_us') ?? 0,
  }
}

export function countOf({ cumulative }: Histogram): number {
  return cumulative.at(-1) ?? 0
}

/** What was counted since the earlier one; all of it if there is none, or counting has begun anew. */
export function since(now: Histogram, earlier: Histogram | undefined): Histogram {
  if (earlier === undefined || earlier.bounds.length !== now.bounds.length) return now
  if (countOf(earlier) > countOf(now)) return now
  return {
    bounds: now.bounds,
    cumulative: now.cumulative.map((count, i) => Math.max(0, count - earlier.cumulative[i])),
    sumMicroseconds: Math.max(0, now.sumMicroseconds - earlier.sumMicroseconds),
  }
}

/**
 * Microseconds that so large a share (0 to 1) took at most, told as finely as the buckets are; undefined of nothing.
 * Within a bucket what was counted is taken to be spread evenly.
 */
export function quantile(histogram: Histogram, share: number): number | undefined {
  const { bounds, cumulative } = histogram
  const wanted = share * countOf(histogram)
  if (wanted === 0) return undefined
  const at = cumulative.findIndex((count) => count >= wanted)
  const from = at === 0 ? 0 : bounds[at - 1]
  const to = bounds[at]
  if (to === Number.POSITIVE_INFINITY) return from
  const below = at === 0 ? 0 : cumulative[at - 1]
  return from + ((to - from) * (wanted - below)) / (cumulative[at] - below)
}

// What a load's threads and the main one say to each other. Histograms travel as the counts of their
// buckets that are not empty: that takes the thread, which must not pause, a tenth of a millisecond.
// Knows no load.
import type { Histogram, JsHistogram } from 'hdr-histogram-js'
import type { Counts } from '../measure/interval.ts'
import { latencyHistogram } from '../measure/latency.ts'
import type { DriverKind } from './driver.ts'
import type { LoadPlan } from './load-plan.ts'
import type { Outcome } from './session.ts'

export interface ThreadStart {
  readonly plan: LoadPlan
}

export type ToThread =
  | {
      readonly kind: 'play'
      readonly milliseconds: number
      readonly requests: number | undefined
      readonly ramp: boolean
      readonly intervalMs: number
    }
  | { readonly kind: 'rate'; readonly requestsPerSecond: number }
  | { readonly kind: 'abort' }
  | { readonly kind: 'finish' }

export type FromThread =
  | { readonly kind: 'open'; readonly driver: DriverKind }
  | { readonly kind: 'interval'; readonly measure: PackedMeasure }
  | { readonly kind: 'played' }
  | { readonly kind: 'finished'; readonly outcome: Outcome }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

export interface PackedMeasure {
  readonly seconds: number
  readonly counts: Counts
  /** By kind of operation. */
  readonly latency: readonly (PackedHistogram | undefined)[]
  readonly latencyFromSending: PackedHistogram | undefined
}

/** Index and count of each bucket, in turn. */
export type PackedHistogram = Float64Array

export function packHistogram(histogram: Histogram): PackedHistogram {
  const { countsArrayLength } = histogram as JsHistogram
  const packed: number[] = []
  for (let index = 0; index < countsArrayLength; index++) {
    const count = (histogram as JsHistogram).getCountAtIndex(index)
    if (count > 0) packed.push(index, count)
  }
  return Float64Array.from(packed)
}

/** All that was packed, in one. */
export function unpackHistograms(
  packed: readonly (PackedHistogram | undefined)[],
): Histogram | undefined {
  const present = packed.filter((one) => one !== undefined)
  if (present.length === 0) return undefined
  const histogram = latencyHistogram()
  for (const one of present) addPacked(one, histogram)
  return histogram
}

function addPacked(packed: PackedHistogram, histogram: Histogram): void {
  for (let place = 0; place < packed.length; place += 2) {
    const value = (histogram as JsHistogram).valueFromIndex(packed[place]!)
    histogram.recordValueWithCount(value, packed[place + 1]!)
  }
}

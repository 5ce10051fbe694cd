// What happened in one interval of a load, a second usually: counts, latencies, and what the processes used.
// A run is the sum of its intervals; reports draw them one by one. Knows nothing of how they were measured.
import type { Histogram } from 'hdr-histogram-js'

export interface Counts {
  /** Keys asked for, stored, ... by kind of operation (workload/operation.ts). */
  readonly operations: readonly number[]
  /** A get of several keys is one. */
  readonly requests: number
  /** Of the keys asked for by gets, those without a value. */
  readonly misses: number
  readonly errors: number
  readonly bytesReceived: number
}

export interface Interval {
  /** When it began, in seconds since the measured part did: below 0 while warming up. */
  readonly at: number
  readonly seconds: number
  readonly counts: Counts
  /** Of requests, in nanoseconds. */
  readonly latency: Histogram
  /** The server's process; undefined where it was not named, or is on another machine. */
  readonly server: ProcessUse | undefined
  readonly generator: ProcessUse
}

export interface ProcessUse {
  /** CPU time, of one core: 1.5 is one and a half of them. */
  readonly load: number
  /** Resident memory at the end of the interval. */
  readonly residentBytes: number
}

/** The intervals of a run as columns, for files and pages. What there is not is null. */
export interface Series {
  readonly at: readonly number[]
  readonly seconds: readonly number[]
  readonly operationsPerSecond: readonly number[]
  readonly requestsPerSecond: readonly number[]
  /** 0 to 1; null where nothing was asked for. */
  readonly hitRatio: readonly (number | null)[]
  readonly errors: readonly number[]
  readonly receivedBytesPerSecond: readonly number[]
  /** In microseconds; null where nothing was answered. */
  readonly p50: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
  readonly p999: readonly (number | null)[]
  readonly max: readonly (number | null)[]
  readonly serverLoad: readonly (number | null)[]
  readonly serverResidentBytes: readonly (number | null)[]
  readonly generatorLoad: readonly number[]
}

/** One point of the latency curve. */
export interface PercentilePoint {
  /** 0 to 100. */
  readonly percentile: number
  readonly microseconds: number
}

export function addCounts(all: readonly Counts[]): Counts {
  const sum = (of: (counts: Counts) => number): number =>
    all.reduce((total, counts) => total + of(counts), 0)
  return {
    operations: sumOf(all.map(({ operations }) => operations)),
    requests: sum(({ requests }) => requests),
    misses: sum(({ misses }) => misses),
    errors: sum(({ errors }) => errors),
    bytesReceived: sum(({ bytesReceived }) => bytesReceived),
  }
}

/** Place by place. */
export function sumOf(lists: readonly (readonly number[])[]): number[] {
  const [first = [], ...others] = lists
  return first.map((number, place) => others.reduce((sum, list) => sum + list[place]!, number))
}

// What happened between two samples of a node, by second. Pure. A node that was started anew, or whose statistics were
// reset, counts from zero again: then what it has counted since is what happened.
import type { Counters, Sample } from './statistics.ts'

/** By second, but for `hitRatio`. */
export interface Rates extends Counters {
  readonly operations: number
  /** 0 to 1; undefined when nobody asked for anything. */
  readonly hitRatio: number | undefined
}

const NAMES = [
  'gets',
  'sets',
  'deletes',
  'arithmetic',
  'touches',
  'hits',
  'misses',
  'evictions',
  'bytesRead',
  'bytesWritten',
] as const satisfies readonly (keyof Counters)[]

/** Undefined when no time lies between them. */
export function ratesBetween(before: Sample, now: Sample): Rates | undefined {
  const isAnew = now.pid !== before.pid || now.uptime < before.uptime
  const between = (now.at - before.at) / 1000
  // A second more: uptime is in whole ones.
  const seconds = isAnew ? Math.min(between, now.uptime + 1) : between
  if (seconds <= 0) return undefined
  return withDerived((name) => {
    const isReset = isAnew || now.counters[name] < before.counters[name]
    return (now.counters[name] - (isReset ? 0 : before.counters[name])) / seconds
  })
}

/** Those of several nodes together. */
export function sumOfRates(all: readonly Rates[]): Rates {
  return withDerived((name) => all.reduce((sum, rates) => sum + rates[name], 0))
}

function withDerived(of: (name: keyof Counters) => number): Rates {
  const counters = Object.fromEntries(NAMES.map((name) => [name, of(name)])) as unknown as Counters
  const { gets, sets, deletes, arithmetic, touches, hits, misses } = counters
  const asked = hits + misses
  return {
    ...counters,
    operations: gets + sets + deletes + arithmetic + touches,
    hitRatio: asked === 0 ? undefined : hits / asked,
  }
}

// How large keys and values are, and how long they live: distributions as plain records, with a short text for
// the command line and the report. A key's size is a function of its number, so that all servers, threads and
// runs agree on it. Knows nothing of what keys and values consist of.
import { BenchError } from '../errors.ts'
import { etcKeyQuantile, etcValueQuantile } from './etc-sizes.ts'
import { normalQuantile } from './normal-quantile.ts'
import { parseDecimal } from './number-text.ts'
import { type Quantile, tabulated } from './quantile-table.ts'
import { mix32, probabilityOf } from './random.ts'

/** A number is the same for all. In bytes; in seconds where it is a time to live, and 0 is for ever. */
export type Sizes = number | SizeDistribution

export type SizeDistribution =
  /** Each whole number from `min` to `max` is as likely. */
  | { readonly kind: 'range'; readonly min: number; readonly max: number }
  /** The logarithm is normally distributed, with the deviation `sigma`; what is above `max` is `max`. */
  | {
      readonly kind: 'lognormal'
      readonly median: number
      readonly sigma: number
      readonly max: number
    }
  | { readonly kind: 'weighted'; readonly sizes: readonly WeightedSize[] }
  /** As in Meta's ETC pool (etc-sizes.ts). */
  | { readonly kind: 'etc-keys' }
  | { readonly kind: 'etc-values' }

export interface WeightedSize {
  readonly size: number
  /** Relative to those of the other sizes. */
  readonly weight: number
}

/** What sizes are of. */
export type SizesOf = 'key' | 'value' | 'ttl'

const MEBIBYTE = 1024 * 1024
/** memcached's own limit. */
const KEY_MAX = 250
/** The largest item of a server that is not told otherwise has 1 MiB; its header and key are in that too. */
const VALUE_MAX = MEBIBYTE - 1024
/** memcached takes more seconds than these for a moment in time. */
const TTL_MAX = 30 * 24 * 60 * 60

interface Rules {
  readonly min: number
  readonly max: number
  /** The largest of a distribution that has no end by itself. */
  readonly end: number
  readonly units: Readonly<Record<string, number>>
  readonly etc: SizeDistribution | undefined
  readonly help: string
}

const BYTES = { k: 1024, m: MEBIBYTE }

const RULES: Readonly<Record<SizesOf, Rules>> = {
  key: {
    min: 1,
    max: KEY_MAX,
    end: KEY_MAX,
    units: BYTES,
    etc: { kind: 'etc-keys' },
    help: 'is no size of keys: write it like 16, 10-40, lognormal:30:0.3, 16:50,21:50 or etc, from 1 to 250 bytes',
  },
  value: {
    min: 0,
    max: 1024 * MEBIBYTE,
    end: VALUE_MAX,
    units: BYTES,
    etc: { kind: 'etc-values' },
    help: 'is no size of values: write it like 100, 10k, 10-1k, lognormal:300:1.2, 100:70,1k:30 or etc, up to 1024m',
  },
  ttl: {
    min: 0,
    max: TTL_MAX,
    end: TTL_MAX,
    units: { s: 1, m: 60, h: 60 * 60, d: 24 * 60 * 60 },
    etc: undefined,
    help: 'is no time to live: write it like 0 (for ever), 90s, 10m-1h, lognormal:1h:1 or 1h:70,1d:30, up to 30d',
  },
}

/**
 * Reads what {@link describeSizes} writes, and the units `k` and `m` of bytes, or `s`, `m`, `h` and `d` of time.
 * Throws a {@link BenchError}, USAGE.
 */
export function parseSizes(text: string, of: SizesOf): Sizes {
  const rules = RULES[of]
  const sizes = readSizes(text.toLowerCase(), rules)
  if (sizes !== undefined) return sizes
  throw new BenchError('USAGE', `"${text}" ${rules.help}`)
}

/** `100`, `10-1000`, `lognormal:300:1.2:65536`, `100:70,1000:30`, `etc`. */
export function describeSizes(sizes: Sizes): string {
  if (typeof sizes === 'number') return String(sizes)
  switch (sizes.kind) {
    case 'range':
      return `${sizes.min}-${sizes.max}`
    case 'lognormal':
      return `lognormal:${sizes.median}:${sizes.sigma}:${sizes.max}`
    case 'weighted':
      return sizes.sizes.map(({ size, weight }) => `${size}:${weight}`).join(',')
    default:
      return 'etc'
  }
}

function readSizes(text: string, rules: Rules): Sizes | undefined {
  const size = (part = ''): number => readSize(part, rules)
  if (text === 'etc') return rules.etc
  if (text.startsWith('lognormal:')) {
    const [, median, sigma = '', max, ...more] = text.split(':')
    const sizes = {
      kind: 'lognormal',
      median: size(median),
      sigma: parseDecimal(sigma),
      max: max === undefined ? rules.end : size(max),
    } as const
    const right = sizes.median >= 1 && sizes.sigma > 0 && sizes.max >= sizes.median
    return right && more.length === 0 ? sizes : undefined
  }
  if (text.includes(':')) {
    const sizes = text.split(',').map((part) => {
      const [first, weight = '', ...more] = part.split(':')
      return { size: size(first), weight: more.length === 0 ? parseDecimal(weight) : Number.NaN }
    })
    const right = sizes.every((each) => each.size >= 0 && each.weight > 0)
    return right ? { kind: 'weighted', sizes } : undefined
  }
  if (text.includes('-')) {
    const [first, last, ...more] = text.split('-')
    const [min, max] = [size(first), size(last)]
    return min <= max && more.length === 0 ? { kind: 'range', min, max } : undefined
  }
  return size(text) >= 0 ? size(text) : undefined
}

/** NaN where it is no size, or not within the limits. */
function readSize(text: string, { min, max, units }: Rules): number {
  const [, digits, unit = ''] = /^(\d+)([a-z]?)$/.exec(text) ?? []
  const size = Number(digits) * (unit === '' ? 1 : (units[unit] ?? Number.NaN))
  return size >= min && size <= max ? size : Number.NaN
}

/** The size that all have. Throws a TypeError where they differ. */
export function constantSize(sizes: Sizes): number {
  if (typeof sizes === 'number') return sizes
  throw new TypeError(`sizes of ${describeSizes(sizes)} are not all the same`)
}

/** The size that is not exceeded with this probability, from 0 to 1 and less than 1. It never falls. */
export function sizeQuantile(sizes: Sizes): Quantile {
  if (typeof sizes === 'number') return () => sizes
  switch (sizes.kind) {
    case 'range': {
      const { min, max } = sizes
      return (probability) => min + Math.floor(probability * (max - min + 1))
    }
    case 'lognormal': {
      const { median, sigma, max } = sizes
      // A key has a byte; a value of none, or a time that is none, would mean something else.
      return (probability) => within(1, median * Math.exp(sigma * normalQuantile(probability)), max)
    }
    case 'weighted':
      return weightedQuantile(sizes.sizes)
    case 'etc-keys':
      return (probability) => within(1, etcKeyQuantile(probability), KEY_MAX)
    case 'etc-values':
      return (probability) => within(0, etcValueQuantile(probability), VALUE_MAX)
  }
}

function within(min: number, size: number, max: number): number {
  return Math.min(Math.max(Math.round(size), min), max)
}

function weightedQuantile(weighted: readonly WeightedSize[]): Quantile {
  const sorted = weighted.toSorted((a, b) => a.size - b.size)
  const whole = sorted.reduce((sum, { weight }) => sum + weight, 0)
  const shares = Float64Array.from(sorted, ({ weight }) => weight / whole)
  return (probability) => {
    let left = probability
    let index = 0
    while (index < shares.length - 1 && left >= shares[index]!) {
      left -= shares[index]!
      index++
    }
    return sorted[index]!.size
  }
}

/**
 * The size that belongs to each key number below 2^32. Different salts give sizes that have nothing to do with
 * each other, as those of keys and of their values; that of values is 0.
 */
export function sizeOfKey(sizes: Sizes, salt = 0): (key: number) => number {
  if (typeof sizes === 'number') return () => sizes
  const sizeOfWord = tabulated(sizeQuantile(sizes))
  return (key) => sizeOfWord(mix32(key ^ salt))
}

const LAST_WORD = 0xffff_ffff

/** No key has a larger one: buffers may be as large. */
export function largestSize(sizes: Sizes): number {
  return sizeQuantile(sizes)(probabilityOf(LAST_WORD))
}

/** To about a thousandth. */
export function meanSize(sizes: Sizes): number {
  const quantile = sizeQuantile(sizes)
  const parts = 2 ** 17
  let sum = 0
  for (let part = 0; part < parts; part++) sum += quantile((part + 0.5) / parts)
  return sum / parts
}

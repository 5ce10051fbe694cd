// Loads that are modelled on the traffic of others, or on a common use. Plain data: numbers that were published
// are told from those that are our choice. Knows nothing of how a load is made of them.
import type { Mix } from './mix.ts'
import type { Popularity } from './popularity.ts'
import type { Sizes, WeightedSize } from './sizes.ts'

export interface Preset {
  readonly name: string
  readonly description: string
  readonly mix: Mix
  readonly popularity: Popularity
  readonly keys: number
  readonly keyBytes: Sizes
  readonly valueBytes: Sizes
  /** In seconds; 0 is for ever. */
  readonly ttl: Sizes
  readonly keysPerGet: number
  /** Whether what a get misses is stored next. Not where the published mix has these sets in it already. */
  readonly fillMisses: boolean
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Our choice: the real ones had tens of millions, whose fill alone would take minutes, and not fit in a gigabyte. */
const KEYS = 1_000_000

/** No pool's law was published. This one is what others use who rebuild them, and makes results comparable. */
const USUAL_ZIPF: Popularity = { kind: 'zipf', exponent: 0.99 }

function weighted(...sizes: (readonly [size: number, weight: number])[]): Sizes {
  return {
    kind: 'weighted',
    sizes: sizes.map(([size, weight]): WeightedSize => ({ size, weight })),
  }
}

/**
 * Atikoglu et al., "Workload analysis of a large-scale key-value store", SIGMETRICS 2012. Times to live were
 * not published.
 */
const META: readonly Preset[] = [
  {
    name: 'etc',
    description: "Meta's largest general pool, 2012: 30 gets for a set, sizes as published",
    // Published: the mix, and both distributions of sizes. Its deletes are left out, for want of a number.
    mix: { get: 30, set: 1 },
    keyBytes: { kind: 'etc-keys' },
    valueBytes: { kind: 'etc-values' },
    // Our choice, as above. It was steeper in its tail: half of ETC's keys got 1 % of the requests, here 5 %.
    popularity: USUAL_ZIPF,
    keys: KEYS,
    ttl: 0,
    keysPerGet: 1,
    fillMisses: false,
  },
  {
    name: 'usr',
    description: "Meta's pool of account states, 2012: tiny values, next to no sets",
    // Published: 99.8 % gets, keys of 16 or 21 bytes, values of 2. How many of either is our choice.
    mix: { get: 99.8, set: 0.2 },
    keyBytes: weighted([16, 1], [21, 1]),
    valueBytes: 2,
    popularity: USUAL_ZIPF,
    keys: KEYS,
    ttl: 0,
    keysPerGet: 1,
    fillMisses: false,
  },
]

/** What these caches are commonly asked for; all numbers are our choice. */
const COMMON_USES: readonly Preset[] = [
  {
    name: 'session-store',
    description: 'sessions of a web site: read by each request, prolonged or written back by some',
    mix: { get: 70, set: 15, touch: 15 },
    // Who is active changes: about every thousand requests another session begins.
    popularity: {
      kind: 'drift',
      keysPerThousandRequests: 1,
      of: { kind: 'zipf', exponent: 0.7 },
    },
    keys: 500_000,
    keyBytes: 40,
    valueBytes: { kind: 'lognormal', median: 600, sigma: 0.7, max: 64 * 1024 },
    ttl: 30 * MINUTE,
    keysPerGet: 1,
    fillMisses: true,
  },
  {
    name: 'page-fragments',
    description:
      'parts of rendered pages: ten at a time, stored when missed, some deleted when edited',
    mix: { get: 98, set: 1, delete: 1 },
    popularity: { kind: 'zipf', exponent: 0.9 },
    keys: 100_000,
    keyBytes: { kind: 'range', min: 30, max: 80 },
    valueBytes: { kind: 'lognormal', median: 4 * 1024, sigma: 1, max: 512 * 1024 },
    ttl: { kind: 'range', min: 5 * MINUTE, max: HOUR },
    keysPerGet: 10,
    fillMisses: true,
  },
  {
    name: 'write-heavy',
    description: 'more writes than reads: results of a stream kept for minutes, with counters',
    // Of Twitter's clusters 35 % had more than 30 % writes, and the median object had 230 bytes (OSDI 2020).
    mix: { set: 50, get: 40, incr: 5, delete: 5 },
    popularity: { kind: 'zipf', exponent: 0.8 },
    keys: KEYS,
    keyBytes: 44,
    valueBytes: { kind: 'lognormal', median: 190, sigma: 1, max: 64 * 1024 },
    ttl: 5 * MINUTE,
    keysPerGet: 1,
    fillMisses: false,
  },
]

/**
 * Clusters of Twitter's, of a week in March 2020 (J. Yang, Y. Yue, K. V. Rashmi, "A large scale analysis of
 * hundreds of in-memory cache clusters at Twitter", OSDI 2020; github.com/twitter/cache-trace, stat/2020Mar.md).
 * Published: the mix, the mean sizes, the common times to live and the exponent of Zipf's law. Our choice: the
 * number of keys, and that all sizes are the mean. `add` and `cas` count as sets here.
 */
const TWITTER: readonly Preset[] = [
  {
    name: 'twitter-cluster-12',
    description: 'computed results, mostly written and never read; Twitter 2020',
    mix: { set: 80, get: 20 },
    // Published besides: 81 % of the keys were asked for once, and a key 1.3 times on average. So 63 % of the
    // requests are for keys of their own, for which a scan stands here.
    popularity: {
      kind: 'mix',
      parts: [
        { share: 0.37, popularity: { kind: 'zipf', exponent: 0.3048 } },
        { share: 0.63, popularity: { kind: 'scan' } },
      ],
    },
    keyBytes: 44,
    valueBytes: 1_030,
    ttl: 5 * MINUTE,
    keys: KEYS / 2,
    keysPerGet: 1,
    fillMisses: false,
  },
  {
    name: 'twitter-cluster-14',
    description: 'storage cache with many deletes, kept for a day; Twitter 2020',
    mix: { get: 65, delete: 22, set: 13 },
    popularity: { kind: 'zipf', exponent: 1.2959 },
    keyBytes: 96,
    valueBytes: 414,
    ttl: DAY,
    keys: KEYS,
    keysPerGet: 1,
    fillMisses: false,
  },
  {
    name: 'twitter-cluster-19',
    description: 'computed results with little skew, kept for seven hours; Twitter 2020',
    mix: { get: 75, set: 25 },
    popularity: { kind: 'zipf', exponent: 0.735 },
    keyBytes: 42,
    valueBytes: 101,
    // Published: 6.6 to 7.5 hours, all about equally common.
    ttl: { kind: 'range', min: 396 * MINUTE, max: 450 * MINUTE },
    keys: KEYS,
    keysPerGet: 1,
    fillMisses: false,
  },
  {
    name: 'twitter-cluster-22',
    description: 'counters and tiny values; Twitter 2020',
    mix: { get: 72, incr: 18, set: 10 },
    popularity: { kind: 'zipf', exponent: 0.7624 },
    keyBytes: 54,
    valueBytes: 4,
    ttl: weighted([DAY, 85], [HOUR, 11], [30 * MINUTE, 3]),
    keys: KEYS,
    keysPerGet: 1,
    fillMisses: false,
  },
  {
    name: 'twitter-cluster-37',
    description: 'large values, written often and kept for seconds; Twitter 2020',
    mix: { get: 63, set: 37 },
    popularity: { kind: 'zipf', exponent: 0.4251 },
    keyBytes: 72,
    valueBytes: 20_134,
    ttl: weighted([20, 91], [5 * MINUTE, 6], [2 * HOUR, 2], [10 * MINUTE, 1]),
    // Values of 400 MB, all in all.
    keys: 20_000,
    keysPerGet: 1,
    fillMisses: false,
  },
  {
    name: 'twitter-cluster-52',
    description: 'storage cache, read mostly, kept for days; Twitter 2020',
    // Published: 91 % get, 2 % gets, 4 % add, 2 % cas.
    mix: { get: 93, set: 6 },
    popularity: { kind: 'zipf', exponent: 1.2117 },
    keyBytes: 20,
    valueBytes: 273,
    ttl: weighted([DAY, 65], [14 * DAY, 27], [12 * HOUR, 7]),
    keys: KEYS,
    keysPerGet: 1,
    fillMisses: false,
  },
]

export const PRESETS: readonly Preset[] = [...META, ...COMMON_USES, ...TWITTER]

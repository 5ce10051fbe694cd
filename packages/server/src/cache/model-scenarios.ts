// For tests only: the kinds of caches that the model is compared with, and what is done to each. Sizes are parts of a
// page, so that all of it runs over real pages and, faster, over small ones. Knows no test runner.
import type fc from 'fast-check'
import { PAGE_BYTES } from './arena.ts'
import type { Cache } from './cache.ts'
import { makeCache, makeCacheOptions, makeGuardedCache } from './cache-fixture.ts'
import { allocateCacheMemory, type CacheMemory, type CacheOptions } from './cache-memory.ts'
import {
  allLengths,
  crowdedLengths,
  manyKeys,
  type Operation,
  oddKeys,
  sequences,
  shortLengths,
} from './cache-operations.ts'
import { Trial } from './cache-trial.ts'

export interface Scenario {
  readonly name: string
  readonly options: Partial<CacheOptions>
  readonly sequences: fc.Arbitrary<Operation[]>
  /** What is done first. */
  readonly before: readonly Operation[]
  readonly mayForget: boolean
  /** Memory is too little for what is stored: something is evicted, if anything may be. */
  readonly full: boolean
  /** Writes out of bounds are found. */
  readonly guarded: boolean
}

/** Two buckets, which double again and again. */
const growing: Partial<CacheOptions> = { hashPowerInitial: 4, eventLogBytes: 4096 }

const roomy = { ...growing, memoryLimitBytes: 256 * PAGE_BYTES }

const tight = {
  ...growing,
  memoryLimitBytes: 8 * PAGE_BYTES,
  slabSizesBytes: [256, 1024, eighths(PAGE_BYTES * 0.105)],
}

const exactly: readonly (readonly [string, Partial<CacheOptions>])[] = [
  ['segmented LRU', roomy],
  ['flat LRU', { ...roomy, segmented: false }],
  ['chunks of 1 KiB', { ...roomy, slabChunkMaxBytes: 1024 }],
  ['temporary items apart', { ...roomy, temporaryTtlSeconds: 10 }],
  ['without CAS', { ...roomy, casEnabled: false }],
]

const crowded: readonly (readonly [string, Partial<CacheOptions>])[] = [
  ['full, segmented LRU', tight],
  ['full, flat LRU', { ...tight, segmented: false }],
  ['full, without admission', { ...tight, admissionEnabled: false }],
  ['full, without evictions', { ...tight, evictionsEnabled: false }],
  ['full, memcached’s classes', { ...tight, slabSizesBytes: undefined }],
  [
    'full, chunks of a sixteenth of a page',
    { ...tight, slabSizesBytes: undefined, slabChunkMaxBytes: PAGE_BYTES / 16 },
  ],
  ['full, tails repaired', { ...tight, tailRepairSeconds: 10 }],
  ['full, pages that never move', { ...tight, slabReassignEnabled: false }],
]

const short: readonly (readonly [string, Partial<CacheOptions>])[] = [
  ['short values, chunks of 1 KiB', { slabSizesBytes: undefined, slabChunkMaxBytes: 1024 }],
  [
    'short values, limits of prefixes',
    {
      slabSizesBytes: undefined,
      slabChunkMaxBytes: PAGE_BYTES / 2,
      prefixLimits: [
        { prefix: 'key:1', bytes: 4000 },
        { prefix: 'key:', bytes: 20_000 },
        { prefix: 'crowd:1', bytes: 1500 },
      ],
    },
  ],
  ['short values, two classes', { slabSizesBytes: [160, 640], slabChunkMaxBytes: 1024 }],
]

/** Memory is full from the beginning, and with few classes they have pages to spare. */
const large: Operation = {
  type: 'crowd',
  from: 0,
  count: 120,
  length: Math.floor(PAGE_BYTES * 0.067),
}
/** The same where pages are small. */
const small: readonly Operation[] = [
  { type: 'crowd', from: 0, count: 200, length: 60 },
  { type: 'crowd', from: 200, count: 150, length: 500 },
]

export const SCENARIOS: readonly Scenario[] = [
  ...exactly.map(([name, options]) => ({
    name,
    options: { slabChunkMaxBytes: PAGE_BYTES / 2, ...options },
    sequences: sequences(oddKeys, allLengths, { maxLength: 120 }),
    before: [],
    mayForget: false,
    full: false,
    guarded: false,
  })),
  ...crowded.map(([name, options]) => ({
    name,
    options: { slabChunkMaxBytes: PAGE_BYTES / 2, ...options },
    sequences: sequences(manyKeys, crowdedLengths, { minLength: 100, maxLength: 200 }),
    before: [large],
    mayForget: true,
    full: true,
    guarded: false,
  })),
  ...short.flatMap(([name, options]) => {
    const scenario = {
      name,
      options: { ...tight, memoryLimitBytes: 4 * PAGE_BYTES, ...options },
      sequences: sequences(manyKeys, shortLengths, { minLength: 20, maxLength: 150 }),
      before: small,
      mayForget: true,
      full: false,
      guarded: false,
    }
    return [scenario, { ...scenario, name: `${name}, guarded`, guarded: true }]
  }),
]

/** The memory of the cache that was made last, used again where it will do: to have new memory takes long. */
let last: { readonly scenario: Scenario; readonly memory: CacheMemory } | undefined

/** @throws Error with the first thing that is not as it must be. */
export function runScenario(scenario: Scenario, sequence: readonly Operation[]): Trial {
  const options = { ...Trial.options, ...scenario.options }
  const memory =
    last?.scenario === scenario ? last.memory : allocateCacheMemory(makeCacheOptions(options))
  last = undefined
  const cache = scenario.guarded
    ? makeGuardedCache(options, 0xa5, memory)
    : makeCache(options, memory)
  const trial = new Trial(cache, scenario.mayForget)
  trial.run([...scenario.before, ...sequence])
  clear(memory, cache)
  last = { scenario, memory }
  return trial
}

/** Makes memory what it was when it was new. */
function clear(memory: CacheMemory, { pages }: Cache): void {
  // Nothing is ever written into what is for statistics of prefixes, which is large.
  const { arena, prefixes: _, ...others } = memory
  if ('address' in arena) throw new Error('only memory of buffers can be cleared')
  new Uint8Array(arena, 0, (1 + pages.everUsed) * PAGE_BYTES).fill(0)
  for (const buffer of Object.values(others)) new Uint8Array(buffer).fill(0)
}

function eighths(bytes: number): number {
  return Math.floor(bytes / 8) * 8
}

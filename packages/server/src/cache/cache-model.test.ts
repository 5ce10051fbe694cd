// The cache against a model that is a Map: whatever is stored, joined, counted, touched, flushed, invalidated and
// evicted, while time jumps, pages move and items are crawled, received and sent: a key is found with its last value
// and alive, or not at all, and all of the cache's memory is accounted for.
//
// MODEL_RUNS is how many sequences of each kind there are, MODEL_SEED which; failures print the seed.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MEGABYTE } from './cache-fixture.ts'
import type { CacheOptions } from './cache-memory.ts'
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

const { MODEL_RUNS, MODEL_SEED } = process.env

function parameters(numRuns: number): fc.Parameters<[Operation[]]> {
  return {
    numRuns: MODEL_RUNS === undefined ? numRuns : Number(MODEL_RUNS),
    ...(MODEL_SEED === undefined ? {} : { seed: Number(MODEL_SEED) }),
  }
}

/** Who asks for more runs has the time. */
const TIMEOUT_MS = MODEL_RUNS === undefined ? 60_000 : 0

/** Two buckets, which double again and again. */
const growing = { hashPowerInitial: 4 }

describe('a cache behaves as a map with expiry', () => {
  const roomy = { memoryLimitBytes: 512 * MEGABYTE, ...growing }

  test.each<[string, Partial<CacheOptions>]>([
    ['segmented LRU', roomy],
    ['flat LRU', { ...roomy, segmented: false }],
    ['chunks of 1 KiB', { ...roomy, memoryLimitBytes: 256 * MEGABYTE, slabChunkMaxBytes: 1024 }],
    ['temporary items apart', { ...roomy, temporaryTtlSeconds: 10 }],
    ['without CAS', { ...roomy, casEnabled: false }],
  ])(
    '%s: exactly, while memory lasts',
    (_, options) => {
      fc.assert(
        fc.property(sequences(oddKeys, allLengths, { maxLength: 120 }), (sequence) => {
          const trial = new Trial(options, false)
          trial.run(sequence)
          expect(trial.evictions).toBe(0)
          expect(trial.outOfMemory).toBe(0)
        }),
        parameters(8),
      )
    },
    TIMEOUT_MS,
  )

  /** Memory is full from the beginning, and with few classes they have pages to spare. */
  const full: Operation[] = [{ type: 'crowd', from: 0, count: 60, length: 70_000 }]
  const tight = {
    memoryLimitBytes: 4 * MEGABYTE,
    slabSizesBytes: [256, 1024, 110_000],
    ...growing,
  }

  test.each<[string, Partial<CacheOptions>]>([
    ['segmented LRU', tight],
    ['flat LRU', { ...tight, segmented: false }],
    ['without admission', { ...tight, admissionEnabled: false }],
    ['without evictions', { ...tight, evictionsEnabled: false }],
    ['memcached’s classes', { ...tight, slabSizesBytes: undefined }],
    ['chunks of 64 KiB', { ...tight, slabSizesBytes: undefined, slabChunkMaxBytes: 65536 }],
    ['tails repaired', { ...tight, tailRepairSeconds: 10 }],
    ['pages that never move', { ...tight, slabReassignEnabled: false }],
  ])(
    '%s: but for what it had to evict',
    (_, options) => {
      let hits = 0
      let evictions = 0
      fc.assert(
        fc.property(
          sequences(manyKeys, crowdedLengths, { minLength: 100, maxLength: 200 }),
          (sequence) => {
            const trial = new Trial(options, true)
            trial.run([...full, ...sequence])
            hits += trial.hits
            evictions += trial.evictions
          },
        ),
        parameters(8),
      )
      expect(hits).toBeGreaterThan(0)
      if (options.evictionsEnabled === false) expect(evictions).toBe(0)
      else expect(evictions).toBeGreaterThan(0)
    },
    TIMEOUT_MS,
  )

  test.each<[string, Partial<CacheOptions>]>([
    ['chunks of 1 KiB', { slabSizesBytes: undefined, slabChunkMaxBytes: 1024 }],
    [
      'limits of prefixes',
      {
        slabSizesBytes: undefined,
        prefixLimits: [
          { prefix: 'key:1', bytes: 4000 },
          { prefix: 'key:', bytes: 20_000 },
          { prefix: 'crowd:1', bytes: 1500 },
        ],
      },
    ],
    ['two classes', { slabSizesBytes: [160, 640], slabChunkMaxBytes: 1024 }],
  ])(
    '%s, short values: many sequences',
    (_, options) => {
      fc.assert(
        fc.property(sequences(manyKeys, shortLengths, { maxLength: 100 }), (sequence) => {
          new Trial({ ...tight, ...options }, true).run(sequence)
        }),
        parameters(25),
      )
    },
    TIMEOUT_MS,
  )
})

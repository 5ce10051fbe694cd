// The cache against a model that is a Map: whatever is stored, joined, counted, touched, flushed, invalidated and
// evicted, while time jumps, pages move and items are crawled, received and sent: a key is found with its last value
// and alive, or not at all, and all of the cache's memory is accounted for. Here over real pages; `pnpm model` has
// small ones, and runs many more.
//
// MODEL_RUNS is how many sequences of each kind there are, MODEL_SEED which; failures print the seed.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runScenario, SCENARIOS } from './model-scenarios.ts'

const { MODEL_RUNS, MODEL_SEED } = process.env

/** Who asks for more runs has the time. */
const TIMEOUT_MS = MODEL_RUNS === undefined ? 120_000 : 0

describe('a cache behaves as a map with expiry', () => {
  test.each(SCENARIOS)(
    '$name',
    (scenario) => {
      let hits = 0
      let evictions = 0
      fc.assert(
        fc.property(scenario.sequences, (sequence) => {
          const trial = runScenario(scenario, sequence)
          hits += trial.hits
          evictions += trial.evictions
          if (!scenario.mayForget) expect(trial.outOfMemory).toBe(0)
        }),
        {
          numRuns: MODEL_RUNS === undefined ? 8 : Number(MODEL_RUNS),
          ...(MODEL_SEED === undefined ? {} : { seed: Number(MODEL_SEED) }),
        },
      )
      expect(hits).toBeGreaterThan(0)
      const evicts = scenario.full && scenario.options.evictionsEnabled !== false
      if (evicts) expect(evictions).toBeGreaterThan(0)
      if (!scenario.mayForget) expect(evictions).toBe(0)
    },
    TIMEOUT_MS,
  )
})

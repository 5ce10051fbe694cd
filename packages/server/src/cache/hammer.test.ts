// Real threads over one cache, as the server's workers and its background work are: they do everything to the same keys
// as fast as they can, and every answer is the one that the last writer made right. At intervals the world stands
// still, and everything in the cache's memory is looked at.
//
// HAMMER_SECONDS is how long each run lasts, HAMMER_SEED what it does.
import { afterAll, describe, expect, test } from 'vitest'
import { MEGABYTE } from './cache-fixture.ts'
import { compileSources } from './compile-sources.ts'
import { type Figures, hammer } from './hammer.ts'

const SECONDS = Number(process.env.HAMMER_SECONDS ?? 1)
const SEED = Number(process.env.HAMMER_SEED ?? Date.now() % 1_000_000)

const sources = compileSources()
afterAll(() => sources[Symbol.dispose]())
const always = { threadUrl: sources.url('cache/hammer-thread.js'), seconds: SECONDS, seed: SEED }

/** Who asks for a longer run wants to know what it was. */
function report(threads: number, figures: Figures): void {
  if (process.env.HAMMER_SECONDS !== undefined) console.log(threads, 'threads:', figures)
}

const roomy = { memoryLimitBytes: 128 * MEGABYTE }
const tight = { memoryLimitBytes: 5 * MEGABYTE }
const TIMEOUT_MS = 180_000 + SECONDS * 3000

describe(`threads agree on what the cache holds (HAMMER_SEED=${SEED})`, () => {
  test.each([2, 4, 8])(
    '%i threads, exactly, while memory lasts',
    async (threads) => {
      const figures = await hammer({ ...always, threads, options: roomy, mayForget: false })
      expect(figures.evictions).toBe(0)
      report(threads, figures)
    },
    TIMEOUT_MS,
  )

  test.each([2, 4, 8])(
    '%i threads, but for what was evicted',
    async (threads) => {
      const figures = await hammer({ ...always, threads, options: tight, mayForget: true })
      expect(figures.evictions).toBeGreaterThan(0)
      report(threads, figures)
    },
    TIMEOUT_MS,
  )

  test(
    'and it is found out if nobody waits for the lock',
    async () => {
      const hammering = { ...always, threads: 4, options: tight, mayForget: true, seconds: 30 }
      await expect(hammer({ ...hammering, withoutLock: true })).rejects.toThrow()
    },
    TIMEOUT_MS,
  )
})

import { describe, expect, test, vi } from 'vitest'
import type { EntryOptions, ItemEntry } from '../options.ts'
import { type FetchOptions, fetchPlan, type Loader } from './fetch-options.ts'
import { Fetcher, type LeaseCache } from './fetcher.ts'

const FOUND: ItemEntry<string> = {
  value: 'old',
  cas: 1n,
  flags: 0,
  size: 3,
  ttl: 100,
  idle: 0,
  fetched: false,
  stale: false,
  won: false,
  taken: false,
}

/** A cache that has this item, and notes what it is asked. */
function cacheWith(item: ItemEntry<string>) {
  const getEntry = vi.fn(async (_key: string, _options?: EntryOptions) => item)
  const cache = {
    getEntry,
    set: vi.fn(async () => true),
    cas: vi.fn(async () => 'stored'),
    delete: vi.fn(async () => true),
    invalidate: vi.fn(async () => true),
    meta: vi.fn(async () => ({ status: 'HD', flags: new Map(), value: undefined })),
  }
  return { cache, asked: () => getEntry.mock.lastCall?.[1] }
}

function fetcherOf(cache: object, random?: () => number) {
  const observer = { bypassed: vi.fn(), refreshFailed: vi.fn() }
  const fetcher = new Fetcher<string>(cache as LeaseCache<string>, observer, random)
  const fetch = (ttl: number, options: FetchOptions, load: Loader<string>) =>
    fetcher.fetch('key', fetchPlan(ttl, options), load, undefined)
  return { fetch, observer }
}

const never = (): never => {
  throw new Error('nothing is to be loaded')
}

describe('the moment of an early refresh', () => {
  // Vattani et al.: refresh when  now - loadTime * beta * ln(random) >= expiry.
  test.each([
    { earlyRefresh: 1, loadTime: 10_000, random: 0, seconds: undefined },
    { earlyRefresh: 1, loadTime: 10_000, random: 0.5, seconds: 10 * Math.log(2) },
    { earlyRefresh: 1, loadTime: 10_000, random: 0.99, seconds: 10 * Math.log(100) },
    { earlyRefresh: 3, loadTime: 10_000, random: 0.5, seconds: 30 * Math.log(2) },
    { earlyRefresh: 1, loadTime: 40_000, random: 0.5, seconds: 40 * Math.log(2) },
    { earlyRefresh: 0, loadTime: 10_000, random: 0.99, seconds: undefined },
  ])(
    'is $seconds seconds before its time with $earlyRefresh, $loadTime ms and $random',
    async ({ seconds, random, ...options }) => {
      const { cache, asked } = cacheWith(FOUND)
      const { fetch } = fetcherOf(cache, () => random)
      expect(await fetch(300, options, never)).toBe('old')
      // Whole seconds, of which a fraction is a chance.
      const whole = seconds === undefined ? undefined : Math.floor(seconds + random)
      expect(asked()?.recache).toBe(whole)
    },
  )

  test('takes fractions of a second as chances, which are right on average', async () => {
    const { cache, asked } = cacheWith(FOUND)
    // Of two numbers the first is for the moment, the second for the rounding.
    const draws = 1000
    let drawn = 0
    const random = (): number =>
      drawn++ % 2 === 0 ? 1 - Math.exp(-1) : ((drawn / 2) % draws) / draws
    const { fetch } = fetcherOf(cache, random)
    let sum = 0
    for (let i = 0; i < draws; i++) {
      await fetch(300, { earlyRefresh: 1, loadTime: 300 }, never)
      sum += asked()?.recache ?? 0
    }
    expect(sum / draws).toBeCloseTo(0.3, 2)
  })

  test('follows how long this client’s loads take', async () => {
    const { cache, asked } = cacheWith({ ...FOUND, value: undefined, size: 0, won: true })
    const { fetch } = fetcherOf(cache, () => 1 - Number.EPSILON)
    await fetch(300, { earlyRefresh: 1 }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 60))
      return 'made'
    })
    await fetch(300, { earlyRefresh: 1 }, () => 'made')
    // 36 times the average, which a load of 60 ms and one of next to nothing make.
    expect(asked()?.recache).toBeGreaterThanOrEqual(2)
  })

  test('is never for what lives for ever', async () => {
    const { cache, asked } = cacheWith(FOUND)
    const { fetch } = fetcherOf(cache, () => 0.99)
    await fetch(0, { earlyRefresh: 1, loadTime: 10_000 }, never)
    expect(asked()?.recache).toBeUndefined()
  })
})

test('a load behind a value that is served is told to stop when another may win', async () => {
  const { cache } = cacheWith({ ...FOUND, won: true })
  const { fetch, observer } = fetcherOf(cache)
  const load = vi.fn(
    ({ signal }: { signal: AbortSignal }) =>
      new Promise<string>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  )
  expect(await fetch(300, { staleFor: 60, leaseFor: 1 }, load)).toBe('old')
  // Its timer holds no process: something else must, until then.
  await expect.poll(() => observer.refreshFailed.mock.calls.length).toBe(1)
  expect(observer.refreshFailed.mock.calls[0]?.[1]).toMatchObject({ name: 'TimeoutError' })
  expect(cache.cas).not.toHaveBeenCalled()
})

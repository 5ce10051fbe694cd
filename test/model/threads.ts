// The same with threads: they do everything to one cache, over the copy with small pages, so that pages move all the time.
// Knows what the package's modules for tests offer, whose declarations are not published.
import { CopiedCache } from './copied-cache.ts'

interface HammerModule {
  hammer(hammering: {
    readonly threadUrl: string
    readonly threads: number
    readonly options: { readonly memoryLimitBytes: number }
    readonly mayForget: boolean
    readonly seconds: number
    readonly seed: number
  }): Promise<ThreadFigures>
}

export interface ThreadFigures {
  /** Of up to twelve operations under one hold of the lock. */
  readonly batches: number
  /** At all of the memory, while all threads stand still. */
  readonly looks: number
  readonly evictions: number
  readonly pagesMoved: number
}

const MEMORY_BYTES = 2 * 1024 * 1024

/** @throws Error with the first thing that went wrong in any thread, or that was found at a standstill. */
export async function hammerWithThreads(
  threads: number,
  seconds: number,
  seed: number,
): Promise<ThreadFigures> {
  using cache = new CopiedCache()
  const { hammer } = await cache.load<HammerModule>('hammer.js')
  return await hammer({
    threadUrl: cache.url('hammer-thread.js'),
    ...{ threads, seconds, seed, mayForget: true },
    options: { memoryLimitBytes: MEMORY_BYTES },
  })
}

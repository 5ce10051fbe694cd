// The work that no request waits for, on the main thread: the clock's tick, the LRU maintainer and the
// crawler. Knows timers; what the work is, is the cache's.
import type { Cache } from '../cache/cache.ts'
import { Crawler } from '../cache/crawler.ts'
import { Maintainer } from '../cache/maintainer.ts'
import type { Settings } from './settings.ts'

const TICK_MS = 1_000
/** Between two steps of a crawl, so that it takes no more than a few percent of a core. */
const CRAWL_STEP_PAUSE_MS = 2

export class Background {
  readonly #cache: Cache
  readonly #crawling: Int32Array
  readonly #timers = new Set<NodeJS.Timeout>()

  /** `crawling` is a shared word, 1 while a crawl is under way. */
  constructor(cache: Cache, crawling: Int32Array) {
    this.#cache = cache
    this.#crawling = crawling
  }

  start(settings: Settings): void {
    const started = performance.now()
    this.#cache.clock.start(Math.floor(Date.now() / 1000))
    this.#every(TICK_MS, () => {
      this.#cache.clock.tick(Math.floor((performance.now() - started) / 1000))
      return TICK_MS
    })
    if (settings.lruMaintainerEnabled && settings.lruSegmented) {
      const maintainer = new Maintainer(this.#cache, settings)
      this.#every(TICK_MS, () => maintainer.run())
    }
    if (settings.lruCrawlerEnabled) {
      const crawler = new Crawler(this.#cache)
      this.#every(TICK_MS, () => {
        const more = crawler.run()
        Atomics.store(this.#crawling, 0, crawler.running ? 1 : 0)
        return more ? CRAWL_STEP_PAUSE_MS : TICK_MS
      })
    }
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  /** Runs the work again and again, after as many milliseconds as it says. */
  #every(firstMs: number, work: () => number): void {
    const schedule = (delayMs: number): void => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        schedule(work())
      }, delayMs)
      this.#timers.add(timer)
    }
    schedule(firstMs)
  }
}

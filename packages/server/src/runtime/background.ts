// The work that no request waits for, on the main thread: the clock's tick, the LRU maintainer, the crawler,
// limits of prefixes that were lowered, the slab page mover, and telling watchers what happens. Knows timers; what the work is, is the cache's.
import { Automover } from '../cache/automover.ts'
import type { Cache } from '../cache/cache.ts'
import type { ClockReading } from '../cache/clock.ts'
import { Crawler } from '../cache/crawler.ts'
import { LimitLowering } from '../cache/limit-lowering.ts'
import { Maintainer } from '../cache/maintainer.ts'
import { PageMover } from '../cache/page-mover.ts'
import type { Tuning } from '../cache/tuning.ts'
import type { Watchers } from '../transport/watchers.ts'
import type { Settings } from './settings.ts'

const TICK_MS = 1_000
/** Between two steps of a crawl at least, so that it takes no more than a few percent of a core. */
const CRAWL_PAUSE_MS = 2
/** Between two pages to be moved or given back to the system. */
const PAGE_PAUSE_MS = 1
/** Between two steps of bringing what is under a prefix down to its limit. */
const LOWERING_PAUSE_MS = 1
/** While every eviction asks for a page to be moved (`slab_automove=2`). */
const EVICTIONS_CHECK_MS = 10

interface Work {
  /** Returns after how many milliseconds it wants to be run again. */
  readonly run: () => number
  timer: NodeJS.Timeout | undefined
  /** That of the timer. */
  delayMs: number
}

export class Background {
  readonly #cache: Cache
  readonly #watchers: Watchers | undefined
  readonly #works: Work[] = []

  /** `watchers` are those to be told from here, if this is where their sockets are. */
  constructor(cache: Cache, watchers: Watchers | undefined) {
    this.#cache = cache
    this.#watchers = watchers
  }

  /** `earlier`: the clock of the process whose cache goes on here. */
  start(settings: Settings, earlier?: ClockReading): void {
    const started = process.uptime()
    const unixSeconds = Math.floor(Date.now() / 1000)
    if (earlier === undefined) this.#cache.clock.start(unixSeconds)
    else this.#cache.clock.resume(unixSeconds, earlier)
    this.#every(TICK_MS, () => {
      this.#cache.clock.tick(Math.floor(process.uptime() - started))
      return TICK_MS
    })
    if (settings.lruMaintainerEnabled) {
      const maintainer = new Maintainer(this.#cache)
      this.#every(0, () => maintainer.run())
    }
    const watchers = this.#watchers
    if (watchers !== undefined) this.#every(TICK_MS, () => watchers.run())
    const { tuning } = this.#cache
    const crawler = new Crawler(this.#cache)
    this.#every(TICK_MS, () => (crawler.run() ? crawlPause(tuning) : TICK_MS))
    if (settings.prefixLimits.length > 0) {
      const lowering = new LimitLowering(this.#cache)
      this.#every(TICK_MS, () => (lowering.run() ? LOWERING_PAUSE_MS : TICK_MS))
    }
    if (settings.slabReassignEnabled) this.#rebalanceSlabs()
  }

  /** Slab pages: moves the one that is asked for, then gives back what is too much, then asks itself. */
  #rebalanceSlabs(): void {
    const { tuning, lock, pages } = this.#cache
    const mover = new PageMover(this.#cache)
    const automover = new Automover(this.#cache)
    this.#every(TICK_MS, () => {
      const pauseMs = mover.run()
      if (pauseMs !== undefined) return pauseMs
      lock.acquire()
      const discarded = pages.discardReleased()
      lock.release()
      if (discarded || automover.run()) return PAGE_PAUSE_MS
      return tuning.slabAutomove === 2 ? EVICTIONS_CHECK_MS : TICK_MS
    })
  }

  stop(): void {
    for (const { timer } of this.#works) clearTimeout(timer)
    this.#works.length = 0
    this.#watchers?.close()
  }

  /** All work looks at once whether there is something to do. */
  wake(): void {
    for (const work of this.#works) schedule(work, 0)
  }

  /** Runs the work again and again, after as many milliseconds as it says. */
  #every(firstMs: number, run: () => number): void {
    const work: Work = { run, timer: undefined, delayMs: 0 }
    this.#works.push(work)
    schedule(work, firstMs)
  }
}

/** The rest between two steps, as an operator wants it: 0 is none. */
function crawlPause({ crawlerSleepMicroseconds }: Tuning): number {
  if (crawlerSleepMicroseconds === 0) return 0
  return Math.max(CRAWL_PAUSE_MS, crawlerSleepMicroseconds / 1000)
}

/** A timer is used again while the delay stays: at a round each millisecond, new ones were most of the garbage. */
function schedule(work: Work, delayMs: number): void {
  if (work.timer !== undefined && work.delayMs === delayMs) {
    work.timer.refresh()
    return
  }
  clearTimeout(work.timer)
  work.delayMs = delayMs
  work.timer = setTimeout(() => schedule(work, work.run()), delayMs)
}

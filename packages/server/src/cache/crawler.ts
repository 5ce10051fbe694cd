// The crawler: frees items that have expired although nobody asks for them any more. It walks the slab
// pages of a class in address order, so that nothing that happens to the lists between two steps can
// lead it astray. Knows no timers.
import type { Cache } from './cache.ts'
import { FETCHED, type ItemRef, LINKED } from './item.ts'
import {
  CRAWLER_ITEMS_CHECKED,
  CRAWLER_RECLAIMED,
  EXPIRED_UNFETCHED,
  LRU_CRAWLER_STARTS,
} from './statistics.ts'

/** Chunks looked at under one hold of the lock. */
const CHUNKS_PER_STEP = 1000

// When a class is crawled again, in seconds: as memcached's lru_maintainer_crawler_check, from the
// expiry times that the last crawl saw.
const FIRST_CRAWL_AFTER = 60
const CRAWL_STEP = 60
const MAX_CRAWL_WAIT = 3600
const CRAWL_GRACE = 5
/** The histogram of expiry times: an hour by minutes. */
const MINUTES = 60

/** A crawl is worth its while when this share of the items that can expire will have. */
const WORTHWHILE_SHARE = 0.01

export class Crawler {
  readonly #cache: Cache
  readonly #nextCrawl: number[]
  readonly #wait: number[]
  /** Items of the crawl under way by minutes until they expire. */
  readonly #histogram = new Int32Array(MINUTES)
  #slabClass = 0
  #page = 0
  #chunk = 0
  #expirable = 0

  constructor(cache: Cache) {
    this.#cache = cache
    const classes = cache.slabs.largestClass + 1
    this.#nextCrawl = new Array<number>(classes).fill(cache.clock.now + FIRST_CRAWL_AFTER)
    this.#wait = new Array<number>(classes).fill(FIRST_CRAWL_AFTER)
  }

  get running(): boolean {
    return this.#slabClass !== 0
  }

  /** Starts on the class now, whatever its turn; false while another crawl is under way. */
  start(slabClass: number): boolean {
    if (this.running) return false
    this.#slabClass = slabClass
    this.#page = 0
    this.#chunk = 0
    this.#expirable = 0
    this.#histogram.fill(0)
    this.#cache.lock.acquire()
    this.#cache.statistics.add(LRU_CRAWLER_STARTS, 1)
    this.#cache.lock.release()
    return true
  }

  /** Starts a crawl if a class is due and takes one bounded step of it. True while there is more to do. */
  run(): boolean {
    if (!this.running) {
      const due = this.#dueClass()
      if (due === 0) return false
      this.start(due)
    }
    this.#cache.lock.acquire()
    const more = this.#step()
    this.#cache.lock.release()
    if (!more) {
      this.#schedule(this.#slabClass)
      this.#slabClass = 0
    }
    return true
  }

  #dueClass(): number {
    const { slabs, clock } = this.#cache
    for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
      if (this.#nextCrawl[slabClass] <= clock.now) {
        // Not what its lists count: the header of a chunked item counts in the largest class.
        if (slabs.usedChunks(slabClass) > 0) return slabClass
        this.#nextCrawl[slabClass] = clock.now + FIRST_CRAWL_AFTER
      }
    }
    return 0
  }

  #step(): boolean {
    const { slabs } = this.#cache
    const perPage = slabs.chunksPerPage(this.#slabClass)
    for (let looked = 0; looked < CHUNKS_PER_STEP; looked++) {
      if (this.#page === 0 || this.#chunk === perPage) {
        this.#page = slabs.nextPageOf(this.#slabClass, this.#page)
        this.#chunk = 0
        if (this.#page === 0) return false
      }
      this.#look(slabs.chunkOf(this.#slabClass, this.#page, this.#chunk++))
    }
    return true
  }

  #look(item: ItemRef): void {
    const cache = this.#cache
    const { items, statistics, clock } = cache
    if (items.keyLength(item) === 0 || (items.flags(item) & LINKED) === 0) return
    const slabClass = items.slabClass(item)
    statistics.addToClass(slabClass, CRAWLER_ITEMS_CHECKED, 1)
    const expiry = items.expiry(item)
    if ((expiry !== 0 && expiry < clock.now) || cache.isFlushed(item)) {
      statistics.addToClass(slabClass, CRAWLER_RECLAIMED, 1)
      if ((items.flags(item) & FETCHED) === 0) {
        statistics.addToClass(slabClass, EXPIRED_UNFETCHED, 1)
      }
      cache.unlink(item)
    } else if (expiry !== 0) {
      this.#expirable++
      const minute = Math.floor((expiry - clock.now) / 60)
      if (minute < MINUTES) this.#histogram[minute]++
    }
  }

  /** Sooner if much will have expired by the usual time, later if little. */
  #schedule(slabClass: number): void {
    const enough = Math.floor(this.#expirable * WORTHWHILE_SHARE) + 1
    let wait = this.#wait[slabClass]
    let reclaimable = 0
    let minute = 0
    while (minute < MINUTES && reclaimable <= enough) reclaimable += this.#histogram[minute++]
    if (reclaimable > enough) {
      if (wait < minute * 60) wait += CRAWL_STEP
      else if (wait > CRAWL_STEP) wait -= CRAWL_STEP
    } else if (reclaimable === 0) {
      wait += CRAWL_STEP
    }
    this.#wait[slabClass] = Math.min(wait, MAX_CRAWL_WAIT)
    this.#nextCrawl[slabClass] = this.#cache.clock.now + this.#wait[slabClass] + CRAWL_GRACE
  }
}

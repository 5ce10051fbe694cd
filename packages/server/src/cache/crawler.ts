// The crawler: frees items that have expired although nobody asks for them any more. It walks the slab
// pages of a class in address order, so that nothing that happens to the lists between two steps can
// lead it astray; a page that has meanwhile gone to another class is passed over. Knows no timers.
import type { Cache } from './cache.ts'
import { SYSTEM_EVENTS } from './event-log.ts'
import { FETCHED, type ItemRef, LIMIT_LINKS_BYTES, LINKED, MAX_KEY_BYTES } from './item.ts'
import { CRAWLER_ITEMS_CHECKED, CRAWLER_RECLAIMED, EXPIRED_UNFETCHED } from './statistics.ts'

/** Chunks looked at under one hold of the lock. */
const CHUNKS_PER_STEP = 1000

// When a class is crawled again, in seconds: as memcached's lru_maintainer_crawler_check, from the
// expiry times that the last crawl saw.
const FIRST_CRAWL_AFTER = 60
const CRAWL_STEP = 60
const MAX_CRAWL_WAIT = 3600
const CRAWL_GRACE = 5
/** HOT, WARM, COLD and TEMP: the upper bits of a list's number. */
const SEGMENTS = 4
const SEGMENT_SHIFT = 6
/** The histogram of expiry times: an hour by minutes. */
const MINUTES = 60

/** A crawl is worth its while when this share of the items that can expire will have. */
const WORTHWHILE_SHARE = 0.01

/**
 * Asks for a crawl of classes as an operator knows them. False while another is under way. The lock is
 * held by the caller, who sees to it that the crawler looks.
 */
export function requestCrawl(cache: Cache, classes: ReadonlySet<number>): boolean {
  const { slabs, items, crawl, tuning } = cache
  const pages = new Set([...classes].filter((slabClass) => slabClass <= slabs.largestClass))
  if (classes.has(slabs.largestClass)) {
    // Large items count in the largest class, but their headers lie in small ones.
    const largestHeaderBytes = items.nominalChunkedHeaderSize(MAX_KEY_BYTES, 1) + LIMIT_LINKS_BYTES
    const largestHeader = slabs.classFor(largestHeaderBytes)
    for (let slabClass = 1; slabClass <= largestHeader; slabClass++) pages.add(slabClass)
  }
  return crawl.begin(pages, tuning.crawlerItemsPerRun)
}

/**
 * Asks for a crawl of everything, which makes room for further invalidations of prefixes. Nothing happens while another
 * crawl is under way: whoever invalidates next asks again. The lock is held by the caller.
 */
export function requestSweep({ slabs, crawl, invalidations }: Cache): void {
  const classes = Array.from({ length: slabs.largestClass }, (_, i) => i + 1)
  if (crawl.begin(classes, 0)) invalidations.beginSweep()
}

export class Crawler {
  readonly #cache: Cache
  readonly #nextCrawl: number[]
  readonly #wait: number[]
  /** Where a crawl that was limited to some items has stopped: the next one goes on there. */
  readonly #resumePage: number[]
  readonly #resumeChunk: number[]
  /** Items of the class being crawled by minutes until they expire. */
  readonly #histogram = new Int32Array(MINUTES)
  #expirable = 0
  /** Items of the class being crawled by LRU segment: looked at, and freed. */
  readonly #examined = new Int32Array(SEGMENTS)
  readonly #reclaimed = new Int32Array(SEGMENTS)
  /** When it was begun. */
  #begun = 0
  /** The crawl was begun because it was due, not because an operator asked for it. */
  #automatic = false
  #slabClass = 0
  #page = 0
  #chunk = 0
  /** Items still to be looked at in this class. */
  #left = 0

  constructor(cache: Cache) {
    this.#cache = cache
    const classes = cache.slabs.largestClass + 1
    this.#nextCrawl = new Array<number>(classes).fill(cache.clock.now + FIRST_CRAWL_AFTER)
    this.#wait = new Array<number>(classes).fill(FIRST_CRAWL_AFTER)
    this.#resumePage = new Array<number>(classes).fill(0)
    this.#resumeChunk = new Array<number>(classes).fill(0)
  }

  /**
   * Takes one bounded step of the crawl that is under way, or of one that is due. True while there is
   * more to do.
   */
  run(): boolean {
    const { crawl, lock, tuning } = this.#cache
    if (!crawl.running) {
      const due = tuning.crawlerEnabled ? this.#dueClasses() : []
      if (due.length === 0) return false
      lock.acquire()
      // A command may have begun one since we looked.
      this.#automatic = crawl.begin(due, tuning.crawlerItemsPerRun)
      lock.release()
    }
    lock.acquire()
    const more = this.#step()
    if (!more) this.#end()
    lock.release()
    return true
  }

  #end(): void {
    this.#cache.crawl.end()
    this.#cache.invalidations.endSweep()
    this.#automatic = false
  }

  #dueClasses(): number[] {
    const { slabs, clock } = this.#cache
    const due: number[] = []
    for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
      if (this.#nextCrawl[slabClass] > clock.now) continue
      // Not what its lists count: the header of a chunked item counts in the largest class.
      if (slabs.usedChunks(slabClass) > 0) due.push(slabClass)
      else this.#nextCrawl[slabClass] = clock.now + FIRST_CRAWL_AFTER
    }
    return due
  }

  #step(): boolean {
    const { slabs } = this.#cache
    for (let looked = 0; looked < CHUNKS_PER_STEP; looked++) {
      if (this.#slabClass === 0 && !this.#beginClass()) return false
      // Also when the page has moved to another class since the last step: its chunks begin elsewhere then.
      if (this.#page !== 0 && this.#chunk >= slabs.chunksIn(this.#slabClass, this.#page)) {
        this.#nextPage()
      }
      if (this.#page === 0 || this.#left === 0) {
        this.#endClass()
        continue
      }
      this.#look(slabs.chunkOf(this.#slabClass, this.#page, this.#chunk++))
    }
    return true
  }

  #beginClass(): boolean {
    const { crawl, pages } = this.#cache
    this.#slabClass = crawl.take()
    if (this.#slabClass === 0) return false
    this.#expirable = 0
    this.#histogram.fill(0)
    this.#examined.fill(0)
    this.#reclaimed.fill(0)
    this.#begun = this.#cache.clock.now
    this.#left = crawl.itemsPerClass === 0 ? Number.POSITIVE_INFINITY : crawl.itemsPerClass
    this.#page = 0
    this.#nextPage()
    const page = this.#resumePage[this.#slabClass]
    if (crawl.itemsPerClass > 0 && page !== 0 && pages.classOf(page) === this.#slabClass) {
      this.#page = page
      this.#chunk = this.#resumeChunk[this.#slabClass]
    }
    return true
  }

  /** To the class's next page of which anything was ever used. */
  #nextPage(): void {
    const { pages, slabs } = this.#cache
    do this.#page = pages.after(this.#slabClass, this.#page)
    while (this.#page !== 0 && slabs.chunksIn(this.#slabClass, this.#page) === 0)
    this.#chunk = 0
  }

  #endClass(): void {
    this.#resumePage[this.#slabClass] = this.#page
    this.#resumeChunk[this.#slabClass] = this.#chunk
    this.#schedule(this.#slabClass)
    this.#slabClass = 0
    this.#page = 0
  }

  #look(item: ItemRef): void {
    const cache = this.#cache
    const { items, statistics, clock } = cache
    if (items.keyLength(item) === 0 || (items.flags(item) & LINKED) === 0) return
    this.#left--
    const slabClass = items.slabClass(item)
    const segment = items.list(item) >>> SEGMENT_SHIFT
    this.#examined[segment]++
    statistics.addToClass(slabClass, CRAWLER_ITEMS_CHECKED, 1)
    if (cache.isDead(item)) {
      statistics.addToClass(slabClass, CRAWLER_RECLAIMED, 1)
      this.#reclaimed[segment]++
      if ((items.flags(item) & FETCHED) === 0 && !cache.isFlushed(item)) {
        statistics.addToClass(slabClass, EXPIRED_UNFETCHED, 1)
      }
      cache.unlink(item)
      return
    }
    const expiry = items.expiry(item)
    if (expiry === 0) return
    this.#expirable++
    const minute = Math.floor((expiry - clock.now) / 60)
    if (minute < MINUTES) this.#histogram[minute]++
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
    // As in memcached, what an operator asked for is no news.
    if (this.#automatic) this.#report(slabClass, enough, reclaimable)
  }

  /** Tells watchers, who expect to hear of each list by itself. */
  #report(slabClass: number, lowMark: number, nextReclaims: number): void {
    const { clock, events } = this.#cache
    if (!events.watched(SYSTEM_EVENTS)) return
    for (let segment = 0; segment < SEGMENTS; segment++) {
      events.crawled({
        list: slabClass | (segment << SEGMENT_SHIFT),
        lowMark,
        nextReclaims,
        sinceRun: 0,
        nextRun: this.#nextCrawl[slabClass] - clock.now,
        elapsed: clock.now - this.#begun,
        examined: this.#examined[segment],
        reclaimed: this.#reclaimed[segment],
      })
    }
  }
}

// The automover: decides which slab class should give a page to which, from a window of samples taken once
// a second, as memcached's slab_automove.c. Classes that were quiet with much memory free give pages to the
// global pool; beyond that, the class whose items live longest gives to the one that evicts the youngest.
// Knows no timers, and not how a page is moved.
import type { Cache } from './cache.ts'
import { COLD, HOT } from './lru.ts'
import { ASKED } from './page-moves.ts'
import { GLOBAL_PAGE_POOL } from './slab-pages.ts'
import { EVICTED, OUT_OF_MEMORY } from './statistics.ts'

/** A class must keep more pages than this to be a source because of its age. */
const MIN_PAGES_OF_OLDEST = 2
/** Pages' worth of free chunks that are too many. */
const TOO_MANY_FREE_PAGES = 2.5
/** The share of all evictions over the window that makes a class one in need. */
const NEEDY_SHARE_OF_EVICTIONS = 0.25

interface Sample {
  /** Seconds since the last access of the oldest item that has no better claim to its place than to be new. */
  readonly age: number
  readonly evicting: boolean
  readonly shareOfEvictions: number
  /** Something made the class need memory lately. */
  readonly dirty: boolean
}

const NO_SAMPLE: Sample = { age: 0, evicting: false, shareOfEvictions: 0, dirty: false }

/** What a class's counters were at the last sample. */
interface Counters {
  readonly evicted: number
  readonly outOfMemory: number
  readonly pages: number
}

export interface PageMove {
  readonly source: number
  readonly destination: number
}

export class Automover {
  readonly #cache: Cache
  #samples: Sample[][] = []
  #counters: Counters[] = []
  #taken = 0
  #window = 0
  #ratio = 0
  #lastSecond = -1

  constructor(cache: Cache) {
    this.#cache = cache
    this.#restart()
  }

  /**
   * Takes a sample if it is time, and asks for the move that follows from it. Returns whether it has: then
   * the next sample may be taken as soon as the move is done, unless it was from one class to another.
   */
  run(): boolean {
    const { tuning, clock, lock, pageMoves, events } = this.#cache
    if (tuning.slabAutomove === 0 || clock.now === this.#lastSecond) return false
    lock.acquire()
    const move = this.sample()
    const asked =
      move !== undefined && pageMoves.ask(move.source, move.destination, false) === ASKED
    if (move !== undefined) events.slabMoved(move.source, move.destination, asked)
    lock.release()
    if (!asked || move.destination !== GLOBAL_PAGE_POOL) this.#lastSecond = clock.now
    return asked
  }

  /** Takes a sample; the move that all samples together ask for. */
  sample(): PageMove | undefined {
    const { tuning, slabs } = this.#cache
    if (tuning.slabAutomoveWindow !== this.#window || tuning.slabAutomoveRatio !== this.#ratio) {
      this.#restart()
    }
    const before = this.#counters
    this.#counters = this.#count()
    let evictions = 0
    for (let i = 1; i <= slabs.largestClass; i++) {
      evictions += evictionsBetween(before[i], this.#counters[i])
    }
    this.#taken++
    let oldest = 0
    let oldestAge = 0
    let youngest = 0
    let youngestAge = Number.POSITIVE_INFINITY
    for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
      const sample = this.#sampleOf(slabClass, before[slabClass], evictions)
      const samples = this.#samples[slabClass]
      samples[this.#taken % this.#window] = sample
      if (this.#hasTooMuchFree(slabClass) && !samples.some(({ dirty }) => dirty)) {
        return { source: slabClass, destination: GLOBAL_PAGE_POOL }
      }
      const age = sum(samples, (each) => each.age) / this.#window
      if (age > oldestAge && this.#cache.pages.count(slabClass) > MIN_PAGES_OF_OLDEST) {
        oldest = slabClass
        oldestAge = age
      }
      const evicting = sum(samples, (each) => (each.evicting ? 1 : 0))
      const share = sum(samples, (each) => each.shareOfEvictions) / this.#window
      const needy = evicting > this.#window / 2 || share > NEEDY_SHARE_OF_EVICTIONS
      if (needy && age < youngestAge) {
        youngest = sample.evicting ? slabClass : 0
        youngestAge = age
      }
    }
    const windowFilled = this.#taken > this.#window
    if (!windowFilled || oldest === 0 || youngest === 0) return undefined
    if (youngestAge >= oldestAge * this.#ratio) return undefined
    return { source: oldest, destination: youngest }
  }

  #restart(): void {
    const { tuning, slabs } = this.#cache
    this.#window = tuning.slabAutomoveWindow
    this.#ratio = tuning.slabAutomoveRatio
    this.#taken = 0
    this.#counters = this.#count()
    this.#samples = Array.from({ length: slabs.largestClass + 1 }, () =>
      new Array<Sample>(this.#window).fill(NO_SAMPLE),
    )
  }

  #count(): Counters[] {
    const { slabs, statistics, pages } = this.#cache
    return Array.from({ length: slabs.largestClass + 1 }, (_, slabClass) => ({
      evicted: statistics.ofClass(slabClass, EVICTED),
      outOfMemory: statistics.ofClass(slabClass, OUT_OF_MEMORY),
      pages: pages.count(slabClass),
    }))
  }

  #sampleOf(slabClass: number, before: Counters, allEvictions: number): Sample {
    const now = this.#counters[slabClass]
    const evictions = evictionsBetween(before, now)
    return {
      age: this.#ageOf(slabClass),
      evicting: evictions > 0,
      shareOfEvictions: evictions > 0 ? evictions / allEvictions : 0,
      dirty: evictions > 0 || now.outOfMemory > before.outOfMemory || now.pages > before.pages,
    }
  }

  /**
   * Where items must prove themselves to leave HOT, COLD's tail is as old as its worth lets it be: how long HOT
   * keeps an item then tells how fast the class is filled.
   */
  #ageOf(slabClass: number): number {
    const { lru } = this.#cache
    const cold = lru.tail(slabClass | COLD)
    const tail = lru.admits ? lru.tail(slabClass | HOT) || cold : cold
    return tail === 0 ? 0 : this.#cache.idleSeconds(tail)
  }

  #hasTooMuchFree(slabClass: number): boolean {
    const { slabs } = this.#cache
    return slabs.freeChunks(slabClass) > slabs.chunksPerPage(slabClass) * TOO_MANY_FREE_PAGES
  }
}

/** `stats reset` sets counters back. */
function evictionsBetween(before: Counters, now: Counters): number {
  return Math.max(0, now.evicted - before.evicted)
}

function sum(samples: readonly Sample[], value: (sample: Sample) => number): number {
  let total = 0
  for (const sample of samples) total += value(sample)
  return total
}

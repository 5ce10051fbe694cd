// The page mover: empties the oldest page of a slab class while it is in use, and gives it to another class
// or to the global pool, as memcached 1.6.45's slabs_mover.c. It takes bounded steps under the lock. Knows
// no timers, and not who wants the page moved.
//
// Living items are moved into other chunks of their class; when there is none, others of the class are
// evicted if that is allowed. What can't be moved is waited for, pass after pass: items still being
// written, and what replies send from. Past a bound, linked items that are in the way are deleted.
import { PAGE_BYTES, type Ref } from './arena.ts'
import type { Cache } from './cache.ts'
import { CHUNKED, type ItemRef, LINKED } from './item.ts'
import { HOT } from './lru.ts'
import { GLOBAL_PAGE_POOL } from './slab-pages.ts'
import {
  SLAB_REASSIGN_BUSY_DELETES,
  SLAB_REASSIGN_BUSY_ITEMS,
  SLAB_REASSIGN_BUSY_NOMEM,
  SLAB_REASSIGN_CHUNK_RESCUES,
  SLAB_REASSIGN_INLINE_RECLAIM,
  SLAB_REASSIGN_LAST_BUSY_STATUS,
  SLAB_REASSIGN_RESCUES,
  SLABS_MOVED,
} from './statistics.ts'

// Why a chunk has to wait: there is no room for its item, replies send from it, or it is being written.
const NONE = 0
const FROM_LRU = 1
const BUSY_ACTIVE = 2
const BUSY_FLOATING = 3
/** memcached's names of these, for `slab_reassign_last_busy_status`. */
export const BUSY_STATUSES = ['none', 'from_lru', 'busy_active', 'busy_floating']

/** Past so many passes over a page (memcached's number) it is time to be rude. */
const PATIENT_PASSES = 5000
/** Tries to make room for one item. */
const EVICTION_TRIES = 10

// What a step may cost, in units of some 20 ns: it shall take the lock for less than a tenth of a millisecond.
const STEP_COST = 4000
const COST_OF_LOOK = 1
const COST_OF_MOVE = 20
const BYTES_PER_COST = 64

const STEP_PAUSE_MS = 1
const MAX_PASS_PAUSE_MS = 5

export interface PageMoverOptions {
  /** Passes over a page before linked items that can't be moved are deleted. */
  readonly patientPasses?: number
  /** What a step may cost; 1 is a look at a chunk that needs no work. */
  readonly stepCost?: number
}

export class PageMover {
  readonly #cache: Cache
  readonly #patientPasses: number
  readonly #stepCost: number
  #moving = false
  /** Chunks of the page that are still to be looked at in this pass, from the last to the first. */
  #left = 0
  #passes = 0
  #pauseMs = STEP_PAUSE_MS
  #evictionsAllowed = false
  /** Of the pass under way. */
  #busyChunks = 0
  #status = NONE

  constructor(cache: Cache, options: PageMoverOptions = {}) {
    this.#cache = cache
    this.#patientPasses = options.patientPasses ?? PATIENT_PASSES
    this.#stepCost = options.stepCost ?? STEP_COST
  }

  /**
   * Takes a step of the move that is asked for. Returns the milliseconds to wait before the next, or
   * undefined if there is nothing to move.
   */
  run(): number | undefined {
    const { lock, pageMoves } = this.#cache
    if (!this.#moving && !pageMoves.pending) return undefined
    lock.acquire()
    const pauseMs = this.#moving ? this.#step() : this.#start()
    lock.release()
    return pauseMs
  }

  #start(): number {
    const { pages, slabs, pageMoves } = this.#cache
    const { source, destination } = pageMoves
    if (source === GLOBAL_PAGE_POOL) {
      // Perhaps it was taken since it was asked for.
      if (pages.count(source) > 0) this.#pass(source, destination)
      else pageMoves.finish()
      return STEP_PAUSE_MS
    }
    const page = slabs.startDraining(source)
    this.#moving = true
    this.#left = slabs.chunksIn(source, page)
    this.#passes = 0
    this.#busyChunks = 0
    this.#pauseMs = STEP_PAUSE_MS
    this.#evictionsAllowed =
      pageMoves.evictionsAllowed || (pages.limitReached && pages.count(GLOBAL_PAGE_POOL) === 0)
    return this.#step()
  }

  #pass(source: number, destination: number): void {
    this.#cache.slabs.passPage(source, destination)
    this.#cache.statistics.add(SLABS_MOVED, 1)
    this.#cache.pageMoves.count(source, destination)
    this.#cache.pageMoves.finish()
    this.#moving = false
  }

  #step(): number {
    const { slabs, pageMoves } = this.#cache
    const { source, destination } = pageMoves
    const page = slabs.drainingPage
    let cost = 0
    while (this.#moving && this.#left > 0 && cost < this.#stepCost) {
      cost += this.#look(slabs.chunkOf(source, page, --this.#left), source)
    }
    if (!this.#moving) return STEP_PAUSE_MS
    if (slabs.drained) {
      this.#pass(source, destination)
      return STEP_PAUSE_MS
    }
    return this.#left > 0 ? STEP_PAUSE_MS : this.#nextPass()
  }

  /** Something was busy: again through the page, a little later. */
  #nextPass(): number {
    const { statistics, slabs, pageMoves } = this.#cache
    statistics.add(SLAB_REASSIGN_BUSY_ITEMS, this.#busyChunks)
    statistics.set(SLAB_REASSIGN_LAST_BUSY_STATUS, this.#status)
    this.#passes++
    this.#left = slabs.chunksIn(pageMoves.source, slabs.drainingPage)
    this.#busyChunks = 0
    const pauseMs = this.#pauseMs
    this.#pauseMs = Math.min(pauseMs * 2, MAX_PASS_PAUSE_MS)
    return pauseMs
  }

  /** Gets one chunk of the page out of use, if possible now. Returns what that has cost. */
  #look(chunk: Ref, source: number): number {
    const { items, slabs } = this.#cache
    if (items.isRetired(chunk)) return COST_OF_LOOK
    if (items.isFree(chunk)) {
      slabs.retireFree(chunk, source)
      return COST_OF_MOVE
    }
    const item = items.isChunk(chunk) ? items.chunkItem(chunk) : chunk
    if ((items.flags(item) & LINKED) === 0) {
      // Being written, or deleted while replies send it.
      this.#busy(BUSY_FLOATING)
    } else if (this.#cache.isDead(item)) {
      this.#cache.unlink(item)
      if (!items.isRetired(chunk)) this.#busy(BUSY_ACTIVE)
    } else if (items.pins(item) > 0 && (items.flags(item) & CHUNKED) !== 0) {
      // A reply goes through its chunks, from one to the next.
      this.#busy(BUSY_ACTIVE)
      if (this.#passes > this.#patientPasses) {
        this.#cache.unlink(item)
        this.#cache.statistics.add(SLAB_REASSIGN_BUSY_DELETES, 1)
      }
    } else {
      return this.#rescue(chunk, item, source)
    }
    return COST_OF_MOVE
  }

  #rescue(chunk: Ref, item: ItemRef, source: number): number {
    const cache = this.#cache
    const { items, slabs, statistics } = cache
    const to = this.#room(source)
    if (items.isRetired(chunk)) {
      // Room was made by evicting just this item.
      if (to !== 0) slabs.free(to, source)
    } else if (to === 0) {
      this.#busy(FROM_LRU)
      statistics.add(SLAB_REASSIGN_BUSY_NOMEM, 1)
      if (this.#passes > this.#patientPasses) this.#giveUp(item, source)
    } else if (chunk !== item) {
      items.replaceChunk(chunk, to)
      slabs.free(chunk, source)
      statistics.add(SLAB_REASSIGN_CHUNK_RESCUES, 1)
    } else {
      const pinned = items.pins(item) > 0
      cache.relocate(item, to)
      statistics.add(SLAB_REASSIGN_RESCUES, 1)
      if (pinned) this.#busy(BUSY_ACTIVE)
    }
    return COST_OF_MOVE + Math.trunc(PAGE_BYTES / slabs.chunksPerPage(source) / BYTES_PER_COST)
  }

  #busy(status: number): void {
    this.#busyChunks++
    this.#status = status
  }

  /** A chunk of the class outside the page, or 0. */
  #room(source: number): Ref {
    const { pages, slabs, lru, tuning, statistics } = this.#cache
    const retired = slabs.retiredChunks
    let chunk = this.#freeChunk(source)
    if (chunk === 0 && !this.#evictionsAllowed && this.#passes > this.#patientPasses) {
      // As long as memory isn't full it is a new page's turn; it may have filled up since the move began.
      if (!pages.limitReached) chunk = slabs.allocate(source)
      this.#evictionsAllowed = chunk === 0
    }
    for (let tries = 0; chunk === 0 && this.#evictionsAllowed && tries < EVICTION_TRIES; tries++) {
      if (!lru.evict(source) && tuning.segmented) lru.pull(source, HOT, 0, false, 0)
      chunk = this.#freeChunk(source)
    }
    statistics.add(SLAB_REASSIGN_INLINE_RECLAIM, slabs.retiredChunks - retired)
    return chunk
  }

  /** A free chunk outside the page; those inside that come up are out of use from then on. */
  #freeChunk(source: number): Ref {
    const { arena, slabs } = this.#cache
    for (;;) {
      const chunk = slabs.allocateWithinPages(source)
      if (chunk === 0 || arena.pageOf(chunk) !== slabs.drainingPage) return chunk
      slabs.retire(chunk)
    }
  }

  /**
   * There is no room for the item and none can be made, as for the headers of large items, which count in
   * another class: it has to go itself. Where nothing may be evicted the page stays.
   */
  #giveUp(item: ItemRef, source: number): void {
    const { lru, slabs, items, pageMoves } = this.#cache
    if (lru.evictItem(item, items.slabClass(item)) > 0) return
    slabs.abandonDraining(source)
    pageMoves.finish()
    this.#moving = false
  }
}

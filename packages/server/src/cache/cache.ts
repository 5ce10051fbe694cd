// The cache itself: where items are allocated, found, linked, unlinked and freed, with every shared part
// put together. Knows no socket and no protocol; callers hold `lock` around everything here.
// Long because what allocates, links and frees an item must agree, and is checked by reading it together.
import { Arena, type Ref } from './arena.ts'
import type { CacheMemory, CacheOptions } from './cache-memory.ts'
import { Clock } from './clock.ts'
import { Crawl } from './crawl.ts'
import {
  EVICTIONS,
  EventLog,
  FETCHERS,
  FOUND_EXPIRED,
  FOUND_FLUSHED,
  FOUND_LIVING,
  FOUND_NOTHING,
} from './event-log.ts'
import { EvictionCounts } from './eviction-counts.ts'
import { hashKey } from './hash.ts'
import { HashTable } from './hash-table.ts'
import {
  CHUNK_HEADER_BYTES,
  CHUNKED,
  FETCHED,
  type ItemRef,
  Items,
  LIMIT_LINKS_BYTES,
  LINKED,
  MAX_PINS,
  NOMINAL_CHUNK_HEADER_BYTES,
} from './item.ts'
import { LOCK_COUNTERS, Lock } from './lock.ts'
import { COLD, HOT, Lru, type LruOwner, TEMP, WARM } from './lru.ts'
import { copyBytes, type MemoryBlock } from './memory.ts'
import { ANY_CLASS, PageMoves } from './page-moves.ts'
import { PrefixInvalidations } from './prefix-invalidations.ts'
import {
  LIMITED_EVICTIONS,
  LIMITED_ITEMS,
  LIMITED_REFUSALS,
  NO_LIMIT,
  PrefixLimits,
} from './prefix-limits.ts'
import { PrefixStatistics } from './prefix-statistics.ts'
import { SharedState } from './shared-state.ts'
import { SizeHistogram } from './size-histogram.ts'
import { SlabPages } from './slab-pages.ts'
import { type SlabOptions, Slabs } from './slabs.ts'
import {
  CURR_BYTES,
  CURR_ITEMS,
  DIRECT_RECLAIMS,
  GET_EXPIRED,
  GET_FLUSHED,
  OUT_OF_MEMORY,
  Statistics,
  TOTAL_ITEMS,
} from './statistics.ts'
import { Telemetry } from './telemetry.ts'
import { Tuning } from './tuning.ts'

/** Signed words of a 64-bit number. */
export interface CasUnique {
  readonly low: number
  readonly high: number
}

export type MakeSlabs = (
  ...parts: readonly [Arena, Items, SlabPages, SharedState, SlabOptions]
) => Slabs

const unguardedSlabs: MakeSlabs = (...parts) => new Slabs(...parts)

/** What `allocate` returns instead of an item. */
export const NO_MEMORY = 0
export const TOO_LARGE = -1

/** How often an allocation tries to make room before it gives up. */
const ALLOCATION_TRIES = 10

/** So many items under a limit that are asked for again may stay where one has to go. */
const SECOND_CHANCES = 8

const CAS_LOW = 0
const CAS_HIGH = 1
/** What was stored or fetched up to this second is flushed. */
const FLUSHED = 2
/** The same once that second has come: the one pending `flush_all <delay>`. */
const FLUSH_DUE = 3

export class Cache implements LruOwner {
  readonly options: CacheOptions
  readonly lock: Lock
  readonly clock: Clock
  readonly arena: Arena
  readonly items: Items
  readonly pages: SlabPages
  readonly slabs: Slabs
  readonly pageMoves: PageMoves
  readonly table: HashTable
  readonly lru: Lru
  readonly statistics: Statistics
  readonly evictionCounts: EvictionCounts
  readonly tuning: Tuning
  readonly crawl: Crawl
  readonly prefixes: PrefixStatistics
  readonly sizes: SizeHistogram
  readonly events: EventLog
  readonly telemetry: Telemetry
  readonly invalidations: PrefixInvalidations
  readonly limits: PrefixLimits
  /** What `hold` keeps for this thread, which has the lock meanwhile. */
  #held: ItemRef = 0
  readonly #state: Int32Array

  /** `makeSlabs`: for tests, an allocator that watches over its memory. */
  constructor(memory: CacheMemory, options: CacheOptions, makeSlabs: MakeSlabs = unguardedSlabs) {
    this.options = options
    const state = new SharedState(memory.state)
    this.arena = new Arena(memory.arena)
    const { bytes } = this.arena.description
    const contents = new SharedState(bytes.buffer, bytes.byteOffset, bytes.length)
    this.lock = new Lock(state.int32(1), state.float64(LOCK_COUNTERS))
    this.clock = new Clock(contents.int32(5))
    this.#state = contents.int32(4)
    this.statistics = new Statistics(state)
    this.tuning = new Tuning(state, options)
    this.crawl = new Crawl(state, this.statistics)
    this.prefixes = new PrefixStatistics(memory.prefixes, options)
    this.sizes = new SizeHistogram(memory.sizes)
    this.items = new Items(this.arena, options.casEnabled)
    this.pages = new SlabPages(this.arena, this.tuning, contents, options.initialMallocedBytes)
    this.slabs = makeSlabs(this.arena, this.items, this.pages, contents, options)
    this.pageMoves = new PageMoves(this.pages, state, this.slabs.largestClass)
    this.table = new HashTable(memory.table, this.items, contents, options)
    this.evictionCounts = new EvictionCounts(memory.evictionCounts, state)
    this.events = new EventLog(memory.events, state, this.items, this.clock, this.statistics)
    this.telemetry = new Telemetry(memory.telemetry, this.clock, options)
    this.lru = new Lru(
      this.items,
      this.clock,
      this.statistics,
      this.evictionCounts,
      contents,
      options,
      this.tuning,
      this.events,
      this,
    )
    this.invalidations = new PrefixInvalidations(contents, this.items)
    this.limits = new PrefixLimits(options.prefixLimits, state, this.items)
  }

  /** For recovery: the items of an earlier process are in the table and in their lists. */
  recovered(): void {
    this.invalidations.startOver()
    this.statistics.add(CURR_ITEMS, this.table.count)
    this.statistics.add(TOTAL_ITEMS, this.table.count)
    this.statistics.add(CURR_BYTES, this.lru.totalBytes)
    if (this.limits.count > 0) this.#limitRecovered()
    if (!this.sizes.enabled) return
    for (const item of this.table.all()) this.sizes.add(this.items.sizeOf(item), 1)
  }

  // ---- finding

  /** The living item with this key, or 0. One found dead (expired or flushed) is removed. */
  find(key: MemoryBlock, at: number, length: number, hash: number): ItemRef {
    const item = this.table.find(key, at, length, hash)
    const outcome = item === 0 ? FOUND_NOTHING : this.#judge(item)
    const living = outcome === FOUND_LIVING ? item : 0
    if (this.events.watched(FETCHERS)) this.events.fetched(outcome, key, at, length, living)
    return living
  }

  /** Whether an item that was found still lives; a dead one is removed. */
  #judge(item: ItemRef): number {
    if (this.isFlushed(item)) {
      this.unlink(item)
      this.statistics.add(GET_FLUSHED, 1)
      return FOUND_FLUSHED
    }
    const expiry = this.items.expiry(item)
    if (expiry !== 0 && expiry <= this.clock.now) {
      this.unlink(item)
      this.statistics.add(GET_EXPIRED, 1)
      return FOUND_EXPIRED
    }
    return FOUND_LIVING
  }

  hashOf(item: ItemRef): number {
    const items = this.items
    return hashKey(items.block(item), items.keyAt(item), items.keyLength(item))
  }

  // ---- making items

  /**
   * Makes an unlinked item without its value yet, evicting others if need be. Returns TOO_LARGE, or
   * NO_MEMORY when nothing can be evicted. `expiry` is on the cache's clock; `flags` are header flags.
   */
  allocate(
    key: MemoryBlock,
    keyAt: number,
    keyLength: number,
    clientFlags: number,
    expiry: number,
    valueLength: number,
    flags: number,
  ): ItemRef {
    const items = this.items
    const slabs = this.slabs
    const nominal = items.nominalSize(keyLength, clientFlags, valueLength)
    if (nominal > this.options.maxItemSizeBytes) return TOO_LARGE
    const limit = this.limits.count === 0 ? NO_LIMIT : this.limits.of(key, keyAt, keyLength)
    if (limit !== NO_LIMIT && this.#isRefused(limit, nominal)) {
      return nominal > this.limits.bytesOf(limit) ? TOO_LARGE : NO_MEMORY
    }
    const linksBytes = limit === NO_LIMIT ? 0 : LIMIT_LINKS_BYTES
    const chunked = nominal + linksBytes > this.options.slabChunkMaxBytes
    const ownBytes = chunked ? items.nominalChunkedHeaderSize(keyLength, clientFlags) : nominal
    const slabClass = slabs.classFor(ownBytes + linksBytes)
    const item = this.#allocateChunk(slabClass)
    if (item === 0) return NO_MEMORY
    const countsIn = chunked ? slabs.largestClass : slabClass
    const list = this.lru.listForNew(countsIn, expiry)
    const allFlags = chunked ? flags | CHUNKED : flags
    items.write(item, list, key, keyAt, keyLength, clientFlags, expiry, valueLength, allFlags)
    if (chunked) items.beginChunks(item, slabClass)
    return item
  }

  /**
   * Copies the next bytes of the value into an unlinked item, `filled` being there already. False if
   * there is no memory for a further chunk of a large item.
   */
  fill(item: ItemRef, filled: number, source: MemoryBlock, from: number, length: number): boolean {
    const items = this.items
    if ((items.flags(item) & CHUNKED) === 0) {
      copyBytes(source, from, items.block(item), items.valueAt(item) + filled, length)
      return true
    }
    let done = 0
    while (done < length) {
      let chunk = items.lastChunk(item)
      if (chunk === 0 || items.chunkUsed(chunk) === items.chunkCapacity(chunk)) {
        chunk = this.#addChunk(item, items.valueLength(item) - filled - done)
        if (chunk === 0) return false
      }
      const used = items.chunkUsed(chunk)
      const part = Math.min(length - done, items.chunkCapacity(chunk) - used)
      const to = items.offset(chunk) + CHUNK_HEADER_BYTES + used
      copyBytes(source, from + done, items.block(chunk), to, part)
      items.setChunkUsed(chunk, used + part)
      done += part
    }
    return true
  }

  /** As `fill`, with the whole value of another item. */
  fillFrom(item: ItemRef, filled: number, source: ItemRef): boolean {
    const items = this.items
    if ((items.flags(source) & CHUNKED) === 0) {
      const length = items.valueLength(source)
      return this.fill(item, filled, items.block(source), items.valueAt(source), length)
    }
    let done = filled
    for (let chunk = items.firstChunk(source); chunk !== 0; chunk = items.next(chunk)) {
      const from = items.offset(chunk) + CHUNK_HEADER_BYTES
      const used = items.chunkUsed(chunk)
      if (!this.fill(item, done, items.block(chunk), from, used)) return false
      done += used
    }
    return true
  }

  /** Gives an unlinked item's memory back. */
  free(item: ItemRef): void {
    const items = this.items
    if ((items.flags(item) & CHUNKED) === 0) {
      this.slabs.free(item, items.slabClass(item))
      return
    }
    const headerClass = items.headerClass(item)
    let chunk = items.firstChunk(item)
    while (chunk !== 0) {
      const next = items.next(chunk)
      this.slabs.free(chunk, items.chunkClass(chunk))
      chunk = next
    }
    this.slabs.free(item, headerClass)
  }

  // ---- linking

  /** Puts a complete item into the cache, under a key that it doesn't hold yet, with a new CAS unique. */
  link(item: ItemRef, hash: number): void {
    this.table.insert(item, hash)
    this.#entered(item)
    this.statistics.add(CURR_ITEMS, 1)
  }

  /** Puts a complete item in the place of another with the same key. */
  replace(old: ItemRef, item: ItemRef, hash: number): void {
    const wasFetched = (this.items.flags(old) & FETCHED) !== 0
    this.table.replace(old, item, hash)
    this.#left(old)
    this.#entered(item)
    // The key has come back as after an eviction. That one writes what nobody reads would say nothing for it.
    if (wasFetched && this.pages.limitReached) this.lru.countEviction(hash)
  }

  /** `hash`, if somebody has it already, is that of the item's key. */
  unlink(item: ItemRef, hash = this.hashOf(item)): void {
    this.table.remove(item, hash)
    this.#left(item)
    this.statistics.add(CURR_ITEMS, -1)
  }

  /** Gives the item the next CAS unique. */
  renewCas(item: ItemRef): void {
    const low = this.#nextCas()
    this.items.renewCas(item, low, this.#state[CAS_HIGH])
  }

  /** Counts to the next CAS unique; returns its low word. */
  #nextCas(): number {
    const state = this.#state
    const low = (state[CAS_LOW] + 1) | 0
    // First the high word: a crash in between may leave uniques out, and gives none twice.
    if (low === 0) state[CAS_HIGH] = (state[CAS_HIGH] + 1) | 0
    state[CAS_LOW] = low
    return low
  }

  /**
   * Moves a linked item into another chunk of its class. For everybody else nothing changes; replies that
   * send from the old chunk keep it until they are done.
   */
  relocate(item: ItemRef, to: Ref): void {
    const items = this.items
    const chunked = (items.flags(item) & CHUNKED) !== 0
    items.copy(item, to)
    this.table.replace(item, to, this.hashOf(item))
    this.lru.replace(item, to)
    const limit = this.limits.count === 0 ? NO_LIMIT : this.limits.ofItem(item)
    if (limit !== NO_LIMIT) this.limits.replace(limit, item, to)
    items.removeFlags(item, LINKED)
    // Of a large item only the header has moved.
    if (chunked) this.slabs.free(item, items.headerClass(item))
    else if (items.pins(item) === 0) this.free(item)
  }

  /** The item is in the hash table: it belongs into its list too. */
  #entered(item: ItemRef): void {
    const items = this.items
    const size = items.sizeOf(item)
    items.enter(item, this.accessTime, this.#nextCas(), this.#state[CAS_HIGH])
    this.lru.link(item, size)
    this.lru.relieve(item)
    this.statistics.add(TOTAL_ITEMS, 1)
    this.statistics.add(CURR_BYTES, size)
    if (this.sizes.enabled) this.sizes.add(size, 1)
    if (size > this.telemetry.bigKeys.least) this.noteBig(item)
    if (this.limits.count > 0) this.#enteredLimit(item, size)
  }

  /** The item is out of the hash table: out of its list too, and freed unless a reply still needs it. */
  #left(item: ItemRef): void {
    const items = this.items
    const size = items.sizeOf(item)
    this.lru.unlink(item, size)
    this.statistics.add(CURR_BYTES, -size)
    if (this.sizes.enabled) this.sizes.add(size, -1)
    if (this.limits.count > 0) this.#leftLimit(item, size)
    if (items.isPlain(item)) {
      this.slabs.free(item, items.slabClass(item))
      return
    }
    items.removeFlags(item, LINKED)
    if (items.pins(item) === 0) this.free(item)
  }

  // ---- limits of prefixes

  /** Whether an item under a limit can't be stored: it alone is too large, or it is too much and nothing may go for it. */
  #isRefused(limit: number, size: number): boolean {
    const { limits } = this
    const refused =
      size > limits.bytesOf(limit) ||
      (!this.options.evictionsEnabled && !limits.hasRoomFor(limit, size))
    if (refused) limits.increment(limit, LIMITED_REFUSALS)
    return refused
  }

  #enteredLimit(item: ItemRef, size: number): void {
    const { limits } = this
    const limit = limits.ofItem(item)
    if (limit === NO_LIMIT) return
    limits.add(limit, item, size)
    while (limits.isExceeded(limit)) {
      // It was begun when the limit was higher: it goes as what else is too much since then.
      if (limits.counted(limit, LIMITED_ITEMS) === 1) limits.settle(limit)
      else this.#evictUnder(limit, item)
    }
  }

  /**
   * Evicts up to so many items that are too much since limits were lowered, the oldest first. True while there are more.
   * With `-M` they go of themselves.
   */
  lowerLimits(most: number): boolean {
    const { limits } = this
    let left = this.options.evictionsEnabled ? most : 0
    for (let limit = 0; limit < limits.count; limit++) {
      for (; left > 0 && !limits.hasRoomFor(limit, 0); left--) this.#evictUnder(limit, 0)
      limits.settle(limit)
    }
    return limits.lowering
  }

  #leftLimit(item: ItemRef, size: number): void {
    const limit = this.limits.ofItem(item)
    if (limit !== NO_LIMIT) this.limits.remove(limit, item, size)
  }

  /**
   * Takes the oldest item under a limit out of the cache. Not the one that has just come, which may have become the
   * oldest: there is another.
   */
  #evictUnder(limit: number, newcomer: ItemRef): void {
    const { limits, lru, items, events } = this
    let item = limits.oldest(limit)
    for (let chances = SECOND_CHANCES; ; chances--) {
      if (item !== newcomer && (chances <= 0 || !this.#isWantedAgain(item))) break
      limits.renew(limit, item)
      item = limits.oldest(limit)
    }
    if (lru.reclaimDead(item, items.slabClass(item))) return
    limits.increment(limit, LIMITED_EVICTIONS)
    if (events.watched(EVICTIONS)) events.evicted(item, this.idleSeconds(item))
    this.unlink(item)
  }

  /** Whether an item was asked for since it was last looked at here or at the tail of its LRU list. */
  #isWantedAgain(item: ItemRef): boolean {
    const { items, lru } = this
    if (this.isDead(item)) return false
    if (this.tuning.segmented) return lru.keepActive(item)
    const newer = items.previousUnderLimit(item)
    return newer !== 0 && items.accessed(item) > items.accessed(newer)
  }

  /** What was recovered is under its limits again, in the order of the LRU lists, one after the other. */
  #limitRecovered(): void {
    const { limits, lru, items } = this
    for (const segment of [COLD, TEMP, WARM, HOT]) {
      for (let slabClass = 1; slabClass <= this.slabs.largestClass; slabClass++) {
        let item = lru.tail(slabClass | segment)
        for (; item !== 0; item = items.previous(item)) {
          const limit = limits.ofItem(item)
          if (limit !== NO_LIMIT) limits.add(limit, item, items.sizeOf(item))
        }
      }
    }
    for (let limit = 0; limit < limits.count; limit++) limits.settle(limit)
  }

  // ---- from a snapshot

  /** Whether an item can be held without evicting anything. */
  hasRoomFor(
    key: MemoryBlock,
    keyAt: number,
    keyLength: number,
    clientFlags: number,
    valueLength: number,
  ): boolean {
    const { items, slabs, pages, limits } = this
    const size = items.nominalSize(keyLength, clientFlags, valueLength)
    const limit = limits.of(key, keyAt, keyLength)
    if (limit !== NO_LIMIT && !limits.hasRoomFor(limit, size)) return false
    if (!pages.limitReached) return true
    const chunkBytes = size + (limit === NO_LIMIT ? 0 : LIMIT_LINKS_BYTES)
    const { slabChunkMaxBytes } = this.options
    if (chunkBytes <= slabChunkMaxBytes) return slabs.freeChunks(slabs.classFor(chunkBytes)) > 0
    return slabs.freeChunks(slabs.largestClass) > Math.ceil(size / slabChunkMaxBytes)
  }

  /**
   * Puts a complete item into a list as its oldest so far, under a key that isn't there. Its CAS unique is one that was
   * given before.
   */
  restore(item: ItemRef, hash: number, segment: number, idleSeconds: number, cas: CasUnique): void {
    const { items, statistics } = this
    const size = items.sizeOf(item)
    items.setList(item, items.slabClass(item) | (this.tuning.segmented ? segment : COLD))
    this.table.insert(item, hash)
    items.enter(item, Math.max(1, this.clock.now - idleSeconds), cas.low, cas.high)
    this.lru.linkLast(item, size)
    const limit = this.limits.ofItem(item)
    if (limit !== NO_LIMIT) this.limits.addLast(limit, item, size)
    statistics.add(CURR_ITEMS, 1)
    statistics.add(TOTAL_ITEMS, 1)
    statistics.add(CURR_BYTES, size)
    if (this.sizes.enabled) this.sizes.add(size, 1)
  }

  /** The last CAS unique that was given. It can't be set to an earlier one. */
  get lastCas(): CasUnique {
    return { low: this.#state[CAS_LOW], high: this.#state[CAS_HIGH] }
  }

  set lastCas({ low, high }: CasUnique) {
    const own = this.lastCas
    const isLater = high === own.high ? low >>> 0 > own.low >>> 0 : high >>> 0 > own.high >>> 0
    if (!isLater) return
    this.#state[CAS_HIGH] = high
    this.#state[CAS_LOW] = low
  }

  // ---- replies that send straight from the arena

  hasFreePin(item: ItemRef): boolean {
    return this.items.pins(item) < MAX_PINS
  }

  /** Keeps the item's bytes where they are until `unpin`. Only for an item with a free pin. */
  pin(item: ItemRef): void {
    this.items.addPin(item)
  }

  unpin(item: ItemRef): void {
    this.items.removePin(item)
    if (this.items.pins(item) === 0 && (this.items.flags(item) & LINKED) === 0) this.free(item)
  }

  /**
   * Keeps a linked item linked while room is made for what shall take its place, after which `letGo` is due. False if
   * it has no free pin.
   */
  hold(item: ItemRef): boolean {
    if (!this.hasFreePin(item)) return false
    this.pin(item)
    this.#held = item
    return true
  }

  letGo(item: ItemRef): void {
    this.#held = 0
    this.unpin(item)
  }

  isHeld(item: ItemRef): boolean {
    return item === this.#held
  }

  // ---- telemetry

  /** An item was met that is larger than those noted as big. */
  noteBig(item: ItemRef): void {
    const items = this.items
    const { bigKeys } = this.telemetry
    const size = items.sizeOf(item)
    const length = items.keyLength(item)
    bigKeys.note(this.hashOf(item), items.block(item), items.keyAt(item), length, size)
  }

  /** `stats reset`, for all that is counted here. */
  resetStatistics(): void {
    this.statistics.reset()
    this.prefixes.clear()
    this.limits.resetCounts()
    this.lock.resetCounters()
    this.pageMoves.resetCounts()
    this.telemetry.reset(this.statistics.get(TOTAL_ITEMS))
  }

  // ---- flushing

  /** By a flush, or by the invalidation of a prefix that it is under. */
  isFlushed(item: ItemRef): boolean {
    const state = this.#state
    const accessed = this.items.accessed(item)
    const due = state[FLUSH_DUE]
    return (
      accessed <= state[FLUSHED] ||
      (accessed <= due && due <= this.clock.now) ||
      (this.invalidations.count > 0 && this.invalidations.kills(item))
    )
  }

  /**
   * Invalidates everything stored under a prefix of keys so far, in no time. False if too many prefixes are dead
   * already, whose items must be reclaimed first.
   */
  invalidatePrefix(block: MemoryBlock, at: number, length: number): boolean {
    const [casLow, casHigh] = [this.#state[CAS_LOW], this.#state[CAS_HIGH]]
    const moment = { casLow, casHigh, accessed: this.accessTime }
    return this.invalidations.add(block, at, length, moment)
  }

  /**
   * The time that an access of this moment is noted as. In a second with a flush it is the next second:
   * so what is stored after the flush differs from what it has killed.
   */
  get accessTime(): number {
    return Math.max(this.clock.now, this.#state[FLUSHED] + 1)
  }

  /** Seconds since the last access. */
  idleSeconds(item: ItemRef): number {
    return Math.max(0, this.clock.now - this.items.accessed(item))
  }

  /** Expired, or flushed: nobody will find it again. */
  isDead(item: ItemRef): boolean {
    const expiry = this.items.expiry(item)
    return (expiry !== 0 && expiry < this.clock.now) || this.isFlushed(item)
  }

  /** As memcached's oldest_live: the moment up to which the last flush has killed, or will; 0: none yet. */
  get flushedUntil(): number {
    const due = this.#state[FLUSH_DUE]
    return due !== 0 ? due : Math.max(0, this.#state[FLUSHED] - 1)
  }

  /** Invalidates everything stored until the moment `at` on the cache's clock; a past one, and 0, is now. */
  flush(at: number): void {
    const state = this.#state
    const now = this.clock.now
    if (at > now) {
      // A deadline that has passed stays in force.
      if (state[FLUSH_DUE] <= now) state[FLUSHED] = Math.max(state[FLUSHED], state[FLUSH_DUE])
      state[FLUSH_DUE] = Math.max(at - 1, this.accessTime)
      return
    }
    // The second flush of a second: access times can't tell any more, so it takes the time to look.
    if (state[FLUSHED] === now) this.lru.unlinkSince(now + 1)
    state[FLUSHED] = now
    state[FLUSH_DUE] = 0
  }

  // ---- memory

  /** Changes the limit for items (`cache_memlimit`); false if it can't be, or there are no addresses for so much. */
  setMemoryLimit(bytes: number): boolean {
    if (this.options.memoryLimitFixed || !this.pages.hasRoomFor(bytes)) return false
    this.tuning.memoryLimitBytes = bytes
    this.pages.releaseSurplus()
    return true
  }

  get itemsHeld(): number {
    return this.table.count
  }

  evicted(slabClass: number): void {
    if (this.tuning.slabAutomove === 2 && this.options.slabReassignEnabled) {
      this.pageMoves.ask(ANY_CLASS, slabClass, true)
    }
  }

  /** As memcached's do_item_alloc_pull: takes a free chunk, or makes one free by eviction. */
  #allocateChunk(slabClass: number): ItemRef {
    const { lru, tuning } = this
    for (let tries = 0; tries < ALLOCATION_TRIES; tries++) {
      if (!tuning.segmented) lru.pull(slabClass, COLD, 0, false, 0)
      const chunk = this.slabs.allocate(slabClass)
      if (chunk !== 0) {
        if (tries > 0) this.statistics.addToClass(slabClass, DIRECT_RECLAIMS, tries)
        return chunk
      }
      if (!lru.evict(slabClass)) {
        if (!tuning.segmented) break
        lru.pull(slabClass, HOT, 0, false, 0)
      }
    }
    this.statistics.addToClass(slabClass, OUT_OF_MEMORY, 1)
    return 0
  }

  /** A further chunk for an item of which `remaining` value bytes have no place yet. */
  #addChunk(item: ItemRef, remaining: number): ItemRef {
    const slabs = this.slabs
    const wanted = Math.min(remaining + NOMINAL_CHUNK_HEADER_BYTES, this.options.slabChunkMaxBytes)
    let slabClass = slabs.classFor(wanted)
    let chunk = this.#allocateChunk(slabClass)
    if (chunk === 0 && slabClass !== slabs.largestClass) {
      // Nothing to evict among items of that size; the largest class always has this item's neighbours.
      slabClass = slabs.largestClass
      chunk = this.#allocateChunk(slabClass)
    }
    if (chunk === 0) return 0
    const capacity = slabs.chunkSizes[slabClass] - CHUNK_HEADER_BYTES
    this.items.addChunk(item, chunk, slabClass, capacity)
    return chunk
  }
}

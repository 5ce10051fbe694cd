// The segmented LRU: for each slab class the lists HOT, WARM, COLD and TEMP, and how items flow between
// them (memcached's doc/new_lru.txt), with one rule more: admission. Where an item has to make room, the oldest of
// HOT and of COLD stand against each other, and the one is admitted to COLD only if it has the better claim: then the
// other is evicted, else it goes itself. So what is asked for once passes by what is asked for again, and a scan
// evicts little but itself (as in S3-FIFO, Yang et al. 2023, and TinyLFU, Einziger, Friedman and Manes 2017).
//
// Knows lists and their order; what unlinking an item from the hash table involves it is told.
// Long because every way from list to list stands here, so that the rules can be compared.
import type { Ref } from './arena.ts'
import type { Clock } from './clock.ts'
import { EVICTIONS, type EventLog } from './event-log.ts'
import type { EvictionCounts } from './eviction-counts.ts'
import { ACTIVE, FETCHED, type ItemRef, type Items, LINKED } from './item.ts'
import type { SharedState } from './shared-state.ts'
import {
  EVICTED,
  EVICTED_ACTIVE,
  EVICTED_NONZERO,
  EVICTED_TIME,
  EVICTED_UNFETCHED,
  EXPIRED_UNFETCHED,
  LRU_TAIL_REFLOCKED,
  MOVES_TO_COLD,
  MOVES_TO_WARM,
  MOVES_WITHIN_LRU,
  RECLAIMED,
  type Statistics,
  TAIL_REPAIRS,
} from './statistics.ts'
import type { Tuning } from './tuning.ts'

// A list's number is its slab class plus one of these, as in memcached's slabs_clsid.
export const HOT = 0
export const WARM = 64
export const COLD = 128
export const TEMP = 192
const LISTS = 256
const SEGMENT_BITS = 0xc0

/** With a flat LRU an item is moved to the head at most this often (memcached's ITEM_UPDATE_INTERVAL). */
const FLAT_BUMP_INTERVAL_SECONDS = 60
/** Shorter ones are left to the maintainer, as memcached's. */
const LONG_HOT_ITEMS = 1000
/** Below its share by no more than this part of it, HOT is as long as it may be: items differ in size. */
const HOT_MARGIN = 1 / 8
/** WARM has at least this part of its share where items are asked for again at all. */
const WARM_MINIMUM = 1 / 8
/** One key in so many is let in all the same: so what was fetched once and never again goes some time. */
const ADMITTED_ANYWAY = 16
/** How far from the tail one look goes for something to take. */
const TAIL_TRIES = 5

export interface LruOptions {
  /** False with `-M`: stores fail when memory is full. */
  readonly evictionsEnabled: boolean
  /** Whether there is somebody to move items between the lists; without, the LRU stays flat. */
  readonly maintained: boolean
  /** `-o tail_repair_time`: so long an item in use may block a list's tail; 0: forever. */
  readonly tailRepairSeconds: number
}

/** What the lists need of their owner: to take an item out of the cache for good, and to judge it dead. */
export interface LruOwner {
  /** The time that an access of this moment is noted as. */
  readonly accessTime: number
  readonly itemsHeld: number
  idleSeconds(item: ItemRef): number
  hashOf(item: ItemRef): number
  /** `hash` is that of the item's key. */
  unlink(item: ItemRef, hash?: number): void
  isDead(item: ItemRef): boolean
  /** Whether room is being made for what shall take the item's place: it must stay until then. */
  isHeld(item: ItemRef): boolean
  /** An item of the class had to make room. */
  evicted(slabClass: number): void
}

export class Lru {
  readonly #evictionsEnabled: boolean
  readonly #admissionEnabled: boolean
  readonly #tailRepairSeconds: number
  readonly #tuning: Tuning
  readonly #items: Items
  readonly #clock: Clock
  readonly #statistics: Statistics
  readonly #evictionCounts: EvictionCounts
  readonly #events: EventLog
  readonly #owner: LruOwner
  readonly #heads: Int32Array
  readonly #tails: Int32Array
  readonly #counts: Int32Array
  readonly #bytes: Float64Array

  constructor(
    items: Items,
    clock: Clock,
    statistics: Statistics,
    evictionCounts: EvictionCounts,
    state: SharedState,
    options: LruOptions,
    tuning: Tuning,
    events: EventLog,
    owner: LruOwner,
  ) {
    this.#evictionsEnabled = options.evictionsEnabled
    this.#admissionEnabled = evictionCounts.enabled && options.evictionsEnabled
    this.#tailRepairSeconds = options.tailRepairSeconds
    this.#tuning = tuning
    this.#items = items
    this.#clock = clock
    this.#statistics = statistics
    this.#evictionCounts = evictionCounts
    this.#events = events
    this.#owner = owner
    this.#heads = state.int32(LISTS)
    this.#tails = state.int32(LISTS)
    this.#counts = state.int32(LISTS)
    this.#bytes = state.float64(LISTS)
  }

  head(list: number): ItemRef {
    return this.#heads[list]
  }

  tail(list: number): ItemRef {
    return this.#tails[list]
  }

  count(list: number): number {
    return this.#counts[list]
  }

  /** Bytes of the items in a list. */
  bytes(list: number): number {
    return this.#bytes[list]
  }

  /** Bytes of all items. */
  get totalBytes(): number {
    return this.#bytes.reduce((sum, bytes) => sum + bytes, 0)
  }

  countOfClass(slabClass: number): number {
    const counts = this.#counts
    return (
      counts[slabClass | HOT] +
      counts[slabClass | WARM] +
      counts[slabClass | COLD] +
      counts[slabClass | TEMP]
    )
  }

  /** For recovery: a list whose items are linked already. */
  setList(list: number, head: ItemRef, tail: ItemRef, count: number, bytes: number): void {
    this.#heads[list] = head
    this.#tails[list] = tail
    this.#counts[list] = count
    this.#bytes[list] = bytes
  }

  /** The list a new item of the class starts in. */
  listForNew(slabClass: number, expiry: number): number {
    const { segmented, temporaryTtlSeconds } = this.#tuning
    if (
      temporaryTtlSeconds !== undefined &&
      expiry !== 0 &&
      expiry - this.#clock.now <= temporaryTtlSeconds
    ) {
      return slabClass | TEMP
    }
    return slabClass | (segmented ? HOT : COLD)
  }

  /** Puts the item, of `size` bytes, at the head of the list that its header names. */
  link(item: ItemRef, size: number): void {
    const items = this.#items
    const list = items.list(item)
    const head = this.#heads[list]
    items.setLinks(item, head, 0)
    if (head !== 0) items.setPrevious(head, item)
    this.#heads[list] = item
    if (this.#tails[list] === 0) this.#tails[list] = item
    this.#counts[list]++
    this.#bytes[list] += size
  }

  /** The same at the tail. */
  linkLast(item: ItemRef, size: number): void {
    const items = this.#items
    const list = items.list(item)
    const tail = this.#tails[list]
    items.setLinks(item, 0, tail)
    if (tail !== 0) items.setNext(tail, item)
    this.#tails[list] = item
    if (this.#heads[list] === 0) this.#heads[list] = item
    this.#counts[list]++
    this.#bytes[list] += size
  }

  /**
   * To be called when `item` has entered its list. A long HOT passes what it has too much on to COLD by itself: the
   * maintainer would have to fight for the lock with whoever stores so fast, which costs both more than the move.
   */
  relieve(item: ItemRef): void {
    const items = this.#items
    const bytes = this.#bytes
    const list = items.list(item)
    if (this.#counts[list] <= LONG_HOT_ITEMS || (list & SEGMENT_BITS) !== HOT) return
    const totalBytes = this.#sharedBytes(list)
    if (bytes[list] <= (totalBytes * this.#tuning.hotPercent) / 100) return
    const tail = this.#tails[list]
    // A dead or pinned one is more work than there is time for here.
    if (items.pins(tail) > 0 || this.#owner.isDead(tail)) return
    this.#settle(tail, list, HOT, totalBytes, Number.POSITIVE_INFINITY)
  }

  unlink(item: ItemRef, size: number): void {
    const items = this.#items
    const list = items.list(item)
    const next = items.next(item)
    const previous = items.previous(item)
    if (previous === 0) this.#heads[list] = next
    else items.setNext(previous, next)
    if (next === 0) this.#tails[list] = previous
    else items.setPrevious(next, previous)
    this.#counts[list]--
    this.#bytes[list] -= size
  }

  /** Puts another item in the place of one, whose header it has a copy of. */
  replace(old: ItemRef, item: ItemRef): void {
    const items = this.#items
    const list = items.list(old)
    const next = items.next(old)
    const previous = items.previous(old)
    items.setLinks(item, next, previous)
    if (previous === 0) this.#heads[list] = item
    else items.setNext(previous, item)
    if (next === 0) this.#tails[list] = item
    else items.setPrevious(next, item)
  }

  /** Notes a fetch. The second one makes an item active; an active one in COLD moves to WARM. */
  bump(item: ItemRef): void {
    const items = this.#items
    if (!this.#tuning.segmented) {
      items.addFlags(item, FETCHED)
      this.update(item)
      return
    }
    const flags = items.flags(item)
    if ((flags & ACTIVE) !== 0) return
    if ((flags & FETCHED) === 0) {
      items.addFlags(item, FETCHED)
      return
    }
    items.addFlags(item, ACTIVE)
    this.update(item)
  }

  /** Notes that somebody still wants this item, fetched or not (`add` on an existing key does that). */
  update(item: ItemRef): void {
    const items = this.#items
    if (this.#tuning.segmented) {
      if ((items.list(item) & SEGMENT_BITS) === COLD && (items.flags(item) & ACTIVE) !== 0) {
        items.removeFlags(item, ACTIVE)
        this.#statistics.addToClass(items.slabClass(item), MOVES_TO_WARM, 1)
        this.#move(item, items.slabClass(item) | WARM)
      }
      items.setAccessed(item, this.#owner.accessTime)
    } else if (this.#owner.idleSeconds(item) > FLAT_BUMP_INTERVAL_SECONDS) {
      items.setAccessed(item, this.#owner.accessTime)
      const size = items.sizeOf(item)
      this.unlink(item, size)
      this.link(item, size)
    }
  }

  /** Whether items must prove themselves to leave HOT when memory is full. */
  get admits(): boolean {
    return this.#admissionEnabled && this.#tuning.segmented
  }

  /** Frees at least one item of the class, dead or by eviction; false if nothing could be taken. */
  evict(slabClass: number): boolean {
    return this.#contest(slabClass) || this.pull(slabClass, COLD, 0, true, 0) > 0
  }

  /**
   * Admission: evicts the oldest of HOT or of COLD, or frees a dead one. False if there is no such choice, so that
   * COLD's has to go: HOT is not as long as it may be, or one of the two is in use.
   */
  #contest(slabClass: number): boolean {
    if (!this.admits) return false
    const items = this.#items
    for (let tries = TAIL_TRIES; tries > 0; tries--) {
      const newer = this.#tails[slabClass | HOT]
      const older = this.#tails[slabClass | COLD]
      if (newer === 0 || older === 0 || !this.#isHotFull(slabClass, newer)) return false
      if (items.pins(newer) > 0 || items.pins(older) > 0) return false
      if (this.reclaimDead(newer, slabClass) || this.reclaimDead(older, slabClass)) return true
      if ((items.flags(newer) & ACTIVE) !== 0) {
        this.#settle(newer, slabClass, HOT, 0, 0)
        continue
      }
      if (this.#isAdmitted(newer, older, slabClass)) {
        this.#statistics.addToClass(slabClass, MOVES_TO_COLD, 1)
        this.#move(newer, slabClass | COLD)
        this.evictItem(older, slabClass)
      } else {
        this.evictItem(newer, slabClass)
      }
      return true
    }
    return false
  }

  /** One item more, and HOT would have more than its share. When it has, the maintainer is late, and comes first. */
  #isHotFull(slabClass: number, tail: ItemRef): boolean {
    const hot = this.#bytes[slabClass | HOT]
    const share = (this.#sharedBytes(slabClass) * this.#tuning.hotPercent) / 100
    return hot <= share && hot + Math.max(this.#items.sizeOf(tail), share * HOT_MARGIN) > share
  }

  /** Whether the oldest of HOT has a better claim to its memory than the oldest of COLD. With an equal one it has. */
  #isAdmitted(newer: ItemRef, older: ItemRef, slabClass: number): boolean {
    const items = this.#items
    const counts = this.#evictionCounts
    if ((items.flags(newer) & FETCHED) !== 0) return true
    const warmShare = (this.#sharedBytes(slabClass) * this.#tuning.warmPercent) / 100
    if (this.#bytes[slabClass | WARM] < warmShare * WARM_MINIMUM) return true
    const hash = this.#owner.hashOf(newer)
    if (hash % ADMITTED_ANYWAY === 0) return true
    const more = counts.of(hash) - counts.of(this.#owner.hashOf(older))
    return more > 0 || (more === 0 && (items.flags(older) & FETCHED) === 0)
  }

  /** Bytes of the items of a class that shares are parts of. */
  #sharedBytes(slabClass: number): number {
    const bytes = this.#bytes
    return bytes[slabClass | HOT] + bytes[slabClass | WARM] + bytes[slabClass | COLD]
  }

  /**
   * Takes care of a list's tail, as memcached's lru_pull_tail: dead items are freed, the last living one
   * is moved to where it belongs or, with `evict`, freed. Returns how many items were freed or moved.
   * `totalBytes` are those of the class, `maxAge` is the age in seconds at which an item must go on.
   */
  pull(
    slabClass: number,
    segment: number,
    totalBytes: number,
    evict: boolean,
    maxAge: number,
  ): number {
    const items = this.#items
    const statistics = this.#statistics
    const list = slabClass | segment
    let removed = 0
    let item: Ref = this.#tails[list]
    for (let tries = TAIL_TRIES; tries > 0 && item !== 0; tries--) {
      const candidate = item
      item = items.previous(candidate)
      if (items.pins(candidate) > 0) {
        statistics.addToClass(slabClass, LRU_TAIL_REFLOCKED, 1)
        this.#repairTail(candidate, slabClass)
        continue
      }
      if (this.reclaimDead(candidate, slabClass)) {
        removed++
        continue
      }
      switch (segment) {
        case HOT:
        case WARM:
          return removed + this.#settle(candidate, slabClass, segment, totalBytes, maxAge)
        case COLD:
          if (evict) return removed + this.evictItem(candidate, slabClass)
          if (this.#tuning.segmented && (items.flags(candidate) & ACTIVE) !== 0) {
            statistics.addToClass(slabClass, MOVES_TO_WARM, 1)
            items.removeFlags(candidate, ACTIVE)
            this.#move(candidate, slabClass | WARM)
            removed++
          }
          return removed
        default:
          return removed
      }
    }
    return removed
  }

  /** Unlinks the items stored or fetched at or after `since`; looks at every item there is. */
  unlinkSince(since: number): void {
    for (let list = 0; list < LISTS; list++) {
      let item = this.#heads[list]
      while (item !== 0) {
        const next = this.#items.next(item)
        if (this.#items.accessed(item) >= since) this.#owner.unlink(item)
        item = next
      }
    }
  }

  /**
   * Takes an item out that somebody has held for very long. memcached frees it, whoever may still be using
   * it; here its memory is freed when it is let go.
   */
  #repairTail(item: ItemRef, slabClass: number): void {
    const heldSeconds = this.#clock.now - this.#items.accessed(item)
    if (this.#tailRepairSeconds === 0 || heldSeconds <= this.#tailRepairSeconds) return
    if (this.#owner.isHeld(item)) return
    this.#statistics.addToClass(slabClass, TAIL_REPAIRS, 1)
    this.#owner.unlink(item)
  }

  /** Frees an item that nobody will find again; false if it lives. */
  reclaimDead(item: ItemRef, slabClass: number): boolean {
    if (!this.#owner.isDead(item)) return false
    this.#reclaim(item, slabClass)
    return true
  }

  #reclaim(item: ItemRef, slabClass: number): void {
    this.#statistics.addToClass(slabClass, RECLAIMED, 1)
    if ((this.#items.flags(item) & FETCHED) === 0) {
      this.#statistics.addToClass(slabClass, EXPIRED_UNFETCHED, 1)
    }
    this.#owner.unlink(item)
  }

  /** A living item at the tail of HOT or WARM: active ones go to WARM's head, surplus to COLD. */
  #settle(
    item: ItemRef,
    slabClass: number,
    segment: number,
    totalBytes: number,
    maxAge: number,
  ): number {
    const items = this.#items
    const percent = segment === HOT ? this.#tuning.hotPercent : this.#tuning.warmPercent
    if ((items.flags(item) & ACTIVE) !== 0) {
      items.removeFlags(item, ACTIVE)
      this.#statistics.addToClass(slabClass, segment === WARM ? MOVES_WITHIN_LRU : MOVES_TO_WARM, 1)
      this.#move(item, slabClass | WARM)
      return 1
    }
    const surplus = this.#bytes[slabClass | segment] > Math.trunc((totalBytes * percent) / 100)
    if (!surplus && this.#owner.idleSeconds(item) <= maxAge) return 0
    this.#statistics.addToClass(slabClass, MOVES_TO_COLD, 1)
    this.#move(item, slabClass | COLD)
    return 1
  }

  /** For who has an active item in a list of another kind, at its tail: it has been given its second chance in both. */
  keepActive(item: ItemRef): boolean {
    const items = this.#items
    if ((items.flags(item) & ACTIVE) === 0) return false
    items.removeFlags(item, ACTIVE)
    const segment = items.list(item) & SEGMENT_BITS
    if (segment === TEMP) return true
    const slabClass = items.slabClass(item)
    this.#statistics.addToClass(slabClass, segment === WARM ? MOVES_WITHIN_LRU : MOVES_TO_WARM, 1)
    this.#move(item, slabClass | WARM)
    return true
  }

  /** For admission: a key was evicted, which speaks for it if it comes back. */
  countEviction(hash: number): void {
    if (this.admits) this.#evictionCounts.add(hash, this.#owner.itemsHeld)
  }

  /** Frees a living item of the class to make room; 0 with `-M`, when none may be. */
  evictItem(item: ItemRef, slabClass: number): number {
    if (!this.#evictionsEnabled) return 0
    const items = this.#items
    const statistics = this.#statistics
    const idle = this.#owner.idleSeconds(item)
    statistics.addToClass(slabClass, EVICTED, 1)
    statistics.setOfClass(slabClass, EVICTED_TIME, idle)
    if (items.expiry(item) !== 0) statistics.addToClass(slabClass, EVICTED_NONZERO, 1)
    if ((items.flags(item) & FETCHED) === 0) statistics.addToClass(slabClass, EVICTED_UNFETCHED, 1)
    if ((items.flags(item) & ACTIVE) !== 0) statistics.addToClass(slabClass, EVICTED_ACTIVE, 1)
    if (this.#events.watched(EVICTIONS)) this.#events.evicted(item, idle)
    const hash = this.#owner.hashOf(item)
    this.countEviction(hash)
    this.#owner.unlink(item, hash)
    this.#owner.evicted(slabClass)
    return 1
  }

  #move(item: ItemRef, list: number): void {
    if ((this.#items.flags(item) & LINKED) === 0) {
      throw new Error('cache corrupt: an item in an LRU list is not linked')
    }
    const size = this.#items.sizeOf(item)
    this.unlink(item, size)
    this.#items.setList(item, list)
    this.link(item, size)
  }
}

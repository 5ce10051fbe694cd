// What storing means: set, add, replace, append, prepend and cas, with the meta commands' additions
// (compare in every mode, stale writes, a CAS unique of the client's choice). As memcached's
// do_store_item. Knows items, no protocol text.
import { type Cache, NO_MEMORY, TOO_LARGE } from './cache.ts'
import { MUTATIONS } from './event-log.ts'
import { type ItemRef, STALE, TOKEN_SENT } from './item.ts'
import { CAS_MISSES, CLASS_CAS_BADVAL, CLASS_CAS_HITS } from './statistics.ts'

// Modes.
export const SET = 0
export const ADD = 1
export const REPLACE = 2
export const APPEND = 3
export const PREPEND = 4
export const CAS = 5

// Results.
export const STORED = 0
export const NOT_STORED = 1
export const EXISTS = 2
export const NOT_FOUND = 3
// What the log of events says when there was no item to store.
export const REFUSED_AS_TOO_LARGE = 4
export const REFUSED_FOR_MEMORY = 5

// How a given CAS unique relates to the old item's.
const UNCOMPARED = 0
const MATCH = 1
const MISMATCH = 2
/** Lower than the old item's, and the client accepts to store a stale value. */
const OLDER = 3

/**
 * One store, filled in by the caller and used at once; there is one per thread, so that a request makes
 * no object. Words of 64-bit numbers are signed.
 */
export class StoreRequest {
  mode = SET
  compare = false
  compareLow = 0
  compareHigh = 0
  /** With a lower `compare` than the item's CAS: store all the same, marked stale (`ms I`). */
  allowStale = false
  /** The new item's CAS unique, instead of the next one (`ms E`). */
  explicitCas = false
  casLow = 0
  casHigh = 0
  /** APPEND and PREPEND on a missing key make one that expires then (`ms N`). */
  vivify = false
  vivifyExpiry = 0
  /** Out: the item that now holds the key's value, if stored. */
  stored: ItemRef = 0

  reset(mode: number): void {
    this.mode = mode
    this.compare = false
    this.allowStale = false
    this.explicitCas = false
    this.vivify = false
    this.stored = 0
  }
}

/**
 * Stores a complete, unlinked item under its key. Takes the item over: it is linked, or freed. Returns
 * STORED, NOT_STORED, EXISTS or NOT_FOUND.
 */
export function store(cache: Cache, item: ItemRef, hash: number, request: StoreRequest): number {
  const items = cache.items
  const old = cache.find(items.block(item), items.keyAt(item), items.keyLength(item), hash)
  const result =
    old === 0 ? storeNew(cache, item, hash, request) : storeOver(cache, old, item, hash, request)
  if (cache.events.watched(MUTATIONS)) {
    cache.events.stored(result, request.mode, request.stored === 0 ? item : request.stored)
  }
  if (request.stored !== item) cache.free(item)
  if (result === STORED && request.explicitCas) {
    items.setGivenCas(request.stored, request.casLow, request.casHigh)
  }
  return result
}

function storeNew(cache: Cache, item: ItemRef, hash: number, request: StoreRequest): number {
  switch (request.mode) {
    case SET:
    case ADD:
      cache.link(item, hash)
      request.stored = item
      return STORED
    case CAS:
      cache.statistics.add(CAS_MISSES, 1)
      return NOT_FOUND
    case APPEND:
    case PREPEND:
      if (!request.vivify) return NOT_STORED
      cache.items.setExpiry(item, request.vivifyExpiry)
      cache.link(item, hash)
      request.stored = item
      return STORED
    default:
      return NOT_STORED
  }
}

function storeOver(
  cache: Cache,
  old: ItemRef,
  item: ItemRef,
  hash: number,
  request: StoreRequest,
): number {
  const compared = compareCas(cache, old, request)
  switch (request.mode) {
    case ADD:
      cache.lru.update(old)
      return NOT_STORED
    case CAS:
      return storeCompared(cache, old, item, hash, request, compared)
    case APPEND:
    case PREPEND: {
      if (compared !== UNCOMPARED && compared !== MATCH) return EXISTS
      const joined = join(cache, old, item, request.mode === APPEND)
      if (joined === 0) return NOT_STORED
      cache.replace(old, joined, hash)
      request.stored = joined
      return STORED
    }
    default:
      cache.replace(old, item, hash)
      request.stored = item
      return STORED
  }
}

function storeCompared(
  cache: Cache,
  old: ItemRef,
  item: ItemRef,
  hash: number,
  request: StoreRequest,
  compared: number,
): number {
  const items = cache.items
  const oldClass = items.slabClass(old)
  if (compared === OLDER) {
    items.setExpiry(item, items.expiry(old))
    items.addFlags(item, STALE | (items.flags(old) & TOKEN_SENT))
  } else if (compared !== MATCH) {
    cache.statistics.addToClass(oldClass, CLASS_CAS_BADVAL, 1)
    return EXISTS
  }
  cache.statistics.addToClass(oldClass, CLASS_CAS_HITS, 1)
  cache.replace(old, item, hash)
  request.stored = item
  return STORED
}

function compareCas(cache: Cache, old: ItemRef, request: StoreRequest): number {
  const low = request.compareLow
  const high = request.compareHigh
  // A unique of 0 means "none given", whatever the command said.
  if (!request.compare || (low === 0 && high === 0)) return UNCOMPARED
  const oldLow = cache.items.casLow(old)
  const oldHigh = cache.items.casHigh(old)
  if (low === oldLow && high === oldHigh) return MATCH
  const older = high === oldHigh ? low >>> 0 < oldLow >>> 0 : high >>> 0 < oldHigh >>> 0
  return request.allowStale && older ? OLDER : MISMATCH
}

/** A new item with both values, keeping the old one's client flags and expiry; 0 if there is no room. */
function join(cache: Cache, old: ItemRef, added: ItemRef, append: boolean): ItemRef {
  const items = cache.items
  const first = append ? old : added
  const second = append ? added : old
  const firstLength = items.valueLength(first)
  // Making room must not evict the very item we are copying from.
  if (!cache.hold(old)) return 0
  const joined = cache.allocate(
    items.block(old),
    items.keyAt(old),
    items.keyLength(old),
    items.clientFlags(old),
    items.expiry(old),
    firstLength + items.valueLength(second),
    0,
  )
  if (joined === NO_MEMORY || joined === TOO_LARGE) {
    cache.letGo(old)
    return 0
  }
  const filled = cache.fillFrom(joined, 0, first) && cache.fillFrom(joined, firstLength, second)
  cache.letGo(old)
  if (!filled) {
    cache.free(joined)
    return 0
  }
  return joined
}

// incr and decr: a stored decimal number, changed in place where it fits. As memcached's do_add_delta.
// Knows items and digits, no protocol text.
import { type Cache, NO_MEMORY, TOO_LARGE } from './cache.ts'
import { MAX_U64_DIGITS, parsed, parseU64, writeU64 } from './decimal.ts'
import { FETCHERS, FOUND_NOTHING } from './event-log.ts'
import { CHUNKED, type ItemRef } from './item.ts'
import { MemoryBlock } from './memory.ts'
import { CLASS_DECR_HITS, CLASS_INCR_HITS } from './statistics.ts'
import { ADD, STORED } from './store.ts'

// Results.
export const CHANGED = 0
export const NON_NUMERIC = 1
export const NO_ROOM = 2

const WORD = 0x1_0000_0000
const SPACE = 32
const PLUS = 43

/** The new number as decimal text: `result.bytes` up to `resultLength()`. Reused; read it at once. */
export const result = new MemoryBlock(new ArrayBuffer(2 * MAX_U64_DIGITS + 8))
const state = new Int32Array(2)
const LENGTH = 0
const ITEM = 1

export function resultLength(): number {
  return state[LENGTH]
}

/** The item that holds the number now: the same, or a longer one in its place. */
export function changedItem(): ItemRef {
  return state[ITEM]
}

/**
 * Adds to or subtracts from the number in an item that `find` returned. Addition wraps at 2^64,
 * subtraction stops at 0. The item keeps its client flags and expiry and gets a new CAS unique.
 */
export function changeNumber(
  cache: Cache,
  item: ItemRef,
  hash: number,
  increment: boolean,
  deltaLow: number,
  deltaHigh: number,
): number {
  const items = cache.items
  if (!parseNumber(cache, item)) return NON_NUMERIC
  let low = parsed[0] >>> 0
  let high = parsed[1] >>> 0
  if (increment) {
    low += deltaLow >>> 0
    high += deltaHigh >>> 0
    if (low >= WORD) high++
    cache.statistics.addToClass(items.slabClass(item), CLASS_INCR_HITS, 1)
  } else {
    low -= deltaLow >>> 0
    high -= deltaHigh >>> 0
    if (low < 0) high--
    if (high < 0) {
      low = 0
      high = 0
    }
    cache.statistics.addToClass(items.slabClass(item), CLASS_DECR_HITS, 1)
  }
  // `| 0` is arithmetic modulo 2^32, which wraps both ways.
  const length = writeU64(result, 0, low | 0, high | 0)
  state[LENGTH] = length
  state[ITEM] = item
  const room = items.valueLength(item)
  if (length <= room && items.pins(item) === 0) {
    items.beginChange(item)
    cache.fill(item, 0, result, 0, length)
    items.block(item).bytes.fill(SPACE, items.valueAt(item) + length, items.valueAt(item) + room)
    cache.renewCas(item)
    items.endChange(item)
    cache.lru.update(item)
    return CHANGED
  }
  if (!cache.hold(item)) return NO_ROOM
  const longer = cache.allocate(
    items.block(item),
    items.keyAt(item),
    items.keyLength(item),
    items.clientFlags(item),
    items.expiry(item),
    length,
    0,
  )
  cache.letGo(item)
  if (longer === NO_MEMORY || longer === TOO_LARGE) return NO_ROOM
  cache.fill(longer, 0, result, 0, length)
  cache.replace(item, longer, hash)
  state[ITEM] = longer
  return CHANGED
}

/** Makes an unlinked item that holds a number, whose text is left in `result`; 0 if there is no memory. */
export function createNumber(
  cache: Cache,
  key: MemoryBlock,
  keyAt: number,
  keyLength: number,
  expiry: number,
  flags: number,
  low: number,
  high: number,
): ItemRef {
  const length = writeU64(result, 0, low, high)
  const item = cache.allocate(key, keyAt, keyLength, 0, expiry, length, flags)
  if (item === NO_MEMORY || item === TOO_LARGE) return 0
  cache.fill(item, 0, result, 0, length)
  return item
}

/** Puts a new number under its key, which is missing. In memcached an `add`: it looks the key up once more. */
export function linkNumber(cache: Cache, item: ItemRef, hash: number): void {
  const { items, events } = cache
  if (events.watched(FETCHERS)) {
    const keyLength = items.keyLength(item)
    events.fetched(FOUND_NOTHING, items.block(item), items.keyAt(item), keyLength, 0)
  }
  cache.link(item, hash)
  events.stored(STORED, ADD, item)
}

/** Whether looking at the value is worth it: nothing is no number, and neither is what needs chunks. */
export function mayBeNumber(cache: Cache, item: ItemRef): boolean {
  return cache.items.valueLength(item) > 0 && (cache.items.flags(item) & CHUNKED) === 0
}

/** As strtoull up to the first blank: leading blanks and a plus sign are fine, "12x" is not a number. */
function parseNumber(cache: Cache, item: ItemRef): boolean {
  const items = cache.items
  if (!mayBeNumber(cache, item)) return false
  const block = items.block(item)
  const view = block.view
  let at = items.valueAt(item)
  let end = at + items.valueLength(item)
  while (at < end && isBlank(view.getUint8(at))) at++
  if (at < end && view.getUint8(at) === PLUS) at++
  let last = at
  while (last < end && !isBlank(view.getUint8(last)) && view.getUint8(last) !== 0) last++
  end = last
  return parseU64(block, at, end)
}

function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= 9 && byte <= 13)
}

// For tests only: what must be true of a cache's memory at every moment that nobody holds its lock. Walks
// every chunk of every page, the hash table and all lists, so it belongs into no request.
// Long because it says of every part of a cache what holds for it, and that together they hold everything once.
import { PAGE_BYTES, type Ref } from './arena.ts'
import type { Cache } from './cache.ts'
import { casOfItem, keyOfItem, valueOfItem } from './cache-fixture.ts'
import { GuardedSlabs } from './guarded-slabs.ts'
import {
  CHUNK_HEADER_BYTES,
  CHUNKED,
  type ItemRef,
  LIMIT_LINKS_BYTES,
  LINKED,
  MAX_KEY_BYTES,
} from './item.ts'
import { LIMITED_BYTES, LIMITED_ITEMS, NO_LIMIT } from './prefix-limits.ts'
import { GLOBAL_PAGE_POOL } from './slab-pages.ts'
import {
  CLASS_COUNTERS,
  COUNTERS,
  CRAWLER_ITEMS_CHECKED,
  CRAWLER_RECLAIMED,
  CURR_BYTES,
  CURR_ITEMS,
  EVICTED,
  EVICTED_ACTIVE,
  EVICTED_NONZERO,
  EVICTED_UNFETCHED,
  EXPIRED_UNFETCHED,
  RECLAIMED,
} from './statistics.ts'

const LISTS = 256
const SEGMENT_BITS = 0xc0

/** What connections hold of a cache. */
export interface Held {
  /** Items being filled. */
  readonly inFlight: readonly ItemRef[]
  /** How many replies send from each item, if that is known: then nothing else is pinned. */
  readonly pins?: ReadonlyMap<ItemRef, number>
}

/** @throws Error that names the first thing that is not as it must be. */
export function checkInvariants(cache: Cache, held: Held = { inFlight: [] }): void {
  if (cache.slabs instanceof GuardedSlabs) cache.slabs.verify()
  checkPages(cache)
  const linked = checkTable(cache)
  checkChains(cache)
  checkLists(cache, linked)
  checkLimits(cache, linked)
  checkChunks(cache, linked, held.inFlight)
  if (held.pins !== undefined) checkPins(cache, held.pins)
  checkUniques(cache, linked)
  checkSizes(cache, linked)
  checkStatistics(cache)
}

/** Items that are no longer in the cache, but that a reply still sends from. */
export function pinnedItems(cache: Cache): readonly ItemRef[] {
  const pinned: ItemRef[] = []
  for (const { chunk } of chunks(cache)) {
    if (cache.items.keyLength(chunk) > 0 && cache.items.pins(chunk) > 0) pinned.push(chunk)
  }
  return pinned
}

/** Every item of the hash table is linked and found under its key, and no key is there twice. */
function checkTable(cache: Cache): Set<ItemRef> {
  const { items, table, statistics } = cache
  const linked = new Set<ItemRef>()
  const keys = new Set<string>()
  for (const item of table.all()) {
    const key = keyOfItem(cache, item)
    check(!linked.has(item), `item ${item} is in the table twice`)
    check(!keys.has(key), `key ${key} is in the table twice`)
    check((items.flags(item) & LINKED) !== 0, `item ${item} is in the table and not linked`)
    const length = items.keyLength(item)
    check(length > 0 && length <= MAX_KEY_BYTES, `the key of item ${item} has ${length} bytes`)
    const found = table.find(items.block(item), items.keyAt(item), length, cache.hashOf(item))
    check(found === item, `key ${key} is not found where it is`)
    linked.add(item)
    keys.add(key)
  }
  equal(table.count, linked.size, 'the items that the table counts')
  equal(statistics.get(CURR_ITEMS), linked.size, 'curr_items')
  let bytes = 0
  for (const item of linked) bytes += items.sizeOf(item)
  equal(statistics.get(CURR_BYTES), bytes, 'bytes')
  return linked
}

/** Only the last bucket of a chain has room, and is there for something; all others of the pool are free. */
function checkChains({ table }: Cache): void {
  let further = 0
  for (const chain of table.chains()) {
    further += chain.length - 1
    const last = chain.length - 1
    chain.forEach((items, bucket) => {
      check(bucket === last || items === Math.max(...chain), 'a bucket before the last has room')
      check(bucket === 0 || items > 0, 'a further bucket is empty')
    })
  }
  equal(table.overflowBuckets, further, 'the overflow buckets in use')
  check(table.overflowBucketsTouched >= further, 'overflow buckets are in use that never were')
}

/** The lists hold the items of the table, each in the list that its header names, linked both ways. */
function checkLists(cache: Cache, linked: ReadonlySet<ItemRef>): void {
  const { items, lru, slabs } = cache
  const listed = new Set<ItemRef>()
  let all = 0
  for (let list = 0; list < LISTS; list++) {
    let count = 0
    let bytes = 0
    let previous = 0
    for (let item = lru.head(list); item !== 0; item = items.next(item)) {
      check(linked.has(item), `item ${item} of list ${list} is not in the table`)
      check(!listed.has(item), `item ${item} is in a list twice`)
      equal(items.list(item), list, `the list of item ${item}`)
      equal(items.previous(item), previous, `the item before ${item}`)
      listed.add(item)
      count++
      bytes += items.sizeOf(item)
      previous = item
    }
    equal(lru.tail(list), previous, `the tail of list ${list}`)
    equal(lru.count(list), count, `the count of list ${list}`)
    equal(lru.bytes(list), bytes, `the bytes of list ${list}`)
    if (count > 0) {
      const slabClass = list & ~SEGMENT_BITS
      check(slabClass > 0 && slabClass <= slabs.largestClass, `list ${list} belongs to no class`)
    }
    all += bytes
  }
  equal(listed.size, linked.size, 'the items in lists')
  equal(lru.totalBytes, all, 'the bytes of all lists')
}

/** What is under a limit is in its list and counted, and nothing else; it is no more than the limit. */
function checkLimits({ items, limits }: Cache, linked: ReadonlySet<ItemRef>): void {
  const listed = new Set<ItemRef>()
  for (let limit = 0; limit < limits.count; limit++) {
    const { prefix } = limits.limits[limit]
    let count = 0
    let bytes = 0
    let previous = 0
    for (let item = limits.newest(limit); item !== 0; item = items.nextUnderLimit(item)) {
      check(linked.has(item), `item ${item} under the limit of ${prefix} is not in the table`)
      check(!listed.has(item), `item ${item} is under limits twice`)
      equal(limits.ofItem(item), limit, `the limit of item ${item}`)
      equal(items.previousUnderLimit(item), previous, `the item before ${item} under ${prefix}`)
      listed.add(item)
      count++
      bytes += items.sizeOf(item)
      previous = item
    }
    equal(limits.oldest(limit), previous, `the oldest item under the limit of ${prefix}`)
    equal(limits.counted(limit, LIMITED_ITEMS), count, `the items under the limit of ${prefix}`)
    equal(limits.counted(limit, LIMITED_BYTES), bytes, `the bytes under the limit of ${prefix}`)
    check(!limits.isExceeded(limit), `there is more under ${prefix} than its limit`)
  }
  for (const item of linked) {
    const isLimited = limits.ofItem(item) !== NO_LIMIT
    check(listed.has(item) === isLimited, `item ${item} is in the list of its limit`)
  }
}

/** Every chunk of every page is in exactly one place. */
function checkChunks(
  cache: Cache,
  linked: ReadonlySet<ItemRef>,
  inFlight: readonly ItemRef[],
): void {
  const { items, slabs, arena, pages, limits } = cache
  const taken = new Set<Ref>()
  const take = (chunk: Ref, what: string): void => {
    check(!taken.has(chunk), `chunk ${chunk} is ${what} and something else`)
    taken.add(chunk)
  }
  const classOfPage = (chunk: Ref): number => pages.classOf(arena.pageOf(chunk))
  const takeItem = (item: ItemRef, what: string): void => {
    take(item, what)
    const linksBytes = limits.ofItem(item) === NO_LIMIT ? 0 : LIMIT_LINKS_BYTES
    const bytes = items.bytesOf(item) + linksBytes
    if ((items.flags(item) & CHUNKED) === 0) {
      const slabClass = classOfPage(item)
      equal(items.slabClass(item), slabClass, `the class of ${what} ${item}`)
      equal(
        slabs.classFor(items.sizeOf(item) + linksBytes),
        slabClass,
        `the class for ${what} ${item}`,
      )
      check(bytes <= slabs.chunkSizes[slabClass], `${what} ${item} is larger than its chunk`)
      return
    }
    equal(items.slabClass(item), slabs.largestClass, `the class of large ${what} ${item}`)
    equal(items.headerClass(item), classOfPage(item), `the class of the header of ${what} ${item}`)
    check(
      bytes <= slabs.chunkSizes[classOfPage(item)],
      `the header of ${what} ${item} is too large`,
    )
    let previous = 0
    let used = 0
    for (let chunk = items.firstChunk(item); chunk !== 0; chunk = items.next(chunk)) {
      take(chunk, `a chunk of ${what} ${item}`)
      const slabClass = classOfPage(chunk)
      check(items.isChunk(chunk), `chunk ${chunk} of ${what} ${item} is none`)
      equal(items.chunkItem(chunk), item, `the item of chunk ${chunk}`)
      equal(items.previous(chunk), previous, `the chunk before ${chunk}`)
      equal(items.chunkClass(chunk), slabClass, `the class of chunk ${chunk}`)
      const capacity = slabs.chunkSizes[slabClass] - CHUNK_HEADER_BYTES
      equal(items.chunkCapacity(chunk), capacity, `the capacity of chunk ${chunk}`)
      check(items.chunkUsed(chunk) <= capacity, `chunk ${chunk} is overfull`)
      if (previous !== 0) {
        equal(items.chunkUsed(previous), items.chunkCapacity(previous), `the bytes of ${previous}`)
      }
      used += items.chunkUsed(chunk)
      previous = chunk
    }
    equal(items.lastChunk(item), previous, `the last chunk of item ${item}`)
    check(used <= items.valueLength(item), `the chunks of ${what} ${item} hold too much`)
  }
  for (const item of linked) {
    takeItem(item, 'linked item')
    equal(valueOfItem(cache, item).length, items.valueLength(item), `the value of item ${item}`)
  }
  for (const item of inFlight) {
    check((items.flags(item) & LINKED) === 0, `item ${item} is linked before it is complete`)
    takeItem(item, 'item in flight')
  }
  for (const item of pinnedItems(cache)) {
    if (!taken.has(item)) takeItem(item, 'pinned item')
  }
  for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
    let free = 0
    let previous = 0
    for (let chunk = slabs.firstFree(slabClass); chunk !== 0; chunk = items.next(chunk)) {
      take(chunk, 'free')
      check(items.isFree(chunk), `chunk ${chunk} is in the free list and not free`)
      equal(classOfPage(chunk), slabClass, `the class of free chunk ${chunk}`)
      equal(items.previous(chunk), previous, `the free chunk before ${chunk}`)
      previous = chunk
      free++
    }
    equal(slabs.freeChunks(slabClass), free + slabs.uncarvedChunks(slabClass), 'free chunks')
    let uncarved = 0
    for (let page = pages.first(slabClass); page !== 0; page = pages.next(page)) {
      if (page !== slabs.drainingPage) {
        uncarved += slabs.chunksPerPage(slabClass) - slabs.chunksIn(slabClass, page)
      }
    }
    equal(slabs.uncarvedChunks(slabClass), uncarved, `the uncarved chunks of class ${slabClass}`)
  }
  let retired = 0
  for (const { chunk, page, slabClass } of chunks(cache)) {
    if (items.isRetired(chunk)) {
      check(!taken.has(chunk), `chunk ${chunk} is in use after it was retired`)
      equal(page, slabs.drainingPage, `the page of retired chunk ${chunk}`)
      retired++
    } else {
      check(taken.delete(chunk), `chunk ${chunk} of class ${slabClass} is lost`)
    }
  }
  check(taken.size === 0, `${[...taken][0]} is no chunk of any page, or not carved yet`)
  if (slabs.drainingPage !== 0) equal(slabs.retiredChunks, retired, 'the retired chunks')
}

/** Exactly those items are pinned that replies send from, once for each. */
function checkPins(cache: Cache, pins: ReadonlyMap<ItemRef, number>): void {
  for (const [item, count] of pins) equal(cache.items.pins(item), count, `the pins of item ${item}`)
  for (const item of pinnedItems(cache)) {
    check(pins.has(item), `item ${item} is pinned, and nobody sends from it`)
  }
}

/** No two items have the same CAS unique of the cache, and none one that wasn't given yet. */
function checkUniques(cache: Cache, linked: ReadonlySet<ItemRef>): void {
  const { items } = cache
  if (!items.casEnabled) return
  const { low, high } = cache.lastCas
  const last = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
  const uniques = new Set<bigint>()
  for (const item of linked) {
    if (items.hasGivenCas(item)) continue
    const cas = casOfItem(cache, item)
    check(cas > 0n && cas <= last, `the CAS unique ${cas} of item ${item} was never given`)
    check(!uniques.has(cas), `the CAS unique ${cas} was given twice`)
    uniques.add(cas)
  }
}

/** `stats sizes` counts the items there are. */
function checkSizes({ items, sizes }: Cache, linked: ReadonlySet<ItemRef>): void {
  if (!sizes.enabled) return
  const expected = new Map<number, number>()
  for (const item of linked) {
    const size = Math.ceil(items.sizeOf(item) / 32) * 32
    expected.set(size, (expected.get(size) ?? 0) + 1)
  }
  for (const [size, count] of sizes.counts()) {
    equal(count, expected.get(size) ?? 0, `the items of ${size} bytes`)
    expected.delete(size)
  }
  equal(expected.size, 0, 'the sizes that are not counted')
}

/** Counters only count, and none counts more than what it is a part of. */
function checkStatistics({ statistics, slabs }: Cache): void {
  for (let counter = 0; counter < COUNTERS; counter++) {
    const count = statistics.get(counter)
    check(Number.isInteger(count) && count >= 0, `counter ${counter} is ${count}`)
  }
  for (let slabClass = 0; slabClass <= slabs.largestClass; slabClass++) {
    const of = (counter: number): number => statistics.ofClass(slabClass, counter)
    for (let counter = 0; counter < CLASS_COUNTERS; counter++) {
      const count = of(counter)
      check(Number.isInteger(count) && count >= 0, `counter ${counter} is ${count}`)
    }
    for (const part of [EVICTED_NONZERO, EVICTED_UNFETCHED, EVICTED_ACTIVE]) {
      check(of(part) <= of(EVICTED), `counter ${part} of class ${slabClass} is above the evictions`)
    }
    check(of(CRAWLER_RECLAIMED) <= of(CRAWLER_ITEMS_CHECKED), 'more was reclaimed than looked at')
    const reclaimed = of(RECLAIMED) + of(CRAWLER_RECLAIMED)
    check(of(EXPIRED_UNFETCHED) <= reclaimed, 'more was reclaimed unfetched than at all')
  }
}

/** Every page that was ever used is in one list, and those that count are counted. */
function checkPages(cache: Cache): void {
  const { pages, slabs, options, pageMoves } = cache
  const listed = new Set<number>()
  for (const page of pages.all()) {
    check(page > 0 && page <= pages.everUsed, `page ${page} was never used`)
    check(!listed.has(page), `page ${page} is in two lists`)
    listed.add(page)
  }
  equal(listed.size, pages.everUsed, 'the pages in lists')
  let counted = 0
  for (let list = GLOBAL_PAGE_POOL; list <= slabs.largestClass; list++) {
    let count = 0
    for (let page = pages.first(list); page !== 0; page = pages.next(page)) {
      equal(pages.classOf(page), list, `the class of page ${page}`)
      count++
    }
    equal(pages.count(list), count, `the pages of class ${list}`)
    counted += count
  }
  if (options.slabReassignEnabled) {
    const malloced = options.initialMallocedBytes + counted * PAGE_BYTES
    equal(pages.mallocedBytes, malloced, 'the bytes of pages')
  }
  const draining = slabs.drainingPage
  if (draining === 0) return
  check(pageMoves.pending, 'a page is drained that nobody has asked for')
  equal(pages.first(pageMoves.source), draining, 'the page being drained')
  check(pages.count(pageMoves.source) > 1, 'a class gives its only page away')
}

interface Chunk {
  readonly chunk: Ref
  readonly page: number
  readonly slabClass: number
}

/** Every chunk that was ever given out. */
function* chunks({ pages, slabs }: Cache): Generator<Chunk> {
  for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
    for (let page = pages.first(slabClass); page !== 0; page = pages.next(page)) {
      const carved = slabs.chunksIn(slabClass, page)
      for (let index = 0; index < carved; index++) {
        yield { chunk: slabs.chunkOf(slabClass, page, index), page, slabClass }
      }
    }
  }
}

function check(holds: boolean, complaint: string): void {
  if (!holds) throw new Error(`cache corrupt: ${complaint}`)
}

function equal(actual: number, expected: number, what: string): void {
  check(actual === expected, `${what}: ${actual}, and not ${expected}`)
}

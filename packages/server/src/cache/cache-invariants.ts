// For tests only: what must be true of a cache's memory at every moment that nobody holds its lock. Walks
// every chunk of every page, the hash table and all lists, so it belongs into no request.
import { PAGE_BYTES, type Ref } from './arena.ts'
import type { Cache } from './cache.ts'
import { keyOfItem, valueOfItem } from './cache-fixture.ts'
import { GuardedSlabs } from './guarded-slabs.ts'
import { CHUNKED, type ItemRef, LINKED } from './item.ts'
import { LIMITED_BYTES, LIMITED_ITEMS, NO_LIMIT } from './prefix-limits.ts'
import { GLOBAL_PAGE_POOL } from './slab-pages.ts'
import { CURR_BYTES, CURR_ITEMS } from './statistics.ts'

const LISTS = 256
const SEGMENT_BITS = 0xc0

/** What the cache holds besides linked items. */
export interface Unlinked {
  /** Items being filled by a connection. */
  readonly inFlight: readonly ItemRef[]
}

/** @throws Error that names the first thing that is not as it must be. */
export function checkInvariants(cache: Cache, { inFlight }: Unlinked = { inFlight: [] }): void {
  if (cache.slabs instanceof GuardedSlabs) cache.slabs.verify()
  checkPages(cache)
  const linked = checkTable(cache)
  checkLists(cache, linked)
  checkLimits(cache, linked)
  checkChunks(cache, linked, inFlight)
}

/** Items that are no longer in the cache, but that a reply still sends from. */
export function pinnedItems(cache: Cache): readonly ItemRef[] {
  const pinned: ItemRef[] = []
  for (const { chunk, uncarved } of chunks(cache)) {
    if (!uncarved && cache.items.keyLength(chunk) > 0 && cache.items.pins(chunk) > 0)
      pinned.push(chunk)
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
    check(length > 0, `item ${item} is in the table and has no key`)
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

/** The lists hold the items of the table, each in the list that its header names, linked both ways. */
function checkLists(cache: Cache, linked: ReadonlySet<ItemRef>): void {
  const { items, lru } = cache
  const listed = new Set<ItemRef>()
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
    if (count > 0) check((list & ~SEGMENT_BITS) > 0, `list ${list} belongs to no class`)
  }
  equal(listed.size, linked.size, 'the items in lists')
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
  const { items, slabs } = cache
  const taken = new Set<Ref>()
  const take = (chunk: Ref, what: string): void => {
    check(!taken.has(chunk), `chunk ${chunk} is ${what} and something else`)
    taken.add(chunk)
  }
  const takeItem = (item: ItemRef, what: string): void => {
    take(item, what)
    if ((items.flags(item) & CHUNKED) === 0) return
    let previous = 0
    for (let chunk = items.firstChunk(item); chunk !== 0; chunk = items.next(chunk)) {
      take(chunk, `a chunk of ${what} ${item}`)
      equal(items.chunkItem(chunk), item, `the item of chunk ${chunk}`)
      equal(items.previous(chunk), previous, `the chunk before ${chunk}`)
      check(items.chunkUsed(chunk) <= items.chunkCapacity(chunk), `chunk ${chunk} is overfull`)
      previous = chunk
    }
    equal(items.lastChunk(item), previous, `the last chunk of item ${item}`)
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
      equal(items.keyLength(chunk), 0, `the key length of free chunk ${chunk}`)
      equal(items.previous(chunk), previous, `the free chunk before ${chunk}`)
      previous = chunk
      free++
    }
    equal(slabs.freeChunks(slabClass), free + slabs.uncarvedChunks(slabClass), 'free chunks')
  }
  let retired = 0
  for (const { chunk, page, slabClass, uncarved } of chunks(cache)) {
    if (uncarved) {
      check(!taken.has(chunk), `chunk ${chunk} is in use before it was carved`)
    } else if (items.isRetired(chunk)) {
      check(!taken.has(chunk), `chunk ${chunk} is in use after it was retired`)
      equal(page, slabs.drainingPage, `the page of retired chunk ${chunk}`)
      retired++
    } else {
      check(taken.delete(chunk), `chunk ${chunk} of class ${slabClass} is lost`)
    }
  }
  check(taken.size === 0, `${[...taken][0]} is no chunk of any page`)
  if (slabs.drainingPage !== 0) equal(slabs.retiredChunks, retired, 'the retired chunks')
}

/** Every page that was ever used is in one list, and those that count are counted. */
function checkPages(cache: Cache): void {
  const { pages, slabs, options } = cache
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
  if (draining !== 0) {
    equal(
      pages.first(pages.classOf(draining)),
      draining,
      'the oldest page of the class being drained',
    )
  }
}

interface Chunk {
  readonly chunk: Ref
  readonly page: number
  readonly slabClass: number
  readonly uncarved: boolean
}

function* chunks({ pages, slabs }: Cache): Generator<Chunk> {
  for (let slabClass = 1; slabClass <= slabs.largestClass; slabClass++) {
    const perPage = slabs.chunksPerPage(slabClass)
    for (let page = pages.first(slabClass); page !== 0; page = pages.next(page)) {
      const carved = slabs.chunksIn(slabClass, page)
      for (let index = 0; index < perPage; index++) {
        const chunk = slabs.chunkOf(slabClass, page, index)
        yield { chunk, page, slabClass, uncarved: index >= carved }
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

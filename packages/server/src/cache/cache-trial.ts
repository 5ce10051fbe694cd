// For tests only: does the same to a cache and to the model of one, and complains where they differ. With a cache
// that may forget, only so many keys may be missing as it says it has evicted, and none may come back.
// Long because every operation stands here beside what must come of it.

import { PAGE_BYTES } from './arena.ts'
import { CHANGED, changedItem, changeNumber, NO_ROOM, NON_NUMERIC } from './arithmetic.ts'
import { Automover } from './automover.ts'
import { type Cache, NO_MEMORY, TOO_LARGE } from './cache.ts'
import {
  blockOf,
  casOfItem,
  find,
  keyOf,
  keyOfItem,
  makeItem,
  START_UNIX_SECONDS,
  set,
  valueOfItem,
} from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import type { CacheOptions } from './cache-memory.ts'
import { CacheModel, type Entry, type Storing } from './cache-model.ts'
import {
  MAX_ITEM_BYTES,
  type Operation,
  type StoreOperation,
  type Value,
} from './cache-operations.ts'
import { Crawler, requestCrawl, requestSweep } from './crawler.ts'
import { CHUNKED, type ItemRef, STALE, TOKEN_SENT } from './item.ts'
import { Maintainer } from './maintainer.ts'
import { PageMover } from './page-mover.ts'
import { LIMITED_EVICTIONS } from './prefix-limits.ts'
import {
  EVICTED,
  OUT_OF_MEMORY,
  SLAB_REASSIGN_BUSY_DELETES,
  SLABS_MOVED,
  TAIL_REPAIRS,
  TOTAL_ITEMS,
} from './statistics.ts'
import { APPEND, NOT_STORED, PREPEND, STORED, StoreRequest, store } from './store.ts'

/** Past so much time nothing goes further: the clock counts 68 years. */
const LATEST_SECONDS = 1_500_000_000
const PIECE_BYTES = 60_000
/** All of the memory is looked at after every operation of a short sequence, and of a long one after so many. */
const CHECK_EVERY = 32
const SHORT_SEQUENCE = 12
const MAX_HELD = 4

/** A reply under way: what it sends must stay what it was. */
interface Pinned {
  readonly item: ItemRef
  readonly key: string
  readonly value: Buffer
}

/** A value that is being received. */
interface Begun {
  readonly item: ItemRef
  readonly operation: StoreOperation
  readonly value: Buffer
  readonly expiry: number
  filled: number
}

export class Trial {
  /** What the cache must be made with, besides what the trial is about. */
  static readonly options: Partial<CacheOptions> = {
    maxItemSizeBytes: MAX_ITEM_BYTES,
    slabAutomoveWindow: 2,
    trackSizes: true,
  }

  readonly cache: Cache
  readonly model: CacheModel
  readonly #mayForget: boolean
  readonly #maintainer: Maintainer
  readonly #crawler: Crawler
  readonly #mover: PageMover
  readonly #automover: Automover
  readonly #pinned: Pinned[] = []
  readonly #begun: Begun[] = []
  hits = 0
  #seconds = 0
  #lastCas = 0n
  /** Living keys that the cache no longer had, and what it says about that, before its statistics were reset. */
  #forgotten = 0
  #allowed = 0
  #evicted = 0
  #pagesMoved = 0
  /** Items that came into the cache since the statistics were reset. */
  #entered = 0

  /** `mayForget`: the cache may evict. */
  constructor(cache: Cache, mayForget: boolean) {
    this.cache = cache
    const { clock, items } = this.cache
    this.model = new CacheModel(clock.now, START_UNIX_SECONDS, items.casEnabled)
    this.#mayForget = mayForget
    this.#maintainer = new Maintainer(this.cache)
    this.#crawler = new Crawler(this.cache)
    this.#mover = new PageMover(this.cache, { patientPasses: mayForget ? 3 : 5000, stepCost: 100 })
    this.#automover = new Automover(this.cache)
  }

  /** Evictions since the beginning. */
  get evictions(): number {
    return this.#evicted + this.cache.statistics.total(EVICTED)
  }

  get pagesMoved(): number {
    return this.#pagesMoved + this.cache.statistics.get(SLABS_MOVED)
  }

  get outOfMemory(): number {
    return this.cache.statistics.total(OUT_OF_MEMORY)
  }

  run(sequence: readonly Operation[]): void {
    const every = sequence.length <= SHORT_SEQUENCE ? 1 : CHECK_EVERY
    sequence.forEach((operation, i) => {
      this.#do(operation)
      if (i % every === every - 1) this.#check()
    })
    for (const key of [...this.model.entries.keys()]) this.#get(key)
    while (this.#begun.length > 0) this.#end(this.#begun.length % 2 === 0)
    while (this.#pinned.length > 0) this.#unpin()
    this.#check()
  }

  #do(operation: Operation): void {
    const { cache, model } = this
    switch (operation.type) {
      case 'store':
        this.#store(operation)
        break
      case 'begin':
        this.#begin(operation)
        break
      case 'end':
        this.#end(operation.stores)
        break
      case 'get':
        this.#get(operation.key)
        break
      case 'delete': {
        const item = this.#find(operation.key)
        if (item === 0) break
        cache.unlink(item)
        model.entries.delete(operation.key)
        break
      }
      case 'pin':
        this.#pin(operation.key)
        break
      case 'unpin':
        this.#unpin()
        break
      case 'win':
        this.#win(operation.key)
        break
      case 'stale':
        this.#makeStale(operation.key, operation.givenCas)
        break
      case 'number':
        this.#number(operation.key, operation.increment, operation.delta)
        break
      case 'touch':
      case 'get and touch': {
        const item = this.#find(operation.key)
        if (item === 0) break
        if (operation.type === 'get and touch') cache.lru.bump(item)
        cache.items.setExpiry(item, cache.clock.expiry(operation.exptime))
        model.touch(operation.key, model.expiry(operation.exptime))
        break
      }
      case 'crowd':
        this.#crowd(operation.from, operation.count, operation.length)
        break
      case 'flush':
        model.flush(operation.delay)
        cache.flush(operation.delay === 0 ? 0 : cache.clock.expiry(operation.delay))
        break
      case 'invalidate':
        this.#invalidate(operation.prefix)
        break
      case 'pass':
        if (model.now + operation.seconds > LATEST_SECONDS) break
        this.#seconds += operation.seconds
        cache.clock.tick(this.#seconds)
        model.pass(operation.seconds)
        break
      case 'set wall clock': {
        const reading = cache.clock.read()
        if (reading === undefined || model.now > LATEST_SECONDS) break
        const unixSeconds = reading.unixSeconds + operation.seconds
        cache.clock.resume(unixSeconds, reading)
        model.setWallClock(unixSeconds)
        this.#seconds = 0
        break
      }
      case 'maintain':
        this.#maintainer.run()
        break
      case 'crawl':
        for (let steps = 0; steps < 100 && this.#crawler.run(); steps++);
        break
      case 'ask for a crawl':
        cache.tuning.crawlerItemsPerRun = operation.itemsPerRun
        requestCrawl(cache, new Set(operation.classes))
        this.#crawler.run()
        break
      case 'automove':
        this.#automover.run()
        break
      case 'ask for a page':
        cache.pageMoves.ask(operation.source, operation.destination, this.#mayForget)
        break
      case 'move page':
        for (let step = 0; step < operation.steps; step++) this.#mover.run()
        break
      case 'discard':
        cache.pages.discardReleased()
        break
      case 'limit memory':
        if (this.#mayForget) cache.setMemoryLimit(operation.pages * PAGE_BYTES)
        break
      case 'tune':
        cache.tuning.segmented = operation.segmented
        cache.tuning.temporaryTtlSeconds = operation.temporaryTtl
        cache.tuning.slabAutomove = operation.automove
        break
      case 'reset statistics':
        this.#allowed += this.#allowedToForget()
        this.#evicted += cache.statistics.total(EVICTED)
        this.#pagesMoved += cache.statistics.get(SLABS_MOVED)
        this.#entered = 0
        cache.resetStatistics()
        break
    }
  }

  // ---- one key

  /** The item that the cache has under a key, if it is right that it has one; else 0, if that is right. */
  #find(key: string): ItemRef {
    const { cache, model } = this
    const item = find(cache, key)
    const entry = model.entries.get(key)
    if (item === 0) {
      if (entry !== undefined) this.#forget(key, entry)
      return 0
    }
    if (entry === undefined) throw new Error(`${name(key)} is found and should be dead`)
    this.#compare(key, item, entry)
    return item
  }

  #forget(key: string, entry: Entry): void {
    this.model.entries.delete(key)
    if (entry.doubtful) return
    if (!this.#mayForget) throw new Error(`${name(key)} is lost`)
    this.#forgotten++
  }

  /** An item is what the model says, in all that a client can see of it. */
  #compare(key: string, item: ItemRef, entry: Entry): void {
    const { items } = this.cache
    const value = valueOfItem(this.cache, item)
    const differs = (actual: unknown, expected: unknown, what: string): void => {
      if (actual !== expected) same(actual, expected, `${what} of ${name(key)}`)
    }
    differs(value.length, entry.value.length, 'the length')
    if (!value.equals(entry.value)) throw new Error(`the value of ${name(key)} is another`)
    differs(items.clientFlags(item), entry.clientFlags, 'the flags')
    differs(items.expiry(item), entry.expiry, 'the expiry')
    differs(casOfItem(this.cache, item), entry.cas, 'the CAS unique')
    differs((items.flags(item) & STALE) !== 0, entry.stale, 'the stale mark')
    differs((items.flags(item) & TOKEN_SENT) !== 0, entry.tokenSent, 'the token')
  }

  #get(key: string): void {
    const item = this.#find(key)
    if (item === 0) return
    this.hits++
    this.cache.lru.bump(item)
  }

  #pin(key: string): void {
    const item = this.#find(key)
    if (item === 0 || this.#pinned.length >= MAX_HELD || !this.cache.hasFreePin(item)) return
    this.cache.pin(item)
    this.#pinned.push({ item, key, value: valueOfItem(this.cache, item) })
  }

  #unpin(): void {
    const pinned = this.#pinned.shift()
    if (pinned === undefined) return
    this.#checkPinned(pinned)
    this.cache.unpin(pinned.item)
  }

  #checkPinned({ item, key, value }: Pinned): void {
    same(keyOfItem(this.cache, item), key, 'the key of an item that is being sent')
    if (!valueOfItem(this.cache, item).equals(value)) {
      throw new Error(`${name(key)} has changed while it was being sent`)
    }
  }

  /** As `mg` with `R`, or of a stale item. */
  #win(key: string): void {
    const item = this.#find(key)
    const entry = this.model.entries.get(key)
    if (item === 0 || entry === undefined) return
    this.cache.items.addFlags(item, TOKEN_SENT)
    entry.tokenSent = true
  }

  /** As `md` with `I`. */
  #makeStale(key: string, givenCas: bigint | undefined): void {
    const { cache, model } = this
    const { items } = cache
    const item = this.#find(key)
    if (item === 0) return
    items.addFlags(item, STALE)
    items.removeFlags(item, TOKEN_SENT)
    if (givenCas === undefined) {
      cache.renewCas(item)
      model.makeStale(key, this.#newCas(item), false)
    } else {
      items.setGivenCas(item, low(givenCas), high(givenCas))
      model.makeStale(key, items.casEnabled ? givenCas : 0n, true)
    }
  }

  #number(key: string, increment: boolean, delta: bigint): void {
    const { cache, model } = this
    const item = this.#find(key)
    if (item === 0) return
    const { items } = cache
    // A value in several chunks is no number, whatever it says.
    const chunked = (items.flags(item) & CHUNKED) !== 0
    const text = chunked ? undefined : model.changed(key, increment, delta)
    const result = changeNumber(cache, item, keyOf(key).hash, increment, low(delta), high(delta))
    if (text === undefined) {
      same(result, NON_NUMERIC, `the answer to incr of ${name(key)}`)
      return
    }
    if (this.#mayForget && result === NO_ROOM) return
    same(result, CHANGED, `the answer to incr of ${name(key)}`)
    const inPlace = changedItem() === item
    if (!inPlace) this.#entered++
    model.change(key, text, inPlace, this.#newCas(changedItem()))
  }

  // ---- storing

  #store(operation: StoreOperation): void {
    const { cache, model } = this
    const { key, flags, exptime } = operation
    const value = bytesOf(operation.value)
    const expiry = model.expiry(exptime)
    const item = makeItem(cache, keyOf(key), value, {
      clientFlags: flags,
      expiry: cache.clock.expiry(exptime),
      pieceBytes: PIECE_BYTES,
    })
    if (item === undefined) this.#refused(key, flags, value.length)
    else this.#complete(item, operation, value, expiry)
  }

  /** Nothing was stored for want of room. */
  #refused(key: string, flags: number, length: number): void {
    if (this.#mayForget || isTooLarge(this.cache, key, flags, length)) return
    throw new Error(`there is no room for ${length} bytes of ${name(key)}`)
  }

  #begin(operation: StoreOperation): void {
    const { cache, model } = this
    const { key, flags, exptime } = operation
    if (this.#begun.length >= MAX_HELD) return
    const value = bytesOf(operation.value)
    const expiry = model.expiry(exptime)
    const { block, length } = keyOf(key)
    const item = cache.allocate(block, 0, length, flags, expiry, value.length, 0)
    if (item === NO_MEMORY || item === TOO_LARGE) {
      this.#refused(key, flags, value.length)
      return
    }
    const begun = { item, operation, value, expiry, filled: 0 }
    this.#begun.push(begun)
    if (!this.#fill(begun, Math.floor(value.length / 2))) this.#drop(begun)
  }

  #end(stores: boolean): void {
    const begun = this.#begun[0]
    if (begun === undefined) return
    if (!stores || !this.#fill(begun, begun.value.length)) {
      this.#drop(begun)
      return
    }
    this.#begun.shift()
    this.#complete(begun.item, begun.operation, begun.value, begun.expiry)
  }

  #fill(begun: Begun, until: number): boolean {
    const source = blockOf(begun.value.subarray(begun.filled, until))
    const length = until - begun.filled
    if (!this.cache.fill(begun.item, begun.filled, source, 0, length)) {
      this.#refused(begun.operation.key, begun.operation.flags, begun.value.length)
      return false
    }
    begun.filled = until
    return true
  }

  #drop(begun: Begun): void {
    this.#begun.splice(this.#begun.indexOf(begun), 1)
    this.cache.free(begun.item)
  }

  /** Stores a complete item as the operation says. */
  #complete(item: ItemRef, operation: StoreOperation, value: Buffer, expiry: number): void {
    const { cache, model } = this
    const { key, mode, flags, allowStale, givenCas, vivify } = operation
    this.#find(key)
    const old = model.entries.get(key)
    const compare =
      operation.compare === undefined
        ? undefined
        : BigInt.asUintN(64, (old?.cas ?? 1n) + BigInt(operation.compare))
    const vivifyExpiry = vivify === undefined ? undefined : model.expiry(vivify)
    const storing: Storing = {
      key,
      mode,
      value,
      clientFlags: flags,
      expiry,
      compare,
      allowStale,
      givenCas,
      vivifyExpiry,
    }
    const request = requestOf(storing)
    const expected = model.answer(storing, allowStale)
    const result = store(cache, item, keyOf(key).hash, request)
    const joins = (mode === APPEND || mode === PREPEND) && old !== undefined
    if (joins && expected === STORED && result === NOT_STORED) {
      this.#refused(key, old.clientFlags, old.value.length + value.length)
      return
    }
    same(result, expected, `the answer to a store of ${name(key)} in mode ${mode}`)
    if (result !== STORED) return
    this.#entered++
    const isGiven = givenCas !== undefined && cache.items.casEnabled
    model.store(storing, isGiven ? givenCas : this.#newCas(request.stored))
    if (isGiven) this.#lastCas++
  }

  #crowd(from: number, count: number, length: number): void {
    const { cache, model } = this
    for (let n = from; n < from + count; n++) {
      const key = `crowd:${n}`
      const value = bytesOf({ length, seed: n & 0xff })
      const item = set(cache, key, value)
      // Whoever was there before may have been evicted, and is replaced in any case.
      if (item === undefined) this.#refused(key, 0, length)
      else {
        this.#entered++
        model.store(plainStore(key, value), this.#newCas(item))
      }
    }
  }

  /** Every change of a value gives a unique that no item had before. */
  #newCas(item: ItemRef): bigint {
    const cas = casOfItem(this.cache, item)
    if (!this.cache.items.casEnabled) return cas
    same(cas, this.#lastCas + 1n, 'the next CAS unique')
    this.#lastCas = cas
    return cas
  }

  #invalidate(prefix: string): void {
    const { block, length } = keyOf(prefix)
    const room = this.cache.invalidatePrefix(block, 0, length)
    if (!room) throw new Error(`there is no room for the prefix ${name(prefix)}`)
    this.model.invalidate(prefix)
    // As a node does when there are many: then this crawl, which others go on with, makes room.
    if (prefix.length < 5) requestSweep(this.cache)
  }

  // ---- all keys

  /** How many living items the cache owns up to having let go. */
  #allowedToForget(): number {
    const { statistics, limits } = this.cache
    let underLimits = 0
    for (let limit = 0; limit < limits.count; limit++) {
      underLimits += limits.counted(limit, LIMITED_EVICTIONS)
    }
    return (
      statistics.total(EVICTED) +
      underLimits +
      statistics.total(TAIL_REPAIRS) +
      statistics.get(SLAB_REASSIGN_BUSY_DELETES)
    )
  }

  #check(): void {
    const { cache, model } = this
    const pins = new Map<ItemRef, number>()
    for (const pinned of this.#pinned) {
      this.#checkPinned(pinned)
      pins.set(pinned.item, (pins.get(pinned.item) ?? 0) + 1)
    }
    checkInvariants(cache, { inFlight: this.#begun.map(({ item }) => item), pins })
    const living = new Map<string, ItemRef>()
    for (const item of cache.table.all()) {
      if (!isDeadToClients(cache, item)) living.set(keyOfItem(cache, item), item)
    }
    for (const [key, entry] of model.entries) {
      const item = living.get(key)
      if (item === undefined) this.#forget(key, entry)
      else this.#compare(key, item, entry)
    }
    for (const key of living.keys()) {
      if (!model.entries.has(key)) throw new Error(`${name(key)} lives and should be dead`)
    }
    const allowed = this.#allowed + this.#allowedToForget()
    if (this.#forgotten > allowed) {
      throw new Error(`${this.#forgotten} keys are lost, and ${allowed} were evicted`)
    }
    same(cache.statistics.get(TOTAL_ITEMS), this.#entered, 'total_items')
  }
}

function isDeadToClients(cache: Cache, item: ItemRef): boolean {
  const expiry = cache.items.expiry(item)
  return cache.isFlushed(item) || (expiry !== 0 && expiry <= cache.clock.now)
}

function plainStore(key: string, value: Buffer): Storing {
  return {
    key,
    mode: 0,
    value,
    clientFlags: 0,
    expiry: 0,
    compare: undefined,
    allowStale: false,
    givenCas: undefined,
    vivifyExpiry: undefined,
  }
}

function requestOf(storing: Storing): StoreRequest {
  const request = new StoreRequest()
  request.reset(storing.mode)
  const { compare, givenCas, vivifyExpiry } = storing
  request.compare = compare !== undefined
  request.compareLow = low(compare ?? 0n)
  request.compareHigh = high(compare ?? 0n)
  request.allowStale = storing.allowStale
  request.explicitCas = givenCas !== undefined
  request.casLow = low(givenCas ?? 0n)
  request.casHigh = high(givenCas ?? 0n)
  request.vivify = vivifyExpiry !== undefined
  request.vivifyExpiry = vivifyExpiry ?? 0
  return request
}

/** As memcached measures an item. */
function isTooLarge(cache: Cache, key: string, flags: number, length: number): boolean {
  const header = cache.items.casEnabled ? 48 + 8 : 48
  return header + key.length + 1 + (flags === 0 ? 0 : 4) + length + 2 > MAX_ITEM_BYTES
}

/** What values are pieces of. A prime number of bytes, so that no shift by a chunk's size goes unnoticed. */
const PATTERN = Buffer.alloc(
  MAX_ITEM_BYTES + 1000,
  Buffer.from(Array.from({ length: 997 }, (_, i) => i * 31 + (i >> 5))),
)

function bytesOf(value: Value): Buffer {
  if ('number' in value) return Buffer.from(String(value.number))
  return PATTERN.subarray(value.seed * 3, value.seed * 3 + value.length)
}

function low(word: bigint): number {
  return Number(BigInt.asIntN(32, word))
}

function high(word: bigint): number {
  return Number(BigInt.asIntN(32, word >> 32n))
}

function name(key: string): string {
  return JSON.stringify(key.length > 20 ? `${key.slice(0, 20)}...` : key)
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, and not ${expected}`)
}

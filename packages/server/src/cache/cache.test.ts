// The cache against a model that is a Map: whatever is stored, joined, counted, touched, flushed and
// evicted, a key is found with its last value, alive, or not at all. Failures print seed and path.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CHANGED, changedItem, changeNumber, NO_ROOM, NON_NUMERIC } from './arithmetic.ts'
import type { Cache } from './cache.ts'
import {
  casOfItem,
  fetch,
  find,
  keyOf,
  MEGABYTE,
  makeCache,
  makeItem,
  set,
  textOf,
  valueOfItem,
} from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import type { CacheOptions } from './cache-memory.ts'
import { Crawler, requestSweep } from './crawler.ts'
import { CHUNKED } from './item.ts'
import { Maintainer } from './maintainer.ts'
import { PageMover } from './page-mover.ts'
import { CURR_ITEMS, EVICTED, GET_EXPIRED, GET_FLUSHED, OUT_OF_MEMORY } from './statistics.ts'
import {
  ADD,
  APPEND,
  CAS,
  EXISTS,
  NOT_FOUND,
  NOT_STORED,
  PREPEND,
  REPLACE,
  SET,
  STORED,
  StoreRequest,
  store,
} from './store.ts'

// ---- what can happen

type Operation =
  | { type: 'store'; mode: number; key: string; value: Value; flags: number; exptime: number }
  | { type: 'delete' | 'find'; key: string }
  | { type: 'number'; key: string; increment: boolean; delta: bigint }
  | { type: 'touch'; key: string; exptime: number }
  | { type: 'flush'; delay: number }
  | { type: 'invalidate'; prefix: string }
  | { type: 'pass'; seconds: number }
  | { type: 'maintain' | 'crawl' | 'move page' }
  | { type: 'ask for a page'; source: number; destination: number }

type Value = { number: bigint } | { length: number; seed: number }

function bytesOf(value: Value): Buffer {
  if ('number' in value) return Buffer.from(String(value.number))
  // A prime number of bytes, so that no shift by a chunk's size goes unnoticed.
  const pattern = Buffer.from(Array.from({ length: 997 }, (_, i) => value.seed + i * 31 + (i >> 5)))
  return Buffer.alloc(value.length, pattern)
}

const MAX_ITEM_BYTES = 4 * MEGABYTE

const numbers = fc.oneof(fc.bigInt(0n, 200n), fc.bigInt(0n, 2n ** 64n - 1n))
const exptimes = fc.oneof(fc.constant(0), fc.integer({ min: -1, max: 30 }))
const oddKeys = fc.constantFrom('a', 'b', 'c', 'd', 'k'.repeat(250), '\u0000\r\t', '\u00e9')
const manyKeys = fc.nat(60).map((n) => `key:${n}`)
const allLengths = fc.oneof(
  { weight: 6, arbitrary: fc.nat(200) },
  { weight: 4, arbitrary: fc.nat(20_000) },
  { weight: 3, arbitrary: fc.integer({ min: 100_000, max: 530_000 }) },
  // About where items begin to be chunked.
  { weight: 1, arbitrary: fc.integer({ min: MEGABYTE / 2 - 400, max: MEGABYTE / 2 + 10 }) },
  { weight: 1, arbitrary: fc.nat(MAX_ITEM_BYTES) },
)
/** Few classes, so that they fill. */
const crowdedLengths = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 60_000, max: 100_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 380_000, max: 520_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: MEGABYTE / 2, max: 2 * MEGABYTE }) },
)

/** Sequences of operations on these keys, with values of these lengths. */
function sequences(
  keys: fc.Arbitrary<string>,
  lengths: fc.Arbitrary<number>,
  length: fc.ArrayConstraints,
): fc.Arbitrary<Operation[]> {
  const of = <T extends string>(...types: T[]): fc.Arbitrary<T> => fc.constantFrom(...types)
  const value = fc.oneof(
    { weight: 1, arbitrary: fc.record({ number: numbers }) },
    { weight: 3, arbitrary: fc.record({ length: lengths, seed: fc.nat(255) }) },
  )
  const mode = fc.constantFrom(SET, SET, ADD, REPLACE, APPEND, PREPEND, CAS)
  const flags = fc.constantFrom(0, 0, 1, 0x7fff_ffff, -1)
  const exptime = exptimes
  const operation = fc.oneof<fc.WeightedArbitrary<Operation>[]>(
    {
      weight: 20,
      arbitrary: fc.record({ type: of('store'), mode, key: keys, value, flags, exptime }),
    },
    { weight: 12, arbitrary: fc.record({ type: of('find'), key: keys }) },
    { weight: 4, arbitrary: fc.record({ type: of('delete'), key: keys }) },
    {
      weight: 6,
      arbitrary: fc.record({
        type: of('number'),
        key: keys,
        increment: fc.boolean(),
        delta: numbers,
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: of('touch'), key: keys, exptime }) },
    { weight: 1, arbitrary: fc.record({ type: of('flush'), delay: fc.nat(3) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: of('invalidate'),
        prefix: fc.tuple(keys, fc.integer({ min: 1, max: 6 })).map(([key, n]) => key.slice(0, n)),
      }),
    },
    { weight: 3, arbitrary: fc.record({ type: of('pass'), seconds: fc.nat(12) }) },
    { weight: 2, arbitrary: fc.record({ type: of('maintain', 'crawl') }) },
    { weight: 8, arbitrary: fc.record({ type: of('move page') }) },
    {
      weight: 3,
      arbitrary: fc.record({
        type: of('ask for a page'),
        source: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 40 })),
        destination: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 })),
      }),
    },
  )
  return fc.array(operation, { size: 'max', ...length })
}

// ---- the model

interface Entry {
  value: Buffer
  flags: number
  /** On the cache's clock; 0 is never. */
  expiry: number
  cas: bigint
  storedAt: number
}

const U64 = 2n ** 64n

/** As C's strtoull reads it. */
function numberIn(value: Buffer): bigint | undefined {
  const digits = /^[ \t-\r]*\+?(\d+)(?:[\0 \t-\r]|$)/.exec(value.toString('latin1', 0, 1000))
  if (digits === null) return undefined
  const number = BigInt(digits[1])
  return number < U64 ? number : undefined
}

class Model {
  readonly entries = new Map<string, Entry>()
  now = 0
  #flushAt: number | undefined
  #flushedAt = 0

  tick(now: number): void {
    this.now = now
    this.#bury()
  }

  invalidate(prefix: string): void {
    for (const key of [...this.entries.keys()]) {
      if (key.startsWith(prefix)) this.entries.delete(key)
    }
  }

  /** Items stored up to the second before `now + delay` die then; now, if there is no delay. */
  flush(delay: number): void {
    if (delay === 0) {
      this.#flushAt = undefined
      this.#flushedAt = this.now
      this.entries.clear()
    } else {
      if (this.#flushAt !== undefined && this.#flushAt <= this.now) this.#flushedAt = this.#flushAt
      // What is stored in the second of another flush counts in the second after it.
      const stored = this.#flushedAt === this.now ? this.now + 1 : this.now
      this.#flushAt = Math.max(this.now + delay - 1, stored)
    }
    this.#bury()
  }

  put(key: string, entry: Entry): void {
    this.entries.set(key, entry)
    this.#bury()
  }

  expiry(exptime: number): number {
    if (exptime === 0) return 0
    return exptime < 0 ? 1 : this.now + exptime
  }

  #bury(): void {
    const flushAt = this.#flushAt
    for (const [key, { expiry, storedAt }] of this.entries) {
      const expired = expiry !== 0 && expiry <= this.now
      const flushed = flushAt !== undefined && flushAt <= this.now && storedAt <= flushAt
      if (expired || flushed) this.entries.delete(key)
    }
  }
}

// ---- the cache beside the model

/** Runs the operations on both. With `mayForget`, the cache may have evicted what the model still has. */
class Trial {
  readonly cache: Cache
  readonly model = new Model()
  readonly #mayForget: boolean
  readonly #maintainer: Maintainer
  readonly #crawler: Crawler
  readonly #mover: PageMover
  hits = 0
  #seconds = 0
  #lastCas = 0n

  constructor(options: Partial<CacheOptions>, mayForget: boolean) {
    this.cache = makeCache({ maxItemSizeBytes: MAX_ITEM_BYTES, ...options })
    this.#mayForget = mayForget
    this.#maintainer = new Maintainer(this.cache)
    this.#crawler = new Crawler(this.cache)
    this.#mover = new PageMover(this.cache, { patientPasses: mayForget ? 3 : 5000, stepCost: 100 })
    this.model.tick(this.cache.clock.now)
  }

  run(sequence: readonly Operation[]): void {
    sequence.forEach((operation, i) => {
      this.#step(operation)
      if (i % 16 === 15) checkInvariants(this.cache)
    })
    for (const key of [...this.model.entries.keys()]) this.#find(key)
    checkInvariants(this.cache)
  }

  #step(operation: Operation): void {
    const { cache, model } = this
    switch (operation.type) {
      case 'store':
        this.#store(operation.mode, operation)
        break
      case 'find':
        this.#find(operation.key)
        break
      case 'delete': {
        const item = find(cache, operation.key)
        if (item !== 0) cache.unlink(item)
        this.#agree(operation.key, item !== 0)
        model.entries.delete(operation.key)
        break
      }
      case 'number':
        this.#number(operation.key, operation.increment, operation.delta)
        break
      case 'touch': {
        const item = find(cache, operation.key)
        const entry = this.#agree(operation.key, item !== 0)
        if (entry === undefined) break
        entry.expiry = model.expiry(operation.exptime)
        cache.items.setExpiry(item, cache.clock.expiry(operation.exptime))
        model.put(operation.key, entry)
        break
      }
      case 'flush':
        model.flush(operation.delay)
        cache.flush(operation.delay === 0 ? 0 : cache.clock.expiry(operation.delay))
        break
      case 'invalidate': {
        const { block, length } = keyOf(operation.prefix)
        expect(cache.invalidatePrefix(block, 0, length)).toBe(true)
        model.invalidate(operation.prefix)
        // As a node does when there are many: then this crawl, which others go on with, makes room.
        if (operation.prefix.length === 1) requestSweep(cache)
        break
      }
      case 'pass':
        this.#seconds += operation.seconds
        cache.clock.tick(this.#seconds)
        model.tick(cache.clock.now)
        break
      case 'maintain':
        this.#maintainer.run()
        break
      case 'crawl':
        for (let steps = 0; steps < 100 && this.#crawler.run(); steps++);
        break
      case 'ask for a page':
        cache.pageMoves.ask(operation.source, operation.destination, this.#mayForget)
        break
      case 'move page':
        this.#mover.run()
        break
    }
  }

  /** What the model knows of the key, which the cache has or has not. */
  #agree(key: string, found: boolean): Entry | undefined {
    const entry = this.model.entries.get(key)
    if (found) expect(entry, `${key} is found and should be dead`).toBeDefined()
    else if (this.#mayForget) this.model.entries.delete(key)
    else expect(entry, `${key} is lost`).toBeUndefined()
    return found ? entry : undefined
  }

  #find(key: string): void {
    const { items } = this.cache
    const item = fetch(this.cache, key)
    const entry = this.#agree(key, item !== 0)
    if (entry === undefined) return
    this.hits++
    const value = valueOfItem(this.cache, item)
    expect(value.length).toBe(entry.value.length)
    expect(value.equals(entry.value), `the value of ${key}`).toBe(true)
    expect(items.clientFlags(item)).toBe(entry.flags)
    expect(items.expiry(item)).toBe(entry.expiry)
    expect(casOfItem(this.cache, item)).toBe(entry.cas)
  }

  #store(
    mode: number,
    { key, value, flags, exptime }: Extract<Operation, { type: 'store' }>,
  ): void {
    const { cache, model } = this
    const bytes = bytesOf(value)
    const expiry = model.expiry(exptime)
    const item = makeItem(cache, keyOf(key), bytes, {
      clientFlags: flags,
      expiry,
      pieceBytes: 60_000,
    })
    if (item === undefined) {
      if (!this.#mayForget) expect(this.#tooLarge(key, flags, bytes.length)).toBe(true)
      return
    }
    const entry = model.entries.get(key)
    // Every third cas is one that another client has outrun.
    const compare = mode === CAS ? (entry?.cas ?? 1n) + (bytes.length % 3 === 0 ? 1n : 0n) : 0n
    const request = new StoreRequest()
    request.reset(mode)
    request.compare = mode === CAS
    request.compareLow = Number(BigInt.asIntN(32, compare))
    request.compareHigh = Number(BigInt.asIntN(32, compare >> 32n))
    const result = store(cache, item, keyOf(key).hash, request)
    if (result !== STORED) {
      this.#checkRefusal(result, mode, key, entry, bytes.length, compare)
      return
    }
    const joins = mode === APPEND || mode === PREPEND
    if (mode === ADD && !this.#mayForget) expect(entry).toBeUndefined()
    if (mode === REPLACE || joins || mode === CAS) expect(entry).toBeDefined()
    if (mode === CAS) expect(compare).toBe(entry?.cas)
    const stored: Entry = {
      value: bytes,
      flags,
      expiry,
      cas: this.#newCas(request.stored),
      storedAt: model.now,
    }
    if (joins && entry !== undefined) {
      stored.value = Buffer.concat(mode === APPEND ? [entry.value, bytes] : [bytes, entry.value])
      stored.flags = entry.flags
      stored.expiry = entry.expiry
    }
    model.put(key, stored)
  }

  #checkRefusal(
    result: number,
    mode: number,
    key: string,
    entry: Entry | undefined,
    length: number,
    compare: bigint,
  ): void {
    expect(mode).not.toBe(SET)
    if (result === EXISTS) {
      expect(mode).toBe(CAS)
      expect(entry?.cas).not.toBe(compare)
      this.#agree(key, true)
    } else if (result === NOT_FOUND) {
      expect(mode).toBe(CAS)
      this.#agree(key, false)
    } else if (mode === ADD) {
      expect(result).toBe(NOT_STORED)
      this.#agree(key, true)
    } else if (mode === REPLACE) {
      this.#agree(key, false)
    } else if (!this.#mayForget && entry !== undefined) {
      expect(this.#tooLarge(key, entry.flags, entry.value.length + length)).toBe(true)
    }
  }

  #number(key: string, increment: boolean, delta: bigint): void {
    const { cache, model } = this
    const item = find(cache, key)
    const entry = this.#agree(key, item !== 0)
    if (entry === undefined) return
    const low = Number(delta & 0xffff_ffffn)
    const high = Number(delta >> 32n)
    const result = changeNumber(cache, item, keyOf(key).hash, increment, low, high)
    // A value in several chunks is no number, whatever it says.
    const chunked = (cache.items.flags(item) & CHUNKED) !== 0
    const number = chunked ? undefined : numberIn(entry.value)
    if (number === undefined) {
      expect(result).toBe(NON_NUMERIC)
      return
    }
    if (this.#mayForget && result === NO_ROOM) return
    expect(result).toBe(CHANGED)
    const sum = increment ? (number + delta) % U64 : number - delta
    const text = String(sum < 0n ? 0n : sum)
    const longer = text.length > entry.value.length
    model.put(key, {
      ...entry,
      value: Buffer.from(text.padEnd(entry.value.length)),
      cas: this.#newCas(changedItem()),
      storedAt: longer ? model.now : entry.storedAt,
    })
  }

  /** Every change of a value gives a unique that no item had before. */
  #newCas(item: number): bigint {
    const cas = casOfItem(this.cache, item)
    expect(cas).toBeGreaterThan(this.#lastCas)
    this.#lastCas = cas
    return cas
  }

  /** As memcached measures an item. */
  #tooLarge(key: string, flags: number, length: number): boolean {
    return 48 + 8 + key.length + 1 + (flags === 0 ? 0 : 4) + length + 2 > MAX_ITEM_BYTES
  }
}

describe('a cache behaves as a map with expiry', () => {
  const roomy = { memoryLimitBytes: 512 * MEGABYTE }

  test.each<[string, Partial<CacheOptions>]>([
    ['segmented LRU', roomy],
    ['flat LRU', { ...roomy, segmented: false }],
    ['chunks of 1 KiB', { memoryLimitBytes: 256 * MEGABYTE, slabChunkMaxBytes: 1024 }],
    ['temporary items apart', { ...roomy, temporaryTtlSeconds: 10 }],
  ])('%s: exactly, while memory lasts', (_, options) => {
    fc.assert(
      fc.property(sequences(oddKeys, allLengths, { maxLength: 120 }), (sequence) => {
        const trial = new Trial(options, false)
        trial.run(sequence)
        expect(trial.cache.statistics.total(EVICTED)).toBe(0)
        expect(trial.cache.statistics.total(OUT_OF_MEMORY)).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  test.each<[string, Partial<CacheOptions>]>([
    ['segmented LRU', { memoryLimitBytes: 2 * MEGABYTE }],
    ['flat LRU', { memoryLimitBytes: 2 * MEGABYTE, segmented: false }],
    ['without evictions', { memoryLimitBytes: 2 * MEGABYTE, evictionsEnabled: false }],
    ['chunks of 64 KiB', { memoryLimitBytes: 3 * MEGABYTE, slabChunkMaxBytes: 65536 }],
  ])('%s: but for what it had to evict', (_, options) => {
    let hits = 0
    let evictions = 0
    fc.assert(
      fc.property(
        sequences(manyKeys, crowdedLengths, { minLength: 100, maxLength: 200 }),
        (sequence) => {
          const trial = new Trial(options, true)
          trial.run(sequence)
          hits += trial.hits
          evictions += trial.cache.statistics.total(EVICTED)
        },
      ),
      { numRuns: 30 },
    )
    expect(hits).toBeGreaterThan(20)
    if (options.evictionsEnabled === false) expect(evictions).toBe(0)
    else expect(evictions).toBeGreaterThan(10)
  })
})

describe('flush', () => {
  test('kills what was stored before, and nothing stored after it in the same second', () => {
    const cache = makeCache()
    set(cache, 'before', '1')
    cache.flush(0)
    set(cache, 'after', '2')
    expect(textOf(cache, 'before')).toBeUndefined()
    expect(textOf(cache, 'after')).toBe('2')
    cache.flush(0)
    set(cache, 'last', '3')
    expect(textOf(cache, 'after')).toBeUndefined()
    expect(textOf(cache, 'last')).toBe('3')
    expect(cache.statistics.get(GET_FLUSHED)).toBe(1)
    checkInvariants(cache)
  })

  test('kills items fetched in its very second, wherever they are in their lists', () => {
    const cache = makeCache()
    set(cache, 'fetched', '1')
    cache.clock.tick(5)
    set(cache, 'newer', '2')
    cache.clock.tick(10)
    fetch(cache, 'fetched')
    fetch(cache, 'fetched')
    cache.flush(0)
    expect(textOf(cache, 'fetched')).toBeUndefined()
    expect(textOf(cache, 'newer')).toBeUndefined()
  })

  test('with a deadline lets items live until then', () => {
    const cache = makeCache()
    set(cache, 'before', '1')
    cache.flush(cache.clock.now + 10)
    cache.clock.tick(8)
    set(cache, 'meanwhile', '2')
    expect(textOf(cache, 'before')).toBe('1')
    cache.clock.tick(10)
    set(cache, 'after', '3')
    expect(textOf(cache, 'before')).toBeUndefined()
    expect(textOf(cache, 'meanwhile')).toBeUndefined()
    expect(textOf(cache, 'after')).toBe('3')
  })

  test('with a new deadline does not revive what an earlier one has killed', () => {
    const cache = makeCache()
    set(cache, 'a', '1')
    cache.clock.tick(5)
    cache.flush(0)
    cache.flush(cache.clock.now + 100)
    expect(textOf(cache, 'a')).toBeUndefined()
    set(cache, 'b', '2')
    cache.flush(cache.clock.now + 2)
    cache.clock.tick(10)
    cache.flush(cache.clock.now + 100)
    expect(textOf(cache, 'b')).toBeUndefined()
  })
})

test('an expired item is found no more, and counted once', () => {
  const cache = makeCache()
  set(cache, 'a', '1', { expiry: cache.clock.now + 2 })
  cache.clock.tick(1)
  expect(textOf(cache, 'a')).toBe('1')
  cache.clock.tick(2)
  expect(textOf(cache, 'a')).toBeUndefined()
  expect(textOf(cache, 'a')).toBeUndefined()
  expect(cache.statistics.get(GET_EXPIRED)).toBe(1)
  expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
})

// For tests only: makes a cache of a test's own, and keys and values for it. Knows the cache's public
// surface, no protocol.
import { Cache, type MakeSlabs, NO_MEMORY, TOO_LARGE } from './cache.ts'
import { allocateCacheMemory, type CacheMemory, type CacheOptions } from './cache-memory.ts'
import { GuardedSlabs } from './guarded-slabs.ts'
import { hashKey } from './hash.ts'
import { CHUNK_HEADER_BYTES, CHUNKED, type ItemRef } from './item.ts'
import { MemoryBlock } from './memory.ts'
import { NO_LIMIT } from './prefix-limits.ts'
import { SET, STORED, StoreRequest, store } from './store.ts'

export const MEGABYTE = 1024 * 1024

/** memcached's defaults, but for a smaller table. */
const DEFAULTS: CacheOptions = {
  memoryLimitBytes: 64 * MEGABYTE,
  growthFactor: 1.25,
  minimumItemSpaceBytes: 48,
  slabChunkMaxBytes: MEGABYTE / 2,
  slabSizesBytes: undefined,
  slabReassignEnabled: true,
  maxItemSizeBytes: MEGABYTE,
  casEnabled: true,
  initialMallocedBytes: 0,
  memoryLimitFixed: false,
  evictionsEnabled: true,
  maintained: true,
  tailRepairSeconds: 0,
  admissionEnabled: true,
  trackSizes: false,
  largePagesWanted: false,
  prefixDelimiter: ':'.charCodeAt(0),
  prefixStatisticsEnabled: false,
  prefixLimits: [],
  segmented: true,
  hotPercent: 20,
  warmPercent: 40,
  hotMaxFactor: 0.2,
  warmMaxFactor: 2,
  temporaryTtlSeconds: undefined,
  slabAutomove: 1,
  slabAutomoveRatio: 0.8,
  slabAutomoveWindow: 10,
  crawlerEnabled: true,
  crawlerSleepMicroseconds: 100,
  crawlerItemsPerRun: 0,
  verbosity: 0,
  hashPowerInitial: 12,
  hashExpansionEnabled: true,
  eventLogBytes: 256 * 1024,
  telemetrySamplesPerSecond: 1000,
}

/** A Unix time for the clock to start at: what exactly it is matters to no test. */
export const START_UNIX_SECONDS = 1_700_000_000

export function makeCacheOptions(options: Partial<CacheOptions> = {}): CacheOptions {
  return { ...DEFAULTS, ...options }
}

/** `memory`: for these options, and never used or cleared since. */
export function makeCache(options: Partial<CacheOptions> = {}, memory?: CacheMemory): Cache {
  const all = makeCacheOptions(options)
  const cache = new Cache(memory ?? allocateCacheMemory(all), all)
  cache.clock.start(START_UNIX_SECONDS)
  return cache
}

/** A cache that finds writes out of bounds, and after something was freed. */
export function makeGuardedCache(
  options: Partial<CacheOptions> = {},
  pattern = 0xa5,
  memory?: CacheMemory,
): Cache {
  const all = makeCacheOptions(options)
  const makeSlabs: MakeSlabs = (...parts) => new GuardedSlabs(pattern, ...parts)
  const cache = new Cache(memory ?? allocateCacheMemory(all), all, makeSlabs)
  const { items, limits, slabs } = cache
  if (slabs instanceof GuardedSlabs) {
    slabs.bytesOf = (item) =>
      limits.ofItem(item) === NO_LIMIT ? items.bytesOf(item) : items.bytesUnderLimit(item)
  }
  cache.clock.start(START_UNIX_SECONDS)
  return cache
}

/** A block that holds these bytes, with room behind them as input buffers have. */
export function blockOf(bytes: Uint8Array | string): MemoryBlock {
  const source = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
  const block = new MemoryBlock(new ArrayBuffer(source.length + 8))
  block.bytes.set(source)
  return block
}

export interface Key {
  readonly block: MemoryBlock
  readonly length: number
  readonly hash: number
}

const keys = new Map<string, Key>()
const MAX_KEPT_KEYS = 10_000

/** Keys are made once: they are asked for again and again. */
export function keyOf(text: string): Key {
  let key = keys.get(text)
  if (key === undefined) {
    const block = blockOf(text)
    key = { block, length: text.length, hash: hashKey(block, 0, text.length) }
    if (keys.size === MAX_KEPT_KEYS) keys.clear()
    keys.set(text, key)
  }
  return key
}

export interface NewItem {
  readonly clientFlags?: number
  /** On the cache's clock. */
  readonly expiry?: number
  /** The value is filled in pieces of this size, as it comes from a socket. */
  readonly pieceBytes?: number
}

/** An unlinked item with its value; undefined if there is no room for it. */
export function makeItem(
  cache: Cache,
  key: Key,
  value: Uint8Array,
  { clientFlags = 0, expiry = 0, pieceBytes = value.length }: NewItem = {},
): ItemRef | undefined {
  const item = cache.allocate(key.block, 0, key.length, clientFlags, expiry, value.length, 0)
  if (item === NO_MEMORY || item === TOO_LARGE) return undefined
  const source = blockOf(value)
  for (let filled = 0; filled < value.length; filled += pieceBytes) {
    const part = Math.min(pieceBytes, value.length - filled)
    if (!cache.fill(item, filled, source, filled, part)) {
      cache.free(item)
      return undefined
    }
  }
  return item
}

/** Stores a value; the item, or undefined if there is no room for it. */
export function set(
  cache: Cache,
  key: string,
  value: Uint8Array | string,
  options: NewItem = {},
): ItemRef | undefined {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value
  const item = makeItem(cache, keyOf(key), bytes, options)
  if (item === undefined) return undefined
  const request = new StoreRequest()
  request.reset(SET)
  if (store(cache, item, keyOf(key).hash, request) !== STORED) throw new Error('set always stores')
  return item
}

/** The living item with this key, or 0; not counted as a fetch. */
export function find(cache: Cache, text: string): ItemRef {
  const key = keyOf(text)
  return cache.find(key.block, 0, key.length, key.hash)
}

/** Finds and bumps, as `get` does. */
export function fetch(cache: Cache, text: string): ItemRef {
  const item = find(cache, text)
  if (item !== 0) cache.lru.bump(item)
  return item
}

export function keyOfItem({ items }: Cache, item: ItemRef): string {
  const at = items.keyAt(item)
  const bytes = items.block(item).bytes.subarray(at, at + items.keyLength(item))
  return Buffer.from(bytes).toString('latin1')
}

export function valueOfItem({ items }: Cache, item: ItemRef): Buffer {
  if ((items.flags(item) & CHUNKED) === 0) {
    const at = items.valueAt(item)
    return Buffer.from(items.block(item).bytes.subarray(at, at + items.valueLength(item)))
  }
  const parts: Uint8Array[] = []
  for (let chunk = items.firstChunk(item); chunk !== 0; chunk = items.next(chunk)) {
    const at = items.offset(chunk) + CHUNK_HEADER_BYTES
    parts.push(items.block(chunk).bytes.subarray(at, at + items.chunkUsed(chunk)))
  }
  return Buffer.concat(parts)
}

/** The value under a key as text, or undefined. */
export function textOf(cache: Cache, key: string): string | undefined {
  const item = find(cache, key)
  return item === 0 ? undefined : valueOfItem(cache, item).toString('latin1')
}

export function casOfItem({ items }: Cache, item: ItemRef): bigint {
  return (BigInt(items.casHigh(item) >>> 0) << 32n) | BigInt(items.casLow(item) >>> 0)
}

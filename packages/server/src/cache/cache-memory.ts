// What a cache is told and what it is made of: its options, and the shared memory that every thread builds
// its own objects over. Knows sizes; not what is done with the memory.
import { type ArenaMemory, arenaBytes } from './arena.ts'
import { type EventLogOptions, eventLogBuffer } from './event-log.ts'
import { evictionCountsBytes } from './eviction-counts.ts'
import { type HashTableOptions, hashTableBytes } from './hash-table.ts'
import type { LruOptions } from './lru.ts'
import { preferHugePages } from './memory.ts'
import type { PrefixLimit } from './prefix-limits.ts'
import { PREFIX_STATISTICS_BYTES, type PrefixOptions } from './prefix-statistics.ts'
import { SHARED_STATE_BYTES } from './shared-state.ts'
import { sizeHistogramBytes } from './size-histogram.ts'
import { mostItems, type SlabOptions } from './slabs.ts'
import { TELEMETRY_BYTES, type TelemetryOptions } from './telemetry.ts'
import type { TuningOptions } from './tuning.ts'

export interface CacheOptions
  extends SlabOptions,
    LruOptions,
    HashTableOptions,
    TuningOptions,
    PrefixOptions,
    EventLogOptions,
    TelemetryOptions {
  /** `-I`: the largest item, counted as memcached counts it. */
  readonly maxItemSizeBytes: number
  readonly casEnabled: boolean
  /** `-o prefix_limit`. */
  readonly prefixLimits: readonly PrefixLimit[]
  /** What leaves HOT has to prove itself against COLD where memory is full (no `-o no_lru_admission`). */
  readonly admissionEnabled: boolean
  /** `-o track_sizes`: count items by size. */
  readonly trackSizes: boolean
  /** `-L`: large memory pages, if the system has them. */
  readonly largePagesWanted: boolean
  /** Counted as used by slab pages though it isn't: for tests of large limits. */
  readonly initialMallocedBytes: number
  /** The limit can't be changed (`cache_memlimit`): the memory is that of a file (`-e`). */
  readonly memoryLimitFixed: boolean
}

/** The shared memory of one cache; hand it to every thread that is to work on it. */
export interface CacheMemory {
  /** What describes the process: lock, counters, tuning. */
  readonly state: SharedArrayBuffer
  readonly table: SharedArrayBuffer
  /** Items, and in page 0 what describes them: clock, pages, free chunks, lists, the CAS unique. */
  readonly arena: ArenaMemory
  readonly prefixes: SharedArrayBuffer
  readonly sizes: SharedArrayBuffer
  /** How often keys were evicted, for admission. */
  readonly evictionCounts: SharedArrayBuffer
  /** Events on their way to watchers. */
  readonly events: SharedArrayBuffer
  /** What is known about requests and their keys. */
  readonly telemetry: SharedArrayBuffer
}

/**
 * Reserves a cache's memory, for `reservedBytes` of items if the limit may be raised so far: what is not used
 * costs addresses only. `arena` is memory of `arenaBytes` for these that is there already.
 */
export function allocateCacheMemory(
  options: CacheOptions,
  reservedBytes = options.memoryLimitBytes,
  arena?: ArenaMemory,
): CacheMemory {
  const bytes = arenaBytes(reservedBytes)
  const table = new SharedArrayBuffer(
    hashTableBytes(mostItems(bytes, options), options.hashPowerInitial),
  )
  const arenaMemory = arena ?? new SharedArrayBuffer(bytes)
  if (options.largePagesWanted) {
    preferHugePages(table)
    if (!('address' in arenaMemory)) preferHugePages(arenaMemory)
  }
  return {
    state: new SharedArrayBuffer(SHARED_STATE_BYTES),
    table,
    arena: arenaMemory,
    prefixes: new SharedArrayBuffer(PREFIX_STATISTICS_BYTES),
    sizes: new SharedArrayBuffer(
      options.trackSizes ? sizeHistogramBytes(options.maxItemSizeBytes) : 0,
    ),
    evictionCounts: new SharedArrayBuffer(
      options.admissionEnabled ? evictionCountsBytes(options.memoryLimitBytes) : 0,
    ),
    events: eventLogBuffer(options),
    telemetry: new SharedArrayBuffer(TELEMETRY_BYTES),
  }
}

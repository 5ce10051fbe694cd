// The part of the settings that the cache obeys, in the cache's own terms.
import type { CacheOptions } from '../cache/cache-memory.ts'
import type { Settings } from './settings.ts'

/** memcached's table to start with: 2^16 buckets. */
const DEFAULT_HASH_POWER = 16

export function cacheOptions(settings: Settings): CacheOptions {
  return {
    memoryLimitBytes: settings.memoryLimitBytes,
    growthFactor: settings.growthFactor,
    minimumItemSpaceBytes: settings.minimumItemSpaceBytes,
    slabChunkMaxBytes: settings.slabChunkMaxBytes,
    slabSizesBytes: settings.slabSizesBytes,
    slabReassignEnabled: settings.slabReassignEnabled,
    initialMallocedBytes: settings.initialMallocedBytes,
    memoryLimitFixed: settings.memoryFile !== undefined,
    maxItemSizeBytes: settings.maxItemSizeBytes,
    casEnabled: settings.casEnabled,
    evictionsEnabled: settings.evictionsEnabled,
    maintained: settings.lruMaintainerEnabled,
    tailRepairSeconds: settings.tailRepairSeconds,
    admissionEnabled: settings.lruAdmissionEnabled && settings.lruMaintainerEnabled,
    trackSizes: settings.sizeTrackingEnabled,
    largePagesWanted: settings.largePagesWanted,
    prefixDelimiter: settings.statsPrefixDelimiter.charCodeAt(0),
    prefixStatisticsEnabled: settings.statsDetailEnabled,
    prefixLimits: settings.prefixLimits,
    segmented: settings.lruSegmented && settings.lruMaintainerEnabled,
    hotPercent: settings.hotLruPercent,
    warmPercent: settings.warmLruPercent,
    hotMaxFactor: settings.hotMaxFactor,
    warmMaxFactor: settings.warmMaxFactor,
    temporaryTtlSeconds: settings.temporaryTtlSeconds,
    slabAutomove: settings.slabAutomove,
    slabAutomoveRatio: settings.slabAutomoveRatio,
    slabAutomoveWindow: settings.slabAutomoveWindow,
    crawlerEnabled: settings.lruCrawlerEnabled,
    crawlerSleepMicroseconds: settings.lruCrawlerSleepMicroseconds,
    crawlerItemsPerRun: settings.lruCrawlerItemsPerRun,
    verbosity: settings.verbosity,
    hashPowerInitial:
      settings.hashPowerInitial === 0 ? DEFAULT_HASH_POWER : settings.hashPowerInitial,
    hashExpansionEnabled: settings.hashExpansionEnabled,
    telemetrySamplesPerSecond: settings.telemetrySamplesPerSecond,
    eventLogBytes: settings.workerLogBufferBytes * settings.threads,
  }
}

// The lines of `stats settings`, in the order and form of memcached 1.6.45 built without external
// storage and proxy, and with TLS where it is on. Knows the settings and nothing else, so that the protocol can be handed its result.
import type { Cache } from '../cache/cache.ts'
import { type Settings, threadsPerUdpSocket } from './settings.ts'
import { describeTls } from './tls-settings.ts'

/** memcached's value of `temporary_ttl` while there is no TEMP list. */
const UNUSED_TEMPORARY_TTL_SECONDS = 61
/** What memcached prints for a string it has none of: by hand in some places, by printf in others. */
const NO_STRING = 'NULL'
const NULL_POINTER = '(null)'

/**
 * The pairs that `stats settings` prints.
 * @param oldestSeconds the server's time before which the last `flush_all` emptied it; 0: never.
 */
export function describeSettings(
  settings: Settings,
  oldestSeconds = 0,
): readonly (readonly [key: string, value: string])[] {
  return [
    ['maxbytes', `${settings.memoryLimitBytes}`],
    ['maxconns', `${settings.maxConnections}`],
    ['tcpport', `${settings.tcpPort}`],
    ['udpport', `${settings.udpPort}`],
    ['inter', settings.interfacesAsGiven ?? NO_STRING],
    ['verbosity', `${settings.verbosity}`],
    ['oldest', `${oldestSeconds}`],
    ['evictions', settings.evictionsEnabled ? 'on' : 'off'],
    ['domain_socket', settings.unixSocketPath ?? NO_STRING],
    ['umask', settings.unixSocketMask.toString(8)],
    ['shutdown_command', yesNo(settings.shutdownCommandEnabled)],
    ['growth_factor', settings.growthFactor.toFixed(2)],
    ['chunk_size', `${settings.minimumItemSpaceBytes}`],
    ['num_threads', `${settings.threads}`],
    ['num_threads_per_udp', `${threadsPerUdpSocket(settings)}`],
    ['stat_key_prefix', settings.statsPrefixDelimiter],
    ['detail_enabled', yesNo(settings.statsDetailEnabled)],
    ['reqs_per_event', `${settings.requestsPerEvent}`],
    ['cas_enabled', yesNo(settings.casEnabled)],
    ['tcp_backlog', `${settings.listenBacklog}`],
    [
      'binding_protocol',
      settings.bindingProtocol === 'auto' ? 'auto-negotiate' : settings.bindingProtocol,
    ],
    ['auth_enabled_sasl', yesNo(settings.saslEnabled)],
    ['auth_enabled_ascii', settings.authFile ?? 'no'],
    ['item_size_max', `${settings.maxItemSizeBytes}`],
    ['maxconns_fast', yesNo(settings.rejectConnectionsOverLimit)],
    ['hashpower_init', `${settings.hashPowerInitial}`],
    ['slab_reassign', yesNo(settings.slabReassignEnabled)],
    ['slab_automove', `${settings.slabAutomove}`],
    ['slab_automove_ratio', settings.slabAutomoveRatio.toFixed(2)],
    ['slab_automove_window', `${settings.slabAutomoveWindow}`],
    ['slab_chunk_max', `${settings.slabChunkMaxBytes}`],
    ['lru_crawler', yesNo(settings.lruCrawlerEnabled)],
    ['lru_crawler_sleep', `${settings.lruCrawlerSleepMicroseconds}`],
    ['lru_crawler_tocrawl', `${settings.lruCrawlerItemsPerRun}`],
    ['tail_repair_time', `${settings.tailRepairSeconds}`],
    ['flush_enabled', yesNo(settings.flushEnabled)],
    ['dump_enabled', yesNo(settings.dumpEnabled)],
    ['hash_algorithm', settings.hashAlgorithm],
    ['lru_maintainer_thread', yesNo(settings.lruMaintainerEnabled)],
    ['lru_segmented', yesNo(settings.lruSegmented)],
    ['hot_lru_pct', `${settings.hotLruPercent}`],
    ['warm_lru_pct', `${settings.warmLruPercent}`],
    ['hot_max_factor', settings.hotMaxFactor.toFixed(2)],
    ['warm_max_factor', settings.warmMaxFactor.toFixed(2)],
    ['temp_lru', yesNo(settings.temporaryTtlSeconds !== undefined)],
    ['temporary_ttl', `${settings.temporaryTtlSeconds ?? UNUSED_TEMPORARY_TTL_SECONDS}`],
    ['idle_timeout', `${settings.idleTimeoutSeconds}`],
    ['watcher_logbuf_size', `${settings.watcherLogBufferBytes}`],
    ['worker_logbuf_size', `${settings.workerLogBufferBytes}`],
    ['read_buf_mem_limit', `${settings.readBufferLimitBytes}`],
    ['track_sizes', yesNo(settings.sizeTrackingEnabled)],
    ['inline_ascii_response', 'no'],
    ...(settings.tls === undefined ? [] : describeTls(settings.tls)),
    ['num_napi_ids', NULL_POINTER],
    ['memory_file', settings.memoryFile ?? NULL_POINTER],
    ['client_flags_size', '4'],
  ]
}

/** The settings as commands have changed them since the start. */
export function currentSettings(settings: Settings, { tuning, prefixes }: Cache): Settings {
  return {
    ...settings,
    memoryLimitBytes: tuning.memoryLimitBytes,
    lruSegmented: tuning.segmented,
    hotLruPercent: tuning.hotPercent,
    warmLruPercent: tuning.warmPercent,
    hotMaxFactor: tuning.hotMaxFactor,
    warmMaxFactor: tuning.warmMaxFactor,
    temporaryTtlSeconds: tuning.temporaryTtlSeconds,
    slabAutomove: tuning.slabAutomove,
    slabAutomoveRatio: tuning.slabAutomoveRatio,
    slabAutomoveWindow: tuning.slabAutomoveWindow,
    lruCrawlerEnabled: tuning.crawlerEnabled,
    lruCrawlerSleepMicroseconds: tuning.crawlerSleepMicroseconds,
    lruCrawlerItemsPerRun: tuning.crawlerItemsPerRun,
    verbosity: tuning.verbosity,
    statsDetailEnabled: prefixes.enabled,
  }
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}

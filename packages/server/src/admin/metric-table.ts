// Every metric of /metrics: its name, type and labels, and the statistics it is made of. Those under `memcached_` are
// memcached_exporter 0.16's to the letter, so that dashboards and alerts made for it work; ours are under `memshard_`.
// Long because it is one table.
import { type Histogram, parseHistogram } from './histogram-text.ts'
import {
  byId,
  bySlabClass,
  type Group,
  type NodeStatistics,
  numberOf,
  type Statistics,
} from './statistics-text.ts'

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels: Labels
  readonly value: number
}

export interface HistogramSample {
  readonly labels: Labels
  readonly histogram: Histogram
}

interface Described {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

export type Metric = Described &
  (
    | {
        readonly type: 'counter' | 'gauge'
        readonly samples: (node: NodeStatistics) => Iterable<Sample>
      }
    | {
        readonly type: 'histogram'
        readonly samples: (node: NodeStatistics) => Iterable<HistogramSample>
      }
  )

type Samples = (node: NodeStatistics) => Iterable<Sample>
type Read = (statistics: Statistics) => number | undefined
/** Label values, and what the sample with them is read from. */
type Labelled = readonly [values: readonly string[], read: Read]

const KEYED = ['get', 'delete', 'incr', 'decr', 'cas', 'touch'] as const

export const METRICS: readonly Metric[] = [
  // ---- memcached_exporter's: the server
  gauge('memcached_up', 'Whether the server could be asked for its statistics.', [], up),
  gauge('memcached_version', "The server's version.", ['version'], version),
  ...from('general', {
    memcached_uptime_seconds: ['counter', 'Seconds since the server started.', 'uptime'],
    memcached_time_seconds: ['gauge', "Unix time by the server's clock.", 'time'],
    memcached_process_user_cpu_seconds_total: [
      'counter',
      'CPU time that the process has spent in user mode.',
      'rusage_user',
    ],
    memcached_process_system_cpu_seconds_total: [
      'counter',
      'CPU time that the process has spent in the kernel.',
      'rusage_system',
    ],
    memcached_read_bytes_total: ['counter', 'Bytes received from clients.', 'bytes_read'],
    memcached_written_bytes_total: ['counter', 'Bytes sent to clients.', 'bytes_written'],
    memcached_current_connections: ['gauge', 'Open connections.', 'curr_connections'],
    memcached_connections_total: ['counter', 'Connections ever opened.', 'total_connections'],
    memcached_connections_rejected_total: [
      'counter',
      'Connections refused because there were as many as -c allows.',
      'rejected_connections',
    ],
    memcached_connections_yielded_total: [
      'counter',
      'Times that a connection let others have their turn (-R).',
      'conn_yields',
    ],
    memcached_connections_listener_disabled_total: [
      'counter',
      'Times that the server stopped to accept connections.',
      'listen_disabled_num',
    ],
    memcached_accepting_connections: [
      'gauge',
      'Whether new connections are accepted.',
      'accepting_conns',
    ],
    memcached_current_bytes: ['gauge', 'Bytes that items take.', 'bytes'],
    memcached_limit_bytes: ['gauge', 'Bytes that items may take.', 'limit_maxbytes'],
    memcached_current_items: ['gauge', 'Items in the cache.', 'curr_items'],
    memcached_items_total: ['counter', 'Items ever stored.', 'total_items'],
    memcached_items_evicted_total: [
      'counter',
      'Living items that were removed to make room.',
      'evictions',
    ],
    memcached_items_reclaimed_total: [
      'counter',
      'Items stored in the place of an expired one.',
      'reclaimed',
    ],
    memcached_item_too_large_total: ['counter', 'Items refused for their size.', 'store_too_large'],
    memcached_item_no_memory_total: [
      'counter',
      'Items refused for want of memory.',
      'store_no_memory',
    ],
    memcached_direct_reclaims_total: [
      'counter',
      'Times that a request had to free memory itself.',
      'direct_reclaims',
    ],
    memcached_lru_crawler_starts_total: ['counter', 'Starts of the crawler.', 'lru_crawler_starts'],
    memcached_lru_crawler_reclaimed_total: [
      'counter',
      'Items freed by the crawler.',
      'crawler_reclaimed',
    ],
    memcached_lru_crawler_items_checked_total: [
      'counter',
      'Items looked at by the crawler.',
      'crawler_items_checked',
    ],
    memcached_lru_crawler_moves_to_cold_total: [
      'counter',
      'Items moved from HOT or WARM to COLD.',
      'moves_to_cold',
    ],
    memcached_lru_crawler_moves_to_warm_total: [
      'counter',
      'Items moved from COLD to WARM.',
      'moves_to_warm',
    ],
    memcached_lru_crawler_moves_within_lru_total: [
      'counter',
      'Items moved to the front of HOT or WARM.',
      'moves_within_lru',
    ],
  }),
  ...from('slabs', {
    memcached_malloced_bytes: ['gauge', 'Bytes of all slab pages.', 'total_malloced'],
  }),
  counter(
    'memcached_commands_total',
    'Requests by command and outcome.',
    ['command', 'status'],
    labelled(
      'general',
      ['command', 'status'],
      [
        ...KEYED.flatMap((command): Labelled[] => [
          [[command, 'hit'], number(`${command}_hits`)],
          [[command, 'miss'], number(`${command}_misses`)],
        ]),
        [['cas', 'badval'], number('cas_badval')],
        [['flush', 'hit'], number('cmd_flush')],
        // memcached counts cas among sets.
        [['set', 'hit'], difference('cmd_set', ['cas_misses', 'cas_hits', 'cas_badval'])],
      ],
    ),
  ),

  // ---- memcached_exporter's: settings
  ...from('settings', {
    memcached_max_connections: ['gauge', 'Connections that -c allows.', 'maxconns'],
  }),
  ...whereCrawlerRuns({
    memcached_lru_crawler_enabled: ['gauge', 'Whether the crawler is enabled.', 'lru_crawler'],
    memcached_lru_crawler_sleep: [
      'gauge',
      'Microseconds that the crawler rests between items.',
      'lru_crawler_sleep',
    ],
    memcached_lru_crawler_to_crawl: [
      'gauge',
      'Items that a crawler looks at per class and run; 0: all.',
      'lru_crawler_tocrawl',
    ],
    memcached_lru_crawler_maintainer_thread: [
      'gauge',
      'Whether the LRU maintainer runs.',
      'lru_maintainer_thread',
    ],
    memcached_lru_crawler_hot_percent: [
      'gauge',
      "HOT's share of a class, in percent.",
      'hot_lru_pct',
    ],
    memcached_lru_crawler_warm_percent: [
      'gauge',
      "WARM's share of a class, in percent.",
      'warm_lru_pct',
    ],
    memcached_lru_crawler_hot_max_factor: [
      'gauge',
      "An item leaves HOT when idle for this many times the age of COLD's oldest.",
      'hot_max_factor',
    ],
    memcached_lru_crawler_warm_max_factor: [
      'gauge',
      "An item leaves WARM when idle for this many times the age of COLD's oldest.",
      'warm_max_factor',
    ],
  }),

  // ---- memcached_exporter's: slab classes, of `stats items`
  ...bySlab('items', {
    memcached_slab_current_items: ['gauge', 'Items in the class.', 'number'],
    memcached_slab_items_age_seconds: ['gauge', "Idle seconds of COLD's oldest item.", 'age'],
    memcached_slab_items_crawler_reclaimed_total: [
      'counter',
      'Items of the class freed by the crawler.',
      'crawler_reclaimed',
    ],
    memcached_slab_items_evicted_total: [
      'counter',
      'Living items of the class that were removed to make room.',
      'evicted',
    ],
    memcached_slab_items_evicted_nonzero_total: [
      'counter',
      'The same of items that had a time to live.',
      'evicted_nonzero',
    ],
    memcached_slab_items_evicted_time_seconds: [
      'counter',
      'Idle seconds of the item that was evicted last.',
      'evicted_time',
    ],
    memcached_slab_items_evicted_unfetched_total: [
      'counter',
      'Items evicted that were never fetched.',
      'evicted_unfetched',
    ],
    memcached_slab_items_expired_unfetched_total: [
      'counter',
      'Items expired that were never fetched.',
      'expired_unfetched',
    ],
    memcached_slab_items_outofmemory_total: [
      'counter',
      'Items refused for want of memory.',
      'outofmemory',
    ],
    memcached_slab_items_reclaimed_total: [
      'counter',
      'Items stored in the place of an expired one.',
      'reclaimed',
    ],
    memcached_slab_items_tailrepairs_total: [
      'counter',
      'Items freed that seemed in use for ever.',
      'tailrepairs',
    ],
    memcached_slab_items_moves_to_cold: [
      'counter',
      'Items moved from HOT or WARM to COLD.',
      'moves_to_cold',
    ],
    memcached_slab_items_moves_to_warm: [
      'counter',
      'Items moved from COLD to WARM.',
      'moves_to_warm',
    ],
    memcached_slab_items_moves_within_lru: [
      'counter',
      'Items moved to the front of HOT or WARM.',
      'moves_within_lru',
    ],
    memcached_slab_mem_requested_bytes: [
      'counter',
      'Bytes that items of the class asked for.',
      'mem_requested',
    ],
    memcached_slab_hot_items: ['gauge', 'Items in HOT.', 'number_hot'],
    memcached_slab_warm_items: ['gauge', 'Items in WARM.', 'number_warm'],
    memcached_slab_cold_items: ['gauge', 'Items in COLD.', 'number_cold'],
    memcached_slab_temporary_items: ['gauge', 'Items in TEMP.', 'number_temp'],
    memcached_slab_hot_age_seconds: ['gauge', "Idle seconds of HOT's oldest item.", 'age_hot'],
    memcached_slab_warm_age_seconds: ['gauge', "Idle seconds of WARM's oldest item.", 'age_warm'],
  }),
  counter(
    'memcached_slab_lru_hits_total',
    'Fetches that found their item, by its list.',
    ['slab', 'lru'],
    labelledBySlab(
      'items',
      ['slab', 'lru'],
      [
        [['hot'], number('hits_to_hot')],
        [['warm'], number('hits_to_warm')],
        [['cold'], number('hits_to_cold')],
        [['temporary'], number('hits_to_temp')],
      ],
    ),
  ),

  // ---- memcached_exporter's: slab classes, of `stats slabs`
  ...bySlab('slabs', {
    memcached_slab_chunk_size_bytes: ['gauge', 'Bytes of a chunk.', 'chunk_size'],
    memcached_slab_chunks_per_page: ['gauge', 'Chunks in a page.', 'chunks_per_page'],
    memcached_slab_current_pages: ['gauge', 'Pages of the class.', 'total_pages'],
    memcached_slab_current_chunks: ['gauge', 'Chunks of the class.', 'total_chunks'],
    memcached_slab_chunks_used: ['gauge', 'Chunks that hold an item.', 'used_chunks'],
    memcached_slab_chunks_free: ['gauge', 'Chunks that hold none.', 'free_chunks'],
    memcached_slab_chunks_free_end: [
      'gauge',
      'Chunks at the end of the last page that were never used.',
      'free_chunks_end',
    ],
  }),
  counter(
    'memcached_slab_commands_total',
    'Requests by slab class, command and outcome.',
    ['slab', 'command', 'status'],
    labelledBySlab(
      'slabs',
      ['slab', 'command', 'status'],
      [
        ...KEYED.map((command): Labelled => [[command, 'hit'], number(`${command}_hits`)]),
        [['cas', 'badval'], number('cas_badval')],
        [['set', 'hit'], difference('cmd_set', ['cas_hits', 'cas_badval'])],
      ],
    ),
  ),

  // ---- ours: what `stats` tells and the exporter leaves out
  gauge('memshard_info', "The server's version and transport.", ['version', 'transport'], info),
  gauge(
    'memshard_hit_ratio',
    'Share of the keys asked for that were found, since the start.',
    [],
    hitRatio,
  ),
  ...from('general', {
    memshard_threads: ['gauge', 'Threads that serve.', 'threads'],
    memshard_get_expired_total: [
      'counter',
      'Keys asked for whose item had expired.',
      'get_expired',
    ],
    memshard_get_flushed_total: [
      'counter',
      'Keys asked for whose item was flushed.',
      'get_flushed',
    ],
    memshard_items_evicted_unfetched_total: [
      'counter',
      'Items evicted that were never fetched.',
      'evicted_unfetched',
    ],
    memshard_items_evicted_active_total: [
      'counter',
      'Items evicted that were fetched lately.',
      'evicted_active',
    ],
    memshard_items_expired_unfetched_total: [
      'counter',
      'Items expired that were never fetched.',
      'expired_unfetched',
    ],
    memshard_hash_bytes: ['gauge', 'Bytes of the hash table.', 'hash_bytes'],
    memshard_idle_connections_closed_total: [
      'counter',
      'Connections closed because they were silent (-o idle_timeout).',
      'idle_kicks',
    ],
    memshard_auth_requests_total: ['counter', 'Logins tried.', 'auth_cmds'],
    memshard_auth_errors_total: ['counter', 'Logins refused.', 'auth_errors'],
    memshard_slab_pages_moved_total: [
      'counter',
      'Slab pages that went to another class or to the pool.',
      'slabs_moved',
    ],
    memshard_slab_pool_pages: [
      'gauge',
      'Slab pages that belong to no class.',
      'slab_global_page_pool',
    ],
  }),

  // ---- ours: of `stats memshard` and `stats latency`
  ...from('memshard', {
    memshard_lock_acquired_total: [
      'counter',
      "Times that the cache's lock was taken.",
      'lock_acquired',
    ],
    memshard_lock_contended_total: [
      'counter',
      "Times that the cache's lock was held by another.",
      'lock_contended',
    ],
  }),
  counter(
    'memshard_lock_wait_seconds_total',
    "Time that threads have waited for the cache's lock.",
    [],
    labelled('memshard', [], [[[], scaled('lock_wait_us', 1e-6)]]),
  ),
  histogram(
    'memshard_event_loop_round_seconds',
    "Rounds of the threads' loops: from what woke one to its next wait.",
    [],
    function* ({ memshard }) {
      const rounds = parseHistogram(byId(memshard).get('loop') ?? new Map())
      if (rounds !== undefined) yield { labels: {}, histogram: rounds }
    },
  ),
  counter(
    'memshard_slab_page_moves_total',
    'Slab pages that went from one class to another; class 0 is the pool.',
    ['from', 'to'],
    function* ({ memshard }) {
      for (const [name, text] of memshard) {
        const [, from, to] = /^page_moves:(\d+):(\d+)$/.exec(name) ?? []
        if (from === undefined || to === undefined) continue
        yield { labels: { from, to }, value: Number(text) }
      }
    },
  ),
  ofPrefixLimits(
    'gauge',
    'memshard_prefix_limit_bytes',
    'Most bytes of items (0 is any amount).',
    'limit_bytes',
  ),
  ofPrefixLimits('gauge', 'memshard_prefix_bytes', 'Bytes of items.', 'bytes'),
  ofPrefixLimits('gauge', 'memshard_prefix_items', 'Items.', 'items'),
  ofPrefixLimits(
    'counter',
    'memshard_prefix_evictions_total',
    'Items evicted to stay within the limit.',
    'evictions',
  ),
  ofPrefixLimits(
    'counter',
    'memshard_prefix_refusals_total',
    'Items that were too large for the limit.',
    'refusals',
  ),
  byCommand('memshard', 'memshard_command_read_bytes_total', 'Bytes of requests.', 'bytes_in'),
  byCommand('memshard', 'memshard_command_written_bytes_total', 'Bytes of answers.', 'bytes_out'),
  byCommand('latency', 'memshard_command_requests_total', 'Requests.', 'count'),
  histogram(
    'memshard_command_duration_seconds',
    'How long requests took inside the server; some are measured, not all.',
    ['command'],
    function* ({ latency }) {
      for (const [command, told] of byId(latency)) {
        const durations = parseHistogram(told)
        if (durations !== undefined) yield { labels: { command }, histogram: durations }
      }
    },
  ),
]

// ---- rows

function counter(name: string, help: string, labels: readonly string[], samples: Samples): Metric {
  return { type: 'counter', name, help, labels, samples }
}

function gauge(name: string, help: string, labels: readonly string[], samples: Samples): Metric {
  return { type: 'gauge', name, help, labels, samples }
}

function histogram(
  name: string,
  help: string,
  labels: readonly string[],
  samples: (node: NodeStatistics) => Iterable<HistogramSample>,
): Metric {
  return { type: 'histogram', name, help, labels, samples }
}

type Rows = Readonly<
  Record<string, readonly [type: 'counter' | 'gauge', help: string, statistic: string]>
>

/** One sample each, of the statistic named. */
function from(group: Group, rows: Rows): Metric[] {
  return Object.entries(rows).map(([name, [type, help, statistic]]) => ({
    type,
    name,
    help,
    labels: [],
    samples: labelled(group, [], [[[], number(statistic)]]),
  }))
}

/** Of the settings, but only where the crawler is enabled: so does the exporter. */
function whereCrawlerRuns(rows: Rows): Metric[] {
  return Object.entries(rows).map(([name, [type, help, statistic]]) => ({
    type,
    name,
    help,
    labels: [],
    *samples({ settings }) {
      const value = settings.get('lru_crawler') === 'yes' ? setting(settings, statistic) : undefined
      if (value !== undefined) yield { labels: {}, value }
    },
  }))
}

/** A sample for each slab class. */
function bySlab(group: 'items' | 'slabs', rows: Rows): Metric[] {
  return Object.entries(rows).map(([name, [type, help, statistic]]) => ({
    type,
    name,
    help,
    labels: ['slab'],
    samples: labelledBySlab(group, ['slab'], [[[], number(statistic)]]),
  }))
}

/** Of every prefix with a limit (`-o prefix_limit`). */
function ofPrefixLimits(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  statistic: string,
): Metric {
  return {
    name,
    help: `${help.slice(0, -1)}, of keys with a prefix that has a limit.`,
    labels: ['prefix'],
    type,
    *samples({ memshard }) {
      for (const [told, text] of memshard) {
        const [, prefix, what] = /^prefix_limit:([^:]+):(\w+)$/.exec(told) ?? []
        if (prefix === undefined || what !== statistic) continue
        yield { labels: { prefix }, value: Number(text) }
      }
    },
  }
}

function byCommand(
  group: 'memshard' | 'latency',
  name: string,
  help: string,
  statistic: string,
): Metric {
  return counter(name, `${help.slice(0, -1)}, by command.`, ['command'], function* (node) {
    for (const [command, told] of byId(node[group])) {
      const value = numberOf(told, statistic)
      if (value !== undefined) yield { labels: { command }, value }
    }
  })
}

// ---- samples

function labelled(group: Group, labels: readonly string[], rows: readonly Labelled[]): Samples {
  return function* (node) {
    yield* read(node[group], labels, [], rows)
  }
}

/** The same for every slab class, whose number is the first label. */
function labelledBySlab(
  group: 'items' | 'slabs',
  labels: readonly string[],
  rows: readonly Labelled[],
): Samples {
  const prefix = group === 'items' ? 'items:' : ''
  return function* (node) {
    for (const [id, statistics] of bySlabClass(node[group], prefix)) {
      yield* read(statistics, labels, [id], rows)
    }
  }
}

function* read(
  statistics: Statistics,
  labels: readonly string[],
  first: readonly string[],
  rows: readonly Labelled[],
): Generator<Sample> {
  for (const [values, valueIn] of rows) {
    const value = valueIn(statistics)
    if (value === undefined) continue
    const all = [...first, ...values]
    yield { labels: Object.fromEntries(labels.map((label, i) => [label, all[i]])), value }
  }
}

function* up({ general }: NodeStatistics): Generator<Sample> {
  yield { labels: {}, value: general.size > 0 ? 1 : 0 }
}

function* version({ general }: NodeStatistics): Generator<Sample> {
  const version = general.get('version')
  if (version !== undefined) yield { labels: { version }, value: 1 }
}

function* info({ general }: NodeStatistics): Generator<Sample> {
  const [version, transport] = [general.get('version'), general.get('libevent')]
  if (version !== undefined && transport !== undefined) {
    yield { labels: { version, transport }, value: 1 }
  }
}

function* hitRatio({ general }: NodeStatistics): Generator<Sample> {
  const [hits, misses] = [numberOf(general, 'get_hits'), numberOf(general, 'get_misses')]
  if (hits === undefined || misses === undefined || hits + misses === 0) return
  yield { labels: {}, value: hits / (hits + misses) }
}

// ---- values

function number(name: string): Read {
  return (statistics) => numberOf(statistics, name)
}

/** `yes` and `no` are numbers among settings. */
function setting(settings: Statistics, name: string): number | undefined {
  const text = settings.get(name)
  if (text === 'yes' || text === 'no') return text === 'yes' ? 1 : 0
  return numberOf(settings, name)
}

function scaled(name: string, factor: number): Read {
  return (statistics) => {
    const value = numberOf(statistics, name)
    return value === undefined ? undefined : value * factor
  }
}

/** What is left of the first; undefined unless all are told. */
function difference(name: string, parts: readonly string[]): Read {
  return (statistics) => {
    let left = numberOf(statistics, name)
    for (const part of parts) {
      const value = numberOf(statistics, part)
      left = left === undefined || value === undefined ? undefined : left - value
    }
    return left
  }
}

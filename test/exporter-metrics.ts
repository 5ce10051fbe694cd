// memcached_exporter 0.16's metrics, typed from its source: name, type, labels and the statistic each is read from, by
// the report it stands in. Knows nothing of how we make them. Left out are its groups for external storage and for
// the proxy, which it only tells of a server that has them.

export interface ExporterMetric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  /** Label names, and of those that are fixed the value of this sample. */
  readonly labels: Readonly<Record<string, string | undefined>>
  readonly report: '' | 'slabs' | 'items' | 'settings' | undefined
  /** The value, out of a report's statistics (of one class, where `slab` is a label); undefined: no sample. */
  readonly value: (of: (name: string) => string | undefined) => number | undefined
}

type Report = ExporterMetric['report']
type Of = (name: string) => string | undefined

const parse = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number.parseFloat(text)
const yes = (text: string | undefined): number | undefined =>
  text === 'yes' ? 1 : text === 'no' ? 0 : undefined
const less = (of: Of, from: string, parts: readonly string[]): number | undefined =>
  parts.reduce<number | undefined>(
    (left, part) => {
      const value = parse(of(part))
      return left === undefined || value === undefined ? undefined : left - value
    },
    parse(of(from)),
  )

function list(
  report: Report,
  type: 'counter' | 'gauge',
  labels: ExporterMetric['labels'],
  text: string,
): ExporterMetric[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', statistic = ''] = line.trim().split(/\s+/)
      return { name, type, labels, report, value: (of) => parse(of(statistic)) }
    })
}

/** One metric with a sample for each row. */
function family(
  report: Report,
  name: string,
  slab: boolean,
  labels: readonly string[],
  rows: readonly (readonly [values: readonly string[], value: (of: Of) => number | undefined])[],
): ExporterMetric[] {
  return rows.map(([values, value]) => ({
    name,
    type: 'counter',
    labels: {
      ...(slab && { slab: undefined }),
      ...Object.fromEntries(labels.map((label, i) => [label, values[i]])),
    },
    report,
    value,
  }))
}

const KEYED = ['get', 'delete', 'incr', 'decr', 'cas', 'touch']
const SLAB = { slab: undefined }

export const EXPORTER_METRICS: readonly ExporterMetric[] = [
  { name: 'memcached_up', type: 'gauge', labels: {}, report: undefined, value: () => 1 },
  {
    name: 'memcached_version',
    type: 'gauge',
    labels: { version: undefined },
    report: undefined,
    value: () => 1,
  },
  ...list(
    '',
    'counter',
    {},
    `memcached_uptime_seconds                            uptime
     memcached_process_user_cpu_seconds_total            rusage_user
     memcached_process_system_cpu_seconds_total          rusage_system
     memcached_read_bytes_total                          bytes_read
     memcached_written_bytes_total                       bytes_written
     memcached_connections_total                         total_connections
     memcached_connections_rejected_total                rejected_connections
     memcached_connections_yielded_total                 conn_yields
     memcached_connections_listener_disabled_total       listen_disabled_num
     memcached_items_total                               total_items
     memcached_items_evicted_total                       evictions
     memcached_items_reclaimed_total                     reclaimed
     memcached_item_too_large_total                      store_too_large
     memcached_item_no_memory_total                      store_no_memory
     memcached_direct_reclaims_total                     direct_reclaims
     memcached_lru_crawler_starts_total                  lru_crawler_starts
     memcached_lru_crawler_reclaimed_total               crawler_reclaimed
     memcached_lru_crawler_items_checked_total           crawler_items_checked
     memcached_lru_crawler_moves_to_cold_total           moves_to_cold
     memcached_lru_crawler_moves_to_warm_total           moves_to_warm
     memcached_lru_crawler_moves_within_lru_total        moves_within_lru`,
  ),
  ...list(
    '',
    'gauge',
    {},
    `memcached_time_seconds                              time
     memcached_current_connections                       curr_connections
     memcached_accepting_connections                     accepting_conns
     memcached_current_bytes                             bytes
     memcached_limit_bytes                               limit_maxbytes
     memcached_current_items                             curr_items`,
  ),
  ...list('slabs', 'gauge', {}, 'memcached_malloced_bytes total_malloced'),
  ...family(
    '',
    'memcached_commands_total',
    false,
    ['command', 'status'],
    [
      ...KEYED.flatMap((command) =>
        [
          ['hit', `${command}_hits`],
          ['miss', `${command}_misses`],
        ].map(([status = '', statistic = '']) => {
          const value = (of: Of): number | undefined => parse(of(statistic))
          return [[command, status], value] as const
        }),
      ),
      [['cas', 'badval'], (of) => parse(of('cas_badval'))],
      [['flush', 'hit'], (of) => parse(of('cmd_flush'))],
      [['set', 'hit'], (of) => less(of, 'cmd_set', ['cas_misses', 'cas_hits', 'cas_badval'])],
    ],
  ),
  ...list('settings', 'gauge', {}, 'memcached_max_connections maxconns'),
  ...(
    [
      ['memcached_lru_crawler_enabled', 'lru_crawler', yes],
      ['memcached_lru_crawler_sleep', 'lru_crawler_sleep', parse],
      ['memcached_lru_crawler_to_crawl', 'lru_crawler_tocrawl', parse],
      ['memcached_lru_crawler_maintainer_thread', 'lru_maintainer_thread', yes],
      ['memcached_lru_crawler_hot_percent', 'hot_lru_pct', parse],
      ['memcached_lru_crawler_warm_percent', 'warm_lru_pct', parse],
      ['memcached_lru_crawler_hot_max_factor', 'hot_max_factor', parse],
      ['memcached_lru_crawler_warm_max_factor', 'warm_max_factor', parse],
    ] as const
  ).map(
    ([name, statistic, read]): ExporterMetric => ({
      name,
      type: 'gauge',
      labels: {},
      report: 'settings',
      value: (of) => (of('lru_crawler') === 'yes' ? read(of(statistic)) : undefined),
    }),
  ),
  ...list(
    'items',
    'gauge',
    SLAB,
    `memcached_slab_current_items                        number
     memcached_slab_items_age_seconds                    age
     memcached_slab_hot_items                            number_hot
     memcached_slab_warm_items                           number_warm
     memcached_slab_cold_items                           number_cold
     memcached_slab_temporary_items                      number_temp
     memcached_slab_hot_age_seconds                      age_hot
     memcached_slab_warm_age_seconds                     age_warm`,
  ),
  ...list(
    'items',
    'counter',
    SLAB,
    `memcached_slab_items_crawler_reclaimed_total        crawler_reclaimed
     memcached_slab_items_evicted_total                  evicted
     memcached_slab_items_evicted_nonzero_total          evicted_nonzero
     memcached_slab_items_evicted_time_seconds           evicted_time
     memcached_slab_items_evicted_unfetched_total        evicted_unfetched
     memcached_slab_items_expired_unfetched_total        expired_unfetched
     memcached_slab_items_outofmemory_total              outofmemory
     memcached_slab_items_reclaimed_total                reclaimed
     memcached_slab_items_tailrepairs_total              tailrepairs
     memcached_slab_items_moves_to_cold                  moves_to_cold
     memcached_slab_items_moves_to_warm                  moves_to_warm
     memcached_slab_items_moves_within_lru               moves_within_lru
     memcached_slab_mem_requested_bytes                  mem_requested`,
  ),
  ...family(
    'items',
    'memcached_slab_lru_hits_total',
    true,
    ['lru'],
    [
      [['hot'], (of) => parse(of('hits_to_hot'))],
      [['warm'], (of) => parse(of('hits_to_warm'))],
      [['cold'], (of) => parse(of('hits_to_cold'))],
      [['temporary'], (of) => parse(of('hits_to_temp'))],
    ],
  ),
  ...list(
    'slabs',
    'gauge',
    SLAB,
    `memcached_slab_chunk_size_bytes                     chunk_size
     memcached_slab_chunks_per_page                      chunks_per_page
     memcached_slab_current_pages                        total_pages
     memcached_slab_current_chunks                       total_chunks
     memcached_slab_chunks_used                          used_chunks
     memcached_slab_chunks_free                          free_chunks
     memcached_slab_chunks_free_end                      free_chunks_end`,
  ),
  ...family(
    'slabs',
    'memcached_slab_commands_total',
    true,
    ['command', 'status'],
    [
      ...KEYED.map((command) => {
        const value = (of: Of): number | undefined => parse(of(`${command}_hits`))
        return [[command, 'hit'], value] as const
      }),
      [['cas', 'badval'], (of) => parse(of('cas_badval'))],
      [['set', 'hit'], (of) => less(of, 'cmd_set', ['cas_hits', 'cas_badval'])],
    ],
  ),
]

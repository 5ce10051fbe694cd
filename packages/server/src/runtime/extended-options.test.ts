import { describe, expect, test } from 'vitest'
import { applyExtendedOptions } from './extended-options.ts'
import { CommandLineError } from './option-values.ts'
import { DEFAULT_SETTINGS, type Settings } from './settings.ts'
import { finishSettings, newDraft } from './settings-draft.ts'
import { DEFAULT_TLS } from './tls-settings.ts'

function finished(list: string): { settings: Settings; warnings: readonly string[] } {
  const draft = newDraft()
  applyExtendedOptions(draft, list)
  return { settings: finishSettings(draft, {}), warnings: draft.warnings }
}

describe('a suboption sets its setting', () => {
  test.each<[string, Partial<Settings>]>([
    ['', {}],
    ['modern', {}],
    ['no_maxconns_fast', { rejectConnectionsOverLimit: false }],
    ['no_maxconns_fast,maxconns_fast', {}],
    ['hashpower=20', { hashPowerInitial: 20 }],
    ['no_hashexpand', { hashExpansionEnabled: false }],
    ['hash_algorithm=xxh3', { hashAlgorithm: 'xxh3' }],
    ['no_slab_reassign', { slabReassignEnabled: false }],
    ['slab_automove', {}],
    ['slab_automove=2', { slabAutomove: 2 }],
    ['no_slab_automove', { slabAutomove: 0 }],
    ['slab_automove_ratio=.5', { slabAutomoveRatio: 0.5 }],
    ['slab_automove_window=1800', { slabAutomoveWindow: 1800 }],
    ['slab_sizes=100-200-400', { slabSizesBytes: [100, 200, 400] }],
    ['slab_chunk_max=256', { slabChunkMaxBytes: 256 * 1024 }],
    ['no_chunked_items', { slabChunkMaxBytes: 1024 * 1024 }],
    ['no_lru_crawler', { lruCrawlerEnabled: false }],
    ['lru_crawler_sleep=0', { lruCrawlerSleepMicroseconds: 0 }],
    ['lru_crawler_tocrawl=4294967295', { lruCrawlerItemsPerRun: 4294967295 }],
    ['no_lru_maintainer', { lruMaintainerEnabled: false, lruSegmented: false }],
    ['no_lru_maintainer,lru_maintainer', {}],
    ['no_lru_admission', { lruAdmissionEnabled: false }],
    ['no_lru_admission,lru_admission', {}],
    ['hot_lru_pct=30,warm_lru_pct=50', { hotLruPercent: 30, warmLruPercent: 50 }],
    ['hot_max_factor=0.5,warm_max_factor=3', { hotMaxFactor: 0.5, warmMaxFactor: 3 }],
    ['temporary_ttl=30', { temporaryTtlSeconds: 30 }],
    ['tail_repair_time=10', { tailRepairSeconds: 10 }],
    ['idle_timeout=20', { idleTimeoutSeconds: 20 }],
    ['read_buf_mem_limit=10', { readBufferLimitBytes: 10 * 1024 * 1024 }],
    ['watcher_logbuf_size=100', { watcherLogBufferBytes: 100 * 1024 }],
    ['worker_logbuf_size=9', { workerLogBufferBytes: 9 * 1024 }],
    ['no_telemetry', { telemetrySamplesPerSecond: 0 }],
    ['telemetry_samples=50', { telemetrySamplesPerSecond: 50 }],
    ['prefix_limit=64m:a:b', { prefixLimits: [{ prefix: 'a:b', bytes: 64 * 1024 * 1024 }] }],
    [
      'prefix_limit=1000:a,prefix_limit=2K:\u00e9:,prefix_limit=3g:x=y',
      {
        prefixLimits: [
          { prefix: 'a', bytes: 1000 },
          { prefix: '\xc3\xa9:', bytes: 2048 },
          { prefix: 'x=y', bytes: 3 * 1024 ** 3 },
        ],
      },
    ],
    ['track_sizes', { sizeTrackingEnabled: true }],
    ['track_sizes,', { sizeTrackingEnabled: true }],
    ['no_inline_ascii_resp,resp_obj_mem_limit=3,relaxed_privileges,no_drop_privileges', {}],
    [
      'no_modern',
      {
        slabChunkMaxBytes: 1024 * 1024,
        slabReassignEnabled: false,
        slabAutomove: 0,
        rejectConnectionsOverLimit: false,
        lruSegmented: false,
        lruCrawlerEnabled: false,
        lruMaintainerEnabled: false,
        hashAlgorithm: 'jenkins',
      },
    ],
  ])('%s', (list, expected) => {
    expect(finished(list).settings).toEqual({ ...DEFAULT_SETTINGS, ...expected })
  })
})

test('slab_chunk_max is in bytes where it would be too much in kilobytes', () => {
  expect(finished('slab_chunk_max=16384').settings.slabChunkMaxBytes).toBe(16384)
  expect(finished('slab_chunk_max=16384').warnings).toEqual([
    expect.stringContaining('16384 bytes'),
  ])
  expect(finished('slab_chunk_max=1024').settings.slabChunkMaxBytes).toBe(1024 * 1024)
})

test('no_modern leaves a slab_chunk_max that was given alone', () => {
  expect(finished('slab_chunk_max=256,no_modern').settings.slabChunkMaxBytes).toBe(256 * 1024)
})

describe('a wrong suboption is refused by its name', () => {
  test.each([
    ['bogus', 'bogus'],
    ['modern,,track_sizes', '""'],
    ['hashpower', 'hashpower'],
    ['hashpower=', 'hashpower'],
    ['hashpower=11', 'hashpower'],
    ['hashpower=33', 'hashpower'],
    ['slab_automove=3', 'slab_automove'],
    ['slab_automove_ratio=0', 'slab_automove_ratio'],
    ['slab_automove_ratio=1.1', 'slab_automove_ratio'],
    ['slab_automove_window=2', 'slab_automove_window'],
    ['slab_automove_window=1801', 'slab_automove_window'],
    ['tail_repair_time=9', 'tail_repair_time'],
    ['hash_algorithm=md5', 'hash_algorithm'],
    ['lru_crawler_sleep=1000001', 'lru_crawler_sleep'],
    ['lru_crawler_tocrawl=-1', 'lru_crawler_tocrawl'],
    ['hot_lru_pct=80', 'hot_lru_pct'],
    ['warm_lru_pct=0', 'warm_lru_pct'],
    ['hot_lru_pct=41', 'hot_lru_pct + warm_lru_pct'],
    ['hot_max_factor=0', 'hot_max_factor'],
    ['warm_max_factor=x', 'warm_max_factor'],
    ['temporary_ttl', 'temporary_ttl'],
    ['temporary_ttl=5,no_lru_maintainer', 'temporary_ttl'],
    ['idle_timeout=soon', 'idle_timeout'],
    ['slab_chunk_max=300', 'slab_chunk_max'],
    ['slab_chunk_max=1025', 'slab_chunk_max'],
    ['slab_sizes=40', 'slab_sizes'],
    ['slab_sizes=100-50', 'slab_sizes'],
    ['slab_sizes=100-108', 'slab_sizes'],
    ['slab_sizes=100-', 'slab_sizes'],
    ['slab_sizes=100-600000', 'slab_sizes'],
    [`slab_sizes=${Array.from({ length: 63 }, (_, i) => 100 + 10 * i).join('-')}`, 'slab_sizes'],
  ])('%s', (list, named) => {
    expect(() => finished(list)).toThrow(CommandLineError)
    expect(() => finished(list)).toThrow(named)
  })
})

describe('what has no effect is accepted with a warning', () => {
  test.each(['modern=1', 'drop_privileges', 'sock_cookie_id=3', 'slab_automove_freeratio=0.1'])(
    '%s',
    (list) => {
      expect(finished(list).settings).toEqual(DEFAULT_SETTINGS)
      expect(finished(list).warnings).toEqual([expect.stringContaining('no effect')])
    },
  )
})

describe('TLS', () => {
  const tlsOf = (list: string) => {
    const draft = newDraft()
    draft.tlsEnabled = true
    applyExtendedOptions(draft, `ssl_chain_cert=chain.pem,${list}`)
    return finishSettings(draft, {}).tls
  }

  test('its suboptions hold with -Z', () => {
    expect(tlsOf('ssl_key=key.pem')).toEqual({
      ...DEFAULT_TLS,
      chainPath: 'chain.pem',
      keyPath: 'key.pem',
    })
    expect(
      tlsOf(
        'ssl_ca_cert=ca.pem,ssl_verify_mode=3,ssl_keyformat=2,ssl_session_cache,ssl_min_version=3',
      ),
    ).toMatchObject({
      authoritiesPath: 'ca.pem',
      verifyMode: 3,
      keyFormat: 'der',
      sessionsResumed: true,
      minVersion: 'TLSv1.3',
    })
  })

  test('without it they have no effect, and it is said that nothing is encrypted', () => {
    const { settings, warnings } = finished('ssl_chain_cert=chain.pem')
    expect(settings).toEqual(DEFAULT_SETTINGS)
    expect(warnings).toEqual([expect.stringContaining('nothing is encrypted')])
  })

  test.each([
    'ssl_verify_mode=4',
    'ssl_verify_mode=on',
    'ssl_min_version=4',
    'ssl_keyformat=3',
    'ssl_wbuf_size=x',
    'ssl_key',
  ])('%s is refused', (list) => {
    expect(() => tlsOf(list)).toThrow(CommandLineError)
  })
})

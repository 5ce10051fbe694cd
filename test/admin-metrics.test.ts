// /metrics is what Prometheus' memcached_exporter would tell of the same node, to the name, type, label and value,
// and ours besides; Prometheus itself reads it, and answers the queries of dashboards and alerts made for the exporter.
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminNode, startAdminNode } from './admin-node.ts'
import { LOAD } from './every-statistic.ts'
import { EXPORTER_METRICS } from './exporter-metrics.ts'
import { type Family, parseMetrics } from './metrics-text.ts'
import { missing } from './peers.ts'
import { startPrometheus } from './prometheus.ts'
import { TRANSPORTS } from './transports.ts'
import { Wire } from './wire.ts'

/** Other ones from one moment to the next, or by being asked for. */
const MOVING =
  /uptime|time_seconds|user_cpu|system_cpu|read_bytes|written_bytes|connections|age_seconds/
const MOVING_STATISTICS = /^(uptime|time|rusage_.*|bytes_.*|.*connections)$|:age/

/** Those under our own name: type, and labels. */
const OURS = `
  memshard_info gauge version transport
  memshard_hit_ratio gauge
  memshard_threads gauge
  memshard_get_expired_total counter
  memshard_get_flushed_total counter
  memshard_items_evicted_unfetched_total counter
  memshard_items_evicted_active_total counter
  memshard_items_expired_unfetched_total counter
  memshard_hash_bytes gauge
  memshard_auth_requests_total counter
  memshard_auth_errors_total counter
  memshard_slab_pages_moved_total counter
  memshard_slab_pool_pages gauge
  memshard_lock_acquired_total counter
  memshard_lock_contended_total counter
  memshard_lock_wait_seconds_total counter
  memshard_event_loop_round_seconds histogram
  memshard_command_read_bytes_total counter command
  memshard_command_written_bytes_total counter command
  memshard_command_requests_total counter command
  memshard_command_duration_seconds histogram command`
  .trim()
  .split('\n')
  .map((line) => line.trim())

/** Our metrics of what a server has only with this flag. */
const PREFIX_LIMITS = `
  memshard_prefix_limit_bytes gauge prefix
  memshard_prefix_bytes gauge prefix
  memshard_prefix_items gauge prefix
  memshard_prefix_evictions_total counter prefix
  memshard_prefix_refusals_total counter prefix`
  .trim()
  .split('\n')
  .map((line) => line.trim())

async function loaded(...args: readonly string[]): Promise<AdminNode> {
  const admin = await startAdminNode({ args })
  await using wire = await Wire.connect(admin.node)
  for (const request of LOAD) await wire.ask(request)
  return admin
}

async function scrape(admin: AdminNode): Promise<ReadonlyMap<string, Family>> {
  const { status, headers, body } = await admin.ask('/metrics')
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parseMetrics(body)
}

/** The statistics by report, as the exporter asks for them: without a fence, which would be counted. */
async function reportsOf({
  node,
}: AdminNode): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  await using wire = await Wire.connect(node)
  const reports = new Map<string, ReadonlyMap<string, string>>()
  for (const report of ['', 'slabs', 'items', 'settings']) {
    wire.send(`stats ${report}`.trimEnd().concat('\r\n'))
    const text = (await wire.readUntil('END\r\n')).toString('latin1')
    const lines = [...text.matchAll(/^STAT (\S+) (\S+)\r$/gm)]
    reports.set(report, new Map(lines.map(([, name = '', value = '']) => [name, value])))
  }
  return reports
}

/** A scrape and the statistics of the same moment: the background moves items when it likes. */
async function scrapeAtRest(admin: AdminNode): Promise<{
  readonly families: ReadonlyMap<string, Family>
  readonly reports: ReadonlyMap<string, ReadonlyMap<string, string>>
}> {
  const atRest = (reports: ReadonlyMap<string, ReadonlyMap<string, string>>): string =>
    JSON.stringify(
      Array.from(reports.values(), (report) =>
        [...report].filter(([name]) => !MOVING_STATISTICS.test(name)),
      ),
    )
  for (;;) {
    const reports = await reportsOf(admin)
    const families = await scrape(admin)
    if (atRest(reports) === atRest(await reportsOf(admin))) return { families, reports }
  }
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  let admin: AdminNode
  beforeAll(async () => {
    admin = await loaded('--transport', transport, '-t', '2')
  })
  afterAll(() => admin?.[Symbol.asyncDispose]())

  test('every metric of the exporter is there, with its type and its labels, and no other of its name', async () => {
    const families = await scrape(admin)
    const wanted = new Map(
      EXPORTER_METRICS.map(({ name, type, labels }) => [
        name,
        { type, labels: Object.keys(labels) },
      ]),
    )
    const told = [...families].filter(([name]) => name.startsWith('memcached_'))
    // There is no TEMP list unless it was asked for.
    wanted.delete('memcached_slab_temporary_items')
    expect(new Set(told.map(([name]) => name))).toEqual(new Set(wanted.keys()))
    for (const [name, { type, samples, help }] of told) {
      expect(type, name).toBe(wanted.get(name)?.type)
      expect(help, name).toMatch(/^[A-Z].*\.$/)
      for (const { labels } of samples) {
        expect(Object.keys(labels), name).toEqual(wanted.get(name)?.labels)
      }
    }
  })

  test('every sample has the value that the exporter reads from the same statistics', async () => {
    const { families, reports } = await scrapeAtRest(admin)
    const classes = new Set(
      [...(reports.get('items')?.keys() ?? [])].map(
        (name) => /^items:(\d+):/.exec(name)?.[1] ?? '',
      ),
    )
    expect(classes.size).toBeGreaterThanOrEqual(3)
    let compared = 0
    for (const { name, labels, report, value } of EXPORTER_METRICS) {
      if (report === undefined || MOVING.test(name)) continue
      const of = reports.get(report)
      for (const slab of 'slab' in labels ? classes : [undefined]) {
        const prefix = slab === undefined ? '' : report === 'items' ? `items:${slab}:` : `${slab}:`
        const expected = value((statistic) => of?.get(`${prefix}${statistic}`))
        const wanted = { ...labels, ...(slab !== undefined && { slab }) }
        const found = families
          .get(name)
          ?.samples.filter((sample) => JSON.stringify(sample.labels) === JSON.stringify(wanted))
        expect(
          found?.map((sample) => sample.value),
          `${name} ${JSON.stringify(wanted)}`,
        ).toEqual(expected === undefined ? found && [] : [expected])
        if (expected !== undefined) compared++
      }
    }
    expect(compared).toBeGreaterThan(140)
  })

  test('and ours: what the exporter leaves out', async () => {
    const families = await scrape(admin)
    const value = (name: string): number | undefined => families.get(name)?.samples[0]?.value
    expect(families.get('memshard_info')?.samples[0]?.labels).toMatchObject({ transport })
    expect(value('memshard_hit_ratio')).toBeCloseTo(3 / 5)
    expect(value('memshard_threads')).toBe(2)
    expect(value('memshard_hash_bytes')).toBeGreaterThan(0)
    const ours = Array.from(families, ([name, { type, samples }]) => {
      const labels = Object.keys(samples[0]?.labels ?? {}).filter((label) => label !== 'le')
      return [name, type, ...labels].join(' ')
    }).filter((told) => told.startsWith('memshard_'))
    expect(new Set(ours)).toEqual(new Set(OURS))
    for (const name of families.keys()) {
      for (const sample of families.get(name)?.samples ?? []) {
        expect(sample.value, name).toBeGreaterThanOrEqual(0)
      }
    }
  })

  test('histograms are cumulative, and end with all there is', async () => {
    const families = await scrape(admin)
    const durations = families.get('memshard_command_duration_seconds')
    const of = (command: string, part: string) =>
      durations?.samples.filter(
        ({ name, labels }) => name.endsWith(part) && labels.command === command,
      ) ?? []
    const buckets = of('set', '_bucket')
    const counts = buckets.map(({ value }) => value)
    expect(counts).toEqual([...counts].sort((one, other) => one - other))
    expect(counts.at(-1)).toBeGreaterThan(50)
    expect(buckets.at(-1)?.labels.le).toBe('+Inf')
    expect(Number(buckets[0]?.labels.le)).toBeCloseTo(1e-6)
    expect(of('set', '_count').map(({ value }) => value)).toEqual([counts.at(-1)])
    const [sum] = of('set', '_sum')
    expect(sum?.value).toBeGreaterThan(0)
    expect(sum?.value).toBeLessThan(60)
    const requests = families.get('memshard_command_requests_total')?.samples
    expect(requests?.find(({ labels }) => labels.command === 'set')?.value).toBe(103)
  })

  test('being asked leaves no trace in what is counted', async () => {
    const bytes = async () => {
      const families = await scrape(admin)
      return ['read', 'written'].map(
        (which) => families.get(`memcached_${which}_bytes_total`)?.samples[0]?.value,
      )
    }
    expect(await bytes()).toEqual(await bytes())
  })
})

test('what the exporter reads only where the crawler runs is there only then', async () => {
  await using admin = await startAdminNode({ args: ['-o', 'no_lru_crawler'] })
  const names = [...(await scrape(admin)).keys()]
  expect(names.filter((name) => name.startsWith('memcached_lru_crawler_enabled'))).toEqual([])
  expect(names).toContain('memcached_max_connections')
})

test('an empty node tells no slab class, and a TEMP list where there is one', async () => {
  await using admin = await startAdminNode({ args: ['-o', 'temporary_ttl=60'] })
  expect([...(await scrape(admin)).keys()].filter((name) => name.includes('_slab_'))).toEqual([
    'memshard_slab_pages_moved_total',
    'memshard_slab_pool_pages',
  ])
  await using wire = await Wire.connect(admin.node)
  await wire.ask('set brief 0 10 1\r\nx\r\n')
  const temporary = (await scrape(admin)).get('memcached_slab_temporary_items')
  expect(temporary?.samples.map(({ value }) => value)).toEqual([1])
})

test('what is under limits of prefixes is there where there are some', async () => {
  const limits = 'prefix_limit=2k:ab:,prefix_limit=1m:session:'
  await using admin = await startAdminNode({ args: ['-o', limits] })
  await using wire = await Wire.connect(admin.node)
  const value = 'v'.repeat(1000)
  for (let i = 0; i < 5; i++) await wire.ask(`set ab:${i} 0 0 1000\r\n${value}\r\n`)
  await wire.ask(`set ab:large 0 0 3000\r\n${value.repeat(3)}\r\n`)
  const families = await scrape(admin)
  const told = [...families].filter(([name]) => /^memshard_prefix_/.test(name))
  expect(told.map(([name, { type }]) => `${name} ${type} prefix`).sort()).toEqual(
    [...PREFIX_LIMITS].sort(),
  )
  const of = (name: string): Record<string, number> =>
    Object.fromEntries(
      families.get(name)?.samples.map(({ labels, value }) => [labels.prefix, value]) ?? [],
    )
  expect(of('memshard_prefix_limit_bytes')).toEqual({ 'ab%3A': 2048, 'session%3A': 1024 * 1024 })
  expect(of('memshard_prefix_items')).toEqual({ 'ab%3A': 1, 'session%3A': 0 })
  expect(of('memshard_prefix_evictions_total')).toEqual({ 'ab%3A': 4, 'session%3A': 0 })
  expect(of('memshard_prefix_refusals_total')).toEqual({ 'ab%3A': 1, 'session%3A': 0 })

  // Changed while it runs: first more, then less than there is.
  await wire.ask('prefix_limit ab: 1m\r\n')
  for (let i = 0; i < 200; i++) await wire.ask(`set ab:${i} 0 0 1000\r\n${value}\r\n`)
  const items = async (): Promise<number | undefined> =>
    (await scrape(admin)).get('memshard_prefix_items')?.samples[0]?.value
  expect(await items()).toBe(200)
  expect(await wire.say('prefix_limit ab: 10k\r\n')).toBe('OK\r\n')
  await expect.poll(items, { timeout: 20_000 }).toBe(9)
})

describe.skipIf(missing('prometheus') !== undefined)('Prometheus', () => {
  let admin: AdminNode
  beforeAll(async () => {
    admin = await loaded()
  })
  afterAll(() => admin?.[Symbol.asyncDispose]())

  test('promtool finds nothing amiss but what the exporter has named so', async () => {
    const { body } = await admin.ask('/metrics')
    const { stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: body,
      encoding: 'utf8',
    })
    const complaints = stderr.split('\n').filter((line) => line !== '')
    expect(complaints.length).toBeGreaterThan(0)
    for (const complaint of complaints) {
      expect(complaint).toMatch(/^memcached_\w+ counter metrics should have "_total" suffix$/)
    }
  })

  test('scrapes it, and answers what dashboards and alerts ask', async () => {
    await using prometheus = await startPrometheus(admin.port)
    const { value } = prometheus
    await expect.poll(() => value('up{job="memcached"}')).toBe(1)
    expect(await value('memcached_up')).toBe(1)
    // As jsonnet-libs' memcached-mixin and grafana.com's dashboard 37 ask.
    const hits = 'memcached_commands_total{command="get",status="hit"}'
    const gets = 'memcached_commands_total{command="get"}'
    expect(await value(`sum(${hits}) / sum(${gets})`)).toBeCloseTo(3 / 5)
    expect(await value('memcached_current_connections / memcached_max_connections')).toBeLessThan(
      0.8,
    )
    expect(await value('memcached_current_bytes / memcached_limit_bytes')).toBeGreaterThan(0)
    expect(await value('sum(memcached_slab_items_outofmemory_total)')).toBe(0)
    expect(await value('count by (version) (memcached_version)')).toBe(1)
    expect(await value('sum(memcached_commands_total{command="set"})')).toBe(103)
  })
})

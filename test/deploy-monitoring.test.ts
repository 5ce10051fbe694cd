// The dashboard and the alerts in deploy/: every metric and label that they name is one of /metrics, Prometheus' own tool
// reads each of their expressions, and alerts go off when they should.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type AdminNode, askHttp, startAdminNode } from './admin-node.ts'
import { missing } from './peers.ts'
import { startProxy } from './proxying.ts'
import { REPOSITORY } from './repository.ts'
import { Wire } from './wire.ts'

const ALERTS = join(REPOSITORY, 'deploy/prometheus/alerts.yaml')
const DASHBOARD = join(REPOSITORY, 'deploy/grafana/memshard.json')

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly targets?: readonly { readonly expr: string }[]
}
interface Dashboard {
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
}
interface Alert {
  readonly alert: string
  readonly expr: string
  readonly annotations: Readonly<Record<string, string>>
}

async function dashboard(): Promise<Dashboard> {
  return JSON.parse(await readFile(DASHBOARD, 'utf8'))
}

async function alerts(): Promise<readonly Alert[]> {
  const { groups } = parse(await readFile(ALERTS, 'utf8'))
  return groups.flatMap(({ rules }: { rules: readonly Alert[] }) => rules)
}

async function expressions(): Promise<readonly string[]> {
  const { panels, annotations } = await dashboard()
  return [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...annotations.list.map(({ expr }) => expr),
    ...(await alerts()).map(({ expr }) => expr),
  ]
}

/** As a dashboard's reader would have chosen. */
function concrete(expression: string): string {
  return expression.replaceAll('$__rate_interval', '5m').replace(/\$(?:job|instance)/g, '.+')
}

describe('what they name', () => {
  let server: AdminNode | undefined
  let metrics = ''
  beforeAll(async () => {
    server = await startAdminNode({ args: ['-m', '8', '-I', '512k'] })
    await using wire = await Wire.connect(server.node)
    await wire.ask('set a 0 0 1\r\nx\r\nget a b\r\n')
    const value = 'x'.repeat(400_000)
    // So many that pages move and there are evictions.
    for (let i = 0; i < 60; i++) await wire.ask(`set k${i} 0 0 ${value.length}\r\n${value}\r\n`)
    const { address } = server.node
    await using proxy = await startProxy({
      flags: ['-s', `${address},127.0.0.1:1`, '--timeout', '10000', '--admin', '0'],
    })
    await using client = await proxy.connect()
    // Asks both nodes, of which one is not there: nor is it for some of the keys.
    await askHttp(proxy.adminPort(), '/readyz')
    for (let i = 0; i < 20; i++) {
      client.send(`set k${i} 0 0 1\r\nx\r\nmn\r\n`)
      await client.readUntil('MN\r\n')
    }
    const told = await Promise.all([server.ask('/metrics'), askHttp(proxy.adminPort(), '/metrics')])
    metrics = told.map(({ body }) => body).join('')
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  /** Told by Prometheus itself, or once something has happened that can't be made to happen here. */
  const ELSEWHERE = ['up', 'memshard_slab_page_moves_total']

  test('is in /metrics', async () => {
    const names = new Set([...metrics.matchAll(/^(\w+)/gm)].map(([, name]) => name))
    const used = (await expressions()).flatMap((text) =>
      text.match(/\bmem(?:cached|shard)_\w+|\bup\b/g),
    )
    expect(used.length).toBeGreaterThan(40)
    const unknown = used.filter((name) => !names.has(name ?? '') && !ELSEWHERE.includes(name ?? ''))
    expect(unknown).toEqual([])
  })

  test('with the labels and values that are asked for', () => {
    expect(metrics).toMatch(/^memcached_commands_total\{command="get",status="hit"\} 1$/m)
    expect(metrics).toMatch(/^memshard_event_loop_round_seconds_bucket\{le="[\d.e-]+"\} /m)
    expect(metrics).toMatch(/^memcached_slab_items_outofmemory_total\{slab="\d+"\} /m)
    expect(metrics).toMatch(/^memshard_command_duration_seconds_bucket\{.*command="set".*\} /m)
  })
})

describe('the dashboard', () => {
  test("has memcached-mixin's rows and ours", async () => {
    const { panels } = await dashboard()
    const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title)
    expect(rows).toEqual([
      'Hits',
      'Ops',
      'Resources',
      'Network',
      'memshard',
      'memshard proxy',
      'Info',
    ])
  })

  test('no two panels have one id or one place', async () => {
    const { panels } = await dashboard()
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
  })
})

test('what to do for each alert is said in docs/OPERATIONS.md', async () => {
  const operations = await readFile(join(REPOSITORY, 'docs/OPERATIONS.md'), 'utf8')
  for (const { alert } of await alerts()) expect(operations).toContain(`\`${alert}\``)
})

describe.skipIf(missing('promtool') !== undefined)('promtool', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'memshard-alerts-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  function promtool(...argv: string[]): string {
    const { status, stdout, stderr } = spawnSync('promtool', argv, { encoding: 'utf8' })
    expect(stderr + stdout).toMatch(/SUCCESS/)
    expect(status).toBe(0)
    return stdout + stderr
  }

  test('takes the alerts', () => {
    expect(promtool('check', 'rules', ALERTS)).not.toMatch(/FAILED|duplicate/)
  })

  test("and each expression of the dashboard, as a rule's", async () => {
    const { panels, annotations } = await dashboard()
    const all = [...panels.flatMap(({ targets = [] }) => targets), ...annotations.list]
    const rules = all.map(({ expr }, i) => ({ record: `panel:${i}`, expr: concrete(expr) }))
    const file = join(directory, 'panels.yaml')
    await writeFile(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }))
    expect(promtool('check', 'rules', file)).toContain(`${rules.length} rules found`)
  })

  /** Alerts that go off of what is seen for half an hour of minutes. */
  async function goingOff(series: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const names = [...new Set((await alerts()).map(({ alert }) => alert))]
    const labels = 'instance="a:9150", job="memshard"'
    const input = Object.entries(series).map(([name, values]) => ({
      series: name.includes('{') ? name.replace('{', `{${labels}, `) : `${name}{${labels}}`,
      values,
    }))
    const file = join(directory, 'test.yaml')
    const silent = names.map((alertname) => ({ eval_time: '30m', alertname, exp_alerts: [] }))
    const tests = [{ interval: '1m', input_series: input, alert_rule_test: silent }]
    await writeFile(file, JSON.stringify({ rule_files: [ALERTS], tests }))
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], {
      encoding: 'utf8',
    })
    const fires = [...`${stdout}${stderr}`.matchAll(/alertname: (\w+), time: 30m/g)]
    expect(status === 0).toBe(fires.length === 0)
    return fires.map(([, name = '']) => name)
  }

  const WELL = { up: '1x40', memcached_up: '1x40', memcached_uptime_seconds: '0+60x40' }

  test('none goes off while all is well', async () => {
    const well = {
      ...WELL,
      memcached_current_connections: '700x40',
      memcached_max_connections: '1024x40',
      memcached_connections_rejected_total: '7x40',
      'memcached_slab_items_outofmemory_total{slab="1"}': '0x40',
      memshard_lock_contended_total: '0+10x40',
      memshard_lock_acquired_total: '0+100x40',
      'memshard_proxy_node_up{pool="main", node="b:11211"}': '1x40',
    }
    expect(await goingOff(well)).toEqual([])
  })

  test.each([
    ['MemcachedDown', { up: '1x5 0x40', memcached_up: '1x5' }],
    ['MemcachedDown', { up: '1x40', memcached_up: '0x40' }],
    [
      'MemcachedConnectionLimitApproaching',
      { memcached_current_connections: '1000x40', memcached_max_connections: '1024x40' },
    ],
    [
      'MemcachedOutOfMemoryErrors',
      { 'memcached_slab_items_outofmemory_total{slab="1"}': '0+9x40' },
    ],
    [
      'MemshardHitRateFell',
      {
        'memcached_commands_total{command="get",status="hit"}': '0+9000x5 45000+100x40',
        'memcached_commands_total{command="get",status="miss"}': '0+1000x5 5000+9900x40',
      },
    ],
    ['MemshardRestarting', { memcached_uptime_seconds: '0+60x8 0+60x8 0+60x8 0+60x20' }],
    ['MemshardConnectionsRefused', { memcached_connections_rejected_total: '0+5x40' }],
    [
      'MemshardEventLoopSlow',
      {
        'memshard_event_loop_round_seconds_bucket{le="0.01"}': '0+90x40',
        'memshard_event_loop_round_seconds_bucket{le="0.1"}': '0+100x40',
        'memshard_event_loop_round_seconds_bucket{le="+Inf"}': '0+100x40',
      },
    ],
    [
      'MemshardLockContended',
      { memshard_lock_contended_total: '0+60x70', memshard_lock_acquired_total: '0+100x70' },
    ],
    ['MemshardProxyNodeDown', { 'memshard_proxy_node_up{pool="main", node="b:11211"}': '0x40' }],
    [
      'MemshardProxyReadsFail',
      {
        'memcached_commands_total{command="get",status="hit"}': '0+900x40',
        'memcached_commands_total{command="get",status="miss"}': '0+100x40',
        memshard_proxy_failures_as_misses_total: '0+50x40',
      },
    ],
    ['MemshardLoginsRefused', { memshard_auth_errors_total: '0+100x40' }],
  ])('%s goes off, and no other: %o', async (name, series) => {
    expect(await goingOff({ ...WELL, ...series })).toEqual([name])
  })
})

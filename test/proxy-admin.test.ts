// The admin port of `memshard proxy`: metrics under memcached_exporter's names and our own, as Prometheus reads them; whether
// clients should come; who may ask; and that it comes, moves and goes with the file.
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REQUESTS, survivesNoise } from './admin-access.ts'
import { type AskOptions, askHttp, type HttpAnswer } from './admin-node.ts'
import { EXPORTER_METRICS } from './exporter-metrics.ts'
import { type Family, parseMetrics } from './metrics-text.ts'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { startPrometheus } from './prometheus.ts'
import { type RunningProxy, startProxy } from './proxying.ts'
import { statistics, Wire } from './wire.ts'

let nodes: readonly RunningNode[] = []
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'memshard-proxy-admin-'))
  nodes = await Promise.all([0, 1].map(() => startNode({ args: ['-t', '1'] })))
})
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
  await rm(folder, { recursive: true, force: true })
})

const at = (i: number): string => nodes[i]!.address

function ask(proxy: RunningProxy, path: string, asked?: AskOptions): Promise<HttpAnswer> {
  return askHttp(proxy.adminPort(), path, asked)
}

async function scrape(proxy: RunningProxy): Promise<ReadonlyMap<string, Family>> {
  const { status, headers, body } = await ask(proxy, '/metrics')
  expect([status, headers['content-type']]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ])
  return parseMetrics(body)
}

/** By its labels' values, in the order of the labels. */
function samples(families: ReadonlyMap<string, Family>, name: string): Record<string, number> {
  const { samples: all = [] } = families.get(name) ?? {}
  return Object.fromEntries(
    all.map(({ labels, value }) => [
      Object.values(labels)
        .join(' ')
        .replaceAll(/\d+\.0\.0\.1:/g, ':'),
      value,
    ]),
  )
}

/** Two pools, of which one is a shadow of the other's default route. */
const yaml = (admin = '0'): string => `
listen: 127.0.0.1:0
admin: ${admin}
maxConnections: 20
pools:
  main: { nodes: [${at(0)}], timeout: 10000 }
  next: { nodes: [${at(1)}], timeout: 10000 }
routes:
  - { prefix: 'n:', pool: next }
  - { pool: main, shadow: { pool: next } }
`

/** Requests of which every count is known: without a fence, which would be one more. */
async function load(proxy: RunningProxy): Promise<void> {
  await using wire = await proxy.connect()
  wire.send('set a 0 0 1\r\nx\r\nset n:b 0 0 1\r\nx\r\nget a a nothing n:b\r\ngets a\r\n')
  wire.send('add a 0 0 1\r\nx\r\ncas a 0 0 1 1\r\nx\r\nmg a v\r\ndelete b\r\nincr none 1\r\n')
  wire.send('touch a 0\r\nflush_all 1000\r\n')
  await wire.readUntil('OK\r\n')
}

describe('/metrics', () => {
  let proxy: RunningProxy
  beforeAll(async () => {
    proxy = await startProxy({ yaml: yaml() })
    await load(proxy)
  })
  afterAll(() => proxy?.[Symbol.asyncDispose]())

  test('under our own counts by command, pool and node', async () => {
    const families = await scrape(proxy)
    const of = (name: string) => samples(families, `memshard_proxy_${name}`)
    const once = { gets: 1, add: 1, cas: 1, mg: 1, delete: 1, incr: 1, touch: 1 }
    expect(of('requests_total')).toEqual({ set: 2, get: 4, ...once })
    const [main, next] = [`main :${nodes[0]!.port}`, `next :${nodes[1]!.port}`]
    expect(of('node_up')).toEqual({ [main]: 1, [next]: 1 })
    expect(of('pool_nodes')).toEqual({ main: 1, next: 1 })
    expect(of('pool_reached')).toEqual({ main: 1, next: 1 })
    expect(of('node_hits_total')[main]).toBe(4)
    expect(of('node_misses_total')[main]).toBe(1)
    expect(of('node_calls_total')).toMatchObject({ [`${main} get`]: 3, [`${next} set`]: 2 })
    // All of the default route, but for the flush.
    expect(of('shadow_copies_total')).toEqual({ default: 11 })
    expect(of('shadow_skipped_total')).toEqual({ default: 0 })
    expect(of('value_memory_bytes')).toEqual({ '': 0 })
    expect(of('value_memory_limit_bytes')).toEqual({ '': 256 * 1024 * 1024 })
    for (const [name, { samples: all, help }] of families) {
      expect(help, name).toMatch(/^[A-Z].*\.$/)
      for (const { value } of all) expect(value, name).toBeGreaterThanOrEqual(0)
    }
    expect(of('event_loop_active_seconds_total')['']).toBeGreaterThan(0)
    expect(of('resident_memory_bytes')['']).toBeGreaterThan(1e7)
  })

  test('under memcached_exporter’s names tells what that would read from `stats`', async () => {
    const families = await scrape(proxy)
    const told = await statistics(proxy)
    const ours = [...families].filter(([name]) => name.startsWith('memcached_'))
    expect(ours.length).toBeGreaterThan(12)
    const moving = /time|cpu|_bytes_total|connections/
    for (const [name, { type, help, samples: all }] of ours) {
      expect(help, name).toMatch(/^[A-Z].*\.$/)
      for (const { labels, value } of all) {
        const metric = EXPORTER_METRICS.find(
          (one) =>
            one.name === name &&
            Object.entries(one.labels).every(([of, is]) => (is ?? labels[of]) === labels[of]),
        )
        expect(metric?.type, name).toBe(type)
        expect(Object.keys(labels), name).toEqual(Object.keys(metric?.labels ?? {}))
        if (moving.test(name) || labels.command === 'set') continue
        const expected = metric?.value((statistic) => told.get(alias(statistic)))
        expect(value, `${name} ${JSON.stringify(labels)}`).toBe(expected)
      }
    }
    // `stats` of a proxy doesn't tell what became of cas.
    expect(samples(families, 'memcached_commands_total')).toEqual({
      'get hit': 5,
      'get miss': 1,
      'flush hit': 1,
      'set hit': 3,
    })
    expect(samples(families, 'memcached_max_connections')).toEqual({ '': 20 })
  })

  /** Of the report `general`, what others say in one of their own or in another form. */
  function alias(statistic: string): string {
    return statistic === 'flush_hits' ? 'cmd_flush' : statistic
  }

  test('has how long nodes took, by pool and command, in cumulative buckets', async () => {
    const families = await scrape(proxy)
    const { type, samples: all = [] } = families.get('memshard_proxy_node_answer_seconds') ?? {}
    expect(type).toBe('histogram')
    const calls = samples(families, 'memshard_proxy_node_calls_total')
    const of = (part: string, pool: string, command: string) =>
      all.filter(
        ({ name, labels }) =>
          name.endsWith(part) && labels.pool === pool && labels.command === command,
      )
    for (const command of ['get', 'set', 'mg', 'incr', 'flush']) {
      const buckets = of('_bucket', 'main', command).map(({ value }) => value)
      expect(buckets).toEqual([...buckets].sort((one, other) => one - other))
      const [count] = of('_count', 'main', command)
      expect(count?.value, command).toBe(calls[`main :${nodes[0]!.port} ${command}`])
      expect(buckets.at(-1), command).toBe(count?.value)
      const [sum] = of('_sum', 'main', command)
      expect(sum?.value).toBeGreaterThan(0)
      expect(sum?.value).toBeLessThan(10)
    }
    const [first, second] = of('_bucket', 'main', 'get')
    expect(Number(second?.labels.le)).toBeCloseTo(2 * Number(first?.labels.le), 9)
  })

  test('is read by promtool, which finds amiss only what the exporter has named so', async (context) => {
    if (missing('prometheus') !== undefined) context.skip()
    const { body } = await ask(proxy, '/metrics')
    const { stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: body,
      encoding: 'utf8',
    })
    expect(stderr.trim()).toBe(
      'memcached_uptime_seconds counter metrics should have "_total" suffix',
    )
  })

  test('is scraped by Prometheus, which answers what dashboards ask', async (context) => {
    if (missing('prometheus') !== undefined) context.skip()
    await using prometheus = await startPrometheus(proxy.adminPort())
    const { value } = prometheus
    await expect.poll(() => value('memcached_up')).toBe(1)
    const hits = 'memcached_commands_total{command="get",status="hit"}'
    const gets = 'memcached_commands_total{command="get"}'
    expect(await value(`sum(${hits}) / sum(${gets})`)).toBeCloseTo(5 / 6)
    expect(await value('memcached_current_connections / memcached_max_connections')).toBeLessThan(1)
    expect(await value('sum by (pool) (memshard_proxy_node_up{pool="main"})')).toBe(1)
    const buckets = 'memshard_proxy_node_answer_seconds_bucket'
    const p99 = `histogram_quantile(0.99, sum by (le) (${buckets}{pool="main"}))`
    expect(await value(p99)).toBeGreaterThan(0)
    expect(
      await value(`sum(${buckets}{le="+Inf"}) == sum(${buckets.replace('bucket', 'count')})`),
    ).toBeGreaterThan(0)
  })
})

test('a node that hangs and dies is told as down, with what that has cost', async () => {
  await using node = await startNode({ args: ['-t', '1'] })
  await using proxy = await startProxy({
    flags: ['-s', node.address, '--timeout', '1000', '--admin', '0'],
  })
  await using wire = await proxy.connect()
  const get = async (): Promise<string> => {
    wire.send('get a\r\n')
    return (await wire.readUntil('END\r\n')).toString()
  }
  await wire.say('set a 0 0 1\r\nx\r\n')
  process.kill(node.pid, 'SIGSTOP')
  expect(await get()).toBe('END\r\n')
  const of = `main :${node.port}`
  const hanging = await scrape(proxy)
  expect(samples(hanging, 'memshard_proxy_node_errors_total')).toEqual({ [`${of} timeout`]: 1 })
  expect(samples(hanging, 'memshard_proxy_failures_as_misses_total')).toEqual({ '': 1 })

  await node.stop('SIGKILL')
  await expect
    .poll(async () => {
      await get()
      return samples(await scrape(proxy), 'memshard_proxy_node_up')
    })
    .toEqual({ [of]: 0 })
  expect(await get()).toBe('END\r\n')
  const dead = await scrape(proxy)
  for (const what of ['ejections', 'skipped', 'disconnects']) {
    expect(samples(dead, `memshard_proxy_node_${what}_total`)[of], what).toBeGreaterThan(0)
  }
})

describe('/readyz', () => {
  test('wants every pool that a route leads to to have reached a node, without any client', async () => {
    const port = await freePort()
    const list = join(folder, 'nodes')
    await using proxy = await startProxy({
      yaml: `
listen: 127.0.0.1:0
admin: 0
pools:
  main: { nodes: [${at(0)}, 127.0.0.1:1], timeout: 10000 }
  late: { nodes: [127.0.0.1:${port}], timeout: 10000, probe: { max: 500 } }
  unused: { nodes: [127.0.0.1:1] }
  found: { nodes: 'file:${list}', timeout: 10000 }
routes: [{ pools: [main, late] }, { prefix: 'f:', pool: found }]
`,
    })
    const ready = () => ask(proxy, '/readyz').then(({ status, body }) => `${status} ${body}`)
    expect(await ready()).toMatch(/^503 pool found: no nodes are known yet\n$/)
    expect(await ask(proxy, '/healthz')).toMatchObject({ status: 200, body: 'serving\n' })
    await writeFile(list, `${at(1)}\n`)
    await expect.poll(ready).toMatch(/^503 pool late: .*ECONNREFUSED/)
    await using node = await startNode({ args: ['-t', '1'], port })
    await expect.poll(ready, { timeout: 20_000 }).toBe('200 serving\n')
    // From then on a node that is down is no reason to take the proxy from its clients.
    await node.stop('SIGKILL')
    expect(await ready()).toBe('200 serving\n')
  })

  test('says no when there is no room for a client, and when it stops', async () => {
    await using proxy = await startProxy({ yaml: yaml().replace('20', '1') })
    const ready = () => ask(proxy, '/readyz').then(({ status, body }) => `${status} ${body}`)
    await expect.poll(ready).toBe('200 serving\n')
    const wire = await proxy.connect()
    await wire.say('version\r\n')
    expect(await ready()).toBe('503 no room for further connections\n')
    // A client that takes none of what it was promised makes the stop last.
    await wire.say(`set a 0 0 500000\r\n${'x'.repeat(500_000)}\r\n`)
    wire.socket.pause()
    wire.send(`get${' a'.repeat(100)}\r\n`)
    const stopped = proxy.stop()
    await expect.poll(ready).toBe('503 stopping\n')
    expect((await ask(proxy, '/healthz')).status).toBe(200)
    wire.socket.destroy()
    expect(await stopped).toBe(0)
  })
})

describe('the admin port', () => {
  test('is asked by its own machine alone, and by no other site', async () => {
    await using proxy = await startProxy({ yaml: yaml() })
    for (const [status, path, asked] of REQUESTS) {
      expect((await ask(proxy, path, asked)).status, JSON.stringify([path, asked])).toBe(status)
    }
    const { headers } = await ask(proxy, '/metrics')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['access-control-allow-origin']).toBeUndefined()
    await using open = await startProxy({ yaml: yaml("'*:0'") })
    const host = { headers: { host: 'proxy-0.cache:9150' } }
    expect((await ask(open, '/metrics', host)).status).toBe(200)
  })

  test('withstands noise, half requests and floods, while clients are served', async () => {
    await using proxy = await startProxy({ yaml: yaml() })
    await survivesNoise(proxy.adminPort())
    await using wire = await Wire.connect(proxy)
    expect(await wire.say('set a 0 0 1\r\nx\r\n')).toBe('STORED\r\n')
  })

  test('comes, moves and goes with SIGHUP, and counts stay', async () => {
    const off = yaml().replace('admin: 0\n', '')
    await using proxy = await startProxy({ yaml: off })
    expect(proxy.output()).not.toContain('metrics')
    await load(proxy)
    expect(await proxy.reload(yaml(String(await freePort())))).toContain('metrics and health on')
    const first = proxy.adminPort()
    const families = await scrape(proxy)
    expect(samples(families, 'memshard_proxy_requests_total')).toMatchObject({ get: 4 })
    // Nobody wanted to know how long that took.
    expect(families.has('memshard_proxy_node_answer_seconds')).toBe(false)
    await load(proxy)
    expect((await scrape(proxy)).has('memshard_proxy_node_answer_seconds')).toBe(true)

    // The same again changes nothing; another place is another port; a taken one is refused.
    expect(await proxy.reload(yaml(String(first)))).not.toContain('metrics')
    const second = await freePort()
    await proxy.reload(yaml(`127.0.0.1:${second}`))
    expect(proxy.adminPort()).toBe(second)
    await expect(askHttp(first, '/healthz')).rejects.toThrow(/ECONNREFUSED/)
    const taken = createServer().listen(0, '127.0.0.1')
    await expect.poll(() => taken.listening).toBe(true)
    const { port } = taken.address() as { port: number }
    expect(await proxy.reload(yaml(String(port)))).toMatch(/EADDRINUSE.*stays as it was/)
    taken.close()
    expect((await askHttp(second, '/healthz')).status).toBe(200)
    await proxy.reload(off)
    await expect(askHttp(second, '/healthz')).rejects.toThrow(/ECONNREFUSED/)
  })

  test('costs nothing when it is not wanted: nothing of it is loaded', async () => {
    const probe = join(folder, 'probe.cjs')
    await writeFile(
      probe,
      `process.on('SIGUSR2', () => {
        const loaded = Object.keys(require.cache).some((file) => /prom-client/.test(file))
        process.stderr.write(loaded ? 'it is loaded' : 'it is not loaded')
      })`,
    )
    const nodeFlags = ['-r', probe]
    for (const [text, said] of [
      [yaml().replace('admin: 0\n', ''), /it is not loaded/],
      [yaml(), /it is loaded/],
    ] as const) {
      await using proxy = await startProxy({ yaml: text, nodeFlags })
      process.kill(proxy.pid, 'SIGUSR2')
      await proxy.told(said)
    }
  })

  test.each(['nowhere', '/run/socket', '127.0.0.1:99999', '[::x]:1', ''])(
    'at %j is nonsense',
    async (admin) => {
      await expect(startProxy({ flags: ['-s', at(0), '--admin', admin] })).rejects.toThrow(
        /ended with 2: memshard: .* is no admin address: write host:port/,
      )
    },
  )

  test('in the file is told with its line', async () => {
    await expect(startProxy({ yaml: yaml('[1]') })).rejects.toThrow(
      /proxy.yml:3: admin must be a text/,
    )
    await expect(startProxy({ yaml: yaml('here') })).rejects.toThrow(
      /proxy.yml:3: admin can't be: "here" is no admin address/,
    )
  })
})

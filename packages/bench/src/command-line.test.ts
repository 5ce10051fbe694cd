import { describe, expect, test } from 'vitest'
import { parseCommandLine } from './command-line.ts'
import { BenchError } from './errors.ts'
import type { ComparePlan, RunPlan, SearchPlan } from './run-command-line.ts'
import { DEFAULT_WORKLOAD } from './workload/workload.ts'

function runPlan(...argv: string[]): RunPlan {
  const plan = parseCommandLine(argv, '1.2.3')
  if (plan.kind !== 'run') throw new Error(`${argv.join(' ')} is no run`)
  return plan
}

function comparePlan(...argv: string[]): ComparePlan {
  const plan = parseCommandLine(argv, '1.2.3')
  if (plan.kind !== 'compare') throw new Error(`${argv.join(' ')} is no comparison`)
  return plan
}

function standing(label: string, host: string, port: number, pid: number | undefined) {
  return { kind: 'standing', label, address: { kind: 'tcp', host, port }, pid }
}

describe('a run', () => {
  test('without flags is five seconds of gets against the usual port', () => {
    expect(runPlan()).toMatchObject({
      target: { servers: [{ kind: 'tcp', host: '127.0.0.1', port: 11211 }], pids: [] },
      workloads: [{ name: 'custom', connections: 50, depth: 1, keys: 10_000, valueBytes: 100 }],
      length: { kind: 'duration', milliseconds: 5_000 },
      warmupMs: 1_000,
      fill: true,
      driver: 'auto',
      threads: 1,
      pace: undefined,
      output: { format: 'text' },
    })
  })

  test('takes its load from flags', () => {
    const flags =
      '-c 10 -d 4 --ratio 9:1 --keys 99 --key-size 20 --value-size 10k --multiget 3 --protocol meta'
    expect(runPlan(...flags.split(' ')).workloads).toEqual([
      {
        ...DEFAULT_WORKLOAD,
        connections: 10,
        depth: 4,
        mix: { get: 9, set: 1 },
        keys: 99,
        keyBytes: 20,
        valueBytes: 10_240,
        keysPerGet: 3,
        protocol: 'meta',
      },
    ])
  })

  test('takes named workloads, changed by flags', () => {
    expect(runPlan('-w', 'get,set-p16', '--keys', '50').workloads).toMatchObject([
      { name: 'get', depth: 1, keys: 50 },
      { name: 'set-p16', depth: 16, keys: 50, mix: { set: 1 } },
    ])
  })

  test('ends by time or by requests', () => {
    expect(runPlan('--duration', '500ms').length).toEqual({ kind: 'duration', milliseconds: 500 })
    expect(runPlan('--duration', '2m').length).toEqual({ kind: 'duration', milliseconds: 120_000 })
    expect(runPlan('--requests', '1000').length).toEqual({ kind: 'requests', count: 1_000 })
  })

  test('finds the server wherever it is', () => {
    const servers = (...argv: string[]) => runPlan(...argv).target.servers
    expect(servers('-s', 'cache.local')).toEqual([
      { kind: 'tcp', host: 'cache.local', port: 11211 },
    ])
    expect(servers('-s', '[::1]:21211')).toEqual([{ kind: 'tcp', host: '::1', port: 21211 }])
    expect(servers('-s', './m.sock')).toEqual([{ kind: 'unix', path: './m.sock' }])
    expect(servers('-s', 'a', 'b')).toMatchObject([{ host: 'a' }, { host: 'b' }])
  })

  test('asks for what is wanted, in the proportion and of the sizes that are wanted', () => {
    const flags =
      '--mix get:8,set:1,delete:1 --popularity zipf:0.99 --value-size etc --ttl 60-600 --fill-misses --verify --protocol binary'
    expect(runPlan(...flags.split(' ')).workloads).toMatchObject([
      {
        mix: { get: 8, set: 1, delete: 1 },
        popularity: { kind: 'zipf', exponent: 0.99 },
        valueBytes: { kind: 'etc-values' },
        ttl: { kind: 'range', min: 60, max: 600 },
        fillMisses: true,
        verify: true,
        protocol: 'binary',
      },
    ])
  })

  test("takes models of others' traffic", () => {
    expect(runPlan('-w', 'etc', '--keys', '1000').workloads).toMatchObject([
      { name: 'etc', mix: { get: 30, set: 1 }, keys: 1_000, connections: 50 },
    ])
  })

  test('has a rate, at random moments or evenly', () => {
    const pace = (...argv: string[]) => runPlan(...argv).pace
    expect(pace('--rate', '500')).toMatchObject({ requestsPerSecond: 500, arrivals: 'poisson' })
    expect(pace('--rate', '500', '--arrivals', 'constant')).toMatchObject({ arrivals: 'constant' })
  })

  test('over TLS trusts what it is told to', () => {
    expect(runPlan('--tls').target.tls).toEqual({ ca: undefined, verify: true })
    expect(runPlan('--tls', '--tls-insecure').target.tls).toMatchObject({ verify: false })
  })
})

describe('a search', () => {
  test('has an objective, and begins with the rate', () => {
    const plan = parseCommandLine(
      ['--search', 'p99.9<2ms', '--rate', '5000'],
      '1.2.3',
    ) as SearchPlan
    expect(plan).toMatchObject({
      kind: 'search',
      objective: { percentile: 'p999', microseconds: 2_000 },
      firstRate: 5_000,
      stepMs: 2_000,
    })
  })
})

describe('a comparison', () => {
  test('is between memcached and memshard unless others are named', () => {
    const plan = comparePlan('--compare')
    expect(plan.servers.map((server) => server.label)).toEqual(['memcached', 'memshard'])
    expect(plan.servers[1]).toMatchObject({
      command: expect.stringMatching(/\/server\/bin\/memshard-server$/),
    })
    expect(plan.serverArgs).toEqual(['-t', '1', '-m', '1024'])
    expect(plan.rounds).toBe(5)
    expect(plan.workloads.map((workload) => workload.name)).toEqual([
      'get',
      'get-p16',
      'set',
      'set-p16',
      'multiget-100',
      'get-10k',
    ])
  })

  test('takes any server that has memcached flags', () => {
    const plan = comparePlan('--compare', 'memcached', 'new=/opt/memcached -o no_lru_crawler')
    expect(plan.servers[1]).toEqual({
      kind: 'command',
      label: 'new',
      command: '/opt/memcached',
      args: ['-o', 'no_lru_crawler'],
      isMemshard: false,
    })
  })

  test('takes servers that stand somewhere', () => {
    const plan = comparePlan('--compare', 'old=10.0.0.1:11211', '[::1]:11212@42', 'cache.local:1')
    expect(plan.servers).toEqual([
      standing('old', '10.0.0.1', 11_211, undefined),
      standing('[::1]:11212', '::1', 11_212, 42),
      standing('cache.local:1', 'cache.local', 1, undefined),
    ])
  })

  test('passes flags on to memshard alone', () => {
    const plan = comparePlan('--compare', '--memshard-args', '--transport epoll')
    expect(plan.servers).toMatchObject([{ args: [] }, { args: ['--transport', 'epoll'] }])
  })
})

test('hit ratios are of Zipf streams and a polluted one, unless others are named', () => {
  expect(parseCommandLine(['hitratio', '-m', '16', '64'], '1.2.3')).toMatchObject({
    kind: 'hitratio',
    memories: [16, 64],
    popularities: [{}, {}, {}, {}, {}],
    workload: { fillMisses: true, valueBytes: { kind: 'etc-values' } },
  })
})

test('a trace is replayed at full speed unless it is told otherwise', () => {
  expect(parseCommandLine(['replay', 'cluster.zst'], '1.2.3')).toMatchObject({
    kind: 'replay',
    file: 'cluster.zst',
    speed: undefined,
  })
  expect(parseCommandLine(['replay', 'x', '--speed', '10'], '1.2.3')).toMatchObject({ speed: 10 })
})

describe('the cost of everything', () => {
  test('is measured in five rounds, all parts of it, unless some are named', () => {
    const plan = parseCommandLine(['cost'], '1.2.3')
    expect(plan).toMatchObject({ kind: 'cost', rounds: 5, servers: undefined, markdown: undefined })
    const some = parseCommandLine(
      ['cost', '--only', 'get,items', '--rounds', '9', '--markdown', 'page.md'],
      '1.2.3',
    )
    expect(some).toMatchObject({ only: ['get', 'items'], rounds: 9, markdown: 'page.md' })
  })

  test('has a help of its own', () => {
    expect(parseCommandLine(['cost', '--help'], '1.2.3')).toMatchObject({
      kind: 'print',
      text: expect.stringContaining('--plot'),
    })
  })
})

test('help and version are printed', () => {
  expect(parseCommandLine(['--help'], '1.2.3')).toMatchObject({
    kind: 'print',
    text: expect.stringContaining('--compare'),
  })
  expect(parseCommandLine(['--version'], '1.2.3')).toEqual({ kind: 'print', text: '1.2.3\n' })
})

test.each([
  ['--nope', '--nope'],
  ['--ratio 1', 'get:90,set:10'],
  ['--keys 0', 'whole number from 1'],
  ['--connections many', 'whole number from 1'],
  ['--value-size 1g', '1g'],
  ['--mix get:1,fly:2', 'get:90,set:10'],
  ['--popularity nobody', 'zipf:0.99'],
  ['--search p99', 'p99<1ms'],
  ['--search p99<1ms --duration 2s', '--duration'],
  ['--arrivals constant', '--rate'],
  ['--threads 3 --connections 2', '--threads'],
  ['--tls-insecure', '--tls'],
  ['--tls --driver epoll', '--driver node'],
  ['--tls --tls-ca /nowhere.pem', '/nowhere.pem'],
  ['-s a a', 'twice'],
  ['hitratio --operations 1', 'whole number from 100'],
  ['replay', 'missing required argument'],
  ['replay x --speed 0', 'a number'],
  ['report', 'missing required argument'],
  ['--duration 5', 'with its unit'],
  ['--driver uring', 'auto, epoll, node'],
  ['--workloads get,foo', 'no workload "foo"'],
  ['--server 127.0.0.1:99999', 'host:port'],
  ['--keys 1000 --key-size 2', '--key-size from 3 to 250'],
  ['--keys 10 --multiget 11', '--multiget 11'],
  ['--duration 1s --requests 10', 'not both'],
  ['--json --markdown', 'not both'],
  ['cost --only get,foo', 'no part "foo"'],
  ['cost --servers memcached', 'two or more'],
  ['cost --connections 4', '--connections'],
  ['--markdown', 'add --compare'],
  ['--compare memcached', 'two servers'],
  ['--compare --pid 1', '--pid'],
  ['--compare --no-fill', '--no-fill'],
  ['127.0.0.1', 'too many arguments'],
])('"%s" is refused with a sentence about %s', (line, sentence) => {
  const parse = (): unknown => parseCommandLine(line.split(' '), '1.2.3')
  expect(parse).toThrow(BenchError)
  expect(parse).toThrow(sentence)
})

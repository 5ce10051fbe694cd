import { describe, expect, test } from 'vitest'
import { type ComparePlan, parseCommandLine, type RunPlan } from './command-line.ts'
import { BenchError } from './errors.ts'

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

describe('a run', () => {
  test('without flags is five seconds of gets against the usual port', () => {
    expect(runPlan()).toMatchObject({
      server: { kind: 'tcp', host: '127.0.0.1', port: 11211 },
      workloads: [{ name: 'custom', connections: 50, depth: 1, keys: 10_000, valueBytes: 100 }],
      length: { kind: 'duration', milliseconds: 5_000 },
      warmupMs: 1_000,
      fill: true,
      driver: 'auto',
      format: 'text',
    })
  })

  test('takes its load from flags', () => {
    const flags =
      '-c 10 -d 4 --ratio 9:1 --keys 99 --key-size 20 --value-size 10k --multiget 3 --protocol meta'
    expect(runPlan(...flags.split(' ')).workloads).toEqual([
      {
        name: 'custom',
        connections: 10,
        depth: 4,
        ratio: { gets: 9, sets: 1 },
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
      { name: 'set-p16', depth: 16, keys: 50, ratio: { gets: 0, sets: 1 } },
    ])
  })

  test('ends by time or by requests', () => {
    expect(runPlan('--duration', '500ms').length).toEqual({ kind: 'duration', milliseconds: 500 })
    expect(runPlan('--duration', '2m').length).toEqual({ kind: 'duration', milliseconds: 120_000 })
    expect(runPlan('--requests', '1000').length).toEqual({ kind: 'requests', count: 1_000 })
  })

  test('finds the server wherever it is', () => {
    expect(runPlan('-s', 'cache.local').server).toEqual({
      kind: 'tcp',
      host: 'cache.local',
      port: 11211,
    })
    expect(runPlan('-s', '[::1]:21211').server).toEqual({ kind: 'tcp', host: '::1', port: 21211 })
    expect(runPlan('-s', './m.sock').server).toEqual({ kind: 'unix', path: './m.sock' })
  })
})

describe('a comparison', () => {
  test('is between memcached and memshard unless others are named', () => {
    const plan = comparePlan('--compare')
    expect(plan.servers.map((server) => server.label)).toEqual(['memcached', 'memshard'])
    expect(plan.servers[1]?.command).toMatch(/\/server\/bin\/memshard-server$/)
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
      label: 'new',
      command: '/opt/memcached',
      args: ['-o', 'no_lru_crawler'],
      isMemshard: false,
    })
  })

  test('passes flags on to memshard alone', () => {
    const plan = comparePlan('--compare', '--memshard-args', '--transport epoll')
    expect(plan.servers.map((server) => server.args)).toEqual([[], ['--transport', 'epoll']])
  })
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
  ['--ratio 1', '9:1'],
  ['--keys 0', 'whole number from 1'],
  ['--connections many', 'whole number from 1'],
  ['--value-size 1g', 'number of bytes'],
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
  ['--rate 1000 --driver node', '--driver epoll'],
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

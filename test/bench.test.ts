// The executable of @memshard/bench against real memcached, and against servers that lie or die.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bench, type Finished, onlyRun, startBench } from './bench-process.ts'
import { freePort, type RunningNode, startNode } from './nodes.ts'

const SMALL_LOAD = ['--connections', '8', '--keys', '200', '--warmup', '100ms']
const SHORT = ['--duration', '400ms']

interface RoundOfCompare {
  readonly serverCpu?: { readonly microsecondsPerOperation: number }
}

interface ClientsRow {
  readonly workload: { readonly name: string }
  readonly entries: readonly {
    readonly client: string
    readonly easier: string
    readonly rounds: readonly { readonly operations: number }[]
    readonly cpu: { readonly median: number }
    readonly wrong: number
    readonly timesOurs?: object
  }[]
}

/** The memcached processes of this machine that were started with these flags. */
function serversLeft(flags: string): string {
  return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.startsWith('memcached ') && line.includes(flags))
    .join('\n')
}

/** One number of the server's `stats`. */
async function statistic(node: RunningNode, name: string): Promise<number> {
  const socket = connect(node.port, node.host)
  socket.end('stats\r\n')
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  const value = new RegExp(`^STAT ${name} (\\d+)\r$`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`no statistic ${name}`)
  return Number(value)
}

describe('against real memcached', () => {
  let node: RunningNode

  beforeAll(async () => {
    node = await startNode({ server: 'memcached', args: ['-t', '1', '-m', '64'] })
  })
  afterAll(() => node[Symbol.asyncDispose]())

  const measure = (...argv: string[]): Promise<Finished> =>
    bench('--server', node.address, ...SMALL_LOAD, ...argv)

  test('reports throughput, latency and CPU time per operation', async () => {
    const finished = await measure('--json', '--pid', String(node.pid), ...SHORT)
    expect(finished).toMatchObject({ code: 0, err: '' })
    const { summary: run } = onlyRun(finished)
    expect(run).toMatchObject({ errors: 0, misses: 0, hitRatio: 1 })
    expect(run.operations).toBeGreaterThan(100)
    expect(run.operationsPerSecond).toBeCloseTo(run.requestsPerSecond)
    const { p50, p90, p99, p999, max, count } = run.latency
    expect(count).toBe(run.operations)
    expect(p50).toBeGreaterThan(1)
    expect([p50, p90, p99, p999, max]).toEqual([p50, p90, p99, p999, max].toSorted((a, b) => a - b))
    expect(run.server?.microsecondsPerOperation).toBeGreaterThan(0.5)
    expect(run.server?.microsecondsPerOperation).toBeLessThan(500)
    expect(run.server?.load).toBeLessThan(1.5)
    expect(run.generator.microsecondsPerOperation).toBeGreaterThan(0.5)
  })

  test.each([
    ['get and set', '--ratio', '3:1'],
    ['pipelined', '--ratio', '1:1', '--depth', '16'],
    ['many keys at once', '--multiget', '20'],
    ['meta', '--protocol', 'meta', '--ratio', '1:1'],
    ['quiet meta', '--protocol', 'meta', '--multiget', '16', '--depth', '2'],
    ['large values', '--value-size', '300k', '--keys', '20', '--ratio', '1:1', '--depth', '4'],
    ['node:net', '--driver', 'node', '--ratio', '1:1', '--depth', '4'],
    ['a number of requests', '--requests', '1000'],
  ])('counts what the server counts: %s', async (_, ...argv) => {
    const before = [await statistic(node, 'cmd_get'), await statistic(node, 'cmd_set')] as const
    const length = argv.includes('--requests') ? [] : SHORT
    const finished = await measure('--json', ...length, ...argv)
    expect(finished).toMatchObject({ code: 0, err: '' })
    const { summary: run } = onlyRun(finished)
    expect(run).toMatchObject({ errors: 0, misses: 0 })
    expect(run.total).toEqual({
      gets: (await statistic(node, 'cmd_get')) - before[0],
      sets: (await statistic(node, 'cmd_set')) - before[1],
    })
    if (argv.includes('--requests')) expect(run.operations).toBeGreaterThanOrEqual(1_000)
  })

  test('a rate is kept, and never exceeded', async () => {
    const { summary: run } = onlyRun(await measure('--json', '--rate', '500', '--duration', '1s'))
    expect(run.errors).toBe(0)
    // How much of it a busy machine reaches is not the matter here.
    expect(run.operations).toBeGreaterThan(50)
    expect(run.operations).toBeLessThan(750)
  })

  test('misses are counted, and no error, when nothing was stored first', async () => {
    const finished = await measure('--json', '--no-fill', '--key-size', '33', ...SHORT)
    const { summary: run } = onlyRun(finished)
    expect(finished.code).toBe(0)
    expect(run.misses).toBe(run.operations)
    expect(run.errors).toBe(0)
  })

  test('prints a page of text for a person', async () => {
    const { code, out } = await measure('--pid', String(node.pid), ...SHORT)
    expect(code).toBe(0)
    expect(out).toMatch(/^ {2}throughput +[\d,]+ operations\/s/m)
    expect(out).toMatch(/^ {2}latency +p50 .* p99 .* max /m)
    expect(out).toMatch(/^ {2}server cpu +[\d.]+ us\/operation/m)
    expect(out).toContain(`node ${process.version}`)
  })

  test('a server that refuses to store is told before anything is measured', async () => {
    const { code, err, out } = await measure('--value-size', '2m', '--keys', '1')
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('stored 0 of 1 keys')
    expect(err).toContain('object too large for cache')
  })

  test('an interrupt ends the run at once, with what was measured', async () => {
    const gets = await statistic(node, 'cmd_get')
    const { child, finished } = startBench(
      '--server',
      node.address,
      ...SMALL_LOAD,
      '--duration',
      '60s',
    )
    // Wait until it is at work.
    while ((await statistic(node, 'cmd_get')) - gets < 1_000);
    child.kill('SIGINT')
    const { code, out } = await finished
    expect(code).toBe(130)
    expect(out).toContain('interrupted before its time')
  })
})

test('over a unix socket', async () => {
  const path = `${tmpdir()}/memshard-bench-${process.pid}.sock`
  // memcached listens on either kind of socket: startNode waits for a TCP port, so it is started here.
  const identity = process.getuid?.() === 0 ? ['-u', 'root'] : []
  const memcached = spawn('memcached', ['-s', path, ...identity], { stdio: 'ignore' })
  try {
    await acceptsConnections(path)
    const finished = await bench('--server', path, ...SMALL_LOAD, ...SHORT, '--json')
    expect(finished).toMatchObject({ code: 0, err: '' })
    expect(onlyRun(finished).summary.errors).toBe(0)
  } finally {
    memcached.kill('SIGKILL')
    await once(memcached, 'exit')
    rmSync(path, { force: true })
  }
})

async function acceptsConnections(path: string): Promise<void> {
  for (;;) {
    const socket = connect(path)
    try {
      await once(socket, 'connect')
      return
    } catch {
      await new Promise(setImmediate)
    } finally {
      socket.destroy()
    }
  }
}

describe('against a server that is wrong', () => {
  const servers: Server[] = []
  const sockets = new Set<Socket>()

  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
  })

  /** Listens, and sends what `answer` makes of each line of a client; silence is an answer too. */
  async function listen(answer: (line: string) => string | undefined): Promise<string> {
    const server = createServer((socket) => {
      sockets.add(socket)
      let unfinished = ''
      socket
        .on('error', () => {})
        .on('data', (data) => {
          const lines = (unfinished + data.toString('latin1')).split('\r\n')
          unfinished = lines.pop() ?? ''
          for (const line of lines) {
            const text = line === 'version' ? 'VERSION 0\r\n' : answer(line)
            if (text !== undefined) socket.write(text)
          }
        })
    }).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
    return `127.0.0.1:${address.port}`
  }

  const measure = (address: string, ...argv: string[]): Promise<Finished> =>
    bench('--server', address, ...SMALL_LOAD, ...SHORT, '--json', ...argv)

  test.each(['epoll', 'node'])(
    'error lines are errors, and the exit code says so (%s)',
    async (driver) => {
      const address = await listen(() => 'SERVER_ERROR no memory today\r\n')
      const finished = await measure(address, '--no-fill', '--driver', driver)
      expect(finished.code).toBe(1)
      const run = onlyRun(finished)
      expect(run).toMatchObject({ summary: { operations: 0 }, driver })
      expect(run.summary.errors).toBeGreaterThan(0)
      expect(run.complaints).toEqual(['answered "SERVER_ERROR no memory today"'])
    },
  )

  test('a stored key that is missed is an error', async () => {
    const address = await listen((line) =>
      line.startsWith('set') ? 'STORED\r\n' : line.startsWith('get') ? 'END\r\n' : undefined,
    )
    const finished = await measure(address)
    expect(finished.code).toBe(1)
    expect(onlyRun(finished).complaints).toEqual(['missed a key that was stored before the run'])
  })

  test.each(['epoll', 'node'])('a short value ends the connection (%s)', async (driver) => {
    const address = await listen((line) => {
      if (line.startsWith('set')) return 'STORED\r\n'
      const key = /^get (.+)/.exec(line)?.[1]
      return key && `VALUE ${key} 0 3\r\nabc\r\nEND\r\n`
    })
    const finished = await measure(address, '--driver', driver)
    expect(finished.code).toBe(1)
    expect(onlyRun(finished).complaints.join()).toMatch(
      /answered "VALUE .* 3" where "VALUE .* 100"/,
    )
  })

  test.each(['epoll', 'node'])(
    'a server that says nothing is not waited for (%s)',
    async (driver) => {
      const address = await listen(() => undefined)
      const finished = await measure(address, '--no-fill', '--driver', driver)
      expect(finished.code).toBe(1)
      expect(onlyRun(finished).complaints).toEqual(['8 requests were never answered'])
    },
  )

  test('one that is not there is told with a sentence', async () => {
    const port = await freePort()
    const { code, err, out } = await bench('--server', `127.0.0.1:${port}`)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toBe(
      `memshard-bench: no server at 127.0.0.1:${port} (ECONNREFUSED): start one, or name another with --server\n`,
    )
  })

  test.each(['epoll', 'node'])('one that dies ends the run with errors (%s)', async (driver) => {
    await using node = await startNode({ server: 'memcached' })
    const flags = ['--duration', '60s', '--json', '--pid', String(node.pid), '--driver', driver]
    const { finished } = startBench('--server', node.address, ...SMALL_LOAD, ...flags)
    while ((await statistic(node, 'cmd_get')) < 1_000);
    await node.stop('SIGKILL')
    const result = await finished
    expect(result.code).toBe(1)
    const run = onlyRun(result)
    expect(run.summary.errors).toBeGreaterThanOrEqual(8)
    expect(run.complaints.join()).toContain('a connection was lost')
  })
})

test('wrong flags are refused with a sentence', async () => {
  const { code, err, out } = await bench('--ratio', 'much')
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain('"much" is no mix of operations')
})

describe('a comparison', () => {
  const COMPARE = ['--compare', 'memcached', 'again=memcached -o no_lru_crawler']
  const LITTLE = ['-w', 'get,set-p16', '--keys', '500', '--connections', '8', '--warmup', '50ms']

  test('starts the servers in alternating order, and relates their rounds', async () => {
    const mark = '-m 71'
    const flags = [
      ...LITTLE,
      '--duration',
      '100ms',
      '--rounds',
      '2',
      '--server-args',
      `-t 1 ${mark}`,
    ]
    const { code, out, err } = await bench(...COMPARE, ...flags, '--json')
    expect(code).toBe(0)
    const orderOfGet = err.split('\n').filter((line) => line.startsWith('get,'))
    expect(orderOfGet.map((line) => line.split(': ')[1])).toEqual([
      'memcached',
      'again',
      'again',
      'memcached',
    ])
    const { servers, rows } = JSON.parse(out)
    expect(servers[1].commandLine).toMatch(/^memcached .*-t 1 -m 71 .*-o no_lru_crawler$/)
    expect(rows.map((row: { workload: { name: string } }) => row.workload.name)).toEqual([
      'get',
      'set-p16',
    ])
    const [first, second] = rows[0].columns
    expect(first.rounds).toHaveLength(2)
    expect(first.relative).toBeUndefined()
    expect(first.cpu.median).toBeGreaterThan(0)
    expect(second.relative.cpu.low).toBeLessThanOrEqual(second.relative.cpu.high)
    const cpuOf = (run: RoundOfCompare): number => run.serverCpu?.microsecondsPerOperation ?? 0
    const ratios = [0, 1].map((round) => cpuOf(second.rounds[round]) / cpuOf(first.rounds[round]))
    expect(second.relative.cpu.median).toBeCloseTo((ratios[0]! + ratios[1]!) / 2)
    expect(serversLeft(mark)).toBe('')
  })

  test('prints a table for a page of markdown', async () => {
    const flags = ['-w', 'get', ...LITTLE.slice(2), '--duration', '100ms', '--rounds', '1']
    const { code, out } = await bench(...COMPARE, ...flags, '--markdown')
    expect(code).toBe(0)
    expect(out).toContain('| workload | server | CPU us/op | CPU ratio |')
    expect(out).toMatch(/^\| get \| memcached \| [\d.]+ \| 1 \|/m)
    expect(out).toMatch(/^\| {2}\| again \| [\d.]+ \| [\d.]+ \| [\d.]+-[\d.]+ \|/m)
  })

  test('gives servers that are to evict less memory than the keys take, and expects misses', async () => {
    const large = [
      '-w',
      'get-eviction',
      '--keys',
      '10000',
      '--value-size',
      '20k',
      ...LITTLE.slice(4),
    ]
    const { code, out } = await bench(
      ...COMPARE,
      ...large,
      ...['--duration', '100ms', '--rounds', '1', '--json'],
    )
    expect(code).toBe(0)
    const { servers, rows } = JSON.parse(out)
    expect(servers[0].commandLine).toContain('-m 64')
    expect(rows[0].columns[0].rounds[0].misses).toBeGreaterThan(0)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('leaves no server behind after %s', async (signal) => {
    const mark = signal === 'SIGINT' ? '-m 72' : '-m 73'
    const flags = [...LITTLE, '--duration', '60s', '--server-args', mark]
    const { child, finished } = startBench(...COMPARE, ...flags)
    while (serversLeft(mark) === '') await new Promise(setImmediate)
    child.kill(signal)
    expect((await finished).code).toBe(130)
    expect(serversLeft(mark)).toBe('')
  })

  test('a server that cannot be started is told with a sentence', async () => {
    const missing = await bench('--compare', 'memcached', './no-such-server', ...LITTLE)
    expect(missing.code).toBe(1)
    expect(missing.err).toContain('there is no ./no-such-server')
    const wrong = await bench('--compare', 'x=memcached --no-such-flag', 'memcached', ...LITTLE)
    expect(wrong.code).toBe(1)
    expect(wrong.err).toMatch(/ended before it served: .*no-such-flag/s)
  })
})

test('the cost of everything, in small, as text, JSON, markdown and a picture', async () => {
  const folder = mkdtempSync(`${tmpdir()}/memshard-bench-`)
  try {
    const [json, page, plot] = ['cost.json', 'cost.md', 'cost.svg'].map(
      (name) => `${folder}/${name}`,
    )
    const only = 'get,get-eviction,latency,threads,items,idle,start,growth,garbage'
    const files = ['--json', json!, '--markdown', page!, '--plot', plot!]
    const { code, out, err } = await bench('cost', '--quick', '--only', only, ...files)
    expect(code, err).toBe(0)
    expect(out).toMatch(/^get 100 B +memshard/m)
    const report = JSON.parse(readFileSync(json!, 'utf8'))
    expect(report.rows.map((row: { name: string }) => row.name)).toEqual(
      only.split(',').slice(0, 4),
    )
    for (const { items } of report.items.sizes)
      for (const count of items) expect(count).toBeGreaterThan(100)
    const [garbage] = report.garbage
    expect(garbage).toMatchObject({ errors: 0, requests: 100_000 })
    expect(garbage.heapBytesBefore).toBeGreaterThan(1e6)
    expect(readFileSync(page!, 'utf8')).toContain('| get 100 B | memshard |')
    expect(readFileSync(plot!, 'utf8')).toContain('p99.9 latency')
    // The same report can be shown again from its file.
    const again = await bench('cost', '--from', json!)
    expect(again).toMatchObject({ code: 0, out })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describe('clients against one another', () => {
  test('in small, as text, JSON, markdown and a picture', async () => {
    const folder = mkdtempSync(`${tmpdir()}/memshard-bench-`)
    try {
      const [json, page, plot] = ['c.json', 'c.md', 'c.svg'].map((name) => `${folder}/${name}`)
      const only = 'get-10,multiget-1'
      const files = ['--json', json!, '--markdown', page!, '--plot', plot!]
      const { code, out, err } = await bench('clients', '--quick', '--only', only, ...files)
      expect(code, err).toBe(0)
      const report = JSON.parse(readFileSync(json!, 'utf8'))
      const names = report.clients.map((client: { name: string }) => client.name)
      expect(names).toEqual([
        'memshard',
        'memjs',
        'memcached',
        'memcache-client',
        'memcache',
        'node:net',
      ])
      expect(report.rows.map((row: ClientsRow) => row.workload.name)).toEqual(only.split(','))
      for (const { workload, entries } of report.rows as ClientsRow[]) {
        expect(entries.map(({ client }) => client)).toEqual(names)
        for (const { client, rounds, cpu, wrong, timesOurs, easier } of entries) {
          expect(rounds[0]!.operations).toBeGreaterThan(0)
          expect(cpu.median).toBeGreaterThan(0)
          expect(wrong).toBe(0)
          expect(timesOurs === undefined).toBe(client === 'memshard')
          const doesNotShard = client === 'memcache-client' && workload.name === 'multiget-1'
          expect(easier).toBe(client === 'node:net' ? 'no client' : doesNotShard ? '1 node' : '')
        }
      }
      expect(out).toMatch(/^get, 10 callers +CPU +mem/m)
      expect(readFileSync(page!, 'utf8')).toContain('| get, 10 callers | memshard |')
      expect(readFileSync(plot!, 'utf8')).toContain('memcache-client')
      const again = await bench('clients', '--from', json!)
      expect(again).toMatchObject({ code: 0, out })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('against memcached, only those that are named', async () => {
    const { code, out, err } = await bench(
      ...['clients', '--quick', '--server', 'memcached', '--only', 'get-10k'],
      ...['--clients', 'memshard,memjs', '--markdown'],
    )
    expect(code, err).toBe(0)
    expect(out).toContain('- nodes: memcached 1.')
    expect(out).toMatch(/^\| get of 10 KB, 10 callers \| CPU \| memjs \|/m)
  })

  test('what cannot be is told with a sentence', async () => {
    const client = await bench('clients', '--clients', 'memshard,redis')
    expect(client).toMatchObject({ code: 2 })
    expect(client.err).toContain('there is no client "redis"')
    const workload = await bench('clients', '--only', 'get-1,put')
    expect(workload).toMatchObject({ code: 2 })
    expect(workload.err).toContain('there is no workload "put": choose from get-1,')
  })

  test('a client that is interrupted leaves no process behind', async () => {
    const mark = '-m 74'
    const { child, finished } = startBench(
      ...['clients', '--quick', '--server', `memcached ${mark}`, '--rounds', '10000'],
      ...['--only', 'get-1', '--clients', 'memshard'],
    )
    while (serversLeft(mark) === '') await new Promise(setImmediate)
    child.kill('SIGINT')
    const { code, out } = await finished
    expect(code).toBe(130)
    expect(out).toContain('INTERRUPTED')
    expect(serversLeft(mark)).toBe('')
  })
})

describe('the ways to place keys', () => {
  test('are measured one after the other', async () => {
    const { code, out, err } = await bench('ring', '--markdown')
    expect(code, err).toBe(0)
    expect(out).toMatch(/^\| ring, md5 \(the default\) \| 3 \| \d+ \|/m)
    expect(out.match(/^\| .* \| 100 \|/gm)).toHaveLength(7)
  })
})

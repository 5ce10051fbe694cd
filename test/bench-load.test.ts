// What memshard-bench can ask, of whom, and when: each kind of load against real servers, and against servers
// whose delays and lies are known.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { createServer as createSecureServer } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bench, onlyRun, runsOf } from './bench-process.ts'
import { createAuthority } from './certificates.ts'
import { type RunningNode, startNode } from './nodes.ts'

const SMALL = ['--connections', '8', '--keys', '500', '--warmup', '100ms', '--duration', '400ms']

let folder: string
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/memshard-bench-`)
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('against real memcached', () => {
  let node: RunningNode
  beforeAll(async () => {
    node = await startNode({ server: 'memcached', args: ['-t', '1', '-m', '64'] })
  })
  afterAll(() => node[Symbol.asyncDispose]())

  const load = (...argv: string[]) => bench('-s', node.address, ...SMALL, '--json', ...argv)

  test.each(['classic', 'meta', 'binary'])(
    'all operations in their proportion, every value verified (%s)',
    async (protocol) => {
      const mix = 'get:50,set:20,delete:10,incr:10,append:5,touch:5'
      const run = onlyRun(
        await load(
          ...['--protocol', protocol, '--mix', mix, '--depth', '8', '--verify', '--ttl', '60-600'],
          ...['--popularity', 'zipf:1', '--key-size', '20-60', '--value-size', 'lognormal:200:1'],
        ),
      )
      expect(run.complaints).toEqual([])
      expect(run.summary.errors).toBe(0)
      const share = new Map(
        run.byOperation.map(({ name, operations }) => [name, operations / run.summary.operations]),
      )
      expect([...share.keys()]).toEqual(['get', 'set', 'delete', 'incr', 'append', 'touch'])
      expect(share.get('get')).toBeCloseTo(0.5, 1)
      expect(share.get('set')).toBeCloseTo(0.2, 1)
      expect(run.summary.hitRatio).toBeGreaterThan(0.1)
      expect(run.summary.hitRatio).toBeLessThan(1)
    },
  )

  test('several threads share connections and rate', async () => {
    const run = onlyRun(await load('--threads', '3', '--rate', '3000', '--verify', '--mix', '3:1'))
    expect(run).toMatchObject({ threads: 3, summary: { errors: 0 }, complaints: [] })
    // Each thread has a third of it; how much of it a busy machine reaches is not the matter here.
    expect(run.summary.operations).toBeGreaterThan(50)
    expect(run.summary.requestsPerSecond).toBeLessThan(4_500)
  })

  test('it begins gently when it is told to', async () => {
    const flags = ['--ramp', '300ms', '--warmup', '0s', '--interval', '100ms']
    const run = onlyRun(await load(...flags, '--rate', '2000', '--arrivals', 'constant'))
    expect(run.summary.errors).toBe(0)
    expect(run.series.at.length).toBeGreaterThanOrEqual(4)
    expect(onlyRun(await load(...flags)).summary.errors).toBe(0)
  })

  test("models of others' traffic", async () => {
    const runs = runsOf(await load('-w', 'etc,session-store,write-heavy', '--keys', '300'))
    expect(runs.map(({ label }) => label)).toEqual(['etc', 'session-store', 'write-heavy'])
    for (const { summary, complaints } of runs) {
      expect(complaints).toEqual([])
      expect(summary.operations).toBeGreaterThan(100)
    }
  })

  test('a trace is written, replayed with its keys, and reported beside another run', async () => {
    const [trace, first, page, csv, hdr] = ['t.csv.gz', '1.json', 'p.html', 's.csv', 'l.hdr'].map(
      (name) => `${folder}/${name}`,
    ) as [string, string, string, string, string]
    const made = await bench(
      ...['trace', trace, '--operations', '5000', '--keys', '100', '--mix', 'get:3,set:1'],
      ...['--popularity', 'zipf:1'],
    )
    expect(made).toMatchObject({ code: 0, out: `5000 operations written to ${trace}\n` })
    const replayed = await bench(
      ...['replay', trace, '-s', node.address, '-c', '4', '--json', '--csv', csv, '--hdr', hdr],
      ...['--fill-misses', '--html', page],
    )
    expect(replayed.code, replayed.err).toBe(0)
    const run = onlyRun(replayed)
    expect(run.summary.errors).toBe(0)
    // What a get missed and was stored comes on top.
    expect(run.summary.operations).toBeGreaterThanOrEqual(5_000)
    expect(readFileSync(csv, 'utf8').split('\r\n')[0]).toContain('p99')
    expect(readFileSync(hdr, 'utf8')).toMatch(/^#\[/)
    expect(readFileSync(`${hdr}.hgrm`, 'utf8')).toContain('TotalCount')
    expect(readFileSync(page, 'utf8')).toContain('<!doctype html>')

    writeFileSync(first, replayed.out)
    const report = await bench('report', first, first, '--html', page)
    expect(report.code).toBe(0)
    expect(report.out).toContain('replay of')
    expect(readFileSync(page, 'utf8').length).toBeGreaterThan(100_000)
  })

  test('a trace plays when it was recorded, so many times as fast', async () => {
    const trace = `${folder}/slow.csv.gz`
    const lines = Array.from({ length: 40 }, (_, second) => `${second},k${second},2,10,0,get,0`)
    writeFileSync(trace, gzipSync(`${lines.join('\n')}\n`))
    const begun = performance.now()
    const run = onlyRun(
      await bench('replay', trace, '-s', node.address, '-c', '2', '--json', '--speed', '100'),
    )
    expect(run.summary.operations).toBe(40)
    expect(run.seconds).toBeGreaterThan(0.35)
    expect(performance.now() - begun).toBeGreaterThan(350)
  })
})

describe('several servers', () => {
  test('are one ring: each key is asked for where the client has it', async () => {
    const nodes = await Promise.all([
      startNode({ server: 'memcached' }),
      startNode({ server: 'memshard' }),
      startNode({ server: 'memshard' }),
    ])
    try {
      const addresses = nodes.map((node) => node.address)
      const flags = ['-s', ...addresses, ...SMALL, '--mix', 'get:2,set:1', '--verify', '--json']
      const run = onlyRun(await bench(...flags, '--depth', '4', '--multiget', '5'))
      expect(run).toMatchObject({ summary: { errors: 0, hitRatio: 1 }, complaints: [] })
      const { Client } = await import('@memshard/client')
      await using client = new Client({
        nodes: nodes.map(({ address, port }) => ({ host: '127.0.0.1', port, name: address })),
        timeout: 20_000,
        connectTimeout: 20_000,
      })
      for (let key = 0; key < 500; key++) {
        const text = `bench:${String(key).padStart(10, '0')}`
        expect((await client.getEntry(text))?.size ?? 0, text).toBeGreaterThan(0)
      }
    } finally {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
    }
  })
})

describe('over TLS', () => {
  test('by a certificate that is trusted, and not by another', async () => {
    await using node = await startNode({ server: 'memcached' })
    const [key, cert] = [`${folder}/key.pem`, `${folder}/cert.pem`]
    execFileSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', key, '-out', cert],
    ])
    // Debian's memcached speaks no TLS: this end of it is decrypted in front of it.
    const pem = { key: readFileSync(key), cert: readFileSync(cert) }
    const front = createSecureServer(pem, (socket) => {
      const behind = connect(node.port, node.host)
      socket.pipe(behind).pipe(socket)
      for (const end of [socket, behind]) end.on('error', () => {})
    })
    front.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
    await once(front, 'listening')
    const { port } = front.address() as { port: number }
    try {
      const flags = ['-s', `localhost:${port}`, ...SMALL, '--json', '--tls', '--verify']
      const trusted = onlyRun(await bench(...flags, '--tls-ca', cert, '--rate', '500'))
      expect(trusted).toMatchObject({ driver: 'node', summary: { errors: 0 } })
      expect(onlyRun(await bench(...flags, '--tls-insecure')).summary.errors).toBe(0)
      const refused = await bench(...flags)
      expect(refused.code).toBe(1)
      expect(refused.err).toContain('SELF_SIGNED')
    } finally {
      front.close()
    }
  })

  test('a comparison starts servers that speak it, and fills them', async () => {
    using authority = createAuthority()
    const { certPath, keyPath } = authority.issue('DNS:localhost,IP:127.0.0.1')
    const flags = `-Z -o ssl_chain_cert=${certPath},ssl_key=${keyPath} -t 1 -m 64`
    const { code, out, err } = await bench(
      ...['--compare', `first=memshard ${flags}`, `second=memshard ${flags} --transport node`],
      ...['--tls', '--tls-ca', authority.caPath, '--server-args', '', '-w', 'get', ...SMALL],
      ...['--rounds', '1', '--json'],
    )
    expect(code, err).toBe(0)
    const [{ columns }] = JSON.parse(out).rows
    for (const { label, errors, rounds } of columns) {
      expect({ label, errors, misses: rounds[0].misses }).toEqual({ label, errors: 0, misses: 0 })
      expect(rounds[0].operationsPerSecond, label).toBeGreaterThan(0)
    }
  })
})

describe('a server with a known delay', () => {
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
  })

  /** Answers gets with misses, each so many ms after it came; for a while in the middle of it, not at all. */
  async function listen(delayMs: number, stall?: { afterMs: number; ms: number }): Promise<string> {
    let begun: number | undefined
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', (data) => {
        const text = data.toString('latin1')
        if (text.startsWith('version')) {
          socket.write('VERSION 1\r\n')
          return
        }
        begun ??= performance.now()
        const since = performance.now() - begun
        const held =
          stall && since >= stall.afterMs && since < stall.afterMs + stall.ms
            ? stall.afterMs + stall.ms - since
            : 0
        setTimeout(() => socket.write('END\r\n'), delayMs + held)
      })
    }).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return `127.0.0.1:${(server.address() as { port: number }).port}`
  }

  const GETS = ['--no-fill', '--keys', '100', '--warmup', '0s', '--json']

  test.each(['epoll', 'node'])('is measured by that delay (%s)', async (driver) => {
    const address = await listen(150)
    const run = onlyRun(
      await bench(
        ...['-s', address, ...GETS, '--rate', '50', '--connections', '20', '--driver', driver],
        ...['--duration', '2s'],
      ),
    )
    const { p50, p90 } = run.summary.latency
    expect(p50 / 1e3).toBeGreaterThan(149)
    expect(p50 / 1e3).toBeLessThan(1_000)
    expect(p90).toBeGreaterThanOrEqual(p50)
  })

  test('holds a latency up to the rate that its delay allows, which a search finds', async () => {
    // Four connections that wait 20 ms for each answer make 200 requests a second.
    const address = await listen(20)
    const { code, out } = await bench(
      ...['-s', address, ...GETS, '--connections', '4', '--arrivals', 'constant'],
      ...['--search', 'p90<200ms', '--rate', '20', '--step', '1s'],
    )
    expect(code).toBe(0)
    const [{ steps, best }] = JSON.parse(out).searches
    expect(steps[0]).toMatchObject({ rate: 20 })
    expect(best.rate).toBeGreaterThan(40)
    expect(best.rate).toBeLessThanOrEqual(210)
    const tooMuch = steps.filter((step: { holds: boolean }) => !step.holds)
    expect(tooMuch.length).toBeGreaterThan(0)
    for (const step of tooMuch) expect(step.rate).toBeGreaterThan(best.rate)
  })

  test('and when it stalls, what was due meanwhile has waited, though it was not even sent', async () => {
    const address = await listen(1, { afterMs: 400, ms: 400 })
    const run = onlyRun(
      await bench(
        ...['-s', address, ...GETS, '--rate', '500', '--arrivals', 'constant'],
        ...['--connections', '2', '--duration', '1500ms'],
      ),
    )
    const { latency, uncorrectedLatency } = run.summary
    // A fifth and more of all requests were due during the stall, or in the queue that it left.
    expect(latency.p90 / 1e3).toBeGreaterThan(150)
    expect(latency.max / 1e3).toBeGreaterThan(390)
    // From when they were sent, only the two that were under way show it.
    expect(uncorrectedLatency?.p90).toBeLessThan(latency.p90 / 2)
  })
})

test('a server that gives a value that was never stored is found out by --verify', async () => {
  const stored = new Map<string, string>()
  let gets = 0
  const server = createServer((socket) => {
    let unfinished = ''
    socket.on('error', () => {})
    socket.on('data', (data) => {
      unfinished += data.toString('latin1')
      for (;;) {
        const [, line = ''] = /^([^\n]*)\r\n/.exec(unfinished) ?? []
        const [verb, key = '', , , length] = line.split(' ')
        const rest = line.length + 2
        const size = verb === 'set' ? Number(length) + 2 : 0
        if (verb === undefined || verb === '' || unfinished.length < rest + size) return
        const value = unfinished.slice(rest, rest + size)
        unfinished = unfinished.slice(rest + size)
        if (verb === 'version') socket.write('VERSION 1\r\n')
        else if (verb === 'set') {
          stored.set(key, value)
          socket.write('STORED\r\n')
        } else {
          const kept = stored.get(key) ?? ''
          gets++
          // One byte of one value is wrong.
          const told = gets === 1_000 ? `${kept.slice(0, 50)}#${kept.slice(51)}` : kept
          socket.write(`VALUE ${key} 0 ${told.length - 2}\r\n${told}END\r\n`, 'latin1')
        }
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  try {
    const finished = await bench(
      ...['-s', `127.0.0.1:${port}`, '--keys', '50', '--connections', '4', '--verify', '--json'],
      ...['--requests', '2000', '--warmup', '0s'],
    )
    expect(finished.code).toBe(1)
    const run = onlyRun(finished)
    expect(run.summary.errors).toBe(1)
    expect(run.complaints.join()).toMatch(/key "bench:\d+" holds/)
  } finally {
    server.close()
  }
})

test('servers that stand somewhere, or take other flags, are compared with one that is started', async () => {
  await using node = await startNode({ server: 'memcached' })
  const { code, out, err } = await bench(
    ...['--compare', 'memcached', `standing=${node.address}@${node.pid}`],
    ...['own=memcached -u root -m 99 -p {port}', '-w', 'get', '--json'],
    ...['--keys', '500', '--connections', '8', '--warmup', '50ms', '--duration', '200ms'],
    ...['--rounds', '1'],
  )
  expect(code, err).toBe(0)
  const { servers, rows } = JSON.parse(out)
  expect(servers[1]).toMatchObject({ label: 'standing', commandLine: node.address })
  expect(servers[2].commandLine).toMatch(/^memcached -u root -m 99 -p \d+$/)
  for (const column of rows[0].columns) expect(column.cpu.median).toBeGreaterThan(0)
})

test('hit ratios of two servers with the same memory, over two memories, as text and a picture', async () => {
  const [json, plot, page] = ['h.json', 'h.svg', 'h.md'].map((name) => `${folder}/${name}`) as [
    string,
    string,
    string,
  ]
  const { code, out, err } = await bench(
    ...['hitratio', '-m', '8', '64', '--popularity', 'zipf:1', '--keys', '30000'],
    ...['--value-size', '1000', '--operations', '60000'],
    ...['--json', json, '--plot', plot, '--markdown', page],
  )
  expect(code, err).toBe(0)
  expect(out).toMatch(/^zipf:1 +8 +memcached/m)
  const { streams } = JSON.parse(readFileSync(json, 'utf8'))
  const [little, enough] = streams
  for (const [index, label] of ['memcached', 'memshard'].entries()) {
    const [evicting, keeping] = [little.servers[index], enough.servers[index]]
    expect(evicting).toMatchObject({ label, gets: 60_000, errors: 0 })
    // With room for all, a key is missed once; with little, it is evicted.
    expect(evicting.evictions).toBeGreaterThan(0)
    expect(evicting.causes.evicted).toBeGreaterThan(0)
    expect(keeping.causes.evicted).toBe(0)
    expect(keeping.hitRatio).toBeGreaterThan(evicting.hitRatio)
    // Of those that were asked for twice before the first answer, both are missed.
    expect(keeping.items).toBeLessThanOrEqual(keeping.causes.cold)
    expect(keeping.items).toBeGreaterThan(keeping.causes.cold * 0.98)
  }
  expect(readFileSync(plot, 'utf8')).toContain('Miss ratio over memory')
  expect(readFileSync(page, 'utf8')).toContain('| zipf:1 |')
  expect((await bench('hitratio', '--from', json)).out).toBe(out)
})

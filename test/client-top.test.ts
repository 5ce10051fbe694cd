// `memshard top` as people use it: on a real terminal before a node of ours and a real memcached, and told once for programs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Client } from '@memshard/client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { PseudoTerminal } from './pseudo-terminal.ts'
import { REPOSITORY } from './repository.ts'

const MEMSHARD = join(REPOSITORY, 'packages/client/bin/memshard')
const WIDE = { columns: 160, rows: 40 }
const LEAVES = '\x1b[?7h\x1b[?25h\x1b[?1049l'

let ours: RunningNode
let other: RunningNode
let servers: string

beforeEach(async () => {
  const server = missing('memcached') === undefined ? 'memcached' : 'memshard'
  ;[ours, other] = await Promise.all([
    startNode({ args: ['-t', '1', '-m', '64'] }),
    startNode({ server, args: ['-m', '32'] }),
  ])
  servers = `${ours.address},${other.address}`
})

afterEach(async () => {
  await Promise.all([ours.stop(), other.stop()])
})

function top(size = WIDE, env: Record<string, string> = {}): PseudoTerminal {
  const command = [process.execPath, MEMSHARD, '--timeout', '5000', 'top', '--interval', '0.5']
  return new PseudoTerminal(command, size, { MEMCACHE_SERVERS: servers, ...env })
}

/** The row of a node in the first view, of which this comes next. */
function row({ address }: RunningNode, rest: string): RegExp {
  return new RegExp(`^ ${address} +${rest}`, 'm')
}

/** Reads and writes until it is disposed of. */
function load(): AsyncDisposable {
  const client = new Client({ nodes: servers.split(',') })
  let isOver = false
  const loading = (async () => {
    for (let i = 0; !isOver; i++) {
      await client.set(`key:${i % 50}`, 'x'.repeat(200)).catch(() => {})
      await client.getMulti(['key:1', 'key:2', `none:${i}`]).catch(() => {})
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      isOver = true
      await loading
      await client.close()
    },
  }
}

describe('on a terminal', { timeout: 120_000 }, () => {
  test('shows both kinds of nodes with what they do, and the totals', async () => {
    await using _ = load()
    await using terminal = top()
    const screen = await terminal.shows(
      row(ours, '(up|cold) +[1-9]'),
      row(other, '(up|cold) +[1-9]'),
    )
    expect(screen).toContain('2 nodes')
    expect(screen).toMatch(/ops\/s +[\d.]+k? /)
    expect(screen).toMatch(/memory +[\d.]+% .* of 96\.0M/)
    expect(screen.split('\n')).toHaveLength(WIDE.rows)
    terminal.type('q')
    expect(await terminal.ended()).toEqual({ code: 0, isRestored: true })
    expect(terminal.output).toContain('\x1b[?1049h')
    expect(terminal.output.endsWith(LEAVES)).toBe(true)
  })

  test('a node that is killed is down, the other one goes on; it is up when it is back', async () => {
    await using terminal = top()
    await terminal.shows(row(ours, 'up'), row(other, 'up'))
    const { port } = other
    await other.stop('SIGKILL')
    const screen = await terminal.shows(row(other, 'down'))
    expect(screen).toContain('1 down')
    expect(screen).toMatch(row(ours, 'up'))
    await terminal.shows(new RegExp(`${other.address} is down: .+; had been up for`))
    other = await startNode({ port })
    await terminal.shows(row(other, 'up'))
  })

  test('a node that says nothing is down and holds up no other', async () => {
    await using terminal = top()
    await terminal.shows(row(ours, 'up'), row(other, 'up'))
    process.kill(other.pid, 'SIGSTOP')
    try {
      await terminal.shows(row(ours, 'up'), row(other, 'down'))
    } finally {
      process.kill(other.pid, 'SIGCONT')
    }
    await terminal.shows(row(other, 'up'))
  })

  test('has views of the hottest keys, slab classes and latencies', async () => {
    await using _ = load()
    await using terminal = top()
    await terminal.shows(/ up /)
    terminal.type('2')
    await terminal.shows(/requests▾[\s\S]*key%3A1/)
    terminal.type('\t')
    await terminal.shows(/chunk +pages/)
    terminal.type('4')
    await terminal.shows(/p99\.9[\s\S]* ms +[\d.]+k? +\d+/)
    terminal.type('?')
    await terminal.shows(/hottest keys, slab classes/)
    terminal.type('1')
    await terminal.shows(/node▾ +state/)
    terminal.type('>\x1b[C')
    await terminal.shows(/ops\/s▾/)
    terminal.type('p')
    await terminal.shows(/paused/)
  })

  test('fits into a terminal that becomes small', async () => {
    await using terminal = top()
    await terminal.shows(/limit/)
    terminal.resize(50, 12)
    const screen = await terminal.shows(/^(?![\s\S]*limit)[\s\S]* up /)
    const lines = screen.split('\n')
    expect(lines).toHaveLength(12)
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(50)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('%s restores the terminal', async (signal) => {
    await using terminal = top()
    await terminal.shows(/ up /)
    process.kill(terminal.pid, signal)
    expect(await terminal.ended()).toEqual({ code: 0, isRestored: true })
    expect(terminal.output.endsWith(LEAVES)).toBe(true)
  })

  test('a crash restores it before it is told', async () => {
    const crash =
      'data:text/javascript,setTimeout(()=>{throw%20new%20Error(%22by%20the%20test%22)},4000)'
    await using terminal = top(WIDE, { NODE_OPTIONS: `--import=${crash}` })
    await terminal.shows(/ up /)
    const { code, isRestored } = await terminal.ended()
    expect({ code, isRestored }).toEqual({ code: 1, isRestored: true })
    expect(terminal.output.split(LEAVES)).toHaveLength(2)
    expect(terminal.output.split(LEAVES)[1]).toContain('by the test')
  })

  test('has no color with NO_COLOR', async () => {
    await using terminal = top(WIDE, { NO_COLOR: '1' })
    await terminal.shows(/ up /)
    expect(terminal.output).not.toMatch(/\p{Cc}\[[\d;]*m/u)
  })
})

describe('told once', { timeout: 60_000 }, () => {
  async function told(...args: readonly string[]) {
    const argv = [MEMSHARD, 'top', '--interval', '0.3', ...args]
    const child = spawn(process.execPath, argv, {
      env: { ...process.env, MEMCACHE_SERVERS: servers },
    })
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ])
    return { out, err, code }
  }

  test('one JSON document has the total and each node', async () => {
    await using _ = load()
    const { out, code } = await told('--once', '--json')
    expect(code).toBe(0)
    const report = JSON.parse(out)
    expect(report).toMatchObject({
      intervalSeconds: 0.3,
      total: { up: 2, down: 0, limit: 96 * 2 ** 20 },
      nodes: [
        { node: ours.address, state: expect.stringMatching(/up|cold/), pid: ours.pid },
        { node: other.address, state: expect.stringMatching(/up|cold/), pid: other.pid },
      ],
    })
    expect(report.total.rates.operations).toBeGreaterThan(0)
    expect(report.nodes[0].latency).not.toEqual([])
    expect(report.nodes[0].share + report.nodes[1].share).toBeCloseTo(1)
  })

  test('a plain report where stdout is no terminal, and a failure when a node is down', async () => {
    await other.stop()
    const { out, code } = await told()
    expect(code).toBe(3)
    expect(out).toMatch(/^1 up, 1 down, /)
    expect(out).toMatch(new RegExp(`${other.address} is down: .*ECONNREFUSED`))
    expect(out).not.toContain('\x1b')
  })

  test('nonsense for an interval is refused', async () => {
    const { err, code } = await told('--interval', '0')
    expect(code).toBe(2)
    expect(err).toContain('give seconds from 0.1 to 3600')
  })
})

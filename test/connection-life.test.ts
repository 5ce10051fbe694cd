// The life of connections: how they are reported, closed when idle, made to wait or refused when there are too
// many. Beside the memcached of the machine where it does the same.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { served, start } from './processes.ts'
import { TRANSPORTS } from './transports.ts'
import { type Endpoint, statistic, statistics, Wire } from './wire.ts'

const SERVERS = ['memshard', 'memcached'] as const

interface Described {
  readonly addr?: string
  readonly listen_addr?: string
  readonly state?: string
  readonly resps_waiting?: string
  readonly secs_since_last_cmd?: string
}

/** `stats conns`, by descriptor. */
async function connections(endpoint: Endpoint): Promise<ReadonlyMap<number, Described>> {
  const found = new Map<number, Record<string, string>>()
  for (const [name, value] of await statistics(endpoint, 'conns')) {
    const [descriptor = '', key = ''] = name.split(':')
    const described = found.get(Number(descriptor)) ?? {}
    described[key] = value
    found.set(Number(descriptor), described)
  }
  return found
}

async function inState(endpoint: Endpoint, state: string): Promise<readonly Described[]> {
  return [...(await connections(endpoint)).values()].filter((each) => each.state === state)
}

function skipUnlessInstalled(skip: (condition: boolean, note?: string) => void): void {
  const reason = missing('memcached')
  skip(reason !== undefined, reason)
}

describe('stats conns', () => {
  for (const server of SERVERS) {
    test(`${server}: what each connection does, whose it is and where it came in`, async ({
      skip,
    }) => {
      if (server === 'memcached') skipUnlessInstalled(skip)
      await using node = await startNode({ server, args: ['-t', '2'] })
      await using quiet = await Wire.connect(node)
      await quiet.ask('version\r\n')
      await using storing = await Wire.connect(node)
      storing.send('set a 0 0 10\r\nabc')
      await using refused = await Wire.connect(node)
      refused.send('set a 0 0 9999999\r\nabc')
      await using silent = await Wire.connect(node)
      await expect.poll(async () => (await inState(node, 'conn_nread')).length).toBe(1)
      await expect.poll(async () => (await inState(node, 'conn_swallow')).length).toBe(1)

      const end = `tcp:127.0.0.1:${node.port}`
      const addressOf = ({ socket }: Wire): string => `tcp:127.0.0.1:${socket.localPort}`
      const one = async (state: string): Promise<Described | undefined> =>
        (await inState(node, state))[0]
      const rest = { listen_addr: end, secs_since_last_cmd: expect.stringMatching(/^\d+$/) }
      expect(await one('conn_listening')).toMatchObject({ addr: end })
      expect(await one('conn_listening')).not.toHaveProperty('listen_addr')
      expect(await one('conn_nread')).toMatchObject({ addr: addressOf(storing), ...rest })
      expect(await one('conn_swallow')).toMatchObject({ addr: addressOf(refused), ...rest })
      expect(await one('conn_parse_cmd')).toMatchObject(rest)
      expect((await inState(node, 'conn_read')).map(({ addr }) => addr)).toContain(addressOf(quiet))
      expect([...(await connections(node)).values()].map(({ addr }) => addr)).toContain(
        addressOf(silent),
      )
    })
  }

  test('since 1.6.34, before the seconds: the answers that wait for others', async () => {
    await using node = await startNode()
    const keys = [...(await statistics(node, 'conns')).keys()]
    const asking = keys
      .filter((key) => key.endsWith(':resps_waiting'))
      .at(-1)
      ?.split(':')[0]
    expect(keys.filter((key) => key.startsWith(`${asking}:`))).toEqual([
      `${asking}:addr`,
      `${asking}:listen_addr`,
      `${asking}:state`,
      `${asking}:resps_waiting`,
      `${asking}:secs_since_last_cmd`,
    ])
  })

  test('the connections of all threads, and none that is gone', async () => {
    await using node = await startNode({ args: ['-t', '4'] })
    const wires = await Promise.all(Array.from({ length: 40 }, () => Wire.connect(node)))
    const ports = wires.map(({ socket }) => `tcp:127.0.0.1:${socket.localPort}`)
    const reported = async (): Promise<readonly string[]> => {
      const all = [...(await connections(node)).values()].map(({ addr }) => addr)
      return ports.filter((port) => all.includes(port))
    }
    await Promise.all(wires.map((wire) => wire.ask('version\r\n')))
    expect(await reported()).toEqual(ports)
    for (const wire of wires) wire.destroy()
    await expect.poll(reported).toEqual([])
  })

  test('an answer that the client does not take', async () => {
    await using node = await startNode()
    await using stuck = await Wire.connect(node)
    const value = 'v'.repeat(900_000)
    await stuck.ask(`set a 0 0 ${value.length}\r\n${value}\r\n`)
    stuck.socket.pause()
    stuck.send('get a\r\n'.repeat(40))
    await expect.poll(async () => (await inState(node, 'conn_mwrite')).length).toBe(1)
    stuck.socket.resume()
    await expect.poll(async () => (await inState(node, 'conn_mwrite')).length).toBe(0)
  })

  for (const transport of TRANSPORTS) {
    test(`a unix socket, by its path (${transport})`, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'memshard-'))
      try {
        const path = join(directory, 'socket')
        await using server = start(['-s', path, '--transport', transport])
        await using _ = await served({ path }, server)
        const [listener] = await inState({ path }, 'conn_listening')
        expect(listener?.addr).toBe(`unix:${path}`)
      } finally {
        rmSync(directory, { recursive: true })
      }
    })
  }

  test('the node transport numbers its connections itself', async () => {
    await using node = await startNode({ args: ['--transport', 'node'] })
    await using wire = await Wire.connect(node)
    await wire.ask('version\r\n')
    expect([...(await connections(node)).values()]).toContainEqual({
      addr: `tcp:127.0.0.1:${wire.socket.localPort}`,
      listen_addr: `tcp:127.0.0.1:${node.port}`,
      state: 'conn_read',
      resps_waiting: '0',
      secs_since_last_cmd: expect.stringMatching(/^\d+$/),
    })
  })
})

describe('-o idle_timeout', () => {
  for (const [name, args] of [
    ['memcached', undefined],
    ['memshard', []],
    ['memshard, node transport', ['--transport', 'node']],
  ] as const) {
    test(`${name}: closes who is silent, and nobody in the middle of a value`, async ({ skip }) => {
      if (args === undefined) skipUnlessInstalled(skip)
      await using node = await startNode({
        server: args === undefined ? 'memcached' : 'memshard',
        args: ['-o', 'idle_timeout=2', '-t', '2', ...(args ?? [])],
      })
      await using silent = await Wire.connect(node)
      await using asked = await Wire.connect(node)
      await asked.ask('version\r\n')
      await using storing = await Wire.connect(node)
      storing.send('set a 0 0 5\r\nab')
      await using busy = await Wire.connect(node)
      const talking = setInterval(() => busy.send('mn\r\n'), 200)
      try {
        expect(await silent.readToEnd()).toHaveLength(0)
        expect(await asked.readToEnd()).toHaveLength(0)
      } finally {
        clearInterval(talking)
      }
      expect(storing.over).toBe(false)
      expect(busy.over).toBe(false)
      storing.send('cde\r\n')
      await storing.readUntil('STORED\r\n')
      expect(await statistic(node, 'idle_kicks')).toBeGreaterThanOrEqual(2)
    })
  }

  test('an idle connection of a unix socket stays', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'memshard-'))
    try {
      const path = join(directory, 'socket')
      await using server = start(['-s', path, '-o', 'idle_timeout=1'])
      await using wire = await served({ path }, server)
      const idle = async (): Promise<number> =>
        Math.max(
          ...[...(await connections({ path })).values()]
            .filter(({ state }) => state === 'conn_read')
            .map(({ secs_since_last_cmd }) => Number(secs_since_last_cmd)),
        )
      await expect.poll(idle, { timeout: 10_000 }).toBeGreaterThan(2)
      expect(await wire.say('get a\r\n')).toBe('END\r\n')
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('is counted where it is switched on, and stats reset counts anew', async () => {
    await using off = await startNode()
    expect(await statistics(off)).not.toContain('idle_kicks')
    expect([...(await statistics(off)).keys()]).not.toContain('idle_kicks')
    await using on = await startNode({ args: ['-o', 'idle_timeout=1'] })
    const keys = [...(await statistics(on)).keys()]
    expect(keys.indexOf('idle_kicks')).toBe(keys.indexOf('auth_errors') + 1)
    await using idle = await Wire.connect(on)
    await idle.readToEnd()
    await using wire = await Wire.connect(on)
    await wire.ask('stats reset\r\n')
    expect(await statistic(on, 'idle_kicks')).toBe(0)
  })
})

describe('-o no_maxconns_fast', () => {
  test('a connection too many waits until another closes', async () => {
    await using node = await startNode({ args: ['-c', '3', '-t', '2', '-o', 'no_maxconns_fast'] })
    const wires = await fill(node, 3)
    const [first] = wires
    const stats = async (): Promise<string> => (await first?.say('stats\r\n')) ?? ''
    const timesDisabled = async (): Promise<number> =>
      Number(/STAT listen_disabled_num (\d+)/.exec(await stats())?.[1])
    expect(await stats()).toMatch(/STAT accepting_conns 1\r\n/)
    expect(await stats()).not.toMatch(/rejected_connections/)
    // On a busy machine one that filled it may have had to wait for an earlier one's end.
    const before = await timesDisabled()
    try {
      await using waiting = await Wire.connect(node)
      waiting.send('version\r\n')
      await expect.poll(stats).toMatch(/STAT accepting_conns 0\r\n/)
      expect(await timesDisabled()).toBe(before + 1)
      expect(await stats()).toMatch(/STAT curr_connections 3\r\n/)
      expect(waiting.waiting).toBe(0)

      wires.pop()?.destroy()
      expect((await waiting.readUntil('\r\n')).toString()).toMatch(/^VERSION /)
      expect(await stats()).toMatch(/STAT curr_connections 3\r\n/)
      expect(await stats()).toMatch(/STAT time_in_listen_disabled_us [1-9]\d*\r\n/)
    } finally {
      for (const wire of wires) wire.destroy()
    }
  })

  test('many that come and go all get their turn', async () => {
    await using node = await startNode({ args: ['-c', '4', '-t', '2', '-o', 'no_maxconns_fast'] })
    const visits = Array.from({ length: 60 }, async () => {
      await using wire = await Wire.connect(node)
      wire.send('version\r\n')
      return (await wire.readUntil('\r\n')).toString()
    })
    for (const answer of await Promise.all(visits)) expect(answer).toMatch(/^VERSION /)
  })
})

describe('-R', () => {
  for (const server of SERVERS) {
    test(`${server}: who asks for much at once yields, and is counted`, async ({ skip }) => {
      if (server === 'memcached') skipUnlessInstalled(skip)
      await using node = await startNode({ server, args: ['-R', '1', '-t', '1'] })
      await using wire = await Wire.connect(node)
      const before = await statistic(node, 'conn_yields')
      await wire.ask('set a 0 0 5\r\nBubba\r\n'.repeat(6))
      expect((await statistic(node, 'conn_yields')) - before).toBeGreaterThanOrEqual(5)
    })
  }

  test('up to so many requests nobody yields', async () => {
    await using node = await startNode({ args: ['-R', '100', '-t', '1'] })
    await using wire = await Wire.connect(node)
    await wire.ask('get a\r\n'.repeat(90))
    expect(await statistic(node, 'conn_yields')).toBe(0)
  })

  test('connections that take turns get what they asked for, in order', async () => {
    await using node = await startNode({ args: ['-R', '3', '-t', '1'] })
    const wires = await Promise.all(Array.from({ length: 40 }, () => Wire.connect(node)))
    try {
      const value = (i: number, n: number): string => `${i}:${n}:`.padEnd((n * 7919) % 12_000, 'v')
      const rounds = wires.map(async (wire, i) => {
        let sent = ''
        let answer = ''
        for (let n = 0; n < 60; n++) {
          const text = value(i, n)
          sent += `set k${i} ${n} 0 ${text.length}\r\n${text}\r\nget k${i} none k${i}\r\n`
          const found = `VALUE k${i} ${n} ${text.length}\r\n${text}\r\n`
          answer += `STORED\r\n${found}${found}END\r\n`
        }
        wire.send(sent)
        expect((await wire.read(answer.length)).toString('latin1') === answer).toBe(true)
      })
      await Promise.all(rounds)
      expect(await statistic(node, 'conn_yields')).toBeGreaterThan(40)
    } finally {
      for (const wire of wires) wire.destroy()
    }
  })

  test('who leaves between two turns leaves nothing, and a graceful stop keeps its promises', async () => {
    await using node = await startNode({ args: ['-R', '1', '-t', '1'] })
    await using other = await Wire.connect(node)
    const text = 'v'.repeat(20_000)
    await other.ask(`set a 0 0 ${text.length}\r\n${text}\r\n`)
    for (let round = 0; round < 10; round++) {
      const leaving = await Promise.all(Array.from({ length: 20 }, () => Wire.connect(node)))
      for (const wire of leaving) wire.send('get a\r\n'.repeat(200))
      await other.ask('mn\r\n')
      for (const wire of leaving) wire.destroy()
    }
    await expect.poll(() => statistic(node, 'curr_connections')).toBeLessThan(4)
    const staying = await Promise.all(Array.from({ length: 10 }, () => Wire.connect(node)))
    const answer = `VALUE a 0 ${text.length}\r\n${text}\r\nEND\r\n`
    for (const wire of staying) wire.send('get a\r\n'.repeat(20))
    for (const wire of staying) await wire.read(1)
    const stopped = node.stop('SIGUSR1')
    for (const wire of staying) {
      expect((await wire.readToEnd()).length).toBe(20 * answer.length - 1)
    }
    expect(await stopped).toBe(0)
  })
})

test('without a descriptor left, it rests instead of spinning, and takes the next when it can', async ({
  skip,
}) => {
  skip(spawnSync('prlimit', ['--version']).status !== 0, 'prlimit is not installed here')
  await using node = await startNode({ args: ['-t', '1'] })
  const wires = await fill(node, 5)
  const [first] = wires
  const stats = async (): Promise<string> => (await first?.say('stats\r\n')) ?? ''
  try {
    // From now on any further descriptor is one too many.
    spawnSync('prlimit', ['--pid', String(node.pid), '--nofile=1:'])
    await using waiting = await Wire.connect(node)
    waiting.send('version\r\n')
    await expect.poll(stats).toMatch(/STAT accepting_conns 0\r\n/)
    const seconds = async (): Promise<number> =>
      Number(/STAT rusage_system (\S+)/.exec(await stats())?.[1]) +
      Number(/STAT rusage_user (\S+)/.exec(await stats())?.[1])
    const before = await seconds()
    const disabled = async (): Promise<number> =>
      Number(/STAT listen_disabled_num (\d+)/.exec(await stats())?.[1])
    const times = await disabled()
    // It tries again now and then, as other things than connections may have freed a descriptor.
    const begun = performance.now()
    await expect.poll(disabled, { interval: 300 }).toBeGreaterThan(times + 1)
    const elapsed = (performance.now() - begun) / 1000
    expect((await seconds()) - before).toBeLessThan(Math.max(1, elapsed / 4))
    expect(waiting.waiting).toBe(0)
    spawnSync('prlimit', ['--pid', String(node.pid), '--nofile=1024:'])
    expect((await waiting.readUntil('\r\n')).toString()).toMatch(/^VERSION /)
  } finally {
    for (const wire of wires) wire.destroy()
  }
})

test('-c beyond what the system allows is refused with memcached’s words', async ({ skip }) => {
  skip(process.getuid?.() !== 0, 'only root can become somebody who may not raise limits')
  const limited = spawnSync(
    'prlimit',
    [
      '--nofile=500:500',
      'setpriv',
      '--bounding-set=-sys_resource',
      '--inh-caps=-sys_resource',
      '--',
      process.execPath,
      new URL('../packages/server/bin/memshard-server', import.meta.url).pathname,
      '-u',
      'root',
      '-p',
      '-1',
      '-c',
      '1000',
    ],
    { encoding: 'utf8', timeout: 20_000 },
  )
  expect(limited.stderr).toMatch(/failed to set rlimit for open files\. Try starting as root/)
  expect(limited.status).toBe(71)
})

describe('-o read_buf_mem_limit', () => {
  const args = ['-o', 'read_buf_mem_limit=1', '-t', '16', '-R', '500']

  for (const server of SERVERS) {
    test(`${server}: too many answers at once are refused, and the connection stays or goes`, async ({
      skip,
    }) => {
      if (server === 'memcached') skipUnlessInstalled(skip)
      await using node = await startNode({ server, args })
      await using wire = await Wire.connect(node)
      const few = Array.from({ length: 10 }, () => 'a').join(' ')
      expect(await wire.say(`get ${few}\r\n`)).toBe('END\r\n')
      wire.send(`get ${Array.from({ length: 400 }, () => 'a').join(' ')}\r\n`)
      expect((await wire.readUntil('\r\n')).toString()).toBe(
        'SERVER_ERROR out of memory writing get response\r\n',
      )
      expect(await wire.say('set a 0 0 1\r\nx\r\nget a\r\n')).toMatch(/^STORED\r\nVALUE a 0 1/)
      await using stacked = await Wire.connect(node)
      stacked.send('mg a v\r\n'.repeat(400))
      expect(await stacked.readToEnd()).toHaveLength(0)
      expect(await statistic(node, 'response_obj_oom')).toBeGreaterThanOrEqual(2)
    })
  }

  test('who sends halves of requests on many connections is not kept on all of them', async () => {
    await using node = await startNode({ args: ['-o', 'read_buf_mem_limit=1', '-t', '4'] })
    const wires = await Promise.all(Array.from({ length: 200 }, () => Wire.connect(node)))
    try {
      for (const wire of wires) wire.send('get half a li')
      await expect.poll(() => statistic(node, 'read_buf_oom')).toBeGreaterThan(10)
      await expect.poll(() => wires.filter((wire) => wire.over).length).toBeGreaterThan(10)
    } finally {
      for (const wire of wires) wire.destroy()
    }
  })

  test('up to a turn of requests anything goes, because a turn ends with an answer', async () => {
    await using node = await startNode({ args: ['-o', 'read_buf_mem_limit=1', '-t', '4'] })
    await using wire = await Wire.connect(node)
    expect(await wire.say('mn\r\n'.repeat(1000))).toBe('MN\r\n'.repeat(1000))
    expect(await statistic(node, 'response_obj_oom')).toBe(0)
  })
})

describe('-l proto[...]: a listener for one protocol', () => {
  const BINARY_VERSION = Buffer.from([0x80, 0x0b, ...Array<number>(22).fill(0)])

  for (const [name, args] of [
    ['memcached', undefined],
    ['memshard', []],
    ['memshard, node transport', ['--transport', 'node']],
  ] as const) {
    test(name, async ({ skip }) => {
      if (args === undefined) skipUnlessInstalled(skip)
      const [ascii, binary] = [await freePort(), await freePort()]
      await using node = await startNode({
        server: args === undefined ? 'memcached' : 'memshard',
        args: [
          '-l',
          `proto[ascii]:127.0.0.1:${ascii},proto[binary]:tag[blue]:127.0.0.1:${binary}`,
          ...(args ?? []),
        ],
      })
      const at = (port: number): Endpoint => ({ host: node.host, port })
      await using text = await Wire.connect(at(ascii))
      expect(await text.say('set a 0 0 1\r\nx\r\n')).toBe('STORED\r\n')
      // There a packet is a line without an end, or a wrong one.
      text.send(Buffer.concat([BINARY_VERSION, Buffer.from('\r\n')]))
      expect((await text.readUntil('ERROR\r\n')).toString('latin1')).toMatch(/^ERROR\r\n$/)

      await using packets = await Wire.connect(at(binary))
      packets.send(BINARY_VERSION)
      expect((await packets.read(24))[0]).toBe(0x81)
      await using lost = await Wire.connect(at(binary))
      lost.send('get a\r\n'.repeat(4))
      await lost.readToEnd()

      // The other listener is for both.
      await using both = await Wire.connect(node)
      both.send(BINARY_VERSION)
      expect((await both.read(24))[0]).toBe(0x81)
    })
  }
})

/** Fills the server with connections that it serves; the one that saw it start may still be closing. */
async function fill(node: RunningNode, count: number): Promise<Wire[]> {
  const wires: Wire[] = []
  await expect
    .poll(async () => {
      const wire = await Wire.connect(node)
      wire.send('stats\r\n')
      const answer = (await wire.readUntil('END\r\n')).toString()
      const current = Number(/STAT curr_connections (\d+)/.exec(answer)?.[1])
      if (current === wires.length + 1) wires.push(wire)
      else wire.destroy()
      return wires.length
    })
    .toBe(count)
  return wires
}

// What `watch` shows of a real server: line by line what real memcached shows of the same commands, from
// every thread, without loss, and without harm by who doesn't read.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { served, start } from './processes.ts'
import { TRANSPORTS } from './transports.ts'
import { type Endpoint, statistic, statistics, Wire } from './wire.ts'

const DEADLINE_MS = 60_000

/** A connection that watches. */
class Watching implements AsyncDisposable {
  readonly wire: Wire
  #rest = ''

  static async start(endpoint: Endpoint, streams: string): Promise<Watching> {
    const wire = await Wire.connect(endpoint)
    wire.send(`watch ${streams}\r\n`)
    expect((await wire.read(4)).toString()).toBe('OK\r\n')
    return new Watching(wire)
  }

  private constructor(wire: Wire) {
    this.wire = wire
  }

  /** The lines up to the first that matches, which is the last of them. */
  async linesUntil(last: RegExp): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const end = this.#rest.indexOf('\n')
      if (end < 0) {
        this.#rest += (await this.wire.read(1)).toString('latin1')
        if (this.wire.waiting > 0) {
          this.#rest += (await this.wire.read(this.wire.waiting)).toString('latin1')
        }
        continue
      }
      const line = this.#rest.slice(0, end)
      this.#rest = this.#rest.slice(end + 1)
      lines.push(line)
      if (last.test(line)) return lines
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.wire.destroy()
  }
}

/** Descriptors, ports and the moment, which differ each time, as names; everything else as it is. */
function comparable(lines: readonly string[]): string[] {
  const names = new Map<string, string>()
  const name = (kind: string, value: string): string => {
    const known = names.get(kind + value) ?? `${kind}${names.size}`
    names.set(kind + value, known)
    return known
  }
  return lines.map((line) =>
    line
      .replace(/^ts=\d+\.\d+ gid=\d+ /, '')
      .replace(/cfd=(\d+)/, (_, fd: string) => `cfd=${name('connection', fd)}`)
      .replace(/rport=([1-9]\d*)/, (_, port: string) => `rport=${name('port', port)}`)
      // What is stored expired has an expiry time before the process, which started at some moment.
      .replace(/ttl=42949672\d\d/, 'ttl=past')
      // Our items have a smaller header, so some are of a smaller class.
      .replace(/clsid=([2-9]|\d\d)/, 'clsid=larger'),
  )
}

const SESSION = [
  ...[
    'set a 0 0 3\r\nabc',
    'get a nope a',
    'gets a',
    'gat 100 a nope',
    'touch a 0',
    'touch nope 0',
  ],
  ...['add a 0 0 1\r\nx', 'add b 7 50 1\r\nx', 'replace b 0 60 2\r\nxy', 'replace nope 0 0 1\r\nx'],
  ...['append a 0 0 2\r\nde', 'prepend a 0 0 1\r\n_', 'append nope 0 0 1\r\nx'],
  ...['cas a 0 0 1 1\r\nz', 'cas nope 0 0 1 1\r\nz', 'set gone 0 -1 1\r\nx\r\nget gone gone'],
  ...['set n 0 0 1\r\n9', 'incr n 1', 'decr n 1', 'incr nope 1', 'ma n', 'ma nope', 'ma new N0 J5'],
  ...['mg a v', 'mg a s t', 'mg nope v', 'mg viv N30 v', 'me a', 'ms m 2\r\nhi', 'ms m 2 ME\r\nhi'],
  ...['ms m 1 MA\r\n!', 'ms m 1 C1\r\n!', 'ms m 2 MR T9\r\nho', 'ms a 3 b\r\nxyz', 'mg YQ== b v'],
  ...['delete a', 'delete a', 'md m I', 'md m', 'md m', 'set a 0 0 2\r\nabc', 'set a 0 0 x'],
  ...['set sp\u00e9c!al 0 0 1\r\nx', 'get %41/?&=', `set ${'#'.repeat(250)} 0 0 9\r\nmemcached`],
  ...['set q 0 0 1 noreply\r\nx', 'mg q q', 'md q q', 'get  q   q'],
]

/** A request of the binary protocol, its extras all zeros. */
function packet(opcode: number, key: string, value: string, extrasLength: number): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt8(0x80, 0)
  header.writeUInt8(opcode, 1)
  header.writeUInt16BE(key.length, 2)
  header.writeUInt8(extrasLength, 4)
  header.writeUInt32BE(extrasLength + key.length + value.length, 8)
  return Buffer.concat([header, Buffer.alloc(extrasLength), Buffer.from(key + value)])
}

describe('line by line as memcached', () => {
  const reason = missing('memcached')

  async function linesOf(server: 'memshard' | 'memcached', streams: string): Promise<string[]> {
    await using node = await startNode({ server, args: ['-t', '1'] })
    await using watching = await Watching.start(node, streams)
    await using wire = await Wire.connect(node)
    for (const request of SESSION) await wire.ask(`${request}\r\n`)
    wire.send('set the-last 0 0 1\r\nx\r\n')
    const lines = await watching.linesUntil(/_store key=the-last|_get key=the-last/)
    return comparable(lines.filter((line) => !line.includes('key=fence-')))
  }

  test.skipIf(reason)(
    'fetchers and mutations of every command',
    async () => {
      const ours = await linesOf('memshard', 'fetchers mutations')
      expect(ours.length).toBeGreaterThan(70)
      expect(ours).toEqual(await linesOf('memcached', 'fetchers mutations'))
    },
    DEADLINE_MS,
  )

  test.skipIf(reason)(
    'each of the two alone',
    async () => {
      for (const stream of ['fetchers', 'mutations', '']) {
        const ours = await linesOf('memshard', stream)
        expect(ours).toEqual(await linesOf('memcached', stream))
      }
    },
    DEADLINE_MS,
  )

  async function connectionsOf(server: 'memshard' | 'memcached'): Promise<string[]> {
    await using node = await startNode({ server, args: ['-t', '1'] })
    await using watching = await Watching.start(node, 'connevents')
    for (const farewell of [
      'quit\r\n',
      'GET / HTTP/1.1\r\n',
      '',
      'set half 0 0 5\r\nab',
      'x'.repeat(5000),
    ]) {
      await using wire = await Wire.connect(node)
      wire.send(farewell)
      wire.end()
      await wire.readToEnd()
    }
    await using second = await Watching.start(node, 'evictions')
    second.wire.destroy()
    await using last = await Wire.connect(node)
    last.send('quit\r\n')
    const lines: string[] = []
    while (lines.filter((line) => line.includes('conn_close')).length < 7) {
      lines.push(...(await watching.linesUntil(/./)))
    }
    // When a watcher is found to have gone, nobody promises.
    return lines.map((line) => comparable([line])[0]).sort()
  }

  test.skipIf(reason)(
    'connections that come and go, and why',
    async () => {
      const ours = await connectionsOf('memshard')
      expect(ours).toHaveLength(14)
      expect(ours).toEqual(await connectionsOf('memcached'))
    },
    DEADLINE_MS,
  )

  async function repliesOf(server: 'memshard' | 'memcached'): Promise<string[]> {
    await using node = await startNode({ server, args: ['-t', '1'] })
    await using wire = await Wire.connect(node)
    const replies: string[] = []
    for (const request of ['watch nonsense', 'watch fetchers nonsense', 'version\r\nwatch']) {
      const answer = await wire.say(`${request}\r\n`)
      replies.push(answer.replace(/^VERSION \S+/, 'VERSION'))
    }
    const watchers: Watching[] = []
    for (let i = 0; i < 20; i++) watchers.push(await Watching.start(node, 'fetchers'))
    await using late = await Wire.connect(node)
    // A fence would be a command before it.
    late.send('watch\r\n')
    replies.push((await late.readUntil('\r\n')).toString())
    replies.push((await late.ask('get a\r\n')).toString())
    for (const { wire } of watchers) wire.destroy()
    return replies
  }

  test.skipIf(reason)(
    'what watch answers',
    async () => {
      const ours = await repliesOf('memshard')
      expect(ours).toContain('WATCHER_TOO_MANY log watcher limit reached\r\n')
      expect(ours).toEqual(await repliesOf('memcached'))
    },
    DEADLINE_MS,
  )
})

describe.each(TRANSPORTS)('over %s', (transport) => {
  let node: RunningNode

  beforeAll(async () => {
    const options = 'watcher_logbuf_size=8'
    node = await startNode({
      args: ['-t', '2', '-m', '64', '--transport', transport, '-o', options],
    })
  })
  afterAll(async () => {
    await node?.stop('SIGKILL')
  })

  async function untilWatchers(count: number): Promise<void> {
    await expect.poll(() => statistic(node, 'log_watchers'), { timeout: 10_000 }).toBe(count)
  }

  test('a watcher that leaves gives its place free', async () => {
    for (let round = 0; round < 3; round++) {
      const watchers: Watching[] = []
      for (let i = 0; i < 20; i++) watchers.push(await Watching.start(node, 'fetchers'))
      expect(await statistic(node, 'log_watchers')).toBe(20)
      for (const { wire } of watchers) {
        if (round === 1) wire.end()
        else wire.destroy()
      }
      await untilWatchers(0)
      for (const { wire } of watchers) wire.destroy()
    }
    expect(await statistic(node, 'curr_connections')).toBeLessThan(10)
  })

  test('what a watcher says is not listened to', async () => {
    await using watching = await Watching.start(node, 'mutations')
    for (let i = 0; i < 100; i++)
      watching.wire.send(`set said 0 0 1\r\nx\r\n${'y'.repeat(5000)}\r\n`)
    await watching.wire.sent()
    await using wire = await Wire.connect(node)
    expect(await wire.say('get said\r\n')).toBe('END\r\n')
    wire.send('set heard 0 0 1\r\nx\r\n')
    await watching.linesUntil(/type=item_store key=heard/)
  })

  test(
    'a slow watcher costs its buffer, is told how much it has missed, and harms no other',
    async () => {
      await using slow = await Watching.start(node, 'fetchers')
      slow.wire.socket.pause()
      await using quick = await Watching.start(node, 'mutations')
      await using wire = await Wire.connect(node)
      const before = await statistic(node, 'log_watcher_skipped')
      const key = 'k'.repeat(240)
      const gets = `get ${key}\r\n`.repeat(100)
      while ((await statistic(node, 'log_watcher_skipped')) === before) await wire.ask(gets)
      // Repeatedly, since the thread's own buffer may be full of those gets.
      let asking = true
      const askAgain = async (request: string): Promise<void> => {
        while (asking) await wire.ask(`${request}\r\n`)
      }
      const marking = askAgain('set marker 0 0 1\r\nx')
      await quick.linesUntil(/key=marker/)
      asking = false
      await marking
      slow.wire.socket.resume()
      asking = true
      const unjamming = askAgain('get unjam')
      const lines = await slow.linesUntil(/^skipped=[1-9]\d*$/)
      const after = await slow.linesUntil(/^ts=\d+\.\d+ gid=\d+ type=item_get/)
      asking = false
      await unjamming
      expect(after.at(-1)).toMatch(/^ts=/)
      expect(
        lines.every((line) => /^(ts=\d+\.\d+ gid=\d+ type=item_get|skipped=)/.test(line)),
      ).toBe(true)
    },
    DEADLINE_MS,
  )

  test('connections are told of, and where from', async () => {
    await using watching = await Watching.start(node, 'connevents')
    await using wire = await Wire.connect(node)
    const port = wire.socket.localPort
    wire.send('quit\r\n')
    const lines = await watching.linesUntil(new RegExp(`conn_close rip=127.0.0.1 rport=${port} `))
    const ours = lines.filter((line) => line.includes(`rport=${port} `))
    expect(ours).toEqual([
      expect.stringMatching(/ type=conn_new rip=127\.0\.0\.1 rport=\d+ transport=tcp cfd=\d+$/),
      expect.stringMatching(/ type=conn_close .* transport=tcp reason=normal cfd=\d+$/),
    ])
  })

  test(
    'evictions are told of, one line each',
    async () => {
      await using watching = await Watching.start(node, 'evictions')
      await using wire = await Wire.connect(node)
      const value = 'v'.repeat(100_000)
      for (let i = 0; i < 900; i++)
        await wire.ask(`set big-${i} 0 1000 100000 noreply\r\n${value}\r\n`)
      const evictions = await statistic(node, 'evictions')
      expect(evictions).toBeGreaterThan(20)
      const lines: string[] = []
      while (lines.length < evictions) lines.push(...(await watching.linesUntil(/./)))
      const form =
        /^ts=\d+\.\d+ gid=\d+ type=eviction key=big-\d+ fetch=no ttl=\d+ la=\d+ clsid=\d+ size=100000$/
      expect(lines.filter((line) => !form.test(line))).toEqual([])
      expect(new Set(lines.map((line) => /key=(\S+)/.exec(line)?.[1])).size).toBe(evictions)
    },
    DEADLINE_MS,
  )

  test('a connection that is reset is told of as one that failed', async () => {
    await using watching = await Watching.start(node, 'connevents')
    await using wire = await Wire.connect(node)
    const port = wire.socket.localPort
    await wire.ask('version\r\n')
    wire.socket.resetAndDestroy()
    const told = `type=conn_close rip=127.0.0.1 rport=${port} transport=tcp reason=error `
    await watching.linesUntil(new RegExp(told))
  })

  test('a connection that was idle for too long is told of', async () => {
    const args = ['-o', 'idle_timeout=1', '--transport', transport]
    await using other = await startNode({ args })
    await using watching = await Watching.start(other, 'connevents')
    await using _silent = await Wire.connect(other)
    await watching.linesUntil(/ type=conn_close .* reason=idle_timeout cfd=\d+$/)
    // Watchers are never idle.
    expect(await statistic(other, 'log_watchers')).toBe(1)
  })

  test('stats conns shows a watcher as one', async () => {
    await using _watching = await Watching.start(node, 'fetchers')
    const states = [...(await statistics(node, 'conns'))].filter(([name]) =>
      name.endsWith(':state'),
    )
    expect(states.filter(([, state]) => state === 'conn_watch').length).toBeGreaterThan(0)
  })

  test('the binary protocol’s requests are told of as those of the text protocol', async () => {
    await using watching = await Watching.start(node, 'fetchers mutations')
    await using wire = await Wire.connect(node)
    wire.send(packet(0x01, 'bin', 'value', 8))
    wire.send(packet(0x00, 'bin', '', 0))
    wire.send(packet(0x05, 'number', '', 20))
    const lines = await watching.linesUntil(/item_store key=number/)
    expect(comparable(lines)).toEqual([
      'type=item_get key=bin status=not_found clsid=0 cfd=connection0 size=0',
      'type=item_store key=bin status=stored cmd=set ttl=0 clsid=1 cfd=connection0 size=5',
      'type=item_get key=bin status=found clsid=1 cfd=connection0 size=5',
      'type=item_get key=number status=not_found clsid=0 cfd=connection0 size=0',
      'type=item_get key=number status=not_found clsid=0 cfd=connection0 size=0',
      'type=item_store key=number status=stored cmd=add ttl=0 clsid=1 cfd=connection0 size=1',
    ])
  })

  test('deletions are told of', async () => {
    await using watching = await Watching.start(node, 'deletions')
    await using wire = await Wire.connect(node)
    await wire.ask('set vfoo 0 0 4\r\nvbar\r\ndelete vfoo\r\nset vfoo 0 0 3\r\nvba\r\nmd vfoo\r\n')
    const lines = await watching.linesUntil(/cmd=md/)
    const told = lines.filter((line) => line.includes('key=vfoo'))
    expect(told).toEqual([
      expect.stringMatching(
        /^ts=\d+\.\d+ gid=\d+ type=deleted key=vfoo cmd=delete clsid=1 size=4$/,
      ),
      expect.stringMatching(/^ts=\d+\.\d+ gid=\d+ type=deleted key=vfoo cmd=md clsid=1 size=3$/),
    ])
  })

  test('-W forbids it', async () => {
    await using other = await startNode({ args: ['-W', '--transport', transport] })
    await using wire = await Wire.connect(other)
    expect(await wire.say('watch\r\n')).toBe('CLIENT_ERROR watch commands not allowed\r\n')
  })
})

test(
  'four threads under load: answers stay right, and at a moderate rate nothing is lost',
  async () => {
    await using node = await startNode({ args: ['-t', '4'] })
    await using everything = await Watching.start(node, 'fetchers mutations deletions connevents')
    const CLIENTS = 8
    const ROUNDS = 100
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Wire.connect(node)))
    const run = async (wire: Wire, client: number): Promise<void> => {
      for (let round = 0; round < ROUNDS; round++) {
        const key = `c${client}-${round}`
        const answer = await wire.say(
          `set ${key} 0 0 4\r\n${1000 + round}\r\nget ${key}\r\ndelete ${key}\r\n`,
        )
        expect(answer).toBe(`STORED\r\nVALUE ${key} 0 4\r\n${1000 + round}\r\nEND\r\nDELETED\r\n`)
      }
    }
    await Promise.all(clients.map(run))
    clients[0].send('set the-last 0 0 1\r\nx\r\n')
    const lines = await everything.linesUntil(/item_store key=the-last/)
    expect(lines.filter((line) => line.startsWith('skipped'))).toEqual([])
    const ids = lines.map((line) => Number(/ gid=(\d+) /.exec(line)?.[1]))
    expect(ids).toEqual(ids.toSorted((a, b) => a - b))
    expect(new Set(ids).size).toBe(ids.length)
    // Of each round: the set's look-up and store, the get, the delete's look-up and deletion.
    const ofClients = lines.filter((line) => / key=c\d/.test(line))
    expect(ofClients).toHaveLength(CLIENTS * ROUNDS * 5)
    const stats = await statistics(node)
    expect(stats.get('log_worker_dropped')).toBe('0')
    expect(stats.get('log_watcher_skipped')).toBe('0')
    expect(Number(stats.get('log_watcher_sent'))).toBeGreaterThanOrEqual(lines.length)
    expect(Number(stats.get('log_worker_written'))).toBeGreaterThanOrEqual(lines.length)
    const descriptors = new Set(ofClients.map((line) => / cfd=(\d+) /.exec(line)?.[1]))
    descriptors.delete(undefined)
    expect(descriptors.size).toBe(CLIENTS)
    for (const wire of clients) wire.destroy()
  },
  DEADLINE_MS,
)

test('a small worker_logbuf_size drops events and counts them, and the server goes on', async () => {
  await using node = await startNode({ args: ['-t', '1', '-o', 'worker_logbuf_size=1'] })
  await using watching = await Watching.start(node, 'fetchers')
  await using wire = await Wire.connect(node)
  const answer = await wire.say('get a\r\n'.repeat(2000))
  expect(answer).toBe('END\r\n'.repeat(2000))
  expect(await statistic(node, 'log_worker_dropped')).toBeGreaterThan(1000)
  // The log may still be full, and drop this one too.
  const asking = setInterval(() => wire.send('get the-last\r\n'), 20)
  try {
    const lines = await watching.linesUntil(/key=the-last/)
    expect(lines.every((line) => /type=item_get/.test(line))).toBe(true)
  } finally {
    clearInterval(asking)
  }
})

test('whoever asks by datagrams can’t watch', async () => {
  const port = await freePort()
  await using _node = await startNode({ port, args: ['-U', String(port)] })
  const socket = createSocket('udp4')
  try {
    const answer = once(socket, 'message')
    const frame = Buffer.from([0, 7, 0, 0, 0, 1, 0, 0])
    socket.send(Buffer.concat([frame, Buffer.from('watch\r\n')]), port, '127.0.0.1')
    const [message] = await answer
    expect(message.subarray(8).toString()).toBe('WATCHER_FAILED failed to add log watcher\r\n')
  } finally {
    socket.close()
  }
})

test('over a unix socket there is no address', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'memshard-watch-'))
  const path = join(directory, 'socket')
  try {
    await using server = start(['-s', path])
    await using client = await served({ path }, server)
    await using watching = await Watching.start({ path }, 'connevents')
    client.send('quit\r\n')
    const lines = await watching.linesUntil(/type=conn_close/)
    expect(lines.at(-1)).toMatch(/ rip=unix rport=0 transport=local reason=normal cfd=\d+$/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

// Clients by the thousand that mean no good, or are broken, and what others have of the server meanwhile and afterwards:
// normal latency, their own values, and then memory and descriptors back, and no thread busy.
// ABUSE_CONNECTIONS=n for more clients.
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbuseWatch, type Sight } from './abuse.ts'
import { startAdminNode } from './admin-node.ts'
import { type Authority, createAuthority } from './certificates.ts'
import { Crowd, type Habit } from './crowd.ts'
import { DatagramWire, frame } from './datagrams.ts'
import { freePort, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { MIB } from './process-memory.ts'
import { startProxy } from './proxying.ts'
import { DIRECT_TRANSPORTS, TRANSPORTS } from './transports.ts'
import { type Endpoint, statistic, Wire } from './wire.ts'

const CLIENTS = Number(process.env.ABUSE_CONNECTIONS ?? 500)
/** What they leave unread is the kernel's to keep, megabytes for each. */
const READERS = Math.ceil(CLIENTS / 2)
const TIMEOUT_MS = 120_000
const PROXY = 'memshard proxy'

/** What of a server's memory may stay when a crowd is gone: heaps that grew, objects that nobody collected yet. */
const MEMORY_BACK_BYTES = 96 * MIB
/** What a client may cost meanwhile: a reply and what it has sent, with what TLS has of it; see SECURITY.md. */
const MOST_BYTES_EACH = 512 * 1024

type Misbehaviour = Pick<Habit, 'clients' | 'send' | 'drip' | 'reads' | 'leaves'>

const STAYING: Readonly<Record<string, Misbehaviour>> = {
  'half a line and then nothing': { clients: CLIENTS, send: 'get half-a-li' },
  'half a value and then nothing': { clients: CLIENTS, send: 'set half-{n} 0 0 5000\r\nhalf' },
  'half a packet and then nothing': { clients: CLIENTS, send: '\x80\x01\x00\x03\x08\x00' },
  'a byte at a time': {
    clients: CLIENTS,
    drip: { text: 'set slow 0 0 1\r\nx\r\nget slow\r\n', everyMs: CLIENTS / 2 },
  },
  'gets of large values, and read nothing': {
    clients: READERS,
    send: 'get large\r\n'.repeat(20),
    reads: false,
  },
  'gets of small values, and read nothing': {
    clients: READERS,
    send: 'get small\r\n'.repeat(3_000),
    reads: false,
  },
}

const half = `set half-{n} 0 0 100000\r\n${'h'.repeat(50_000)}`
const LEAVING: Readonly<Record<string, Misbehaviour>> = {
  'at once': { clients: 2 * CLIENTS, leaves: { when: 'connected', reset: false } },
  'at once, by reset': { clients: 2 * CLIENTS, leaves: { when: 'connected', reset: true } },
  'in the middle of a value': {
    clients: CLIENTS,
    send: half,
    leaves: { when: 'sent', reset: false },
  },
  'in the middle of a value, by reset': {
    clients: CLIENTS,
    send: half,
    leaves: { when: 'sent', reset: true },
  },
  'in the middle of an answer': {
    clients: CLIENTS,
    send: 'get large\r\nget small\r\n',
    leaves: { when: 'answered', reset: false },
  },
  'in the middle of an answer, by reset': {
    clients: CLIENTS,
    send: 'get large\r\nget small\r\n',
    leaves: { when: 'answered', reset: true },
  },
}

const noOpenssl = missing('openssl')
const authority: Authority | undefined = noOpenssl === undefined ? createAuthority() : undefined
const certificate = authority?.issue('DNS:localhost,IP:127.0.0.1')
const TLS = [
  '-Z',
  '-o',
  `ssl_chain_cert=${certificate?.certPath},ssl_key=${certificate?.keyPath}`,
] as const
afterAll(() => authority?.[Symbol.dispose]())

/** What clients come to. */
interface Front extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly secure: boolean
  /** Which part of a crowd comes to it: one that is expensive to serve is served less. */
  readonly share: number
  /** Where the cache behind it can be asked in clear text. */
  readonly cache: Endpoint
}

async function startServer(transport: string, args: readonly string[] = []): Promise<Front> {
  const node = await startNode({
    args: ['-t', '2', '-m', '128', '-c', String(CLIENTS + 100), '--transport', transport, ...args],
  })
  const { host, port, pid } = node
  return {
    host,
    port,
    pid,
    secure: false,
    share: 1,
    cache: node,
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  }
}

async function startSecureServer(transport: string): Promise<Front> {
  const clear = await freePort()
  const front = await startServer(transport, [...TLS, '-l', `notls:127.0.0.1:${clear}`])
  // Shaking hands costs the crowd as much as the server.
  return { ...front, secure: true, share: 1 / 4, cache: { host: front.host, port: clear } }
}

async function startProxiedServer(): Promise<Front> {
  const node = await startNode({ args: ['-t', '2', '-m', '128'] })
  const yaml = [
    'listen: 127.0.0.1:0',
    `maxConnections: ${CLIENTS + 100}`,
    `pools: {all: {nodes: ['${node.address}'], timeout: 10000}}`,
  ].join('\n')
  const { host, port, pid, stop } = await startProxy({ yaml }).catch(async (error) => {
    await node.stop('SIGKILL')
    throw error
  })
  return {
    host,
    port,
    pid,
    secure: false,
    share: 1 / 8,
    cache: node,
    async [Symbol.asyncDispose]() {
      await stop('SIGKILL')
      await node.stop('SIGKILL')
    },
  }
}

const FRONTS: Readonly<Record<string, () => Promise<Front>>> = {
  ...Object.fromEntries(TRANSPORTS.map((transport) => [transport, () => startServer(transport)])),
  ...(noOpenssl === undefined && { TLS: () => startSecureServer('auto') }),
  [PROXY]: startProxiedServer,
}

describe.each(Object.entries(FRONTS))('%s', (frontName, startFront) => {
  let front: Front
  let watch: AbuseWatch

  beforeAll(async () => {
    front = await startFront()
    await using wire = await Wire.connect(front.cache)
    const large = 'v'.repeat(900_000)
    await wire.ask(`set large 0 0 ${large.length}\r\n${large}\r\n`)
    await wire.ask(`set small 0 0 1000\r\n${'v'.repeat(1_000)}\r\n`)
    await wire.ask('get large\r\n')
    watch = await AbuseWatch.begin(front, { secure: front.secure })
  }, TIMEOUT_MS)
  afterAll(async () => {
    await watch?.[Symbol.asyncDispose]()
    await front?.[Symbol.asyncDispose]()
  })

  const habit = (misbehaviour: Misbehaviour): Habit => {
    const { host, port, secure, share } = front
    const clients = Math.ceil(misbehaviour.clients * share)
    return { host, port, secure, ...misbehaviour, clients }
  }

  describe('a crowd that sends', () => {
    // What the proxy holds for clients that don't read is bounded, but stays with the process: see docs/TESTING.md.
    const isHeld = ({ reads }: Misbehaviour): boolean => frontName !== PROXY || reads !== false
    test.each(Object.entries(STAYING).filter(([, each]) => isHeld(each)))(
      '%s',
      async (name, misbehaviour) => {
        const asked = habit(misbehaviour)
        await using crowd = await Crowd.gather()
        const sight = await watch.during(() => crowd.open(asked))
        const { grown } = watch
        expect(grown).toBeLessThan(asked.clients * MOST_BYTES_EACH + MEMORY_BACK_BYTES)
        expect((await crowd.count()).connected).toBe(asked.clients)
        await crowd.leave({ reset: false })
        await watch.descriptorsBack()
        await watch.memoryBack(MEMORY_BACK_BYTES)
        tell(`${frontName}, ${asked.clients} send ${name}`, sight, grown, watch.grown)
      },
      TIMEOUT_MS,
    )
  })

  describe('a crowd that leaves', () => {
    test.each(Object.entries(LEAVING))(
      '%s',
      async (_, misbehaviour) => {
        await using crowd = await Crowd.gather()
        await watch.during(() => crowd.open(habit(misbehaviour)))
        await watch.descriptorsBack()
        await watch.memoryBack(MEMORY_BACK_BYTES)
      },
      TIMEOUT_MS,
    )
  })

  test(
    'and nothing is left of them',
    async () => {
      await watch.calm()
      await expect.poll(() => statistic(front.cache, 'curr_connections')).toBeLessThan(20)
    },
    TIMEOUT_MS,
  )
})

describe.each(TRANSPORTS)('%s: more clients than places', (transport) => {
  const PLACES = 50

  test(
    'they are told so, and afterwards everything is as before',
    async () => {
      await using node = await startNode({
        args: ['-c', String(PLACES), '-t', '2', '--transport', transport],
      })
      await using watch = await AbuseWatch.begin(node)
      await using crowd = await Crowd.gather()
      await watch.during(async () => {
        const { heard } = await crowd.open({ ...at(node), clients: CLIENTS, send: 'mn\r\n' })
        expect(heard['ERROR Too many open connections\r\n']).toBeGreaterThan(CLIENTS / 2)
        expect(Object.keys(heard).sort()).toEqual(['ERROR Too many open connections\r\n', 'MN\r\n'])
      })
      await crowd.leave({ reset: false })
      await watch.descriptorsBack()
      await watch.memoryBack(MEMORY_BACK_BYTES)
      await watch.calm()
      await expect.poll(() => statistic(node, 'curr_connections')).toBeLessThan(10)
    },
    TIMEOUT_MS,
  )

  test(
    'without a descriptor left it rests, serves who is there, and takes others when it can',
    async ({ skip }) => {
      skip(spawnSync('prlimit', ['--version']).status !== 0, 'prlimit is not installed here')
      await using node = await startNode({ args: ['-t', '2', '--transport', transport] })
      await using watch = await AbuseWatch.begin(node)
      const most = watch.descriptorsBefore + 20
      spawnSync('prlimit', ['--pid', String(node.pid), `--nofile=${most}:`])
      await using crowd = await Crowd.gather()
      // It doesn't come to an end: those for whom there is no descriptor wait.
      crowd.open({ ...at(node), clients: 100, atOnce: 100, send: 'mn\r\n' }).catch(() => {})
      await watch.during(() =>
        expect.poll(() => watch.descriptors, { timeout: 20_000 }).toBeGreaterThanOrEqual(most - 1),
      )
      await watch.calm()
      await crowd[Symbol.asyncDispose]()
      await watch.descriptorsBack()
      await using next = await Wire.connect(node)
      expect(await next.say('version\r\n')).toMatch(/^VERSION /)
      await watch.calm()
    },
    TIMEOUT_MS,
  )

  test(
    'who vanishes without a word is let go by -o idle_timeout',
    async () => {
      await using node = await startNode({
        args: ['-c', '2000', '-t', '2', '-o', 'idle_timeout=2', '--transport', transport],
      })
      await using watch = await AbuseWatch.begin(node)
      await using crowd = await Crowd.gather()
      await watch.during(() => crowd.open({ ...at(node), clients: 500, send: 'mn\r\n' }))
      crowd.freeze()
      await watch.descriptorsBack()
      expect(await statistic(node, 'idle_kicks')).toBeGreaterThanOrEqual(500)
      await watch.calm()
    },
    TIMEOUT_MS,
  )

  test(
    'datagrams that are none harm nobody',
    async () => {
      const port = await freePort()
      await using node = await startNode({
        args: ['-U', String(port), '-t', '1', '--transport', transport],
      })
      await using watch = await AbuseWatch.begin(node)
      const socket = createSocket('udp4')
      try {
        const cut = frame('get a\r\n', { total: 3, sequence: 2 })
        const sent = (length: number): Promise<void> =>
          new Promise((resolve) => {
            socket.send(cut.subarray(0, length), port, node.host, () => resolve())
          })
        await watch.during(async () => {
          for (let i = 0; i < 5 * CLIENTS; i++) await sent(i % (cut.length + 1))
        })
      } finally {
        socket.close()
      }
      await watch.memoryBack(MEMORY_BACK_BYTES)
      await watch.calm()
      await using wire = await DatagramWire.connect({ host: node.host, port })
      expect(await wire.say('get a\r\n')).toEqual(['END\r\n'])
    },
    TIMEOUT_MS,
  )
})

test.each(DIRECT_TRANSPORTS)(
  '%s: without maxconns_fast more clients than places wait, and all get their turn',
  async (transport) => {
    await using node = await startNode({
      args: ['-c', '50', '-t', '2', '-o', 'no_maxconns_fast', '--transport', transport],
    })
    await using watch = await AbuseWatch.begin(node)
    await using crowd = await Crowd.gather()
    const leaves = { when: 'answered', reset: false } as const
    await watch.during(async () => {
      // Who comes while nobody is let in tries again after seconds: that is how TCP waits.
      const [clients, atOnce] = [150, 70]
      const { heard } = await crowd.open({ ...at(node), clients, atOnce, send: 'mn\r\n', leaves })
      expect(heard).toEqual({ 'MN\r\n': clients })
    })
    await watch.descriptorsBack()
    await watch.calm()
  },
  TIMEOUT_MS,
)

test.skipIf(noOpenssl !== undefined)(
  'handshakes of TLS that are never finished',
  async () => {
    await using front = await startSecureServer('auto')
    await using watch = await AbuseWatch.begin(front, { secure: true })
    await using crowd = await Crowd.gather()
    const clients = Math.ceil(CLIENTS / 2)
    await watch.during(() => crowd.open({ ...at(front), clients, send: '\x16\x03\x01\x02\0' }))
    // After ten seconds the server has had enough of them.
    await watch.descriptorsBack()
    await watch.memoryBack(MEMORY_BACK_BYTES)
    await watch.calm()
  },
  TIMEOUT_MS,
)

test(
  'the admin port, by slow requests, endless headers and thousands of connections',
  async () => {
    await using admin = await startAdminNode({ args: ['-t', '2'] })
    await admin.ask('/metrics')
    await using watch = await AbuseWatch.begin(admin.node)
    await using crowd = await Crowd.gather()
    const door = { host: admin.node.host, port: admin.port }
    const begun = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n'
    await watch.during(async () => {
      const drip = { text: 'X-Slow: x\r\n', everyMs: 500 }
      await crowd.open({ ...door, clients: CLIENTS, send: begun, drip })
      const endless = `${begun}X: ${'x'.repeat(60_000)}`
      const leaves = { when: 'answered', reset: true } as const
      await crowd.open({ ...door, clients: CLIENTS, send: endless, leaves })
    })
    await crowd.leave({ reset: true })
    await watch.descriptorsBack()
    await watch.memoryBack(MEMORY_BACK_BYTES)
    await expect.poll(() => admin.ask('/readyz').then(({ status }) => status, String)).toBe(200)
    await watch.calm()
  },
  TIMEOUT_MS,
)

/** For who has asked for more than a test. */
function tell(what: string, { median, p99 }: Sight, grown: number, left: number): void {
  if (process.env.ABUSE_CONNECTIONS === undefined) return
  const mebibytes = (bytes: number): number => Math.round(bytes / MIB)
  const memory = `${mebibytes(grown)} MiB more meanwhile, ${mebibytes(left)} afterwards`
  process.stderr.write(`${what}: others wait ${median} ms (p99 ${p99}), ${memory}\n`)
}

function at({ host, port }: { readonly host: string; readonly port: number }): {
  readonly host: string
  readonly port: number
} {
  return { host, port }
}

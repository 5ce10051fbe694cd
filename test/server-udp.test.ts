// UDP, datagram by datagram: the same requests to memcached 1.6.18, to prove what is expected, and to our
// server over each transport.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DatagramWire, frame, isEmpty, messages } from './datagrams.ts'
import { freePort, type NodeOptions, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { start } from './processes.ts'
import { TRANSPORTS } from './transports.ts'
import { statistic, statistics, Wire } from './wire.ts'

const EX_OSERR = 71

interface Server {
  readonly name: string
  readonly ours: boolean
  readonly options: NodeOptions
  readonly missing?: string | undefined
}

const SERVERS: readonly Server[] = [
  {
    name: 'memcached 1.6.18',
    ours: false,
    options: { server: 'memcached' },
    missing: missing('memcached'),
  },
  ...TRANSPORTS.map((transport) => ({
    name: `ours over ${transport}`,
    ours: true,
    options: { args: ['--transport', transport] },
  })),
]

/** Requests of one datagram and the messages they are answered with. */
const EXCHANGES: readonly (readonly [
  title: string,
  request: string,
  answers: readonly string[],
])[] = [
  ['one key', 'get a\r\n', ['VALUE a 0 1\r\nx\r\nEND\r\n']],
  ['a miss', 'get none\r\n', ['END\r\n']],
  [
    'a message for each key found, and the end with the last',
    'get a b\r\n',
    ['VALUE a 0 1\r\nx\r\n', 'VALUE b 5 2\r\nyy\r\nEND\r\n'],
  ],
  ['the end alone after a miss', 'get a none\r\n', ['VALUE a 0 1\r\nx\r\n', 'END\r\n']],
  [
    'misses in the middle say nothing',
    'get a none none b\r\n',
    ['VALUE a 0 1\r\nx\r\n', 'VALUE b 5 2\r\nyy\r\nEND\r\n'],
  ],
  ['gat', 'gat 0 a\r\n', ['VALUE a 0 1\r\nx\r\nEND\r\n']],
  [
    'a message for each command',
    'get a\r\nget none\r\nset c 0 0 1\r\nz\r\ndelete c\r\nbogus\r\n',
    ['VALUE a 0 1\r\nx\r\nEND\r\n', 'END\r\n', 'STORED\r\n', 'DELETED\r\n', 'ERROR\r\n'],
  ],
  [
    'noreply says nothing',
    'set c 0 0 1 noreply\r\nz\r\nget c\r\nincr none 1 noreply\r\n',
    ['VALUE c 0 1\r\nz\r\nEND\r\n'],
  ],
  [
    'meta commands, quiet and not',
    'mg a v\r\nmg none v q\r\nmn\r\nmg b f v\r\n',
    ['VA 1\r\nx\r\n', 'MN\r\n', 'VA 2 f5\r\nyy\r\n'],
  ],
  ['a key too long', `get ${'k'.repeat(251)}\r\n`, ['CLIENT_ERROR bad command line format\r\n']],
  [
    'a key too long among others: all are refused',
    `get a ${'k'.repeat(251)}\r\nget a\r\n`,
    ['CLIENT_ERROR bad command line format\r\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
  ],
  ['a line without an end is dropped', 'get a', []],
  ['and only that', 'get a\r\nget b', ['VALUE a 0 1\r\nx\r\nEND\r\n']],
  ['a long line without an end too', 'x'.repeat(3000), []],
  ['many keys', `get ${'a '.repeat(99)}b\r\n`, manyKeys()],
]

function manyKeys(): readonly string[] {
  const hits = Array.from({ length: 99 }, () => 'VALUE a 0 1\r\nx\r\n')
  return [...hits, 'VALUE b 5 2\r\nyy\r\nEND\r\n']
}

/** A request of the binary protocol: opcode, extras, key and value. */
function packet(opcode: number, extras = '', key = '', value = ''): string {
  const header = Buffer.alloc(24)
  header.writeUInt8(0x80, 0)
  header.writeUInt8(opcode, 1)
  header.writeUInt16BE(key.length, 2)
  header.writeUInt8(extras.length, 4)
  header.writeUInt32BE(extras.length + key.length + value.length, 8)
  header.writeUInt32BE(OPAQUE, 12)
  return header.toString('latin1') + extras + key + value
}

/** An answer of it without a CAS unique: opcode, status, extras and value. */
function response(opcode: number, status = 0, extras = '', value = ''): string {
  const header = Buffer.alloc(24)
  header.writeUInt8(0x81, 0)
  header.writeUInt8(opcode, 1)
  header.writeUInt8(extras.length, 4)
  header.writeUInt16BE(status, 6)
  header.writeUInt32BE(extras.length + value.length, 8)
  header.writeUInt32BE(OPAQUE, 12)
  return header.toString('latin1') + extras + value
}

const OPAQUE = 0x01020304
const [GET, SET, DELETE, QUIT, GETQ, NOOP, STAT, SETQ, QUITQ] = [0, 1, 4, 7, 9, 10, 16, 0x11, 0x17]
const FLAGS_AND_EXPIRY = '\0'.repeat(8)
const NOT_FOUND = 1

/** The same, in the binary protocol; CAS uniques are not compared. */
const BINARY_EXCHANGES: typeof EXCHANGES = [
  ['get', packet(GET, '', 'a'), [response(GET, 0, '\0\0\0\0', 'x')]],
  ['a miss', packet(GET, '', 'none'), [response(GET, NOT_FOUND, '', 'Not found')]],
  ['set', packet(SET, FLAGS_AND_EXPIRY, 'c', 'value'), [response(SET)]],
  [
    'several, quiet and not',
    packet(GETQ, '', 'none') +
      packet(GETQ, '', 'a') +
      packet(SETQ, FLAGS_AND_EXPIRY, 'c', 'value') +
      packet(GET, '', 'c') +
      packet(DELETE, '', 'c') +
      packet(NOOP),
    [
      response(GETQ, 0, '\0\0\0\0', 'x'),
      response(GET, 0, '\0\0\0\0', 'value'),
      response(DELETE),
      response(NOOP),
    ],
  ],
  [
    'a packet without an end is dropped',
    packet(NOOP) + packet(NOOP).slice(0, 23),
    [response(NOOP)],
  ],
  ['the first byte tells the protocol of all', `${packet(NOOP)}version\r\n`, [response(NOOP)]],
  ['of all', `get a\r\n${packet(DELETE, '', 'none')}`, ['VALUE a 0 1\r\nx\r\nEND\r\n']],
  ['quit says so', packet(QUIT), [response(QUIT)]],
  ['quietly it does not', packet(QUITQ), []],
]

/** Serves UDP at the TCP port. One thread answers in order, which makes the end of an answer certain. */
async function startUdp(options: NodeOptions, ...args: string[]): Promise<RunningNode> {
  const port = await freePort()
  const all = [...(options.args ?? []), '-t', '1', '-U', String(port), ...args]
  return startNode({ ...options, port, args: all })
}

/** With zeros for the CAS unique, if it is binary. */
function withoutCas(answer: string): string {
  if (!answer.startsWith('\x81')) return answer
  return answer.slice(0, 16) + '\0'.repeat(8) + answer.slice(24)
}

/** Bytes that are the same nowhere else in them, so that a part out of place is seen. */
function patterned(length: number): string {
  let text = ''
  for (let i = 0; text.length < length; i++) text += `${i}.`
  return text.slice(0, length)
}

describe.each(SERVERS)('$name', (server) => {
  let node: RunningNode
  let wire: DatagramWire

  beforeAll(async () => {
    if (server.missing === undefined) node = await startUdp(server.options)
  })
  afterAll(() => node?.stop('SIGKILL'))
  beforeEach(async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    wire = await DatagramWire.connect(node)
    await wire.say('set a 0 0 1\r\nx\r\nset b 5 0 2\r\nyy\r\n')
  })
  afterEach(() => wire?.[Symbol.asyncDispose]())

  test.for(EXCHANGES)('%s', async ([, request, answers]) => {
    expect(await wire.say(request)).toEqual(answers)
  })

  test.for(BINARY_EXCHANGES)('binary: %s', async ([, request, answers]) => {
    // memcached has never come back from a quit to its full senses.
    const fresh = server.ours ? node : await startUdp(server.options)
    await using own = await DatagramWire.connect(fresh)
    await own.say('set a 0 0 1\r\nx\r\n')
    const got = await own.say(request)
    if (!server.ours) await fresh.stop('SIGKILL')
    expect(got.map(withoutCas)).toEqual(answers)
  })

  test('binary: a report is one message of many packets', async () => {
    const [report, ...more] = await wire.say(packet(STAT))
    expect(more).toEqual([])
    const packets = (report as string).split('\x81\x10').slice(1)
    expect(packets.length).toBeGreaterThan(50)
    expect(packets[0]).toContain('pid')
  })

  test('the request id comes back in each datagram', async () => {
    for (const id of [0, 1, 255, 256, 0xfffd]) {
      const answer = await wire.ask('get a b\r\n', { id })
      expect(answer.map((datagram) => datagram.id)).toEqual([id, id])
    }
  })

  test('a request that says it has several datagrams, or none, gets no answer', async () => {
    expect(await wire.ask('get a\r\n', { total: 2 })).toEqual([])
    expect(await wire.ask('get a\r\n', { total: 0 })).toEqual([])
    expect(await wire.ask('get a\r\n', { total: 257 })).toEqual([])
  })

  test('the rest of the header says nothing', async () => {
    const [datagram] = await wire.ask('get a\r\n', { id: 3, sequence: 7, reserved: 0xffff })
    expect(datagram).toMatchObject({ id: 3, sequence: 0, total: 1, reserved: 0 })
  })

  test('what is too short to hold a request gets no answer', async () => {
    for (let length = 0; length <= 8; length++) {
      expect(await wire.askBytes(frame('').subarray(0, length))).toEqual([])
    }
  })

  // What surrounds a value of this length in the answer: the line with its length, and the two ends.
  const around = (length: number): number => `VALUE v 0 ${length}\r\n\r\nEND\r\n`.length

  test.each([1392, 1393, 2784, 2785, 8192, 8193, 20_000, 65_000])(
    'an answer of %i bytes comes in datagrams of 1392 of its bytes',
    async (bytes) => {
      const value = patterned(bytes - around(bytes))
      await using tcp = await Wire.connect(node)
      await tcp.say(`set v 0 0 ${value.length}\r\n${value}\r\n`)
      const datagrams = await wire.ask('get v\r\n', { id: 9 })
      const expected = `VALUE v 0 ${value.length}\r\n${value}\r\nEND\r\n`
      const total = Math.ceil(expected.length / 1392)
      expect(datagrams.length).toBe(total)
      for (const [sequence, datagram] of datagrams.entries()) {
        const payload = expected.slice(sequence * 1392, (sequence + 1) * 1392)
        expect({ ...datagram, payload: datagram.payload.toString('latin1') }).toEqual({
          id: 9,
          sequence,
          total,
          reserved: 0,
          payload,
        })
      }
    },
  )

  test('a value of 1 MB goes out whole, wherever datagrams are lost on their way', async () => {
    const value = patterned(1_000_000)
    await using tcp = await Wire.connect(node)
    await tcp.say(`set v 0 0 ${value.length}\r\n${value}\r\n`)
    const before = await statistic(node, 'bytes_written')
    const datagrams = await wire.ask('get v\r\n')
    const after = await statistic(node, 'bytes_written')
    const expected = `VALUE v 0 ${value.length}\r\n${value}\r\nEND\r\n`
    expect(after - before).toBeGreaterThan(expected.length)
    expect(datagrams.length).toBeGreaterThan(0)
    for (const { sequence, total, payload } of datagrams) {
      expect(total).toBe(719)
      const part = expected.slice(sequence * 1392, (sequence + 1) * 1392)
      expect(payload.toString('latin1') === part, `part ${sequence}`).toBe(true)
    }
  })

  test('the largest datagram is read whole', async () => {
    const line = (length: number): string => `set v 0 0 ${length}\r\n`
    const value = patterned(65_507 - 8 - line(65_000).length - 2)
    expect(await wire.say(`${line(value.length)}${value}\r\n`)).toEqual(['STORED\r\n'])
    expect((await wire.say('mg v s\r\n'))[0]).toBe(`HD s${value.length}\r\n`)
  })

  test('stats are one message', async () => {
    const [report, ...more] = await wire.say('stats\r\n')
    expect(more).toEqual([])
    expect(report).toMatch(/^STAT pid \d+\r\n(STAT .*\r\n)+END\r\n$/)
    expect((await wire.say('stats settings\r\nget a\r\n'))[1]).toBe('VALUE a 0 1\r\nx\r\nEND\r\n')
  })

  test('bytes are counted with their headers, also of what gets no answer', async () => {
    await using tcp = await Wire.connect(node)
    const count = async (): Promise<{ read: number; written: number; report: number }> => {
      tcp.send('stats\r\n')
      const report = (await tcp.readUntil('\r\nEND\r\n')).toString('latin1')
      const number = (name: string): number =>
        Number(new RegExp(`${name} (\\d+)`).exec(report)?.[1])
      return {
        read: number('bytes_read'),
        written: number('bytes_written'),
        report: report.length,
      }
    }
    // Between two reports there is the first one itself, and the fence: 12 bytes, answered with as many.
    const traffic = async (request: Buffer): Promise<readonly [read: number, written: number]> => {
      const before = await count()
      await wire.askBytes(request)
      const after = await count()
      return [
        after.read - before.read - 'stats\r\n'.length - 12,
        after.written - before.written - before.report - 12,
      ]
    }
    expect(await traffic(frame('get a\r\n'))).toEqual([
      15,
      8 + 'VALUE a 0 1\r\nx\r\nEND\r\n'.length,
    ])
    expect(await traffic(frame('get none\r\nget'))).toEqual([21, 8 + 5])
    expect(await traffic(frame('get a\r\n', { total: 2 }))).toEqual([15, 0])
    expect(await traffic(frame('get a'))).toEqual([13, 0])
  })

  test('clients at once each get the answers to their own requests', async () => {
    await using tcp = await Wire.connect(node)
    const clients = 20
    const sizes = (client: number): number => (client * 400) % 6000
    for (let client = 0; client < clients; client++) {
      const value = patterned(sizes(client))
      await tcp.say(`set key${client} ${client} 0 ${value.length}\r\n${value}\r\n`)
    }
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        await using own = await DatagramWire.connect(node)
        const length = sizes(client)
        for (let id = 0; id < 20; id++) {
          const answer = await own.ask(`get key${client}\r\n`, { id })
          expect(answer.every((datagram) => datagram.id === id)).toBe(true)
          expect(messages(answer).map(String)).toEqual([
            `VALUE key${client} ${client} ${length}\r\n${patterned(length)}\r\nEND\r\n`,
          ])
        }
      }),
    )
  })
})

describe.concurrent.each(SERVERS)('$name as a process', (server) => {
  test('its UDP socket counts as a connection of each thread', async ({ skip, expect }) => {
    skip(server.missing !== undefined, server.missing)
    await using without = await startNode({ ...server.options, args: [...args(server), '-t', '3'] })
    await using node = await startUdp(server.options, '-t', '3')
    await using several = await startUdp(server.options, '-l', '127.0.0.2', '-t', '3')
    const sockets = args(server).includes('node') ? 1 : 3
    const plain = await statistics(without)
    const all = await statistics(node)
    expect(Number(all.get('curr_connections')) - Number(plain.get('curr_connections'))).toBe(
      sockets,
    )
    const settings = await statistics(node, 'settings')
    expect(settings.get('udpport')).toBe(String(node.port))
    expect(settings.get('num_threads_per_udp')).toBe('3')
    expect((await statistics(several, 'settings')).get('num_threads_per_udp')).toBe('1')
  })

  test('every address of -l is served', async ({ skip, expect }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startUdp(server.options, '-l', '127.0.0.2')
    for (const host of ['127.0.0.1', '127.0.0.2']) {
      await using wire = await DatagramWire.connect({ host, port: node.port })
      expect(await wire.say('get a\r\n')).toEqual(['END\r\n'])
    }
  })

  test('IPv6', async ({ skip, expect }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startUdp(server.options, '-l', '[::1]')
    await using wire = await DatagramWire.connect({ host: '::1', port: node.port })
    expect(await wire.say('get a\r\n')).toEqual(['END\r\n'])
  })

  test('all threads answer', async ({ skip, expect }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startUdp(server.options, '-t', '4')
    await using wire = await DatagramWire.connect(node)
    for (let id = 0; id < 400; id++) wire.send(frame(`get key${id}\r\n`, { id }))
    // Some may be lost, so the count can't be the proof; that every one is an answer of one's own is.
    await wire.until((received) => received.length >= 100)
    for (const { id, total, payload } of wire.take()) {
      expect({ total, payload: String(payload) }).toEqual({ total: 1, payload: 'END\r\n' })
      expect(id).toBeLessThan(400)
    }
  })
})

describe.concurrent.each(SERVERS.filter(({ ours }) => ours))('$name, otherwise', (server) => {
  test('a value that its datagram cuts off is not filled from the next one', async ({ expect }) => {
    await using node = await startUdp(server.options)
    await using wire = await DatagramWire.connect(node)
    await using other = await DatagramWire.connect(node)
    expect(await wire.say('get a\r\nset b 0 0 30\r\nmine')).toEqual(['END\r\n'])
    expect(await other.say('set c 0 0 1\r\nx\r\n')).toEqual(['STORED\r\n'])
    expect(await wire.say('get b\r\nget c\r\n')).toEqual(['END\r\n', 'VALUE c 0 1\r\nx\r\nEND\r\n'])
  })

  test('an answer that says nothing is none', async ({ expect }) => {
    await using node = await startUdp(server.options)
    await using wire = await DatagramWire.connect(node)
    for (const request of [
      'get none none\r\n',
      'quit\r\n',
      packet(GETQ, '', 'none'),
      packet(QUITQ),
    ]) {
      expect((await wire.ask(request)).filter(isEmpty)).toEqual([])
    }
    // memcached never forgets a quit.
    expect((await wire.say('get none\r\nget none\r\n')).length).toBe(2)
  })

  test('a sender at the port of the server is a server, and gets no answer', async ({ expect }) => {
    await using node = await startUdp(server.options)
    await using mirror = await DatagramWire.connect(node, { address: '127.0.0.3', port: node.port })
    await using wire = await DatagramWire.connect(node)
    mirror.send(frame('ERROR\r\n'))
    // When this is answered, the one before was read; and what it would have led to had been sent.
    expect(await wire.say('get a\r\n')).toEqual(['END\r\n'])
    expect(mirror.take()).toEqual([])
  })

  test('answers to one datagram end at 2 MiB', async ({ expect }) => {
    await using node = await startUdp(server.options)
    await using tcp = await Wire.connect(node)
    await tcp.say(`set v 0 0 1000000\r\n${'v'.repeat(1_000_000)}\r\n`)
    await using wire = await DatagramWire.connect(node)
    const before = await statistic(node, 'bytes_written')
    await wire.ask('get v\r\n'.repeat(500))
    const after = await statistic(node, 'bytes_written')
    // Three are read, and the third is one too many.
    expect(after - before).toBeGreaterThan(2_000_000)
    expect(after - before).toBeLessThan(3_100_000)
    expect(await wire.say('get none\r\n')).toEqual(['END\r\n'])
  })

  test('a port in use is refused in a clear sentence', async ({ expect }) => {
    await using taken = await startUdp(server.options)
    const port = await freePort()
    const argv = ['-l', '127.0.0.1', '-p', `${port}`, '-U', `${taken.port}`, ...args(server)]
    await using second = start(argv)
    expect(await second.exited).toBe(EX_OSERR)
    expect(second.stderr()).toMatch(/^failed to listen on UDP .*in use.*\n$/i)
    expect(second.stderr()).toContain(String(taken.port))
  })

  test('with -p 0 it serves UDP alone, and tells its port in the port file', async ({ expect }) => {
    const directory = mkdtempSync(join(tmpdir(), 'memshard-'))
    const portFile = join(directory, 'ports')
    const argv = ['-l', '127.0.0.1', '-p', '0', '-U', '-1', '-t', '1', ...args(server)]
    await using _ = start(argv, { env: { MEMCACHED_PORT_FILENAME: portFile } })
    await expect.poll(() => existsSync(portFile), { timeout: 20_000 }).toBe(true)
    const text = readFileSync(portFile, 'utf8')
    rmSync(directory, { recursive: true })
    expect(text).toMatch(/^UDP INET: \d+\n$/)
    const port = Number(/\d+/.exec(text))
    await using wire = await DatagramWire.connect({ host: '127.0.0.1', port })
    expect(await wire.say('get a\r\n')).toEqual(['END\r\n'])
  })

  // memcached lets the system decide, which keeps 277 of these on Linux.
  test('what comes while it is busy waits: more than the system keeps unasked', async ({
    expect,
  }) => {
    await using node = await startUdp(server.options, '-t', '1')
    await using wire = await DatagramWire.connect(node)
    await wire.say('get a\r\n')
    node.process.kill('SIGSTOP')
    const keys = Array.from({ length: 400 }, (_, n) => `burst:${n}`)
    const sent = keys.map((key) => wire.sent(frame(`set ${key} 0 0 1 noreply\r\nx\r\n`)))
    await Promise.all(sent)
    node.process.kill('SIGCONT')
    await expect.poll(() => statistic(node, 'curr_items')).toBe(keys.length)
  })

  test.for(['SIGTERM', 'SIGUSR1'] as const)('%s ends it', async (signal, { expect }) => {
    await using node = await startUdp(server.options, '-t', '3')
    await using wire = await DatagramWire.connect(node)
    for (let id = 0; id < 50; id++) wire.send(frame('get a\r\n', { id }))
    expect(await node.stop(signal)).toBe(0)
  })
})

function args({ options }: Server): readonly string[] {
  return options.args ?? []
}

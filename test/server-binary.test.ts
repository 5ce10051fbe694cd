// The binary protocol, field for field: the same transcripts against memcached 1.6.18, to prove what is
// expected, and against our server over each transport; which clients speak it, and what it counts.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NodeOptions, type RunningNode, startNode } from './nodes.ts'
import { packet, readAnswers, words } from './packets.ts'
import { missing } from './peers.ts'
import { BINARY } from './transcripts/binary.ts'
import { answersToFence, holdBinary } from './transcripts/binary-transcript.ts'
import { TRANSPORTS } from './transports.ts'
import { Wire } from './wire.ts'

interface Server {
  readonly name: string
  readonly version: string
  readonly options: NodeOptions
  readonly missing?: string | undefined
}

const SERVERS: readonly Server[] = [
  {
    name: 'memcached 1.6.18',
    version: '1.6.18',
    options: { server: 'memcached' },
    missing: missing('memcached'),
  },
  ...TRANSPORTS.map((transport) => ({
    name: `ours over ${transport}`,
    version: '1.6.45',
    options: { args: ['--transport', transport] },
  })),
]

function withFlags({ options }: Server, ...flags: string[]): NodeOptions {
  return { ...options, args: [...(options.args ?? []), ...flags] }
}

const NOOP = packet('noop')
const NOOP_ANSWER = packet('noop', { magic: 0x81 })

describe.each(SERVERS)('$name', (server) => {
  let node: RunningNode

  beforeAll(async () => {
    if (server.missing === undefined) node = await startNode(server.options)
  })
  afterAll(() => node?.stop('SIGKILL'))

  test.for(BINARY)('$title', async (transcript, { skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using wire = await Wire.connect(node)
    wire.send(packet('flushq'))
    await answersToFence(wire)
    await holdBinary(node, transcript, server.version)
  })

  test('one item, whichever protocol it is stored and fetched by', async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using text = await Wire.connect(node)
    await using binary = await Wire.connect(node)
    await text.say('set a 7 0 3\r\nabc\r\n')
    binary.send(packet('get', { key: 'a' }))
    expect(await answersToFence(binary)).toMatchObject([{ value: 'abc', extras: words(7) }])
    binary.send(packet('append', { key: 'a', value: 'def' }))
    const [{ cas } = { cas: 0n }] = await answersToFence(binary)
    expect(await text.say('gets a\r\n')).toBe(`VALUE a 7 6 ${cas}\r\nabcdef\r\nEND\r\n`)
  })
})

// ---- which clients speak it

/** Whether a client that begins so is answered so; undefined: the connection is closed without a word. */
const BINDINGS = [
  { flag: 'auto', request: NOOP, answer: NOOP_ANSWER },
  { flag: 'auto', request: 'mn\r\n', answer: 'MN\r\n' },
  { flag: 'binary', request: NOOP, answer: NOOP_ANSWER },
  { flag: 'binary', request: 'version\r\n'.repeat(3), answer: undefined },
  { flag: 'ascii', request: 'mn\r\n', answer: 'MN\r\n' },
  {
    flag: 'ascii',
    request: Buffer.concat([packet('version'), Buffer.from('\r\nmn\r\n')]),
    answer: 'ERROR\r\nMN\r\n',
  },
] as const

describe.each(SERVERS)('$name with -B', (server) => {
  test.for(BINDINGS)('$flag: $request', async ({ flag, request, answer }, { skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode(withFlags(server, '-B', flag))
    await using wire = await Wire.connect(node)
    wire.send(request)
    if (answer === undefined) {
      expect(await wire.readToEnd()).toHaveLength(0)
    } else {
      const bytes = Buffer.from(answer)
      expect((await wire.read(bytes.length)).toString('hex')).toBe(bytes.toString('hex'))
    }
  })

  test.for([
    ['auto', 'auto-negotiate'],
    ['ascii', 'ascii'],
    ['binary', 'binary'],
  ] as const)('%s: stats settings say so', async ([flag, setting], { skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode(withFlags(server, '-B', flag))
    await using wire = await Wire.connect(node)
    if (flag === 'ascii') {
      expect(await wire.say('stats settings\r\n')).toContain(`binding_protocol ${setting}\r\n`)
    } else {
      expect((await statistics(wire, 'settings')).get('binding_protocol')).toBe(setting)
    }
  })

  test('auto: the first byte decides, the later ones come when they come', async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode(server.options)
    for (const [request, answer] of [
      [NOOP, NOOP_ANSWER],
      [Buffer.from('mn\r\n'), Buffer.from('MN\r\n')],
    ] as const) {
      await using wire = await Wire.connect(node)
      for (const byte of request) {
        wire.send(Buffer.from([byte]))
        await wire.sent()
      }
      expect((await wire.read(answer.length)).equals(answer)).toBe(true)
    }
  })
})

// ---- with other flags

describe.each(SERVERS)('$name with flags', (server) => {
  test('-C: every CAS unique is 0, and one that is given stores nothing less', async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode(withFlags(server, '-C'))
    await using wire = await Wire.connect(node)
    wire.send(packet('set', { key: 'a', extras: words(0, 0), value: '1', cas: 5n }))
    wire.send(packet('append', { key: 'a', value: '2', cas: 6n }))
    wire.send(packet('get', { key: 'a' }))
    wire.send(packet('delete', { key: 'a', cas: 7n }))
    expect(await answersToFence(wire)).toMatchObject([
      { status: 0, cas: 0n },
      { status: 0, cas: 0n },
      { value: '12', cas: 0n },
      { status: 2 },
    ])
  })

  test('-F: flush is an authentication error, and not counted', async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode(withFlags(server, '-F'))
    await using wire = await Wire.connect(node)
    wire.send(Buffer.concat([packet('flush'), packet('flushq', { extras: words(0) })]))
    const refused = { status: 0x20, value: 'Auth failure.' }
    expect(await answersToFence(wire)).toMatchObject([refused, refused])
    expect((await statistics(wire, '')).get('cmd_flush')).toBe('0')
  })

  test('-M: no memory is said so, and the value dropped', async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode(withFlags(server, '-M', '-m', '2'))
    await using wire = await Wire.connect(node)
    const value = 'v'.repeat(400_000)
    for (let i = 0; i < 40; i++) {
      wire.send(packet('setq', { key: `${i}`, extras: words(0, 0), value, opaque: i }))
    }
    const answers = await answersToFence(wire)
    expect(answers.length).toBeGreaterThan(20)
    for (const answer of answers) {
      expect(answer).toMatchObject({ opcode: 0x11, status: 0x82 })
      expect(answer.value).toMatch(/^Out of memory (allocating item|during read)$/)
    }
  })
})

// ---- what is counted

/** The pairs of a group of statistics. */
async function statistics(wire: Wire, group: string): Promise<Map<string, string>> {
  wire.send(packet('stat', { key: group, opaque: 9 }))
  const answers = await answersToFence(wire)
  expect(answers.at(-1)).toMatchObject({ key: '', value: '' })
  for (const answer of answers) expect(answer).toMatchObject({ opcode: 0x10, status: 0, opaque: 9 })
  return new Map(answers.slice(0, -1).map(({ key, value }) => [key, value]))
}

const GROUPS = ['', 'settings', 'items', 'slabs'] as const
/** What differs from one moment to the next. */
const IN_MOTION =
  /^(time|uptime|rusage_\w+|bytes_\w+|response_obj_\w+|read_buf_\w+|(lru|moves)_\w+|items:\d+:age\w*)$/

describe.each(SERVERS)('$name', (server) => {
  test('stat tells what stats tells, in the same order', async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode(server.options)
    await using binary = await Wire.connect(node)
    await using text = await Wire.connect(node)
    await text.say('set a 0 0 1\r\nx\r\nget a\r\nget b\r\n')
    for (const group of GROUPS) {
      const told = [...(await statistics(binary, group))]
      const lines = (await text.say(`stats${group && ` ${group}`}\r\n`)).match(/^STAT .*$/gm) ?? []
      expect(told.length).toBeGreaterThan(3)
      const stable = ([name]: readonly [string, string]): boolean => !IN_MOTION.test(name)
      expect(told.filter(stable)).toEqual(
        lines
          .map((line) => /^STAT (\S+) ?(.*)$/.exec(line))
          .map((match) => [match?.[1] ?? '', match?.[2] ?? ''] as const)
          .filter(stable),
      )
      expect(told).toHaveLength(lines.length)
    }
  })

  test('requests are counted as memcached does', async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode(server.options)
    await using wire = await Wire.connect(node)
    const delta = (initial: number, expiry = 0): Buffer => words(0, 1, 0, initial, expiry)
    const value = { extras: words(0, 0), value: '5' }
    const requests = [
      packet('set', { key: 'a', ...value }),
      packet('setq', { key: 'a', ...value, cas: 99n }),
      packet('add', { key: 'b', ...value, cas: 99n }),
      packet('add', { key: 'a', ...value }),
      packet('append', { key: 'nope', value: 'x' }),
      packet('set', { key: 'c', extras: words(0, 0), value: 'v'.repeat(1024 * 1024) }),
      packet('get', { key: 'a' }),
      packet('getkq', { key: 'a' }),
      packet('getq', { key: 'nope' }),
      packet('touch', { key: 'a', extras: words(0) }),
      packet('gat', { key: 'a', extras: words(0) }),
      packet('gatkq', { key: 'nope', extras: words(0) }),
      packet('incr', { key: 'a', extras: delta(0) }),
      packet('decrq', { key: 'a', extras: delta(0) }),
      packet('incr', { key: 'new', extras: delta(5) }),
      packet('incr', { key: 'nope', extras: delta(5, 0xffff_ffff) }),
      packet('decr', { key: 'nope', extras: delta(5, 0xffff_ffff) }),
      packet('delete', { key: 'nope' }),
      packet('delete', { key: 'a', cas: 99n }),
      packet('deleteq', { key: 'a' }),
      packet('flush'),
    ]
    wire.send(Buffer.concat(requests))
    await answersToFence(wire)
    const counted = Object.fromEntries(await statistics(wire, ''))
    expect(counted).toMatchObject({
      ...{ cmd_get: '3', get_hits: '2', get_misses: '1', cmd_set: '5', cmd_flush: '1' },
      ...{ cmd_touch: '3', touch_hits: '2', touch_misses: '1', cmd_meta: '0' },
      ...{ incr_hits: '1', incr_misses: '1', decr_hits: '1', decr_misses: '1' },
      ...{ delete_hits: '1', delete_misses: '1' },
      ...{ cas_hits: '0', cas_misses: '1', cas_badval: '1' },
      ...{ store_too_large: '0', store_no_memory: '0' },
    })
  })
})

test('answers of many requests at once come whole', async () => {
  await using node = await startNode()
  await using wire = await Wire.connect(node)
  const value = 'v'.repeat(100_000)
  wire.send(packet('set', { key: 'a', extras: words(0, 0), value }))
  await answersToFence(wire)
  const gets = Array.from({ length: 300 }, (_, opaque) => packet('get', { key: 'a', opaque }))
  wire.send(Buffer.concat(gets))
  await wire.sent()
  const { answers } = readAnswers(await wire.read(300 * (24 + 4 + value.length)))
  expect(answers.map(({ opaque }) => opaque)).toEqual(gets.map((_, i) => i))
  expect(answers.every((answer) => answer.value === value)).toBe(true)
})

// ---- logging in

describe.each(SERVERS.slice(1))('$name with -S', (server) => {
  test('clients log in by the password file, whatever thread has them', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'memshard-'))
    try {
      const passwords = join(directory, 'passwords')
      await writeFile(passwords, `alice@${hostname()}:secret\n`)
      await using node = await startNode({
        ...withFlags(server, '-S', '-t', '2'),
        env: { MEMCACHED_SASL_PWDB: passwords },
      })
      const login = packet('saslAuthenticate', { key: 'PLAIN', value: '\0alice\0secret' })
      for (let i = 0; i < 4; i++) {
        await using wire = await Wire.connect(node)
        wire.send(login)
        expect(await answersToFence(wire)).toMatchObject([{ status: 0, value: 'Authenticated' }])
      }
      await using stranger = await Wire.connect(node)
      stranger.send(packet('saslAuthenticate', { key: 'PLAIN', value: '\0alice\0wrong' }))
      stranger.send(packet('get', { key: 'a' }))
      const { answers } = readAnswers(await stranger.readToEnd())
      expect(answers).toMatchObject([{ status: 0x20 }, { status: 0x20, value: 'Auth failure.' }])
      await using known = await Wire.connect(node)
      known.send(login)
      await answersToFence(known)
      const general = await statistics(known, '')
      expect([general.get('auth_cmds'), general.get('auth_errors')]).toEqual(['6', '1'])
      const settings = await statistics(known, 'settings')
      expect(settings.get('auth_enabled_sasl')).toBe('yes')
      expect(settings.get('binding_protocol')).toBe('binary')
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

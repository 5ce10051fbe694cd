// The text protocol, classic and meta, byte for byte: the same transcripts against memcached 1.6.18, to
// prove what is expected, and against our server over each transport.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NodeOptions, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { ARITHMETIC, OPERATION } from './transcripts/arithmetic.ts'
import { META } from './transcripts/meta.ts'
import { RETRIEVAL } from './transcripts/retrieval.ts'
import { STORAGE } from './transcripts/storage.ts'
import { hold, type Transcript } from './transcripts/transcript.ts'
import { TRANSPORTS } from './transports.ts'
import { Wire } from './wire.ts'

interface Server {
  readonly name: string
  readonly is1618: boolean
  readonly options: NodeOptions
  readonly missing?: string | undefined
}

const SERVERS: readonly Server[] = [
  {
    name: 'memcached 1.6.18',
    is1618: true,
    options: { server: 'memcached' },
    missing: missing('memcached'),
  },
  ...TRANSPORTS.map((transport) => ({
    name: `ours over ${transport}`,
    is1618: false,
    options: { args: ['--transport', transport] },
  })),
]

const TRANSCRIPTS = [
  ['storage', STORAGE],
  ['retrieval', RETRIEVAL],
  ['arithmetic', ARITHMETIC],
  ['operation', OPERATION],
  ['meta', META],
] as const

describe.each(SERVERS)('$name', (server) => {
  let node: RunningNode

  beforeAll(async () => {
    if (server.missing === undefined) node = await startNode(server.options)
  })
  afterAll(() => node?.stop('SIGKILL'))

  describe.each(TRANSCRIPTS)('%s', (_, transcripts) => {
    test.for(transcripts)('$title', async (transcript, { skip }) => {
      skip(server.missing !== undefined, server.missing)
      skip(server.is1618 && transcript.notIn1618 !== undefined, transcript.notIn1618)
      await using wire = await Wire.connect(node)
      expect(await wire.say('flush_all\r\n')).toBe('OK\r\n')
      await hold(node, transcript, server)
    })
  })
})

/** Flags of the command line that change what is answered. */
const WITH_FLAGS: readonly (readonly [flags: string, transcript: Transcript])[] = [
  [
    '-C',
    {
      title: 'without CAS',
      exchanges: [
        ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
        ['gets a\r\n', 'VALUE a 0 1 0\r\nx\r\nEND\r\n'],
        ['mg a c\r\n', 'HD c0\r\n'],
      ],
    },
  ],
  [
    '-F',
    {
      title: 'without flush_all',
      exchanges: [
        ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
        ['flush_all\r\n', 'CLIENT_ERROR flush_all not allowed\r\n'],
        ['get a\r\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
      ],
    },
  ],
  [
    '-I 2m',
    {
      title: 'with larger items',
      exchanges: [
        [`set a 0 0 2000000\r\n${'v'.repeat(2_000_000)}\r\n`, 'STORED\r\n'],
        ['get a\r\n', `VALUE a 0 2000000\r\n${'v'.repeat(2_000_000)}\r\nEND\r\n`],
        [
          `set a 0 0 2097152\r\n${'v'.repeat(2_097_152)}\r\n`,
          'SERVER_ERROR object too large for cache\r\n',
        ],
      ],
    },
  ],
]

describe.concurrent.each(SERVERS)('$name in time and with flags', (server) => {
  test.for(WITH_FLAGS)('%s', async ([flags, transcript], { skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode({
      ...server.options,
      args: [...(server.options.args ?? []), ...flags.split(' ')],
    })
    await hold(node, transcript, server)
  })

  test('an item lives until its time, relative, absolute or set by touch', async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode(server.options)
    await using wire = await Wire.connect(node)
    const absolute = Math.floor(Date.now() / 1000) + 4
    const stored = await wire.say(
      `set relative 0 4 1\r\nx\r\nset absolute 0 ${absolute} 1\r\nx\r\n` +
        'set touched 0 0 1\r\nx\r\ntouch touched 4\r\nset kept 0 4 1\r\nx\r\ngat 100 kept\r\n',
    )
    expect(stored).toMatch(/^(STORED\r\n){3}TOUCHED\r\nSTORED\r\nVALUE kept/)
    const alive = (await wire.say('get relative absolute touched kept\r\n')).match(/VALUE \w+/g)
    expect(alive).toEqual(['VALUE relative', 'VALUE absolute', 'VALUE touched', 'VALUE kept'])

    const left = await poll(
      () => wire.say('get relative absolute touched kept\r\n'),
      (text) => text.startsWith('VALUE kept'),
    )
    expect(left).toBe('VALUE kept 0 1\r\nx\r\nEND\r\n')
  })

  test('a delayed flush_all takes what was stored before its time, also after the command', async ({
    skip,
  }) => {
    skip(server.missing !== undefined, server.missing)
    await using node = await startNode(server.options)
    await using wire = await Wire.connect(node)
    await wire.say('set before 0 0 1\r\nx\r\nflush_all 4\r\nset after 0 0 1\r\nx\r\n')
    expect(await wire.say('get before after\r\n')).toBe(
      'VALUE before 0 1\r\nx\r\nVALUE after 0 1\r\nx\r\nEND\r\n',
    )
    const left = await poll(
      () => wire.say('get before after\r\n'),
      (text) => text === 'END\r\n',
    )
    expect(left).toBe('END\r\n')
    // What is stored in the very second of the flush goes with it, in memcached too.
    const later = await poll(
      () => wire.say('set later 0 0 1\r\nx\r\nget later\r\n'),
      (text) => text.includes('VALUE'),
    )
    expect(later).toBe('STORED\r\nVALUE later 0 1\r\nx\r\nEND\r\n')
  })
})

/** Asks again and again until the answer is as wanted; the last one after 15 seconds. */
async function poll(
  ask: () => Promise<string>,
  wanted: (text: string) => boolean,
): Promise<string> {
  const deadline = Date.now() + 15_000
  for (;;) {
    const text = await ask()
    if (wanted(text) || Date.now() > deadline) return text
    await sleep(50)
  }
}

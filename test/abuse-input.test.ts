// Input that means no good: what is too long, too much or too many, and keys of any bytes. Real memcached's answer to the
// same bytes, where it has one; meanwhile others have normal latency and their own values, afterwards the memory is back.
// ABUSE_KEYS=n and ABUSE_REQUESTS=n for larger runs, as a million each.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbuseWatch } from './abuse.ts'
import { type RunningNode, startNode } from './nodes.ts'
import { type Answer, packet, readAnswers, words } from './packets.ts'
import { missing } from './peers.ts'
import { MIB } from './process-memory.ts'
import { TRANSPORTS } from './transports.ts'
import { statistic, Wire } from './wire.ts'

const KEYS = Number(process.env.ABUSE_KEYS ?? 50_000)
/** Of a million memcached 1.6.18 answers only the first 300,000. */
const MOST_KEYS_OF_MEMCACHED = 200_000
const REQUESTS = Number(process.env.ABUSE_REQUESTS ?? 200_000)
const TIMEOUT_MS = 60_000 + (KEYS + REQUESTS) / 5
/** Of one request of another client, on a machine that does several things at once. */
const LONGEST_MS = 15_000
/** Garbage that is not collected yet, beside what is bounded. */
const SLACK_BYTES = 48 * MIB

const withoutMemcached = missing('memcached')
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const QUIET_STORES = 'set quiet 0 0 1 noreply\r\nx\r\nms quiet 1 q\r\nx\r\n'
const noFlags = words(0, 0)
const stored = (key: string, size: number): string =>
  `set ${key} 0 0 ${size}\r\n${'v'.repeat(size)}\r\n`

/** Beside its value an item of `-I`, a megabyte, has its key and more. */
const EDGES = [...Array(40).keys()]
  .map((i) => MIB - 90 + i)
  .concat(MIB - 512, MIB - 1, MIB, MIB + 1)

/** Whole requests, after which the server is at the beginning of a line. */
const WHOLE: Readonly<Record<string, string>> = {
  'a set of 2^31 bytes': 'set a 0 0 2147483648\r\n',
  'a set of 2^31-1 bytes': 'set a 0 0 2147483647\r\n',
  'a set of 2^63 bytes': 'set a 0 0 9223372036854775808\r\n',
  'a set of 2^64 bytes': 'set a 0 0 18446744073709551616\r\n',
  'a set of -1 bytes': 'set a 0 0 -1\r\n',
  'a set of -2^31 bytes': 'set a 0 0 -2147483648\r\n',
  'an append of 2^31 bytes': 'append a 0 0 2147483648\r\n',
  'a cas of 2^63 bytes': 'cas a 0 0 9223372036854775808 1\r\n',
  'an ms of 2^31 bytes': 'ms a 2147483648\r\n',
  'an ms of 2^63 bytes': 'ms a 9223372036854775808\r\n',
  'an ms of -1 bytes': 'ms a -1\r\n',
  'a time of -2^63': 'set a 0 -9223372036854775808 1\r\nx\r\n',
  'a hundred flags': `mg a${' v'.repeat(100)}\r\n`,
  'a thousand opaques': `mg a${' O1'.repeat(600)}\r\n`,
  'an opaque of 33 bytes': `mg a O${'o'.repeat(33)}\r\n`,
  'an opaque of 1,900 bytes': `mg a O${'o'.repeat(1900)}\r\n`,
  'a Base64 key that is too long': `mg ${Buffer.alloc(300, 'k').toString('base64')} b v\r\n`,
  'a Base64 key that is none': 'mg !!!! b v\r\n',
  'a key of 251 bytes': `get ${'k'.repeat(251)}\r\n`,
  'a key of a megabyte': `get ${'k'.repeat(MIB)}\r\n`,
}

/** Input without an end: a megabyte of the line, or the head of the packet, whose rest never comes. */
const ENDLESS: Readonly<Record<string, Buffer>> = {
  'a line': latin1('x'.repeat(MIB)),
  'a key of set': latin1(`set ${'k'.repeat(MIB)}`),
  'a key of mg': latin1(`mg ${'k'.repeat(MIB)}`),
  'keys of gat': latin1(`gat 1 ${'k '.repeat(MIB / 2)}`),
  NULs: Buffer.alloc(MIB),
  'a packet of get, of 4 GiB': packet('get', { key: 'a', bodyLength: 0xffff_ffff }),
  'a packet of noop, of 4 GiB': packet('noop', { bodyLength: 0xffff_ffff }),
  'a key of 65,535 bytes': packet('get', { key: 'k'.repeat(65_535) }),
}

function base64Of(key: string): string {
  return Buffer.from(key, 'latin1').toString('base64')
}

async function readPackets(wire: Wire, count: number): Promise<Answer[]> {
  const answers: Answer[] = []
  let rest: Buffer = Buffer.alloc(0)
  while (answers.length < count) {
    const head = Buffer.concat([rest, await wire.read(24 - rest.length)])
    const body = await wire.read(head.readUInt32BE(8))
    const read = readAnswers(Buffer.concat([head, body]))
    answers.push(...read.answers)
    rest = read.rest
  }
  return answers
}

function adminAddress(server: RunningNode): string {
  const [, address = ''] = /"address":"(127\.0\.0\.1:\d+)","msg":"admin/.exec(server.output()) ?? []
  return address
}

describe.each(TRANSPORTS)('%s', { timeout: TIMEOUT_MS }, (transport) => {
  let node: RunningNode
  let memcached: RunningNode | undefined
  let watch: AbuseWatch

  beforeAll(async () => {
    node = await startNode({ args: ['-t', '2', '-m', '256', '--transport', transport] })
    if (withoutMemcached === undefined) memcached = await startNode({ server: 'memcached' })
    await using warm = await Wire.connect(node)
    // What is slow the first time is not what this is about.
    await warm.ask(stored('warm', 1_000_000))
    for (let i = 0; i < 10; i++) await warm.ask('get warm\r\n')
    for (let i = 0; i < 10; i++) {
      await warm.ask(`${QUIET_STORES.repeat(1_000)}${'get warm-up\r\n'.repeat(2_000)}`)
    }
    watch = await AbuseWatch.begin(node)
  })
  afterAll(async () => {
    await watch?.[Symbol.asyncDispose]()
    await node?.stop('SIGKILL')
    await memcached?.stop('SIGKILL')
  })

  /**
   * While processors are busy with the abuse itself, on both sides, latencies say how busy they are. What must hold is
   * that others are answered all the time, and rightly.
   */
  async function meanwhile(abuse: () => Promise<unknown>): Promise<void> {
    await watch.look()
    await abuse()
    const sight = await watch.look(200)
    expect(sight.longest, JSON.stringify(sight)).toBeLessThan(LONGEST_MS)
  }

  /** What memcached answers where it is here, and else what it was known to. */
  async function both(
    talk: (server: RunningNode) => Promise<string>,
    compares = true,
  ): Promise<string> {
    const ours = await talk(node)
    if (compares && memcached !== undefined) expect(ours).toBe(await talk(memcached))
    return ours
  }

  test.each(Object.entries(WHOLE))('%s is refused as memcached does', async (_, request) => {
    await both(async (server) => {
      await using wire = await Wire.connect(server)
      const before = await wire.say('set a 7 0 1\r\ny\r\n')
      return before + (await wire.say(`${request}get a\r\nmn\r\n`))
    })
  })

  test.each(Object.entries(ENDLESS))('%s without an end is closed', async (_, bytes) => {
    await both(async (server) => {
      await using wire = await Wire.connect(server)
      wire.send(bytes)
      return (await wire.readToEnd()).toString('latin1')
    })
  })

  test('more bytes than an item may have are refused at once, and dropped as they come', async () => {
    const length = 64 * MIB
    await using wire = await Wire.connect(node)
    await meanwhile(async () => {
      for (const head of [
        `set a 0 0 ${length}\r\n`,
        `ms a ${length}\r\n`,
        `ms a ${length} q\r\n`,
      ]) {
        wire.send(head)
        expect((await wire.readUntil('\r\n')).toString()).toBe(
          'SERVER_ERROR object too large for cache\r\n',
        )
        const piece = Buffer.alloc(MIB, 'flush_all\r\n')
        for (let sent = 0; sent < length; sent += MIB) {
          wire.send(piece)
          await wire.sent()
        }
        expect(await wire.say('\r\nget a\r\n')).toBe('END\r\n')
      }
    })
    expect(await statistic(node, 'cmd_flush')).toBe(0)
    await watch.memoryBack(SLACK_BYTES)
  })

  test('a packet of 4 GiB is refused, and nothing is kept of it', async () => {
    for (const name of ['set', 'append'] as const) {
      await using wire = await Wire.connect(node)
      wire.send(
        packet(name, {
          key: 'a',
          ...(name === 'set' && { extras: noFlags }),
          bodyLength: 0xffff_ffff,
        }),
      )
      const [answer] = readAnswers(await wire.readUntil('Too large.')).answers
      expect(answer?.status).toBe(3)
      const piece = Buffer.alloc(MIB)
      for (let i = 0; i < 32 && !wire.over; i++) {
        wire.send(piece)
        await Promise.race([wire.sent(), wire.readToEnd()])
      }
    }
    await watch.memoryBack(SLACK_BYTES)
  })

  test('values at the limit, a byte more and a byte less, are what memcached makes of them', async () => {
    await both(async (server) => {
      await using wire = await Wire.connect(server)
      let told = ''
      for (const size of EDGES) {
        told += await wire.say(`${stored('edge', size)}append edge 0 0 1\r\nx\r\n`)
      }
      expect(told).toMatch(/STORED\r\n/)
      expect(told).toMatch(/SERVER_ERROR object too large for cache\r\n/)
      return `${told}${await wire.say('get edge\r\n')}`
    })
  })

  test(`a get of ${KEYS} keys is answered as memcached answers it, and holds nobody up`, async () => {
    const names = Array.from({ length: KEYS }, (_, i) => (i % 5 === 0 ? 'hit' : `k${i}`))
    for (const line of [`get ${names.join(' ')}\r\n`, `gets ${names.join(' ')}\r\n`]) {
      await meanwhile(() =>
        both(async (server) => {
          await using wire = await Wire.connect(server)
          await wire.ask('set hit 0 0 3\r\nyes\r\n')
          return (await wire.say(line)).replaceAll(/(?<=VALUE hit 0 3) \d+/g, ' cas')
        }, KEYS <= MOST_KEYS_OF_MEMCACHED).then((all) => {
          expect(all.match(/\r\nyes\r\n/g)).toHaveLength(Math.ceil(KEYS / 5))
        }),
      )
    }
    await watch.memoryBack(SLACK_BYTES)
  })

  test(`${REQUESTS} requests whose answers nobody reads wait for who asked, and all are answered`, async () => {
    await using wire = await Wire.connect(node)
    await wire.ask('set hit 0 0 10\r\n0123456789\r\n')
    const answer = 'VALUE hit 0 10\r\n0123456789\r\nEND\r\n'
    wire.socket.pause()
    await meanwhile(async () => {
      wire.send('get hit\r\n'.repeat(REQUESTS))
      let written = -1
      await expect
        .poll(
          async () => {
            const before = written
            written = await statistic(node, 'cmd_get')
            return written - before
          },
          { interval: 200, timeout: 20_000 },
        )
        // The other client's gets go on.
        .toBeLessThan(REQUESTS / 10)
    })
    expect(watch.grown).toBeLessThan(SLACK_BYTES)
    wire.socket.resume()
    const all = await wire.read(REQUESTS * answer.length)
    expect(all.toString('latin1') === answer.repeat(REQUESTS)).toBe(true)
    wire.destroy()
    await watch.memoryBack(SLACK_BYTES)
  })

  test(`${REQUESTS} stores without an answer, and the connection goes on`, async () => {
    await using wire = await Wire.connect(node)
    const before = await statistic(node, 'cmd_set')
    let answers = ''
    await meanwhile(async () => {
      wire.send(QUIET_STORES.repeat(REQUESTS / 2))
      answers = await wire.say('mn\r\n')
    })
    expect(answers).toBe('MN\r\n')
    expect((await statistic(node, 'cmd_set')) - before).toBeGreaterThanOrEqual(REQUESTS)
    await watch.memoryBack(SLACK_BYTES)
  })

  test('keys of any bytes are stored, and no list, log or answer is broken by one', async () => {
    const args = ['-t', '2', '--transport', transport, '-D', '<', '-vvv', '--admin', '127.0.0.1:0']
    await using server = await startNode({ args })
    await using wire = await Wire.connect(server)
    await using watcher = await Wire.connect(server)
    watcher.send('watch fetchers mutations\r\n')
    expect((await watcher.read(4)).toString()).toBe('OK\r\n')
    await using binary = await Wire.connect(server)

    for (let byte = 0; byte < 256; byte++) {
      const own = String.fromCharCode(byte)
      // In Base64, and by the binary protocol, what a key does is written at its end.
      const base64 = base64Of(`a${own}<script>\r\nflush_all\r\nEND\r\n`)
      expect(await wire.say(`ms ${base64} 1 b\r\nx\r\nmg ${base64} b k v\r\n`)).toBe(
        `HD\r\nVA 1 k${base64} b\r\nx\r\n`,
      )
      const key = `b${own}<script> \r\nVALUE a 0 1\r\nx\r\nEND\r\n`
      binary.send(packet('set', { key, extras: noFlags, value: 'y' }))
      binary.send(packet('getk', { key }))
      binary.send(packet('noop'))
      const answers = await readPackets(binary, 3)
      expect(answers.map(({ key }) => key)).toEqual(['', key, ''])
      expect(await wire.say(`mg ${base64Of(key)} b v k O1\r\n`)).toBe(
        `VA 1 k${base64Of(key)} b O1\r\ny\r\n`,
      )
      expect(await wire.say(`me ${base64Of(key)} b\r\n`)).toMatch(/^ME [A-Za-z0-9+/=]+ exp=.*\r\n$/)
      if (own === ' ' || own === '\n') continue
      const classic = `c${own}<script>`
      expect(await wire.say(`set ${classic} 0 0 1\r\nz\r\nget ${classic}\r\n`)).toBe(
        `STORED\r\nVALUE ${classic} 0 1\r\nz\r\nEND\r\n`,
      )
    }

    const all = 256 + 256 + 254
    const lists = [
      {
        command: 'lru_crawler metadump all',
        line: /^key=[\w%.~-]+ exp=-1 .* flags=0 $/,
        count: all,
      },
      { command: 'lru_crawler mgdump all', line: /^mg [^ \r\n\0]+( b)?$/, count: all },
      { command: 'stats cachedump 1 0', line: /^ITEM [^ \r\n\0]+ \[\d b; 0 s\]$/, count: 0 },
      { command: 'stats detail dump', line: /^PREFIX [^ \r\n\0]+ get \d+ hit \d+ set \d+ del 0$/ },
      { command: 'stats hotkeys', line: /^STAT [\w:%.~-]+ \d+$/ },
      { command: 'stats hotprefixes', line: /^STAT [\w:%.~-]+ \d+$/ },
      { command: 'stats bigkeys', line: /^STAT [\w:%.~-]+ \d+$/ },
      { command: 'list_prefix b', line: /^key=b[\w%.~-]+ exp=-1 .* flags=0 $/, count: 256 },
    ]
    for (const { command, line, count } of lists) {
      const text = (await wire.say(`${command}\r\n`)).replace(/^OK\r\n/, '')
      const lines = text.replace(/(END|EN)\r\n$/, '').split(/\r?\n/)
      expect(lines.pop(), command).toBe('')
      expect(
        lines.filter((one) => !line.test(one)),
        command,
      ).toEqual([])
      if (count === undefined) expect(lines.length, command).toBeGreaterThan(5)
      else if (count > 0) expect(lines.length, command).toBe(count)
      // What mgdump writes may be sent as it is.
      if (command.includes('mgdump')) {
        const values = await wire.say(lines.map((one) => `${one} s\r\n`).join(''))
        expect(values).toBe('HD s1\r\n'.repeat(all))
      }
    }
    expect(await statistic(server, 'cmd_flush')).toBe(0)

    await wire.ask('get the-last-one\r\n')
    const told = (await watcher.readUntil('size=0\n')).toString('latin1').split('\n')
    expect(
      told.filter((line) => !/^(ts=[\d.]+ gid=\d+ type=\w+ key=[\w%.~-]+ .*)?$/.test(line)),
    ).toEqual([])
    const metrics = await fetch(`http://${adminAddress(server)}/metrics`)
    for (const line of (await metrics.text()).split('\n')) {
      expect(line).toMatch(/^(#.*|[a-z_]+(\{[^<>\r\0]*\})? \S+|)$/)
    }
    // Each line of the log is one, and says no more than was logged.
    for (const line of server.output().trimEnd().split('\n')) {
      expect(line).toMatch(/^[\x20-\x7e]+$/)
      expect(() => JSON.parse(line)).not.toThrow()
      expect(line).not.toContain('<script>')
    }
  })

  test('afterwards nothing is left of it', async () => {
    await watch.descriptorsBack()
    await watch.memoryBack(SLACK_BYTES)
    await watch.calm()
  })
})

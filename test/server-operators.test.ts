// The commands for operators on real servers: the same answers as memcached's, work that is done in the
// background, settings that all threads see, and dumps that stand in nobody's way.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { TRANSPORTS } from './transports.ts'
import { statistic, statistics, Wire } from './wire.ts'

/** Requests that memcached 1.6.18 answers as 1.6.45 does, in a session. */
const SAME_ANSWERS = [
  'lru',
  'lru nonsense',
  'lru mode',
  'lru mode round',
  'lru mode flat',
  'lru mode segmented noreply',
  'lru mode segmented',
  'lru temp_ttl',
  'lru temp_ttl x',
  'lru temp_ttl 10',
  'lru temp_ttl -1',
  'lru tune 10 20 0.1',
  'lru tune 10 20 0.1 x',
  'lru tune 41 40 0.1 2',
  'lru tune 10 20 0 2',
  'lru tune 10 20 0.1 2',
  'lru tune 20 40 .2 2e0 noreply',
  'lru_crawler',
  'lru_crawler nonsense',
  'lru_crawler crawl',
  'lru_crawler crawl 0',
  'lru_crawler crawl 64',
  'lru_crawler crawl x',
  'lru_crawler crawl 1,all',
  'lru_crawler crawl ,',
  'lru_crawler crawl hash',
  'lru_crawler metadump 0',
  'lru_crawler metadump ,',
  'lru_crawler sleep x',
  'lru_crawler sleep 1000001',
  'lru_crawler sleep 0',
  'lru_crawler tocrawl x',
  'lru_crawler tocrawl 0',
  'lru_crawler enable',
  'stats detail',
  'stats detail x',
  'stats detail dump',
  'stats detail on',
  'get a:1 b:1 a:2 none',
  'set a:1 0 0 1\r\nx',
  'set b:1 0 -1 1\r\nx',
  'get a:1 b:1',
  'delete c:1',
  'mg a:1 v',
  'incr a:1 1',
  'stats detail dump',
  'stats detail off',
  'get a:1',
  'stats detail dump',
  'stats reset',
  'stats detail dump',
  'stats cachedump',
  'stats cachedump 1',
  'stats cachedump x 1',
  'stats cachedump 1 x',
  'stats cachedump 64 1',
  'stats cachedump 2 0',
  'stats cachedump 0 0 0',
  'stats sizes',
  'stats nonsense',
  'stats item',
  'verbosity 1',
  'verbosity 9',
  'verbosity 0 noreply',
  'verbosity x',
]

/** Without anything sent after it: 1.6.18 loses some of that. */
async function dump(wire: Wire, request: string): Promise<string> {
  wire.send(`lru_crawler ${request}\r\n`)
  return (await wire.readUntil('END\r\n')).toString('latin1')
}

describe('the answers', () => {
  test.each([
    ['as they are by default', []],
    ['with -X', ['-X']],
    ['with a delimiter', ['-D', '/']],
    ['without crawler and maintainer', ['-o', 'no_lru_crawler,no_lru_maintainer']],
  ])('are memcached’s, %s', async (_, args) => {
    const reason = missing('memcached')
    if (reason !== undefined) return
    await using theirs = await startNode({ server: 'memcached', args })
    await using ours = await startNode({ args })
    await using theirWire = await Wire.connect(theirs)
    await using ourWire = await Wire.connect(ours)
    for (const request of SAME_ANSWERS) {
      // Since 1.6.37 this is forbidden too.
      if (args.includes('-X') && request.startsWith('stats detail')) continue
      const answer = await ourWire.say(`${request}\r\n`)
      expect(answer, request).toBe(await theirWire.say(`${request}\r\n`))
    }
  })

  test('of cachedump and metadump list the same items', async ({ skip }) => {
    const reason = missing('memcached')
    skip(reason !== undefined, reason)
    const args = ['-o', 'no_lru_maintainer']
    await using theirs = await startNode({ server: 'memcached', args })
    await using ours = await startNode({ args })
    const requests = [
      ...['set plain 0 0 3\r\nabc', 'set odd%key/\xff 7 0 1\r\nx', 'ms AAEC 1 b\r\nx'],
      ...['set brief 0 3600 1\r\nx', `set large 0 0 600\r\n${'x'.repeat(600)}`, 'get plain'],
      ...['set dead 0 -1 1\r\nx'],
    ]
    const lists: string[][] = []
    for (const node of [theirs, ours]) {
      await using wire = await Wire.connect(node)
      for (const request of requests) await wire.say(`${request}\r\n`)
      const dumps = [
        await wire.say('stats cachedump 1 0\r\n'),
        await wire.say('stats cachedump 1 2\r\n'),
        await dump(wire, 'metadump all'),
        await dump(wire, 'metadump 1'),
      ]
      // What differs: times of a second more or less, the first line and the flags since 1.6.18.
      lists.push(
        dumps.map((text) =>
          text
            .replace(/^OK\r\n/, '')
            .replace(/ flags=\d+ $/gm, '')
            .replace(/\d{10}/g, 'TIME')
            .split('\n')
            .sort()
            .join('\n'),
        ),
      )
    }
    expect(lists[1]).toEqual(lists[0])
  })
})

describe.each(TRANSPORTS)('over %s', (transport) => {
  let node: RunningNode
  // Without the maintainer, which might come across a dead item before the crawler does.
  const OPTIONS = 'debug_commands,track_sizes,no_lru_maintainer'
  const COUNT = 30_000

  beforeAll(async () => {
    const args = ['--transport', transport, '-t', '1', '-o', OPTIONS]
    node = await startNode({ args })
    await using wire = await Wire.connect(node)
    const sets = Array.from({ length: COUNT }, (_, n) => `set key:${n} 0 0 1 noreply\r\nx\r\n`)
    await wire.ask(sets.join(''))
  })
  afterAll(() => node.stop('SIGKILL'))

  test('a dump lists everything, and what is asked after it is answered after it', async () => {
    await using wire = await Wire.connect(node)
    const answer = await wire.say('lru_crawler metadump all\r\nversion\r\n')
    expect(answer).toMatch(/^OK\r\nkey=/)
    expect(answer).toMatch(/\nEND\r\nVERSION 1\.6\.45\r\n$/)
    const keys = new Set(answer.match(/^key=\S+/gm))
    expect(keys.size).toBe(COUNT)
    const commands = await wire.say('lru_crawler mgdump hash\r\n')
    expect(new Set(commands.match(/^mg key:\d+\r$/gm)).size).toBe(COUNT)
    expect(commands).toMatch(/\r\nEN\r\n$/)
  })

  test('a dump that nobody reads is in nobody’s way', async () => {
    const readers = await Promise.all(Array.from({ length: 5 }, () => Wire.connect(node)))
    for (const reader of readers) {
      reader.socket.pause()
      for (let n = 0; n < 5; n++) reader.send('lru_crawler metadump all\r\n')
    }
    await using other = await Wire.connect(node)
    for (let n = 0; n < 100; n++) expect(await other.say('version\r\n')).toMatch(/^VERSION/)
    expect(await other.say('set new 0 0 1\r\nx\r\nget new\r\ndelete new\r\n')).toBe(
      'STORED\r\nVALUE new 0 1\r\nx\r\nEND\r\nDELETED\r\n',
    )
    // Two go away, the others read on.
    for (const reader of readers.splice(0, 2)) reader.destroy()
    for (const reader of readers) {
      reader.socket.resume()
      reader.send('version\r\n')
      const text = (await reader.readUntil('VERSION 1.6.45\r\n')).toString('latin1')
      expect(text.match(/^END\r$/gm)?.length).toBeGreaterThanOrEqual(1)
      reader.destroy()
    }
    expect(await other.say('version\r\n')).toMatch(/^VERSION/)
  })

  test('a crawl is done in the background at once', async () => {
    await using wire = await Wire.connect(node)
    await wire.ask('set dead 0 10 1\r\nx\r\ndebugtime 20\r\n')
    const before = await statistic(node, 'curr_items')
    expect(await wire.say('lru_crawler sleep 0\r\nlru_crawler crawl all\r\n')).toBe('OK\r\nOK\r\n')
    while ((await statistic(node, 'lru_crawler_running')) !== 0);
    const after = await statistics(node)
    expect(Number(after.get('curr_items'))).toBe(before - 1)
    expect(Number(after.get('crawler_reclaimed'))).toBe(1)
    expect(Number(after.get('crawler_items_checked'))).toBeGreaterThanOrEqual(COUNT)
    const sizes = await statistics(node, 'sizes')
    expect([...sizes.values()].reduce((sum, items) => sum + Number(items), 0)).toBe(before - 1)
  })
})

describe('what a command changes', () => {
  let node: RunningNode
  beforeAll(async () => {
    node = await startNode({ args: ['-t', '4', '-o', 'debug_commands'] })
  })
  afterAll(() => node.stop('SIGKILL'))

  /** As many connections as make sure that each thread has some. */
  async function everywhere(what: (wire: Wire, n: number) => Promise<void>): Promise<void> {
    for (let n = 0; n < 8; n++) {
      await using wire = await Wire.connect(node)
      await what(wire, n)
    }
  }

  test('shows in stats settings, whichever thread is asked', async () => {
    await using wire = await Wire.connect(node)
    await wire.ask('verbosity 1\r\nlru tune 11 22 0.3 4\r\nlru_crawler sleep 7\r\n')
    await wire.ask('lru_crawler tocrawl 9\r\nlru temp_ttl 5\r\nstats detail on\r\nflush_all\r\n')
    await everywhere(async () => {
      expect(Object.fromEntries(await statistics(node, 'settings'))).toMatchObject({
        verbosity: '1',
        hot_lru_pct: '11',
        warm_lru_pct: '22',
        hot_max_factor: '0.30',
        warm_max_factor: '4.00',
        lru_crawler_sleep: '7',
        lru_crawler_tocrawl: '9',
        temp_lru: 'yes',
        temporary_ttl: '5',
        detail_enabled: 'yes',
        oldest: expect.stringMatching(/^[1-9]\d*$/),
      })
    })
    await wire.ask('stats detail off\r\nstats reset\r\n')
  })

  test('counts by prefix, whichever thread serves', async () => {
    await using wire = await Wire.connect(node)
    await wire.ask('stats detail on\r\n')
    await everywhere(async (each, n) => {
      await each.ask(`set p:${n} 0 0 1\r\nx\r\nget p:${n} p:none\r\n`)
    })
    expect(await wire.say('stats detail dump\r\n')).toBe(
      'PREFIX p get 16 hit 8 set 8 del 0\r\nEND\r\n',
    )
    await wire.ask('stats detail off\r\n')
  })

  test('the time is the same for all threads', async () => {
    await everywhere(async (each, n) => {
      await each.ask(`set timed:${n} 0 100 1\r\nx\r\n`)
    })
    await using wire = await Wire.connect(node)
    await wire.ask('debugtime 1000\r\n')
    await everywhere(async (each, n) => {
      expect(await each.say(`get timed:${n}\r\n`)).toBe('END\r\n')
    })
  })
})

test('without crawler and maintainer, stats has 84 names, and only those of what is there', async () => {
  await using node = await startNode({ args: ['-o', 'no_lru_crawler,no_lru_maintainer'] })
  const names = [...(await statistics(node)).keys()]
  expect(names.length).toBe(84)
  expect(
    names.filter((name) => /crawler_(running|starts)|juggles|moves_|active$/.test(name)),
  ).toEqual([])
})

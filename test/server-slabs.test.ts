// Slab pages on a real server: moved back and forth under load from several connections on several threads,
// with every answer checked; and memory that the process gives back when its limit is lowered.
import { describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { MIB, residentBytes } from './process-memory.ts'
import { DIRECT_TRANSPORTS } from './transports.ts'
import { statistic, statistics, Wire } from './wire.ts'

const DEADLINE_MS = 60_000

/** Polls, as operators do, until it is so. */
async function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS / 2
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

// ---- load whose answers can be checked

/** Values of two small classes, of long values that are sent from the arena, and of several chunks. */
const LENGTHS = [800, 3_000, 9_000, 40_000, 150_000]
const KEYS = 400
const BATCH = 12
const CONNECTIONS = 6
const WANTED_MOVES = 40

/** A value says whose it is, from its first byte to its last. */
function contentOf(owner: number, key: number, version: number): string {
  const length = LENGTHS[(key + version) % LENGTHS.length]
  const stamp = `${owner}.${key}.${version};`
  return stamp.repeat(Math.ceil(length / stamp.length)).slice(0, length)
}

/** Sets, gets and deletes keys of its own until it is stopped. Returns how many hits it had. */
async function load(node: RunningNode, owner: number, stopped: () => boolean): Promise<number> {
  await using wire = await Wire.connect(node)
  const versions = new Map<number, number>()
  let hits = 0
  for (let round = 0; !stopped(); round++) {
    let requests = ''
    const expected: [key: number, value: string | undefined][] = []
    for (let n = 0; n < BATCH; n++) {
      const key = (round * 7 + n * 31) % KEYS
      const name = `load:${owner}:${key}`
      if (n % 3 === 0) {
        const version = (versions.get(key) ?? 0) + 1
        versions.set(key, version)
        const value = contentOf(owner, key, version)
        requests += `set ${name} ${version} 0 ${value.length} noreply\r\n${value}\r\n`
      } else if (n % 12 === 5) {
        versions.delete(key)
        requests += `delete ${name} noreply\r\n`
      } else {
        const version = versions.get(key)
        requests += `get ${name}\r\n`
        const value = version === undefined ? undefined : contentOf(owner, key, version)
        expected.push([key, value === undefined ? undefined : reply(name, version ?? 0, value)])
      }
    }
    let answers = await wire.say(requests)
    for (const [key, full] of expected) {
      const miss = answers.startsWith('END\r\n')
      if (!miss && (full === undefined || !answers.startsWith(full))) {
        throw new Error(`a wrong answer for key ${key}: ${answers.slice(0, 200)}`)
      }
      if (!miss) hits++
      answers = answers.slice(miss ? 5 : (full?.length ?? 0))
    }
    expect(answers).toBe('')
  }
  return hits
}

function reply(name: string, flags: number, value: string): string {
  return `VALUE ${name} ${flags} ${value.length}\r\n${value}\r\nEND\r\n`
}

/** Moves pages between the classes that have any, and the pool, until so many were moved. */
async function movePages(node: RunningNode): Promise<void> {
  await using wire = await Wire.connect(node)
  let turn = 0
  await eventually(`${WANTED_MOVES} pages were moved`, async () => {
    const slabs = await statistics(node, 'slabs')
    const classes = [...slabs.keys()]
      .filter((name) => name.endsWith(':total_pages'))
      .map((name) => Number.parseInt(name, 10))
    classes.push(0)
    const destination = classes[turn++ % classes.length]
    expect(await wire.say(`slabs reassign -1 ${destination}\r\n`)).toMatch(
      /^(OK|BUSY currently processing reassign request|BADCLASS invalid src or dst class id)\r\n$/,
    )
    return (await statistic(node, 'slabs_moved')) >= WANTED_MOVES
  })
}

describe.each<[transport: string, flags: string[]]>([
  ...DIRECT_TRANSPORTS.map((transport) => [transport, ['-t', '4']] as [string, string[]]),
  ['epoll', ['-t', '4', '-o', 'slab_chunk_max=16,slab_automove=2']],
  ['node', []],
])('under load over %s %j', (transport, flags) => {
  test('pages move and every answer is right', { timeout: 2 * DEADLINE_MS }, async () => {
    await using node = await startNode({
      args: ['-m', '40', '--transport', transport, ...flags],
    })
    let stopped = false
    const loads = Array.from({ length: CONNECTIONS }, (_, owner) =>
      load(node, owner, () => stopped),
    )
    // A load that fails must not wait for the others.
    try {
      await Promise.race([movePages(node), Promise.all(loads)])
    } finally {
      stopped = true
    }
    for (const hits of await Promise.all(loads)) expect(hits).toBeGreaterThan(50)
    const stats = await statistics(node)
    expect(Number(stats.get('slabs_moved'))).toBeGreaterThanOrEqual(WANTED_MOVES)
    expect(Number(stats.get('slab_reassign_rescues'))).toBeGreaterThan(WANTED_MOVES)
  })
})

describe('cache_memlimit', () => {
  const VALUE = 'm'.repeat(100_000)

  async function fill(wire: Wire, megabytes: number): Promise<void> {
    for (let n = 0; n < megabytes * 10; n += 50) {
      let requests = ''
      for (let i = n; i < n + 50; i++)
        requests += `set fill:${i} 0 0 100000 noreply\r\n${VALUE}\r\n`
      await wire.ask(requests)
    }
  }

  test(
    'raised, the cache grows; lowered, the process gives memory back',
    async () => {
      await using node = await startNode({ args: ['-m', '32', '-t', '1'] })
      await using wire = await Wire.connect(node)
      await fill(wire, 100)
      expect(await statistic(node, 'evictions')).toBeGreaterThan(0)
      expect(await wire.say('cache_memlimit 200\r\n')).toBe('OK\r\n')
      await wire.ask('stats reset\r\n')
      await fill(wire, 150)
      expect(await statistic(node, 'evictions')).toBe(0)
      expect(await statistic(node, 'limit_maxbytes')).toBe(200 * MIB)
      expect((await statistics(node, 'settings')).get('maxbytes')).toBe(String(200 * MIB))
      const full = residentBytes(node.pid)

      expect(await wire.say('cache_memlimit 50\r\nslabs automove window 3\r\n')).toBe(
        'OK\r\nOK\r\n',
      )
      await wire.ask('flush_all\r\n')
      // The crawler would find the dead items in time; asking for them is faster.
      for (let n = 0; n < 1500; n += 100) {
        await wire.ask(
          `get ${Array.from({ length: 100 }, (_, i) => `fill:${n + i}`).join(' ')}\r\n`,
        )
      }
      const malloced = async (): Promise<number> =>
        Number((await statistics(node, 'slabs')).get('total_malloced'))
      await eventually('no more in use than allowed', async () => (await malloced()) <= 50 * MIB)
      await eventually('memory given back', async () => residentBytes(node.pid) < full - 90 * MIB)

      await fill(wire, 100)
      expect(await malloced()).toBeLessThanOrEqual(51 * MIB)
      expect(await wire.say('get fill:999\r\n')).toBe(
        `VALUE fill:999 0 100000\r\n${VALUE}\r\nEND\r\n`,
      )
    },
    DEADLINE_MS,
  )

  test('where addresses are too few for its threads it says how many it takes, and serves with these', async () => {
    const args = ['-m', '64', '-t', '3']
    const message = await startNode({ args, addressLimitKilobytes: 1_500_000 }).then(String, String)
    expect(message).toContain('(ulimit -v 1500000) is too low for -t 3 and -m 64')
    const enough = Number(/ulimit -v (\d+) or more/.exec(message)?.[1])
    await using node = await startNode({ args, addressLimitKilobytes: enough + 1000 })
    await using wire = await Wire.connect(node)
    expect(await wire.say('get a\r\n')).toBe('END\r\n')
  })

  test('where addresses are limited the server starts, and the limit stays below -m', async () => {
    await using node = await startNode({
      args: ['-m', '64', '-t', '2'],
      addressLimitKilobytes: 6_000_000,
    })
    await using wire = await Wire.connect(node)
    expect(await wire.say('cache_memlimit 65\r\n')).toBe(
      'MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n',
    )
    expect(await wire.say('cache_memlimit 16\r\ncache_memlimit 64\r\n')).toBe('OK\r\nOK\r\n')
  })
})

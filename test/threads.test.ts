// Several threads on one store: many connections hammer the same few keys, over TLS too, and every answer is held against
// what is possible, while everything else that a server does goes on beside. `THREAD_SECONDS` is for how long. A value says who wrote it, as which of its writes, for which key, and carries a
// checksum; so a torn, foreign or resurrected one shows.
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { createAuthority } from './certificates.ts'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { Replies, type Value } from './replies.ts'
import { statistics, Wire } from './wire.ts'

const CONNECTIONS = 32
const HAMMER_MS = Number(process.env.THREAD_SECONDS ?? 4) * 1000
const LONGEST_HAMMERING_MS = 60_000
/** Sets, and gets that find something. */
const MUCH = 500
const COMMANDS_PER_BATCH = 40

const REGISTERS = 120
const COUNTERS = 40
const LOGS = 20
const CAS_COUNTERS = 10
const LOCKS = 30
/** Longer than the largest slab chunk. */
const CHUNKED_LENGTH = 600_000

/** A command and what to do with its answer. */
interface Command {
  readonly text: string
  take(replies: Replies): void
}

/** What all connections together know. */
class World {
  /** Per register: which writes there have been, as `writer:sequence`. */
  readonly written = new Map<string, Set<string>>()
  /** Every CAS unique belongs to one key and one value. */
  readonly byCas = new Map<bigint, string>()
  /** Per counter: the answers of its increments. */
  readonly counted = new Map<string, number[]>()
  /** Per log: the entries that were stored, in each writer's order. */
  readonly logged = new Map<string, string[][]>()
  readonly casStored = new Map<string, number>()
  /** Per lock: adds that stored less deletes that deleted. */
  readonly held = new Map<string, number>()
  gets = 0
  hits = 0
  sets = 0

  note(value: Value): void {
    if (value.cas === undefined) return
    const what = `${value.key} ${crc32(value.data)}`
    const known = this.byCas.get(value.cas)
    if (known !== undefined && known !== what) {
      throw new Error(`CAS ${value.cas} is that of ${known} and of ${what}`)
    }
    this.byCas.set(value.cas, what)
  }
}

class Hammer {
  readonly #world: World
  readonly #writer: number
  readonly #random: () => number
  #sequence = 0
  /** What this connection has seen of each key: it must never go back. */
  readonly #lastCas = new Map<string, bigint>()
  readonly #lastSequence = new Map<string, number>()

  constructor(world: World, writer: number) {
    this.#world = world
    this.#writer = writer
    this.#random = randomFrom(writer + 1)
  }

  async run(opened: Promise<Wire>, goesOn: () => boolean): Promise<void> {
    await using wire = await opened
    while (goesOn()) {
      const commands = Array.from({ length: COMMANDS_PER_BATCH }, () => this.#anyCommand())
      await this.#perform(wire, commands)
      await this.#countByCas(wire)
    }
  }

  async #perform(wire: Wire, commands: readonly Command[]): Promise<void> {
    const replies = new Replies(await wire.ask(commands.map(({ text }) => text).join('')))
    for (const command of commands) command.take(replies)
    if (!replies.done) throw new Error(`an answer too many: ${replies.line()}`)
  }

  #anyCommand(): Command {
    const dice = this.#random()
    if (dice < 0.2) return this.#set()
    if (dice < 0.5) return this.#get()
    if (dice < 0.55) return this.#delete()
    if (dice < 0.75) return this.#increment()
    if (dice < 0.8) return this.#append()
    if (dice < 0.85) return this.#readLog()
    return this.#random() < 0.5 ? this.#lock() : this.#unlock()
  }

  #any(kind: string, count: number): string {
    return `${kind}-${Math.floor(this.#random() * count)}`
  }

  // ---- registers

  #set(): Command {
    const key = this.#any('register', REGISTERS)
    const id = `${this.#writer}:${++this.#sequence}`
    setOf(this.#world.written, key).add(id)
    this.#world.sets++
    const value = register(key, id, lengthFor(key))
    return {
      text: `set ${key} ${value.length} 0 ${value.length}\r\n${value}\r\n`,
      take: (replies) => expectLine(replies, 'STORED'),
    }
  }

  #get(): Command {
    const key = this.#any('register', REGISTERS)
    return {
      text: `gets ${key}\r\n`,
      take: (replies) => {
        this.#world.gets++
        for (const value of replies.values()) this.#check(key, value)
      },
    }
  }

  #check(key: string, value: Value): void {
    const world = this.#world
    world.hits++
    const text = value.data.toString('latin1')
    const [id = ''] = text.split(' ', 1)
    if (
      value.key !== key ||
      value.flags !== text.length ||
      text !== register(key, id, text.length)
    ) {
      throw new Error(`${key} answered with ${value.key} ${text.slice(0, 100)}`)
    }
    if (!setOf(world.written, key).has(id)) throw new Error(`${key} holds ${id}, never written`)
    const [writer, sequence = ''] = id.split(':')
    this.#forward(this.#lastSequence, `${key} by ${writer}`, Number(sequence))
    this.#forward(this.#lastCas, key, value.cas ?? 0n)
    world.note(value)
  }

  #forward<T extends number | bigint>(seen: Map<string, T>, what: string, now: T): void {
    const before = seen.get(what)
    if (before !== undefined && now < before) throw new Error(`${what}: ${now} after ${before}`)
    seen.set(what, now)
  }

  #delete(): Command {
    const key = this.#any('register', REGISTERS)
    return {
      text: `delete ${key}\r\n`,
      take: (replies) => expectLine(replies, 'DELETED', 'NOT_FOUND'),
    }
  }

  // ---- counters

  #increment(): Command {
    const key = this.#any('counter', COUNTERS)
    return {
      text: `incr ${key} 1\r\n`,
      take: (replies) => listOf(this.#world.counted, key).push(Number(replies.line())),
    }
  }

  /** Adds one by gets and cas, which fails if another was faster. */
  async #countByCas(wire: Wire): Promise<void> {
    const key = this.#any('cas', CAS_COUNTERS)
    const [value] = new Replies(await wire.ask(`gets ${key}\r\n`)).values()
    if (value === undefined) throw new Error(`${key} is gone`)
    this.#world.note(value)
    const next = String(Number(value.data.toString()) + 1)
    const outcome = await wire.say(`cas ${key} 0 0 ${next.length} ${value.cas}\r\n${next}\r\n`)
    if (outcome === 'STORED\r\n') add(this.#world.casStored, key, 1)
    else if (outcome !== 'EXISTS\r\n') throw new Error(`cas answered ${outcome}`)
  }

  // ---- logs

  #append(): Command {
    const key = this.#any('log', LOGS)
    const entry = `${this.#writer}:${++this.#sequence}`
    return {
      text: `append ${key} 0 0 ${entry.length + 1}\r\n${entry};\r\n`,
      take: (replies) => {
        expectLine(replies, 'STORED')
        const byWriter = listOf(this.#world.logged, key)
        byWriter[this.#writer] ??= []
        byWriter[this.#writer]?.push(entry)
      },
    }
  }

  #readLog(): Command {
    const key = this.#any('log', LOGS)
    return {
      text: `get ${key}\r\n`,
      take: (replies) => {
        const [value] = replies.values()
        const text = value?.data.toString('latin1') ?? 'gone'
        if (!/^(\d+:\d+;)*$/.test(text)) throw new Error(`${key} holds ${text.slice(0, 100)}`)
        this.#forward(this.#lastSequence, `length of ${key}`, text.length)
      },
    }
  }

  // ---- locks

  #lock(): Command {
    const key = this.#any('lock', LOCKS)
    return {
      text: `add ${key} 0 0 1\r\nx\r\n`,
      take: (replies) => {
        if (expectLine(replies, 'STORED', 'NOT_STORED') === 'STORED') add(this.#world.held, key, 1)
      },
    }
  }

  #unlock(): Command {
    const key = this.#any('lock', LOCKS)
    return {
      text: `delete ${key}\r\n`,
      take: (replies) => {
        if (expectLine(replies, 'DELETED', 'NOT_FOUND') === 'DELETED')
          add(this.#world.held, key, -1)
      },
    }
  }
}

/** What operators and the server itself do: nothing that removes an item, but for pages that move under pinned ones. */
const BESIDE: readonly string[] = [
  'stats\r\nstats items\r\nstats slabs\r\nstats sizes\r\nstats conns\r\nstats settings\r\n',
  'lru_crawler crawl all\r\n',
  'slabs reassign -1 1\r\nslabs reassign -1 5\r\n',
  'cache_memlimit 300\r\ncache_memlimit 256\r\n',
  'lru tune 20 40 0.2 2.0\r\nlru tune 10 30 0.3 2.0\r\n',
  'slabs automove 0\r\nslabs automove 1\r\n',
  'stats detail on\r\nstats detail dump\r\nstats detail off\r\n',
  'lru_crawler metadump all\r\n',
  'verbosity 1\r\nverbosity 0\r\n',
]

async function goOnBeside(node: RunningNode, goesOn: () => boolean): Promise<void> {
  await using wire = await Wire.connect(node)
  for (let i = 0; goesOn(); i++) {
    await wire.ask(BESIDE[i % BESIDE.length] ?? '')
    await sleep(5)
  }
}

/** Watches all there is; the lines are not looked at. */
async function watch(node: RunningNode): Promise<Wire> {
  const wire = await Wire.connect(node)
  wire.send('watch fetchers mutations evictions connevents deletions sysevents\r\n')
  await wire.read('OK\r\n'.length)
  wire.socket.removeAllListeners('data').resume()
  return wire
}

test.each([2, 4, 8])(
  'every answer is possible and counters add up, over %d threads',
  {
    timeout: HAMMER_MS + LONGEST_HAMMERING_MS + 90_000,
  },
  async (threads) => {
    using authority = createAuthority()
    const { certPath, keyPath } = authority.issue('IP:127.0.0.1')
    const port = await freePort()
    const files = ['-o', `ssl_chain_cert=${certPath},ssl_key=${keyPath}`]
    const tls = ['-Z', ...files, '-l', `notls:127.0.0.1:${port}`]
    await using secured = await startNode({ args: ['-t', String(threads), '-m', '256', ...tls] })
    const node = { ...secured, port }
    const open = (i: number): Promise<Wire> =>
      i % 8 === 0 ? Wire.secure(secured, { ca: authority.ca }) : Wire.connect(node)
    await using wire = await Wire.connect(node)
    const counters = keys('counter', COUNTERS)
    const logs = keys('log', LOGS)
    const casCounters = keys('cas', CAS_COUNTERS)
    const locks = keys('lock', LOCKS)
    for (const key of [...counters, ...casCounters]) await wire.ask(`set ${key} 0 0 1\r\n0\r\n`)
    for (const key of logs) await wire.ask(`set ${key} 0 0 0\r\n\r\n`)

    const world = new World()
    const until = Date.now() + HAMMER_MS
    const much = (): boolean => world.sets > MUCH && world.hits > MUCH
    // A busy machine takes longer until much was done.
    const goesOn = (): boolean =>
      Date.now() < until || (!much() && Date.now() < until + LONGEST_HAMMERING_MS)
    const hammers = Array.from({ length: CONNECTIONS }, (_, i) => new Hammer(world, i))
    await using _watcher = await watch(node)
    await Promise.all([
      ...hammers.map((hammer, i) => hammer.run(open(i), goesOn)),
      goOnBeside(node, goesOn),
    ])

    // The hammering was real: much was written, and much of it read.
    expect(world.sets).toBeGreaterThan(500)
    expect(world.hits).toBeGreaterThan(500)

    const all = new Map<string, string>()
    const everything = [
      ...counters,
      ...logs,
      ...casCounters,
      ...locks,
      ...keys('register', REGISTERS),
    ]
    for (const key of everything) {
      for (const { data } of new Replies(await wire.ask(`get ${key}\r\n`)).values()) {
        all.set(key, data.toString('latin1'))
      }
    }
    for (const key of counters) {
      // Every increment answered with a number of its own, up to the last.
      const answers = (world.counted.get(key) ?? []).sort((a, b) => a - b)
      expect(answers).toEqual(answers.map((_, i) => i + 1))
      expect(Number(all.get(key))).toBe(answers.length)
    }
    for (const key of casCounters) {
      expect(Number(all.get(key)), key).toBe(world.casStored.get(key) ?? 0)
    }
    for (const key of logs) {
      const entries = (all.get(key) ?? '').split(';').slice(0, -1)
      const byWriter: string[][] = []
      for (const entry of entries) {
        const writer = Number(entry.split(':')[0])
        byWriter[writer] ??= []
        byWriter[writer].push(entry)
      }
      expect(byWriter, key).toEqual(world.logged.get(key) ?? [])
    }
    for (const key of locks) expect(all.has(key) ? 1 : 0, key).toBe(world.held.get(key) ?? 0)

    const stats = await statistics(node)
    expect(Number(stats.get('threads'))).toBe(threads)
    expect(Number(stats.get('curr_items'))).toBe(all.size)
    expect(Number(stats.get('evictions'))).toBe(0)
    expect(Number(stats.get('incr_hits'))).toBe(
      total([...world.counted.values()].map((l) => l.length)),
    )
    expect(Number(stats.get('cas_hits'))).toBe(total([...world.casStored.values()]))
    await expectNothingLeft(node)
  },
)

test('under eviction a get answers the right value or none', { timeout: 90_000 }, async () => {
  const KEYS = 6_000
  await using node = await startNode({ args: ['-t', '4', '-m', '16'] })
  const written = new Map<string, Set<string>>()
  const until = Date.now() + HAMMER_MS
  let hits = 0
  let misses = 0

  async function hammer(writer: number): Promise<void> {
    await using wire = await Wire.connect(node)
    const random = randomFrom(writer + 1)
    let sequence = 0
    while (Date.now() < until) {
      let request = ''
      const checks: ((replies: Replies) => void)[] = []
      for (let i = 0; i < 20; i++) {
        const key = `pressed-${Math.floor(random() * KEYS)}`
        if (random() < 0.5) {
          const id = `${writer}:${++sequence}`
          setOf(written, key).add(id)
          const value = register(key, id, sizeUnderPressure(random))
          request += `set ${key} 0 0 ${value.length}\r\n${value}\r\n`
          checks.push((replies) => {
            // Under way at once, values of several chunks can take all there is.
            if (value.length < CHUNKED_LENGTH) expectLine(replies, 'STORED')
            else expectLine(replies, 'STORED', 'SERVER_ERROR Out of memory during read')
          })
        } else if (random() < 0.1) {
          request += `append ${key} 0 0 0\r\n\r\n`
          checks.push((replies) => expectLine(replies, 'STORED', 'NOT_STORED'))
        } else {
          request += `get ${key}\r\n`
          checks.push((replies) => {
            const [value] = replies.values()
            if (value === undefined) {
              misses++
              return
            }
            hits++
            const text = value.data.toString('latin1')
            const [id = ''] = text.split(' ', 1)
            if (text !== register(key, id, text.length) || !setOf(written, key).has(id)) {
              throw new Error(`${key} holds ${text.slice(0, 100)}`)
            }
          })
        }
      }
      const replies = new Replies(await wire.ask(request))
      for (const check of checks) check(replies)
      if (!replies.done) throw new Error(`an answer too many: ${replies.line()}`)
    }
  }
  await Promise.all(Array.from({ length: 16 }, (_, i) => hammer(i)))
  expect(hits).toBeGreaterThan(200)
  expect(misses).toBeGreaterThan(0)

  await using wire = await Wire.connect(node)
  let living = 0
  for (const key of keys('pressed', KEYS)) {
    living += new Replies(await wire.ask(`get ${key}\r\n`)).values().length
  }
  const stats = await statistics(node)
  expect(Number(stats.get('evictions'))).toBeGreaterThan(0)
  expect(Number(stats.get('curr_items'))).toBe(living)
  await expectNothingLeft(node)
})

/** After flush_all no chunk is in use: nothing was lost on the way. */
async function expectNothingLeft(node: RunningNode): Promise<void> {
  await using wire = await Wire.connect(node)
  // Lazy: what was stored before this second is dead, but goes when it is looked for or crawled.
  expect(await wire.say('flush_all\r\n')).toBe('OK\r\n')
  await expect
    .poll(
      async () => {
        const slabs = await statistics(node, 'slabs')
        const used = [...slabs].filter(([name]) => name.endsWith(':used_chunks'))
        return total(used.map(([, count]) => Number(count)))
      },
      { timeout: 20_000 },
    )
    .toBe(0)
  const stats = await statistics(node)
  expect(Number(stats.get('curr_items'))).toBe(0)
  expect(Number(stats.get('bytes'))).toBe(0)
}

/** The text of a register: id, key, filler and a checksum of all of it. */
function register(key: string, id: string, length: number): string {
  const head = `${id} ${key} `
  const filler = id
    .repeat(Math.ceil(length / id.length))
    .slice(0, Math.max(0, length - head.length - 9))
  const body = `${head}${filler}`
  return `${body} ${crc32(body).toString(16).padStart(8, '0')}`
}

/** Short ones, ones that are sent from where they are stored, and now and then one of several chunks. */
function lengthFor(key: string): number {
  const number = Number(key.split('-')[1])
  if (number === 0) return 700_000
  if (number < 5) return 20_000
  return 40 + number * 3
}

function sizeUnderPressure(random: () => number): number {
  const dice = random()
  if (dice < 0.01) return CHUNKED_LENGTH
  if (dice < 0.2) return 10_000 + Math.floor(random() * 20_000)
  return 40 + Math.floor(random() * 2_000)
}

function expectLine(replies: Replies, ...possible: readonly string[]): string {
  const line = replies.line()
  if (!possible.includes(line)) throw new Error(`${line} instead of ${possible.join(' or ')}`)
  return line
}

function keys(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${kind}-${i}`)
}

function setOf(map: Map<string, Set<string>>, key: string): Set<string> {
  let set = map.get(key)
  if (set === undefined) {
    set = new Set()
    map.set(key, set)
  }
  return set
}

function listOf<T>(map: Map<string, T[]>, key: string): T[] {
  let list = map.get(key)
  if (list === undefined) {
    list = []
    map.set(key, list)
  }
  return list
}

function add(map: Map<string, number>, key: string, amount: number): void {
  map.set(key, (map.get(key) ?? 0) + amount)
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

/** mulberry32: the same sequence in every run. */
function randomFrom(seed: number): () => number {
  let state = seed * 0x9e3779b9
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

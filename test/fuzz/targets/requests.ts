// Requests to the server's engine, as text, meta or binary commands. Two servers get the same bytes, one at once and
// one in pieces: whatever is sent, both must answer the same, and afterwards still understand the next command.
import type { InstrumentedPackages } from '../instrumented-package.ts'
import { Random } from '../random.ts'
import type { LoadTarget, Target } from '../target.ts'
import { linesMayWait } from './going-on.ts'
import {
  BINARY_WORDS,
  cut,
  dependsOnPieces,
  PACKET_HEADER_BYTES,
  type Protocol,
  SEEDS,
  TEXT_WORDS,
} from './vocabulary.ts'

/** What of `protocol/conversation.ts` is used here. */
interface Conversation {
  readonly Server: new (options: object, host: object, cache: Cache) => Server
}

/** What of `protocol/credentials.ts` is. */
interface CredentialsModule {
  readonly Credentials: new () => {
    set(users: readonly { readonly user: Uint8Array; readonly password: Uint8Array }[]): void
  }
}

/** What of `cache/cache-fixture.ts` is. */
interface CacheFixture {
  makeGuardedCache(options: object, pattern: number): Cache
}

interface Cache {
  readonly clock: { tick(secondsSinceStart: number): void }
  readonly pageMoves: { ask(source: number, destination: number, evicts: boolean): number }
  readonly events: { readonly slots: { logged: number } }
  readonly slabs: { verify(): void }
}

interface Server {
  readonly cache: Cache
  connect(): Client
  disconnect(client: Client): void
  hold(request: string): HeldReply
  check(): void
}

interface HeldReply {
  bytes(): Buffer
  release(): void
}

interface Client {
  readonly closed: boolean
  readonly speaksBinary: boolean
  readonly awaitedBytes: number
  readonly pending: Uint8Array
  sendForBytes(data: string | Uint8Array): Buffer
  hangUp(): void
}

/** The work that no request waits for. */
type Work = new (cache: Cache) => { run(): unknown }

interface Modules {
  readonly Server: Conversation['Server']
  readonly Credentials: CredentialsModule['Credentials']
  readonly makeGuardedCache: CacheFixture['makeGuardedCache']
  readonly works: readonly Work[]
}

/** Of each protocol, what reads it and what answers; and what of the store any of them reaches. */
const STORE = /^server\/cache\/(?:arithmetic|cache|decimal|item|slabs|store)\.js$/
const TEXT =
  /^server\/protocol\/(?:administration|commands|connection|engine|key-batch|line-end|lookahead|numbers|reply|tokens)\.js$/
const MODULES: Record<Protocol, readonly RegExp[]> = {
  classic: [
    TEXT,
    STORE,
    /^server\/protocol\/(?:classic|retrieval|storage|authentication|(?:lru|slab|prefix|statistics)-commands?)\.js$/,
  ],
  meta: [TEXT, STORE, /^server\/protocol\/(?:base64|meta-.*)\.js$/],
  binary: [STORE, /^server\/protocol\/binary-(?!packets).*\.js$/],
}

const MEMORY_BYTES = 4 * 1024 * 1024
const MAX_ITEM_BYTES = 16 * 1024
/** What each cache fills free memory with: whoever reads of it answers differently from the other. */
const PATTERNS = [0xa5, 0x5b]
/** After so many inputs the servers are replaced: what led to a defect stays short. */
const INPUTS_PER_PAIR = 1_500

const BACKGROUND_TURNS = 4
const FILLING_ITEMS = 4_000
const LARGE = [
  ['b', 20_000],
  ['key', 60_000],
] as const
const ALL_STREAMS = 0xff
/** As the source of a page. */
const ANY_CLASS = -1
const MAX_AWAITED_BYTES = 2 * MAX_ITEM_BYTES
const MAX_LOGIN_BYTES = 20 * 1024

/** How servers are started: each pair differently from the one before. */
interface Settings {
  readonly options?: object
  /** Who sends text logs in first, as `user` with `pw`. */
  readonly password?: boolean
  readonly host?: Readonly<Record<string, unknown>>
  /** For this protocol alone. */
  readonly only?: Protocol
  /** Memory is full from the start, so that all else is evicted and moved. */
  readonly full?: boolean
  /** Some values are large, and replies that hold them are slow to leave. */
  readonly large?: boolean
  /** Events are collected, and nobody takes them. */
  readonly watched?: boolean
}

const FEW_CLASSES = { growthFactor: 4 }
const SETTINGS: readonly Settings[] = [
  {},
  { only: 'classic', password: true },
  {
    only: 'binary',
    host: { logIn: ({ user, password }: Record<string, string>) => user === password },
  },
  { options: FEW_CLASSES, full: true },
  {
    options: { casEnabled: false, trackSizes: true, prefixStatisticsEnabled: true },
    watched: true,
  },
  { options: { ...FEW_CLASSES, slabAutomove: 2, segmented: false }, full: true, watched: true },
  {
    options: {
      prefixLimits: [
        { prefix: 'user:', bytes: 2000 },
        { prefix: 'k', bytes: 30_000 },
      ],
    },
  },
  {
    options: { maxItemSizeBytes: 128 * 1024, slabChunkMaxBytes: 32 * 1024 },
    large: true,
  },
  { options: { ...FEW_CLASSES, evictionsEnabled: false }, full: true },
  { host: { flushEnabled: false, dumpEnabled: false, shutdownEnabled: true } },
  {
    options: { ...FEW_CLASSES, prefixLimits: [{ prefix: 'fill:', bytes: 1_000_000 }] },
    full: true,
  },
  {
    options: { ...FEW_CLASSES, maxItemSizeBytes: 128 * 1024, slabChunkMaxBytes: 32 * 1024 },
    large: true,
    full: true,
  },
]

/** Turns that it may take to end a value or a packet that is incomplete. */
const TURNS_TO_END = 8
const LF = 10
const END_OF_LINE = Buffer.from('\r\n')
const MN = Buffer.from('mn\r\n')
const MN_ANSWER = Buffer.from('MN\r\n')
const NOOP = Buffer.from([0x80, 0x0a, ...new Array(PACKET_HEADER_BYTES - 2).fill(0)])
const NOOP_ANSWER = Buffer.from([0x81, 0x0a, ...new Array(PACKET_HEADER_BYTES - 2).fill(0)])

export function requests(protocol: Protocol): LoadTarget {
  return async (packages: InstrumentedPackages): Promise<Target> => {
    const modules = await load(packages)
    const settings = SETTINGS.filter(({ only }) => only === undefined || only === protocol)
    let pair = new Pair(modules, settings[0])
    let inputs = 0
    return {
      dictionary: protocol === 'binary' ? BINARY_WORDS : TEXT_WORDS,
      seeds: SEEDS[protocol],
      modules: MODULES[protocol],
      run: (input) => {
        if (++inputs % INPUTS_PER_PAIR === 0) {
          pair.check()
          pair = new Pair(modules, settings[(inputs / INPUTS_PER_PAIR) % settings.length])
        }
        pair.run(input)
      },
      check: () => pair.check(),
    }
  }
}

async function load(packages: InstrumentedPackages): Promise<Modules> {
  const { Server } = await packages.load<Conversation>('server', 'protocol/conversation.js')
  const { makeGuardedCache } = await packages.load<CacheFixture>('server', 'cache/cache-fixture.js')
  const { Credentials } = await packages.load<CredentialsModule>(
    'server',
    'protocol/credentials.js',
  )
  const works = await Promise.all(
    (['Maintainer', 'Crawler', 'PageMover'] as const).map(async (name) => {
      const file = name.replace(/(?<=[a-z])(?=[A-Z])/, '-').toLowerCase()
      return (await packages.load<Record<string, Work>>('server', `cache/${file}.js`))[name]
    }),
  )
  return { Server, Credentials, makeGuardedCache, works }
}

/** Two servers, and the work in the background of each, in step. */
class Pair {
  readonly #whole: Server
  readonly #inPieces: Server
  readonly #works: { run(): unknown }[]
  readonly #settings: Settings
  readonly #mustAnswer: (client: Client) => void
  #seconds = 0

  constructor({ Server, Credentials, makeGuardedCache, works }: Modules, settings: Settings) {
    this.#settings = settings
    const options = {
      memoryLimitBytes: MEMORY_BYTES,
      maxItemSizeBytes: MAX_ITEM_BYTES,
      slabChunkMaxBytes: MAX_ITEM_BYTES / 2,
      ...settings.options,
    }
    const credentials = settings.password ? new Credentials() : undefined
    credentials?.set([{ user: Buffer.from('user'), password: Buffer.from('pw') }])
    const host: Settings['host'] = { watchEnabled: false, credentials, ...settings.host }
    this.#mustAnswer = settings.password || host.logIn !== undefined ? answersAnything : answersNoop
    const [whole, inPieces] = PATTERNS.map((pattern) => {
      return new Server(options, host, makeGuardedCache(options, pattern))
    })
    this.#whole = whole
    this.#inPieces = inPieces
    const both = [whole.cache, inPieces.cache]
    for (const { events } of both) events.slots.logged = settings.watched ? ALL_STREAMS : 0
    this.#works = both.flatMap((cache) => works.map((Work) => new Work(cache)))
    if (settings.full) for (const server of [whole, inPieces]) fill(server)
    if (settings.large) for (const server of [whole, inPieces]) addLarge(server)
  }

  run(input: Uint8Array): void {
    const random = new Random(input.length + (input[0] ?? 0) * 65_537)
    const held = this.#settings.large && random.below(8) === 0 ? this.#hold() : []
    this.#converse(input, random)
    if (random.below(64) === 0) this.#passTime(random)
    for (const { reply, bytes } of held) {
      if (!reply.bytes().equals(bytes)) throw new Error('what a reply sends has changed')
      reply.release()
    }
  }

  /** Of each server a reply that is still being sent. */
  #hold(): { readonly reply: HeldReply; readonly bytes: Buffer }[] {
    return [this.#whole, this.#inPieces].map((server) => {
      const reply = server.hold(`get ${LARGE.map(([key]) => key).join(' ')}\r\n`)
      return { reply, bytes: reply.bytes() }
    })
  }

  #converse(input: Uint8Array, random: Random): void {
    const whole = this.#whole.connect()
    const inPieces = this.#inPieces.connect()
    const expected = whole.sendForBytes(input)
    const answered: Buffer[] = []
    const comparable = !dependsOnPieces(input)
    for (const piece of comparable ? cut(input, random) : [input]) {
      if (!inPieces.closed) answered.push(inPieces.sendForBytes(piece))
    }
    // What is pinned by longer replies decides what is evicted.
    if (this.#settings.full) [expected, ...answered].forEach(mustTellNothing)
    else if (comparable) mustBeEqual(expected, Buffer.concat(answered))
    if (whole.closed !== inPieces.closed) throw new Error('one of two connections was closed')
    for (const client of [whole, inPieces]) {
      if (!this.#settings.password) mustEnd(client, this.#mustAnswer)
      else if (!linesMayWait(input)) answersAnything(client)
      client.hangUp()
    }
    this.#whole.disconnect(whole)
    this.#inPieces.disconnect(inPieces)
  }

  /** Items expire, flushes come due, pages are to move, and the background has its turns. */
  #passTime(random: Random): void {
    this.#seconds += random.below(8) === 0 ? 3_000 : 1
    const moves = this.#settings.full && random.below(2) === 0
    const destination = random.below(4)
    for (const { cache } of [this.#whole, this.#inPieces]) {
      cache.slabs.verify()
      cache.clock.tick(this.#seconds)
      if (moves) cache.pageMoves.ask(ANY_CLASS, destination, destination > 0)
    }
    if (this.#settings.large) for (const server of [this.#whole, this.#inPieces]) addLarge(server)
    for (let turn = 0; turn < BACKGROUND_TURNS; turn++) {
      for (const work of this.#works) work.run()
    }
  }

  check(): void {
    this.#whole.check()
    this.#inPieces.check()
  }
}

function mustBeEqual(atOnce: Buffer, inPieces: Buffer): void {
  if (atOnce.equals(inPieces)) return
  const [first, second] = [atOnce, inPieces].map((bytes) => bytes.toString('latin1'))
  throw new Error(
    `at once it is answered ${JSON.stringify(first)}, in pieces ${JSON.stringify(second)}`,
  )
}

/** More than can be held, of sizes that share few classes. */
function fill(server: Server): void {
  const client = server.connect()
  for (let n = 0; n < FILLING_ITEMS; n++) {
    const length = [80, 700, 1800, 3000][n % 4]
    client.sendForBytes(`set fill:${n} 0 0 ${length} noreply\r\n${'f'.repeat(length)}\r\n`)
  }
  server.disconnect(client)
}

/** Values that replies send straight from the cache, in one part and in several. */
function addLarge(server: Server): void {
  const client = server.connect()
  for (const [key, length] of LARGE) {
    client.sendForBytes(`set ${key} 0 0 ${length} noreply\r\n${'l'.repeat(length)}\r\n`)
  }
  server.disconnect(client)
}

/** Nobody sends that much of the pattern. */
function mustTellNothing(answer: Buffer): void {
  for (const pattern of PATTERNS) {
    if (answer.includes(Buffer.alloc(8, pattern))) throw new Error('it tells what memory held')
  }
}

/** A connection that waits for bytes goes on when they have come, and then takes a command. */
function mustEnd(client: Client, mustAnswer: (client: Client) => void): void {
  for (let turn = 0; !client.closed; turn++) {
    const wanted = wantedBytes(client)
    // Who declares more than can be sent here, waits for it: that is no defect.
    if (wanted > MAX_AWAITED_BYTES) break
    if (wanted === 0) {
      mustAnswer(client)
      break
    }
    if (turn === TURNS_TO_END) throw new Error(`stuck: it still waits for ${wanted} bytes`)
    client.sendForBytes(
      client.speaksBinary || client.awaitedBytes > 0
        ? new Uint8Array(wanted).fill(LF)
        : END_OF_LINE,
    )
  }
}

/** Bytes that end what was begun; any other number that is not 0 for a line. */
function wantedBytes({ awaitedBytes, pending, speaksBinary }: Client): number {
  if (awaitedBytes > 0 || pending.length === 0 || !speaksBinary) {
    return awaitedBytes || pending.length
  }
  if (pending.length < PACKET_HEADER_BYTES) return PACKET_HEADER_BYTES - pending.length
  // Up to the end of the key, whatever the header says of the body; a login is taken with all of it.
  const header = Buffer.from(pending)
  const missing = header.readUInt8(4) + header.readUInt16BE(2) - pending.length
  const missingOfBody = header.readUInt32BE(8) - pending.length
  return PACKET_HEADER_BYTES + (missing + PACKET_HEADER_BYTES > 0 ? missing : missingOfBody)
}

function answersNoop(client: Client): void {
  const [asked, expected] = client.speaksBinary ? [NOOP, NOOP_ANSWER] : [MN, MN_ANSWER]
  const answer = client.sendForBytes(asked)
  if (client.closed || answer.subarray(-expected.length).equals(expected)) return
  throw new Error(`stuck: it answers ${JSON.stringify(answer.toString('latin1'))}`)
}

/** Who has to log in first is refused, unless the password was awaited. */
function answersAnything(client: Client): void {
  const asked = client.speaksBinary ? NOOP : MN
  for (let sent = 0; sent < MAX_LOGIN_BYTES && !client.closed; sent += asked.length) {
    if (client.sendForBytes(asked).length > 0) return
  }
  if (!client.closed) throw new Error('stuck: it answers nothing')
}

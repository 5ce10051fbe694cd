// Requests to the server's engine, as text, meta or binary commands. Two servers get the same bytes, one at once and
// one in pieces: whatever is sent, both must answer the same, and afterwards still understand the next command.
import type { InstrumentedPackages } from '../instrumented-package.ts'
import { Random } from '../random.ts'
import { type LoadTarget, type Target, words } from '../target.ts'

/** What of `protocol/conversation.ts` is used here. */
interface Conversation {
  readonly Server: new (options: object, host: object) => Server
}

interface Cache {
  readonly clock: { tick(secondsSinceStart: number): void }
}

interface Server {
  readonly cache: Cache
  connect(): Client
  disconnect(client: Client): void
  check(): void
}

interface Client {
  readonly closed: boolean
  readonly speaksBinary: boolean
  readonly awaitedBytes: number
  readonly pending: Uint8Array
  sendForBytes(data: Uint8Array): Buffer
  hangUp(): void
}

/** The work that no request waits for. */
type Work = new (cache: Cache) => { run(): unknown }

interface Modules {
  readonly Server: Conversation['Server']
  readonly works: readonly Work[]
}

const MEMORY_BYTES = 4 * 1024 * 1024
const MAX_ITEM_BYTES = 16 * 1024
/** After so many inputs the servers are replaced: what led to a defect stays short. */
const INPUTS_PER_PAIR = 20_000
const MAX_PIECE_BYTES = 1024

export type Protocol = 'classic' | 'meta' | 'binary'

/** Turns that a client whose value, or packet, is incomplete may take to end it. */
const TURNS_TO_END = 8
const LF = 10
const END_OF_LINE = Buffer.from('\r\n')
const MN = Buffer.from('mn\r\n')
const MN_ANSWER = Buffer.from('MN\r\n')
const PACKET_HEADER_BYTES = 24
const NOOP = Buffer.from([0x80, 0x0a, ...new Array(PACKET_HEADER_BYTES - 2).fill(0)])
const NOOP_ANSWER = Buffer.from([0x81, 0x0a, ...new Array(PACKET_HEADER_BYTES - 2).fill(0)])

export function requests(protocol: Protocol): LoadTarget {
  return async (packages: InstrumentedPackages): Promise<Target> => {
    const modules = await load(packages)
    let pair = new Pair(modules)
    let inputs = 0
    return {
      dictionary: protocol === 'binary' ? BINARY_WORDS : TEXT_WORDS,
      seeds: SEEDS[protocol],
      run: (input) => {
        if (++inputs % INPUTS_PER_PAIR === 0) {
          pair.check()
          pair = new Pair(modules)
        }
        pair.run(input)
      },
      check: () => pair.check(),
    }
  }
}

async function load(packages: InstrumentedPackages): Promise<Modules> {
  const { Server } = await packages.load<Conversation>('server', 'protocol/conversation.js')
  const works = await Promise.all(
    (['Maintainer', 'Crawler', 'PageMover'] as const).map(async (name) => {
      const file = name.replace(/(?<=[a-z])(?=[A-Z])/, '-').toLowerCase()
      return (await packages.load<Record<string, Work>>('server', `cache/${file}.js`))[name]
    }),
  )
  return { Server, works }
}

/** Two servers, and the work in the background of each, in step. */
class Pair {
  readonly #whole: Server
  readonly #inPieces: Server
  readonly #works: { run(): unknown }[]
  #seconds = 0

  constructor({ Server, works }: Modules) {
    const options = {
      memoryLimitBytes: MEMORY_BYTES,
      maxItemSizeBytes: MAX_ITEM_BYTES,
      slabChunkMaxBytes: MAX_ITEM_BYTES / 2,
    }
    this.#whole = new Server(options, { watchEnabled: false })
    this.#inPieces = new Server(options, { watchEnabled: false })
    const both = [this.#whole.cache, this.#inPieces.cache]
    this.#works = both.flatMap((cache) => works.map((Work) => new Work(cache)))
  }

  run(input: Uint8Array): void {
    const random = new Random(input.length + (input[0] ?? 0) * 65_537)
    const whole = this.#whole.connect()
    const inPieces = this.#inPieces.connect()
    const expected = whole.sendForBytes(input)
    const answered: Buffer[] = []
    const comparable = !dependsOnPieces(input)
    for (const piece of comparable ? cut(input, random) : [input]) {
      if (!inPieces.closed) answered.push(inPieces.sendForBytes(piece))
    }
    if (comparable) mustBeEqual(expected, Buffer.concat(answered))
    if (whole.closed !== inPieces.closed) throw new Error('one of two connections was closed')
    mustEnd(whole)
    mustEnd(inPieces)
    this.#whole.disconnect(whole)
    this.#inPieces.disconnect(inPieces)
    if (random.below(64) === 0) this.#passTime(random)
  }

  /** Items expire, flushes come due, and the background has its turn. */
  #passTime(random: Random): void {
    this.#seconds += random.below(8) === 0 ? 3_000 : 1
    for (const server of [this.#whole, this.#inPieces]) server.cache.clock.tick(this.#seconds)
    for (const work of this.#works) work.run()
  }

  check(): void {
    this.#whole.check()
    this.#inPieces.check()
  }
}

/**
 * Whether it matters in how many pieces this comes: a long line is only waited for when it is a list of keys, what
 * came with the beginning of a dump is refused, and statistics tell in how many pieces all came so far.
 */
function dependsOnPieces(input: Uint8Array): boolean {
  const text = Buffer.from(input).toString('latin1')
  return (
    text.split('\n').some(({ length }) => length > LONG_LINE_BYTES) ||
    TELLS_PIECES.some((words) => text.includes(words))
  )
}

const LONG_LINE_BYTES = 1024
const TELLS_PIECES = ['lru_crawler', 'stats', '\x80\x10']

function* cut(input: Uint8Array, random: Random): Generator<Uint8Array> {
  for (let at = 0; at < input.length; ) {
    const length = 1 + random.below(random.below(4) === 0 ? 8 : MAX_PIECE_BYTES)
    yield input.subarray(at, at + length)
    at += length
  }
}

function mustBeEqual(atOnce: Buffer, inPieces: Buffer): void {
  if (atOnce.equals(inPieces)) return
  const [first, second] = [atOnce, inPieces].map((bytes) => bytes.toString('latin1'))
  throw new Error(
    `at once it is answered ${JSON.stringify(first)}, in pieces ${JSON.stringify(second)}`,
  )
}

/** A connection that waits for bytes goes on when they have come, and then takes a command. */
function mustEnd(client: Client): void {
  for (let turn = 0; turn < TURNS_TO_END && !client.closed; turn++) {
    const wanted = wantedBytes(client)
    // Who declares more than can be sent here, waits for it: that is no defect.
    if (wanted > 2 * MAX_ITEM_BYTES) break
    if (wanted === 0) {
      mustAnswer(client)
      break
    }
    client.sendForBytes(
      client.speaksBinary || client.awaitedBytes > 0
        ? new Uint8Array(wanted).fill(LF)
        : END_OF_LINE,
    )
  }
  client.hangUp()
}

/** Bytes that end what was begun; any other number that is not 0 for a line. */
function wantedBytes({ awaitedBytes, pending, speaksBinary }: Client): number {
  if (awaitedBytes > 0 || pending.length === 0 || !speaksBinary) {
    return awaitedBytes || pending.length
  }
  if (pending.length < PACKET_HEADER_BYTES) return PACKET_HEADER_BYTES - pending.length
  // Up to the end of the key, whatever the header says of the body.
  const header = Buffer.from(pending)
  return PACKET_HEADER_BYTES + header.readUInt8(4) + header.readUInt16BE(2) - pending.length
}

function mustAnswer(client: Client): void {
  const [asked, expected] = client.speaksBinary ? [NOOP, NOOP_ANSWER] : [MN, MN_ANSWER]
  const answer = client.sendForBytes(asked)
  if (client.closed || answer.subarray(-expected.length).equals(expected)) return
  throw new Error(`stuck: it answers ${JSON.stringify(answer.toString('latin1'))}`)
}

const KEYS = ['a', 'b', 'key', 'user:1', 'user:22', 'k'.repeat(250), 'k'.repeat(251)]
const TEXT_WORDS = words(
  ...['get ', 'gets ', 'gat 0 ', 'gats 1 ', 'set ', 'add ', 'replace ', 'append ', 'prepend '],
  ...['cas ', 'incr ', 'decr ', 'delete ', 'touch ', 'flush_all', 'version', 'verbosity 1', 'quit'],
  ...['mg ', 'ms ', 'md ', 'ma ', 'mn', 'me ', ' noreply', '\r\n', '\n', '\r', ' ', '  ', '\0'],
  ...[' 0 0 5\r\nhello\r\n', ' 0 0 0\r\n\r\n', ' 1 -1 1\r\nx\r\n', ' 5\r\nhello\r\n'],
  ...[' 0 0 9000\r\n', ' 9000 ', ' 17000\r\n', ' 0 0 2147483647\r\n'],
  ...' b c f h k l O1 q s t v E9 I T30 N30 R30 D5 J0 M+ M- MA MP MS C1 F7 x X W Z S5'.match(
    / \S+/g,
  )!,
  ...[
    'stats',
    'stats ',
    'items',
    'slabs',
    'sizes',
    'settings',
    'conns',
    'detail on',
    'detail dump',
  ],
  ...['reset', 'cachedump 1 2', 'slabs reassign 1 2', 'slabs automove 1', 'lru mode flat'],
  ...['lru tune 10 20 0.1 2.0', 'lru temp_ttl 5', 'lru_crawler crawl all', 'lru_crawler enable'],
  ...[
    'lru_crawler metadump all',
    'lru_crawler mgdump all',
    'cache_memlimit 8',
    'shutdown',
    'watch',
  ],
  ...['invalidate_prefix ', 'list_prefix ', 'prefix_limit ', 'user:', 'stats prefixes'],
  ...KEYS,
)
const OPCODES = Array.from({ length: 0x3d }, (_, opcode) => Uint8Array.of(0x80, opcode))
const BINARY_WORDS = [
  ...OPCODES,
  ...[packet(0, 'a'), packet(1, 'a', 8, 'hello'), packet(4, 'a'), packet(5, 'a', 20), packet(0x0a)],
  ...[packet(0x1c, 'a', 4), packet(0x10, 'items'), packet(0x1d, 'a', 4), packet(0x0e, 'a', 0, 'b')],
  ...words('a', 'b', '\0\0\0\0', '\xff\xff\xff\xff', '\0\x01', '\0\xfa', 'user:1'),
]

/** A request of the binary protocol, with so many bytes of extras that are 0. */
function packet(opcode: number, key = '', extrasBytes = 0, value = ''): Buffer {
  const header = Buffer.alloc(PACKET_HEADER_BYTES + extrasBytes)
  header.writeUInt16BE(0x8000 + opcode, 0)
  header.writeUInt16BE(key.length, 2)
  header.writeUInt8(extrasBytes, 4)
  header.writeUInt32BE(extrasBytes + key.length + value.length, 8)
  return Buffer.concat([header, Buffer.from(key + value, 'latin1')])
}

const SEEDS: Record<Protocol, readonly Uint8Array[]> = {
  classic: words(
    'set a 5 0 5\r\nhello\r\nget a b a\r\ngets a\r\ncas a 1 0 1 1\r\nx\r\n',
    'add n 0 100 2\r\n41\r\nincr n 1\r\ndecr n 5\r\ntouch n 0\r\ngat 100 n\r\ndelete n noreply\r\n',
    'append a 0 0 1\r\nx\r\nprepend a 0 0 1\r\ny\r\nreplace a 0 0 1\r\nz\r\nflush_all 1\r\nversion\r\n',
    `set big 0 0 15000\r\n${'v'.repeat(2000)}`,
    'stats\r\nstats items\r\nstats slabs\r\nlru_crawler metadump all\r\nverbosity 1\r\nquit\r\n',
  ),
  meta: words(
    'ms a 5 T0 F3\r\nhello\r\nmg a v f t c s h l k Oabc q\r\nmn\r\n',
    'ma n N0 J5 D2 v\r\nma n MD D9 q\r\nmd a I T30 q\r\nmg a v N30 R30\r\nme a\r\nmn\r\n',
    'ms Zm9v 2 b MA I\r\nhi\r\nmg Zm9v b k v\r\nms a 2 C1 E7 MP\r\nxy\r\n',
  ),
  binary: [
    Buffer.concat([packet(1, 'a', 8, 'hello'), packet(0, 'a'), packet(0x0d, 'a'), packet(0x0a)]),
    Buffer.concat([packet(5, 'n', 20), packet(0x0e, 'a', 0, 'x'), packet(0x1d, 'a', 4)]),
    Buffer.concat([packet(0x10), packet(0x0b), packet(8, '', 4), packet(0x14, 'a'), packet(7)]),
  ],
}

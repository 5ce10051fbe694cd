// Requests to the server's engine, as text, meta or binary commands. Two servers get the same bytes, one at once and
// one in pieces: whatever is sent, both must answer the same, and afterwards still understand the next command.
import type { InstrumentedPackages } from '../instrumented-package.ts'
import { Random } from '../random.ts'
import type { LoadTarget, Target } from '../target.ts'
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

/** What of `cache/cache-fixture.ts` is. */
interface CacheFixture {
  makeGuardedCache(options: object, pattern: number): Cache
}

interface Cache {
  readonly clock: { tick(secondsSinceStart: number): void }
  readonly slabs: { verify(): void }
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
  readonly makeGuardedCache: CacheFixture['makeGuardedCache']
  readonly works: readonly Work[]
}

const MEMORY_BYTES = 4 * 1024 * 1024
const MAX_ITEM_BYTES = 16 * 1024
/** What each cache fills free memory with: whoever reads of it answers differently from the other. */
const PATTERNS = [0xa5, 0x5b]
/** After so many inputs the servers are replaced: what led to a defect stays short. */
const INPUTS_PER_PAIR = 20_000

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
  const { makeGuardedCache } = await packages.load<CacheFixture>('server', 'cache/cache-fixture.js')
  const works = await Promise.all(
    (['Maintainer', 'Crawler', 'PageMover'] as const).map(async (name) => {
      const file = name.replace(/(?<=[a-z])(?=[A-Z])/, '-').toLowerCase()
      return (await packages.load<Record<string, Work>>('server', `cache/${file}.js`))[name]
    }),
  )
  return { Server, makeGuardedCache, works }
}

/** Two servers, and the work in the background of each, in step. */
class Pair {
  readonly #whole: Server
  readonly #inPieces: Server
  readonly #works: { run(): unknown }[]
  #seconds = 0

  constructor({ Server, makeGuardedCache, works }: Modules) {
    const options = {
      memoryLimitBytes: MEMORY_BYTES,
      maxItemSizeBytes: MAX_ITEM_BYTES,
      slabChunkMaxBytes: MAX_ITEM_BYTES / 2,
    }
    const [whole, inPieces] = PATTERNS.map((pattern) => {
      return new Server(options, { watchEnabled: false }, makeGuardedCache(options, pattern))
    })
    this.#whole = whole
    this.#inPieces = inPieces
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
    for (const { cache } of [this.#whole, this.#inPieces]) {
      cache.slabs.verify()
      cache.clock.tick(this.#seconds)
    }
    for (const work of this.#works) work.run()
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

/** A connection that waits for bytes goes on when they have come, and then takes a command. */
function mustEnd(client: Client): void {
  for (let turn = 0; !client.closed; turn++) {
    const wanted = wantedBytes(client)
    // Who declares more than can be sent here, waits for it: that is no defect.
    if (wanted > 2 * MAX_ITEM_BYTES) break
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

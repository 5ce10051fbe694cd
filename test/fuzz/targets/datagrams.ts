// Datagrams of the UDP protocol: whatever a datagram holds, each of its answers is framed right, bounded, and nothing
// is left of it.
import type { InstrumentedPackages } from '../instrumented-package.ts'
import { type LoadTarget, type Target, words } from '../target.ts'

interface MemoryBlock {
  readonly bytes: Uint8Array
}

/** What of `protocol/conversation.ts` is used here. */
interface Server {
  readonly engine: object
  check(): void
}

/** What of `transport/datagram-exchange.ts` is used here. */
interface DatagramExchange {
  readonly input: MemoryBlock
  readonly header: MemoryBlock
  readonly length: number
  begin(length: number): boolean
  next(): boolean
  sent(): void
  end(): void
}

interface Modules {
  readonly Server: new (options: object, host: object, cache: object) => Server
  makeGuardedCache(options: object): object
  readonly DatagramExchange: new (engine: object, descriptor: number) => DatagramExchange
}

const HEADER_BYTES = 8
/** The answers to one datagram, and the last message that may go past them. */
const MOST_ANSWERED_BYTES = 4 * 1024 * 1024
const DATAGRAMS_PER_SERVER = 20_000

export const datagrams: LoadTarget = async (packages: InstrumentedPackages): Promise<Target> => {
  const { Server } = await packages.load<Modules>('server', 'protocol/conversation.js')
  const { DatagramExchange } = await packages.load<Modules>(
    'server',
    'transport/datagram-exchange.js',
  )
  const { makeGuardedCache } = await packages.load<Modules>('server', 'cache/cache-fixture.js')
  const begin = (): readonly [Server, DatagramExchange] => {
    const options = {
      memoryLimitBytes: 4 * 1024 * 1024,
      maxItemSizeBytes: 64 * 1024,
      slabChunkMaxBytes: 32 * 1024,
    }
    const server = new Server(options, {}, makeGuardedCache(options))
    return [server, new DatagramExchange(server.engine, 5)]
  }
  let [server, exchange] = begin()
  let count = 0
  return {
    dictionary: WORDS,
    seeds: SEEDS,
    modules: [/^server\/transport\/datagram-exchange\.js$/],
    run: (input) => {
      if (++count % DATAGRAMS_PER_SERVER === 0) [server, exchange] = begin()
      exchange.input.bytes.set(input)
      if (exchange.begin(input.length)) answerAll(exchange, input)
      exchange.end()
      // Whatever it was: the next one is answered.
      exchange.input.bytes.set(NEXT)
      exchange.begin(NEXT.length)
      if (answerAll(exchange, NEXT) !== 1) throw new Error('the next datagram is not answered')
      exchange.end()
    },
    check: () => server.check(),
  }
}

/** Takes the answers to a datagram; how many datagrams they are. */
function answerAll(exchange: DatagramExchange, asked: Uint8Array): number {
  let count = 0
  let bytes = 0
  let expected = 0
  while (exchange.next()) {
    const header = Buffer.from(exchange.header.bytes.subarray(0, HEADER_BYTES))
    const [id, sequence, total] = [0, 2, 4].map((at) => header.readUInt16BE(at))
    if (id !== Buffer.from(asked).readUInt16BE(0)) throw new Error(`answered to request ${id}`)
    if (sequence !== expected) throw new Error(`datagram ${sequence} follows ${expected - 1}`)
    if (exchange.length === 0) throw new Error('an empty datagram')
    bytes += exchange.length
    if (bytes > MOST_ANSWERED_BYTES) throw new Error(`${bytes} bytes for one datagram`)
    exchange.sent()
    count++
    expected = sequence + 1 === total ? 0 : sequence + 1
  }
  if (expected !== 0) throw new Error('a message of which the end is missing')
  return count
}

const FRAME = '\0\x07\0\0\0\x01\0\0'
const [NEXT] = words(`${FRAME}mn\r\n`)
const WORDS = words(
  ...[FRAME, 'get a\r\n', 'gets a b c\r\n', 'set a 0 0 1\r\nx\r\n', 'mg a v f t\r\n', 'mn\r\n'],
  ...[
    'ms a 1\r\nx\r\n',
    'incr a 1\r\n',
    'delete a\r\n',
    'stats\r\n',
    'stats items\r\n',
    'version\r\n',
  ],
  ...['lru_crawler metadump all\r\n', 'watch\r\n', 'quit\r\n', 'flush_all\r\n', ' noreply', ' q'],
  ...['\x80\0\0\x01\0\0\0\0\0\0\0\x01', '\x80\x0a', '\0\0\0\0', '\xff', '\r\n', ' '],
)
const SEEDS = words(
  `${FRAME}set a 0 0 5\r\nhello\r\nget a\r\nmg a v\r\nversion\r\n`,
  `${FRAME}stats\r\nget a b c d\r\n`,
  `${FRAME}set big 0 0 1500\r\n${'v'.repeat(1500)}\r\nget big big\r\n`,
  // An answer that fills a datagram, with nothing left for a second.
  `${FRAME}set b 0 0 1369\r\n${'v'.repeat(1369)}\r\nget b\r\n`,
  `${FRAME}\x80\x0a${'\0'.repeat(22)}`,
)

// For tests only: a process that executes each kind of request many times over and prints, as JSON, how
// many bytes of the V8 heap one costs. Run it with --expose-gc and a young generation that holds them all.
import { Cache } from '../cache/cache.ts'
import { makeCacheOptions } from '../cache/cache-fixture.ts'
import { allocateCacheMemory } from '../cache/cache-memory.ts'
import { MemoryBlock, useNativeMemory } from '../cache/memory.ts'
import * as opcode from './binary-opcodes.ts'
import { deltaExtras, type Packet, packet, words } from './binary-packets.ts'
import { Connection } from './connection.ts'
import { Engine } from './engine.ts'

const WARM_UP = 30_000
const ROUNDS = 40_000
const ATTEMPTS = 3
/** For requests of many kilobytes. */
const FEW = 2_000

interface Probe {
  readonly name: string
  /** The pieces in which one round arrives. */
  readonly pieces: readonly string[]
  readonly rounds?: number
  /** By a client that speaks the binary protocol. */
  readonly binary?: boolean
}

const value = (length: number): string => `${length}\r\n${'v'.repeat(length)}\r\n`
const set = (key: string, length: number): string => `set ${key} 0 0 ${value(length)}`
const names = Array.from({ length: 16 }, (_, i) => `key:${i}`)

/** Binary requests in one piece. */
const packets = (...all: readonly Packet[]): string =>
  Buffer.concat(all.map(packet)).toString('latin1')
const binarySet = (key: string, length: number, code: number = opcode.SET): Packet => ({
  opcode: code,
  key,
  extras: words(0, 0),
  value: 'v'.repeat(length),
  opaque: 0xffff_ffff,
})
const MAX_U64 = 2n ** 64n - 1n
const SET_QUIETLY = 0x11
const UNKNOWN_OPCODE = 0x55

const BINARY_PROBES: readonly Probe[] = [
  { name: 'get, hit', pieces: [packets({ opcode: opcode.GET, key: 'small' })] },
  { name: 'getk, miss', pieces: [packets({ opcode: opcode.GETK, key: 'missing' })] },
  {
    name: '16 gets at once',
    pieces: [packets(...names.map((key) => ({ opcode: opcode.GETK, key })))],
  },
  { name: 'get of 10,000 bytes', pieces: [packets({ opcode: opcode.GET, key: 'large' })] },
  { name: 'gat', pieces: [packets({ opcode: opcode.GAT, key: 'small', extras: words(100) })] },
  { name: 'touch', pieces: [packets({ opcode: opcode.TOUCH, key: 'small', extras: words(100) })] },
  { name: 'set', pieces: [packets(binarySet('small', 100))] },
  { name: 'setq', pieces: [packets(binarySet('small', 100, SET_QUIETLY))] },
  {
    name: 'set in two pieces',
    pieces: [packets(binarySet('small', 6)).slice(0, -3), 'vvv'],
  },
  {
    name: 'add, replace, with an old CAS unique',
    pieces: [
      packets(binarySet('small', 1, opcode.ADD), {
        ...binarySet('small', 1, opcode.REPLACE),
        cas: 2n ** 63n,
      }),
    ],
  },
  {
    name: 'set, append, prepend',
    pieces: [
      packets(
        binarySet('a', 9),
        { opcode: opcode.APPEND, key: 'a', value: 'x' },
        { opcode: opcode.PREPEND, key: 'a', value: 'x' },
      ),
    ],
  },
  {
    name: 'set, delete',
    pieces: [packets(binarySet('a', 9), { opcode: opcode.DELETE, key: 'a' })],
  },
  {
    name: 'incr, decr',
    pieces: [
      packets(
        { opcode: opcode.INCREMENT, key: 'number', extras: deltaExtras(3_000_000_000n, 0n, 0) },
        { opcode: opcode.DECREMENT, key: 'number', extras: deltaExtras(3_000_000_000n, 0n, 0) },
      ),
    ],
  },
  {
    name: 'incr that creates, delete',
    pieces: [
      packets(
        { opcode: opcode.INCREMENT, key: 'a', extras: deltaExtras(1n, MAX_U64, 0x7fff_ffff) },
        { opcode: opcode.DELETE, key: 'a' },
      ),
    ],
  },
  {
    name: 'incr, decr of 64 bits',
    pieces: [
      packets(
        { opcode: opcode.INCREMENT, key: 'long', extras: deltaExtras(2n ** 63n, 0n, 0) },
        { opcode: opcode.DECREMENT, key: 'long', extras: deltaExtras(1n, 0n, 0) },
      ),
    ],
  },
  {
    name: 'incr, touch, gatk, delete, miss',
    pieces: [
      packets(
        { opcode: opcode.INCREMENT, key: 'missing', extras: deltaExtras(1n, 0n, 0xffff_ffff) },
        { opcode: opcode.TOUCH, key: 'missing', extras: words(0) },
        { opcode: opcode.GATK, key: 'missing', extras: words(0) },
        { opcode: opcode.DELETE, key: 'missing' },
      ),
    ],
  },
  {
    name: 'set with the largest numbers, get',
    pieces: [
      packets(
        { ...binarySet('small', 100), extras: words(0xffff_ffff, 0xffff_fffe) },
        { ...binarySet('small', 100), extras: words(0xffff_ffff, 0x7fff_ffff) },
        { opcode: opcode.GETK, key: 'small', opaque: 0xffff_ffff },
      ),
    ],
  },
  { name: 'set, too large', pieces: [packets(binarySet('a', 1_100_000))], rounds: FEW },
  { name: 'noop, version', pieces: [packets({ opcode: opcode.NOOP }, { opcode: opcode.VERSION })] },
  { name: 'unknown command', pieces: [packets({ opcode: UNKNOWN_OPCODE, value: 'x' })] },
].map((probe) => ({
  rounds: ROUNDS / 2,
  ...probe,
  name: `binary ${probe.name}`,
  binary: true,
}))

const TEXT_PROBES: readonly Probe[] = [
  { name: 'get, hit', pieces: ['get small\r\n'] },
  { name: 'get, miss', pieces: ['get missing\r\n'] },
  { name: 'get of 16 keys', pieces: [`get ${names.join(' ')}\r\n`] },
  { name: '16 gets at once', pieces: [names.map((name) => `get ${name}\r\n`).join('')] },
  { name: 'gets', pieces: ['gets small\r\n'] },
  { name: 'gat', pieces: ['gat 100 small\r\n'] },
  { name: 'get of 1,000 bytes', pieces: ['get kilo\r\n'] },
  { name: 'get of 10,000 bytes', pieces: ['get large\r\n'] },
  { name: 'get of 700,000 bytes in chunks', pieces: ['get huge\r\n'], rounds: FEW },
  { name: 'set', pieces: [set('small', 100)] },
  { name: 'set of 1,000 bytes', pieces: [set('kilo', 1000)] },
  { name: 'set of 10,000 bytes', pieces: [set('large', 10_000)] },
  { name: 'set of 700,000 bytes in chunks', pieces: [set('huge', 700_000)], rounds: FEW },
  { name: 'set in two pieces', pieces: ['set small 0 0 6\r\nabc', 'def\r\n'] },
  { name: 'set noreply', pieces: ['set small 7 100 3 noreply\r\nabc\r\n'] },
  { name: 'add, replace', pieces: ['add small 0 0 1\r\nx\r\nreplace small 0 0 1\r\nx\r\n'] },
  { name: 'cas', pieces: ['cas small 0 0 1 4294967296\r\nx\r\n'] },
  {
    name: 'set, append, prepend',
    pieces: [`${set('a', 9)}append a 0 0 1\r\nx\r\nprepend a 0 0 1\r\nx\r\n`],
  },
  { name: 'set, delete', pieces: [`${set('a', 9)}delete a\r\n`] },
  { name: 'incr, decr', pieces: ['incr number 3000000000\r\ndecr number 3000000000\r\n'] },
  {
    name: 'incr, decr of 64 bits',
    pieces: [`incr long ${2n ** 63n}\r\ndecr long 1\r\n`],
  },
  { name: 'touch', pieces: ['touch small 100\r\n'] },
  {
    name: 'incr, touch, gat, delete, miss',
    pieces: ['incr missing 1\r\ntouch missing 1\r\ngat 1 missing\r\ndelete missing\r\n'],
  },
  {
    name: 'set with the largest numbers, gets',
    pieces: [
      'set small 4294967295 2147483647 1\r\nx\r\ngets small\r\n',
      `cas small 4294967295 2147483647 1 ${MAX_U64}\r\nx\r\n`,
    ],
  },
  { name: 'set, too large', pieces: [set('a', 1_100_000)], rounds: FEW },
  { name: 'mg', pieces: ['mg small v f c k t s h l O123 q\r\n'] },
  { name: 'mg, miss', pieces: ['mg missing v\r\n'] },
  { name: 'mg of a key in base64', pieces: ['mg Zm9v b v k\r\n'] },
  { name: 'ms', pieces: [`ms small ${value(100).replace('\r\n', ' T0 F5 c\r\n')}`] },
  { name: 'md, ms', pieces: ['md small I q\r\nms small 1 q\r\nx\r\n'] },
  { name: 'ma', pieces: ['ma number D1 v\r\nma number MD D1\r\n'] },
  { name: 'ma that creates, md', pieces: [`ma a N60 J${MAX_U64} D1 v t c\r\nmd a\r\n`] },
  { name: 'mg that creates, md', pieces: ['mg a N60 v t c\r\nmg a R30 v\r\nmd a\r\n'] },
  {
    name: 'ms with the largest numbers, mg',
    pieces: [
      `ms small 1 F4294967295 T2147483647 E${MAX_U64} O1 k\r\nx\r\n`,
      `ms small 1 C${MAX_U64}\r\nx\r\nmg small f t c h l v\r\n`,
      `ms small 1 T60 c\r\nx\r\n`,
    ],
  },
  { name: 'ms, md x', pieces: ['ms a 1\r\nx\r\nmd a x\r\nmd a I T30\r\nmg a v\r\n'] },
  { name: 'ms, too large', pieces: [`ms a ${value(1_100_000)}`], rounds: FEW },
  { name: 'ms in two pieces', pieces: ['ms small 6 T0 c\r\nabc', 'def\r\n'] },
  { name: 'mn', pieces: ['mn\r\n'] },
  { name: 'errors', pieces: ['nonsense\r\nget\r\nset a 0 0 x\r\nmg a y\r\n'] },
]

/** Last, because nothing is left of what the others need. */
const EVICTIONS: Probe = { name: 'set of new keys, with evictions', pieces: [] }
const PROBES: readonly Probe[] = [...TEXT_PROBES, ...BINARY_PROBES, EVICTIONS]

const options = makeCacheOptions({ memoryLimitBytes: 8 * 1024 * 1024, hashPowerInitial: 16 })

const native = process.argv.includes('--native')
if (native) {
  const { loadSystemCalls } = await import('../transport/system-calls.ts')
  useNativeMemory(loadSystemCalls())
}

const cache = new Cache(allocateCacheMemory(options), options)
cache.clock.start(1_700_000_000)
// No command of these asks for the process around the cache.
const engine = new Engine(cache, {} as ConstructorParameters<typeof Engine>[1])
const textClient = new Connection(0)
const binaryClient = new Connection(0)

function blockOf(text: string): MemoryBlock {
  const bytes = Buffer.from(text, 'latin1')
  const block = new MemoryBlock(new ArrayBuffer(bytes.length + 8))
  block.bytes.set(bytes)
  return block
}

function execute(block: MemoryBlock, connection = textClient): void {
  const end = block.size - 8
  let at = 0
  do {
    at = engine.execute(connection, block, at, end)
    engine.release(engine.reply)
  } while (at < end)
}

for (const name of [...names, 'small']) execute(blockOf(set(name, 100)))
for (const [name, length] of [
  ['kilo', 1000],
  ['large', 10_000],
  ['huge', 700_000],
] as const) {
  execute(blockOf(set(name, length)))
}
execute(blockOf('set number 0 0 1\r\n1\r\nset long 0 0 1\r\n1\r\nms Zm9v 2 b\r\nhi\r\n'))

const collect = globalThis.gc
if (collect === undefined) throw new Error('run this with --expose-gc')

/** Key number n in the place of the last, so that every round stores another one. */
function rename(block: MemoryBlock, n: number): void {
  let rest = n
  for (let at = 11; at >= 4; at--) {
    block.bytes[at] = 48 + (rest % 10)
    rest = (rest / 10) | 0
  }
}

function run(
  blocks: readonly MemoryBlock[],
  rounds: number,
  fresh: MemoryBlock | undefined,
  client: Connection,
): void {
  for (let round = 0; round < rounds; round++) {
    if (fresh !== undefined) {
      rename(fresh, round)
      execute(fresh)
    }
    for (let i = 0; i < blocks.length; i++) execute(blocks[i], client)
  }
}

const result: Record<string, number> = {}
for (const { name, pieces, rounds = ROUNDS, binary = false } of PROBES) {
  const client = binary ? binaryClient : textClient
  const blocks = pieces.map(blockOf)
  const fresh = blocks.length === 0 ? blockOf(set('00000000', 100)) : undefined
  run(blocks, Math.min(WARM_UP, rounds), fresh, client)
  run(blocks, Math.min(WARM_UP, rounds), fresh, client)
  // What the compiler allocates meanwhile comes once; what a request allocates comes every time.
  let least = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    collect()
    const before = process.memoryUsage().heapUsed
    run(blocks, rounds, fresh, client)
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / rounds)
  }
  result[name] = least
}
console.log(JSON.stringify(result))

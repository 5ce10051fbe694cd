// For measurements only: what telemetry costs a request inside the engine. Two caches in one process, one with it and one
// without, serve the same batches in turn; printed is the least CPU time of each, in nanoseconds a request.
// `node dist/protocol/telemetry-cost.js`; docs/ARCHITECTURE.md has the figures.
import { Cache } from '../cache/cache.ts'
import { makeCacheOptions, START_UNIX_SECONDS } from '../cache/cache-fixture.ts'
import { allocateCacheMemory } from '../cache/cache-memory.ts'
import { MemoryBlock, useNativeMemory } from '../cache/memory.ts'
import { hasSystemCalls, loadSystemCalls } from '../transport/system-calls.ts'
import { Connection } from './connection.ts'
import { Engine } from './engine.ts'

/** Few, so that all lies in the processor's caches and two caches differ in nothing but what is measured. */
const KEYS = 500
const BATCHES = 50
/** Requests in one measurement, and measurements of each kind. */
const REQUESTS = 32_000
const ROUNDS = Number(process.env.ROUNDS ?? 200)

const keyOf = (n: number): string => `user:${String(n % KEYS).padStart(8, '0')}`
const value = 'v'.repeat(100)
const get = (n: number): string => `get ${keyOf(n)}\r\n`
const set = (n: number): string => `set ${keyOf(n)} 0 0 100\r\n${value}\r\n`
const metaGet = (n: number): string => `mg ${keyOf(n)} v\r\n`
const mixed = (n: number): string => (n % 10 === 0 ? set(n) : get(n))

const LOADS = [
  { name: 'get', request: get },
  { name: 'set', request: set },
  { name: 'mg', request: metaGet },
  { name: '9 get : 1 set', request: mixed },
]
const PIPELINED = [1, 16]

interface Side {
  readonly cache: Cache
  readonly engine: Engine
  readonly client: Connection
}

function makeSide(telemetrySamplesPerSecond: number): Side {
  const options = makeCacheOptions({ telemetrySamplesPerSecond, hashPowerInitial: 16 })
  const cache = new Cache(allocateCacheMemory(options), options)
  cache.clock.start(START_UNIX_SECONDS)
  const engine = new Engine(cache, {
    requestsPerTurn: 20,
    maxWaitingAnswers: Number.POSITIVE_INFINITY,
  } as ConstructorParameters<typeof Engine>[1])
  return { cache, engine, client: new Connection(0) }
}

function blockOf(text: string): MemoryBlock {
  const block = new MemoryBlock(new ArrayBuffer(text.length + 8))
  block.bytes.set(Buffer.from(text, 'latin1'))
  return block
}

/** One round of a thread's loop for each batch. Samples have a bound by time: that of a thread with a core of its own. */
function serve(
  { cache, engine, client }: Side,
  blocks: readonly MemoryBlock[],
  times: number,
): void {
  const { user, system } = process.cpuUsage()
  cache.clock.tick(Math.floor((user + system) / 1_000_000))
  for (let n = 0; n < times; n++) {
    const block = blocks[n % blocks.length]
    engine.samples.beginRound()
    engine.execute(client, block, 0, block.size - 8)
    engine.samples.endRound()
    engine.release(engine.reply)
  }
}

function nanosecondsOf(work: () => void): number {
  const { user, system } = process.cpuUsage()
  work()
  const after = process.cpuUsage()
  return (after.user - user + after.system - system) * 1000
}

if (hasSystemCalls()) useNativeMemory(loadSystemCalls())
const sides = { on: makeSide(1000), off: makeSide(0) }
for (const side of Object.values(sides)) {
  serve(
    side,
    Array.from({ length: KEYS }, (_, n) => blockOf(set(n))),
    KEYS,
  )
}

for (const { name, request } of LOADS) {
  for (const pipelined of PIPELINED) {
    const blocks = Array.from({ length: BATCHES }, (_, batch) =>
      blockOf(Array.from({ length: pipelined }, (_, n) => request(batch * 7919 + n * 31)).join('')),
    )
    const batches = REQUESTS / pipelined
    const least = { on: Number.POSITIVE_INFINITY, off: Number.POSITIVE_INFINITY }
    for (let round = -20; round < ROUNDS; round++) {
      for (const which of round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const)) {
        const spent = nanosecondsOf(() => serve(sides[which], blocks, batches)) / REQUESTS
        if (round >= 0) least[which] = Math.min(least[which], spent)
      }
    }
    const percent = (100 * (least.on - least.off)) / least.off
    console.log(
      `${name}, ${pipelined} at once: ${least.off.toFixed(1)} ns without, ${least.on.toFixed(1)} ns with` +
        ` (${percent >= 0 ? '+' : ''}${percent.toFixed(1)} %)`,
    )
  }
}

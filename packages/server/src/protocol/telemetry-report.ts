// The texts of our own statistics: `stats latency`, `stats memshard`, and the lists of keys `stats hotkeys`, `stats
// bigkeys` and `stats hotprefixes`. Knows names and sums; not how a connection receives them.
import { BIG_WINDOW_SECONDS } from '../cache/big-keys.ts'
import type { Cache } from '../cache/cache.ts'
import type { Histograms } from '../cache/histograms.ts'
import { HOT_WINDOW_SECONDS, type HotKeys, type RankedKey } from '../cache/hot-keys.ts'
import { LOCK_ACQUIRED, LOCK_CONTENDED, LOCK_WAIT_MICROSECONDS } from '../cache/lock.ts'
import { MemoryBlock } from '../cache/memory.ts'
import {
  LIMITED_BYTES,
  LIMITED_EVICTIONS,
  LIMITED_ITEMS,
  LIMITED_REFUSALS,
  UNLIMITED,
} from '../cache/prefix-limits.ts'
import { TOTAL_ITEMS } from '../cache/statistics.ts'
import { BYTES_IN, BYTES_OUT, LOOP_ROUNDS, REQUESTS } from '../cache/telemetry.ts'
import { REQUEST_KINDS } from './request-kinds.ts'
import type { Pair } from './statistics-report.ts'

/** Upper bounds of the cumulative buckets: powers of two up to 8.4 seconds, which the histograms have exactly. */
const BOUNDS = Array.from({ length: 24 }, (_, power) => 2 ** power)
const QUANTILES = [
  ['p50_us', 0.5],
  ['p90_us', 0.9],
  ['p99_us', 0.99],
  ['p999_us', 0.999],
] as const

/** Keys that are listed where no number is asked for; as many as are ever known. */
export const KEYS_LISTED = 128

/** With `-o no_telemetry`. */
const DISABLED: Pair = ['telemetry', 'disabled']

/** How long requests took, by kind; only of those that were there. */
export function* latencyStatistics({ telemetry }: Cache): Generator<Pair> {
  const { times } = telemetry
  if (!telemetry.enabled) yield DISABLED
  for (const [kind, name] of REQUEST_KINDS.entries()) {
    const count = telemetry.counted(kind, REQUESTS)
    if (count === 0) continue
    yield [`${name}:count`, count]
    yield [`${name}:sampled`, times.samples(kind)]
    for (const [quantile, part] of QUANTILES) {
      yield [`${name}:${quantile}`, toTenths(times.quantile(kind, part))]
    }
    yield [`${name}:max_us`, toTenths(times.maximum(kind))]
    yield* buckets(name, times, kind)
  }
}

/** Lock, page moves, limits of prefixes, event loops, and bytes by kind of request. */
export function* serverStatistics(cache: Cache): Generator<Pair> {
  const { telemetry, lock, pageMoves } = cache
  if (!telemetry.enabled) yield DISABLED
  yield ['lock_acquired', lock.counted(LOCK_ACQUIRED)]
  yield ['lock_contended', lock.counted(LOCK_CONTENDED)]
  yield ['lock_wait_us', Math.round(lock.counted(LOCK_WAIT_MICROSECONDS))]
  for (const [source, destination, pages] of pageMoves.counts()) {
    yield [`page_moves:${source}:${destination}`, pages]
  }
  yield* limitStatistics(cache)
  if (!telemetry.enabled) return
  yield ['loop:count', telemetry.times.total(LOOP_ROUNDS)]
  yield ['loop:sampled', telemetry.times.samples(LOOP_ROUNDS)]
  yield* buckets('loop', telemetry.times, LOOP_ROUNDS)
  for (const [kind, name] of REQUEST_KINDS.entries()) {
    const bytesIn = telemetry.counted(kind, BYTES_IN)
    const bytesOut = telemetry.counted(kind, BYTES_OUT)
    if (bytesIn === 0 && bytesOut === 0) continue
    yield [`${name}:bytes_in`, bytesIn]
    yield [`${name}:bytes_out`, bytesOut]
  }
}

/** What is under the limits of prefixes, in the order of their prefixes. */
function* limitStatistics({ limits }: Cache): Generator<Pair> {
  const numbers = limits.limits.map((_, limit) => limit)
  numbers.sort((a, b) => (limits.limits[a].prefix < limits.limits[b].prefix ? -1 : 1))
  for (const limit of numbers) {
    const { prefix } = limits.limits[limit]
    const bytes = limits.bytesOf(limit)
    const name = `prefix_limit:${encoded(Buffer.from(prefix, 'latin1'))}`
    yield [`${name}:limit_bytes`, bytes === UNLIMITED ? 0 : bytes]
    yield [`${name}:bytes`, limits.counted(limit, LIMITED_BYTES)]
    yield [`${name}:items`, limits.counted(limit, LIMITED_ITEMS)]
    yield [`${name}:evictions`, limits.counted(limit, LIMITED_EVICTIONS)]
    yield [`${name}:refusals`, limits.counted(limit, LIMITED_REFUSALS)]
  }
}

/** The keys that were asked for most. */
export function hotKeyStatistics({ telemetry }: Cache, limit = KEYS_LISTED): Iterable<Pair> {
  return telemetry.enabled ? ranking('key', telemetry.hotKeys, limit) : [DISABLED]
}

/** What stands before the delimiter (`-D`) in the keys that were asked for most. */
export function hotPrefixStatistics({ telemetry }: Cache, limit = KEYS_LISTED): Iterable<Pair> {
  return telemetry.enabled ? ranking('prefix', telemetry.hotPrefixes, limit) : [DISABLED]
}

/** The largest items of those stored or read lately that are still there, by the bytes they have now. */
export function* bigKeyStatistics(cache: Cache, limit = KEYS_LISTED): Generator<Pair> {
  const { telemetry, statistics, items, table } = cache
  const { bigKeys } = telemetry
  if (!telemetry.enabled) {
    yield DISABLED
    return
  }
  const stored = statistics.get(TOTAL_ITEMS)
  bigKeys.turn(stored)
  yield ['window_seconds', BIG_WINDOW_SECONDS]
  yield ['sampled', bigKeys.looked(stored)]
  const there: RankedKey[] = []
  for (const { key, hash } of bigKeys.keys()) {
    const item = table.find(blockOf(key), 0, key.length, hash)
    if (item !== 0 && !cache.isDead(item)) there.push({ key, number: items.sizeOf(item) })
  }
  there.sort((a, b) => b.number - a.number)
  for (const { key, number } of there.slice(0, limit)) yield [`key:${encoded(key)}`, number]
}

function* ranking(name: string, keys: HotKeys, limit: number): Generator<Pair> {
  yield ['window_seconds', HOT_WINDOW_SECONDS]
  yield ['sampled', keys.samples]
  for (const { key, number } of keys.top(limit)) yield [`${name}:${encoded(key)}`, number]
}

/** As Prometheus has them: each counts what is at most so long. */
function* buckets(name: string, times: Histograms, histogram: number): Generator<Pair> {
  for (const bound of BOUNDS) yield [`${name}:le_${bound}`, times.atMost(histogram, bound)]
  yield [`${name}:le_inf`, times.total(histogram)]
  yield [`${name}:sum_us`, Math.round(times.sum(histogram))]
}

function toTenths(microseconds: number): number {
  return Math.round(microseconds * 10) / 10
}

/** A key as `lru_crawler metadump` shows it, so that any bytes make one word. */
function encoded(key: Uint8Array): string {
  let text = ''
  for (const byte of key) {
    const character = String.fromCharCode(byte)
    if (/[A-Za-z0-9._~-]/.test(character)) text += character
    else text += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}

function blockOf(bytes: Uint8Array): MemoryBlock {
  const block = new MemoryBlock(new ArrayBuffer(bytes.length + 8))
  block.bytes.set(bytes)
  return block
}

// The binary protocol's commands for operators: stat, flush, version. The statistics are the text
// protocol's; here they become packets.
import { CMD_FLUSH } from '../cache/statistics.ts'
import {
  AUTHENTICATION_FAILED,
  KEY_NOT_FOUND,
  putHeader,
  SUCCESS,
  writeDone,
  writeError,
  writeText,
} from './binary-reply.ts'
import { type BinaryRequest, HEADER_BYTES } from './binary-request.ts'
import type { Connection } from './connection.ts'
import { type Context, MEMCACHED_VERSION } from './context.ts'
import { prefixReport } from './prefix-dump.ts'
import { ownStatistics, resetStatistics } from './statistics-command.ts'
import {
  generalStatistics,
  itemStatistics,
  type Pair,
  sizeStatistics,
  slabStatistics,
} from './statistics-report.ts'

const VERSION_TEXT = Buffer.from(MEMCACHED_VERSION, 'latin1')

export function processBinaryVersion(context: Context): void {
  writeText(context, VERSION_TEXT)
}

export function processBinaryFlush(context: Context): void {
  const { cache, host, request } = context
  if (!host.flushEnabled) {
    writeError(context, AUTHENTICATION_FAILED)
    return
  }
  cache.statistics.add(CMD_FLUSH, 1)
  const delay = request.extrasLength === 0 ? 0 : request.extra(0) >>> 0
  cache.flush(cache.clock.expiry(delay))
  writeDone(context, 0)
}

export function processBinaryStatistics(context: Context, connection: Connection): void {
  const { request } = context
  const name = Buffer.from(request.block.bytes.subarray(request.keyAt, request.keyEnd))
  const pairs = statisticsOf(context, name.toString('latin1'))
  if (pairs === undefined) writeError(context, KEY_NOT_FOUND)
  else connection.sendText(packets(pairs, request))
}

/** As memcached tells the groups apart: some by how the key begins, others by all of it. */
function statisticsOf(context: Context, name: string): Iterable<Pair> | undefined {
  const { cache, host } = context
  if (name === '') return generalStatistics(cache, host)
  if (name.startsWith('reset')) {
    resetStatistics(context)
    return []
  }
  if (name.startsWith('settings')) return host.settings()
  if (name.startsWith('detail')) return detailOf(context, name.slice('detail'.length))
  if (name === 'items') return itemStatistics(cache)
  if (name === 'slabs') return slabStatistics(cache)
  if (name === 'sizes') return sizeStatistics(cache)
  return ownStatistics(cache, host.dumpEnabled, name)
}

/** `detail on|off|dump`; the dump is one value. */
function detailOf({ cache, host }: Context, how: string): Iterable<Pair> | undefined {
  if (!host.dumpEnabled) return undefined
  if (how.startsWith(' dump')) return [['detailed', prefixReport(cache.prefixes)]]
  if (!how.startsWith(' on') && !how.startsWith(' off')) return undefined
  cache.prefixes.enabled = how.startsWith(' on')
  return []
}

/** A packet for each pair, and one without key and value at the end. */
function packets(pairs: Iterable<Pair>, request: BinaryRequest): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of pairs) parts.push(packet(name, `${value}`, request))
  parts.push(packet('', '', request))
  return Buffer.concat(parts)
}

function packet(name: string, value: string, request: BinaryRequest): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + name.length + value.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const at = putHeader(view, 0, request, SUCCESS, 0, name.length, name.length + value.length)
  bytes.write(name + value, at, 'latin1')
  return bytes
}

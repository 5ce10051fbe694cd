// stats and its subcommands: which report is asked for. Knows their names and errors; the texts of the
// reports are made in files of their own.

import type { Cache } from '../cache/cache.ts'
import { processCachedump } from './cachedump.ts'
import type { Connection } from './connection.ts'
import { BAD_FORMAT, type Context, ERROR, OK } from './context.ts'
import { parseU32 } from './numbers.ts'
import { PrefixDump, prefixReport } from './prefix-dump.ts'
import { line } from './reply.ts'
import {
  connectionStatistics,
  generalStatistics,
  itemStatistics,
  type Pair,
  report,
  sizeStatistics,
  slabStatistics,
} from './statistics-report.ts'
import {
  bigKeyStatistics,
  hotKeyStatistics,
  hotPrefixStatistics,
  KEYS_LISTED,
  latencyStatistics,
  serverStatistics,
} from './telemetry-report.ts'
import { word } from './tokens.ts'

const RESET_DONE = line('RESET')
const DETAIL_NOT_ALLOWED = line('CLIENT_ERROR stats detail not allowed')
const DETAIL_USAGE = line('CLIENT_ERROR usage: stats detail on|off|dump')

const RESET = word('reset')
const DETAIL = word('detail')
const SETTINGS = word('settings')
const CACHEDUMP = word('cachedump')
const CONNS = word('conns')
const EXTSTORE = word('extstore')
const ITEMS = word('items')
const SLABS = word('slabs')
const SIZES = word('sizes')
// Ours.
const LATENCY = word('latency')
const MEMSHARD = word('memshard')
const KEY_LISTS = [
  { name: 'hotkeys', statistics: hotKeyStatistics },
  { name: 'bigkeys', statistics: bigKeyStatistics },
  { name: 'hotprefixes', statistics: hotPrefixStatistics },
].map(({ name, statistics }) => ({
  name,
  word: word(name),
  statistics,
  refusal: line(`CLIENT_ERROR stats ${name} not allowed`),
}))
const ON = word('on')
const OFF = word('off')
const DUMP = word('dump')

/** Some subcommands may be abbreviated and some not, in memcached's order. `noreply` means nothing to any. */
export function processStatistics(context: Context, connection: Connection): void {
  const { tokens, cache, host } = context
  if (tokens.count < 2) {
    connection.sendText(report(generalStatistics(cache, host)))
  } else if (tokens.abbreviates(1, RESET)) {
    resetStatistics(context)
    context.reply.text(RESET_DONE)
  } else if (tokens.abbreviates(1, DETAIL)) {
    processDetail(context, connection)
  } else if (tokens.abbreviates(1, SETTINGS)) {
    connection.sendText(report(host.settings()))
  } else if (tokens.abbreviates(1, CACHEDUMP)) {
    processCachedump(context, connection)
  } else if (tokens.abbreviates(1, CONNS)) {
    const connections = host.connections(connection.descriptor)
    connection.sendText(report(connectionStatistics(connections)))
  } else if (tokens.abbreviates(1, EXTSTORE)) {
    // There is no external storage, and so nothing to tell of it.
    connection.sendText(report([]))
  } else if (tokens.is(1, ITEMS)) {
    connection.sendText(report(itemStatistics(cache)))
  } else if (tokens.is(1, SLABS)) {
    connection.sendText(report(slabStatistics(cache)))
  } else if (tokens.is(1, SIZES)) {
    connection.sendText(report(sizeStatistics(cache)))
  } else if (tokens.is(1, LATENCY)) {
    connection.sendText(report(latencyStatistics(cache)))
  } else if (tokens.is(1, MEMSHARD)) {
    connection.sendText(report(serverStatistics(cache)))
  } else if (!processKeyList(context, connection)) {
    context.reply.text(ERROR)
  }
}

/** `stats hotkeys|bigkeys|hotprefixes [<number>]`; false if it is none. */
function processKeyList(context: Context, connection: Connection): boolean {
  const { tokens, cache, host, reply } = context
  const list = KEY_LISTS.find((known) => tokens.is(1, known.word))
  if (list === undefined) return false
  const limit =
    tokens.count > 2 ? parseU32(tokens.block, tokens.start[2], tokens.end[2]) : KEYS_LISTED
  if (!host.dumpEnabled) reply.text(list.refusal)
  else if (Number.isNaN(limit)) reply.text(BAD_FORMAT)
  else connection.sendText(report(list.statistics(cache, limit)))
  return true
}

/**
 * Our own statistics by name, for who has the name as text: `latency`, `hotkeys 10`. Undefined if there are none, or
 * if keys may not be listed (`-X`).
 */
export function ownStatistics(
  cache: Cache,
  dumpEnabled: boolean,
  text: string,
): Iterable<Pair> | undefined {
  if (text === 'latency') return latencyStatistics(cache)
  if (text === 'memshard') return serverStatistics(cache)
  const [, name, number] = /^([a-z]+)(?: (\d{1,9}))?$/.exec(text) ?? []
  const list = KEY_LISTS.find((known) => known.name === name)
  if (list === undefined || !dumpEnabled) return undefined
  return list.statistics(cache, number === undefined ? KEYS_LISTED : Number(number))
}

export function resetStatistics({ cache, host }: Context): void {
  cache.resetStatistics()
  host.resetStatistics()
}

/** `stats detail on|off|dump`: counts by the prefix of keys. */
function processDetail(context: Context, connection: Connection): void {
  const { tokens, cache, host } = context
  if (!host.dumpEnabled) {
    context.reply.text(DETAIL_NOT_ALLOWED)
  } else if (tokens.abbreviates(2, ON)) {
    cache.prefixes.enabled = true
    context.reply.text(OK)
  } else if (tokens.abbreviates(2, OFF)) {
    cache.prefixes.enabled = false
    context.reply.text(OK)
  } else if (tokens.abbreviates(2, DUMP)) {
    if (connection.datagram) {
      connection.sendText(Buffer.from(prefixReport(cache.prefixes), 'latin1'))
    } else {
      connection.list(new PrefixDump(cache.prefixes))
    }
  } else {
    context.reply.text(DETAIL_USAGE)
  }
}

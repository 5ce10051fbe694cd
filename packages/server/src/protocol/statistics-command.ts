// stats and its subcommands: which report is asked for. Knows their names and errors; the texts of the
// reports are made in files of their own.
import { processCachedump } from './cachedump.ts'
import type { Connection } from './connection.ts'
import { type Context, ERROR, OK } from './context.ts'
import { PrefixDump, prefixReport } from './prefix-dump.ts'
import { line } from './reply.ts'
import {
  connectionStatistics,
  generalStatistics,
  itemStatistics,
  report,
  sizeStatistics,
  slabStatistics,
} from './statistics-report.ts'
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
  } else {
    context.reply.text(ERROR)
  }
}

export function resetStatistics({ cache, host }: Context): void {
  cache.statistics.reset()
  cache.prefixes.clear()
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

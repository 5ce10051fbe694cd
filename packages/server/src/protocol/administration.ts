// The commands for operators: stats, flush_all, version, verbosity, shutdown. Knows what they answer; the
// process behind them is the Host.
import type { Cache } from '../cache/cache.ts'
import { CMD_FLUSH } from '../cache/statistics.ts'
import { answer, INVALID_EXPTIME } from './classic.ts'
import { type Connection, TEXT } from './connection.ts'
import { BAD_FORMAT, type Context, ERROR, type Host, MEMCACHED_VERSION } from './context.ts'
import { parseI32, parseU32 } from './numbers.ts'
import { line } from './reply.ts'
import {
  connectionStatistics,
  generalStatistics,
  itemStatistics,
  report,
  slabStatistics,
} from './statistics-report.ts'
import { word } from './tokens.ts'

const OK = line('OK')
const RESET = line('RESET')
const VERSION = line(`VERSION ${MEMCACHED_VERSION}`)
const FLUSH_NOT_ALLOWED = line('CLIENT_ERROR flush_all not allowed')
const SHUTDOWN_NOT_ENABLED = line('SERVER_ERROR: shutdown not enabled')
const INVALID_SHUTDOWN_MODE = line('CLIENT_ERROR invalid shutdown mode')

const SETTINGS = word('settings')
const ITEMS = word('items')
const SLABS = word('slabs')
const CONNS = word('conns')
const RESET_WORD = word('reset')
const NOREPLY = word('noreply')
const GRACEFUL = word('graceful')

const MAX_VERBOSITY = 2

export function processVersion(context: Context): void {
  context.reply.text(VERSION)
}

export function processStatistics(context: Context, connection: Connection): void {
  const { tokens, cache, host, reply } = context
  if (tokens.count < 2) {
    sendText(connection, report(generalStatistics(cache, host)))
  } else if (tokens.abbreviates(1, RESET_WORD)) {
    resetStatistics(cache, host)
    reply.text(RESET)
  } else if (tokens.abbreviates(1, SETTINGS)) {
    sendText(connection, report(host.settings()))
  } else if (tokens.abbreviates(1, ITEMS)) {
    sendText(connection, report(itemStatistics(cache)))
  } else if (tokens.abbreviates(1, SLABS)) {
    sendText(connection, report(slabStatistics(cache)))
  } else if (tokens.abbreviates(1, CONNS)) {
    sendText(connection, report(connectionStatistics(host.connections(connection.descriptor))))
  } else {
    reply.text(ERROR)
  }
}

export function resetStatistics(cache: Cache, host: Host): void {
  cache.statistics.reset()
  host.resetStatistics()
}

/** Has a text of any length sent before the next command. */
export function sendText(connection: Connection, text: Uint8Array): void {
  connection.state = TEXT
  connection.text = text
  connection.textSent = 0
}

export function processFlushAll(context: Context): void {
  const { tokens, cache, host } = context
  cache.statistics.add(CMD_FLUSH, 1)
  if (!host.flushEnabled) {
    answer(context, FLUSH_NOT_ALLOWED)
    return
  }
  let at = 0
  if (tokens.count > 1 && !tokens.is(1, NOREPLY)) {
    const delay = parseI32(tokens.block, tokens.start[1], tokens.end[1])
    if (Number.isNaN(delay)) {
      answer(context, INVALID_EXPTIME)
      return
    }
    at = delay > 0 ? cache.clock.expiry(delay) : 0
  }
  cache.flush(at)
  answer(context, OK)
}

export function processVerbosity(context: Context): void {
  const { tokens, host } = context
  const level =
    tokens.count > 1 ? parseU32(tokens.block, tokens.start[1], tokens.end[1]) : Number.NaN
  if (Number.isNaN(level)) {
    answer(context, BAD_FORMAT)
    return
  }
  host.setVerbosity(Math.min(level, MAX_VERBOSITY))
  answer(context, OK)
}

export function processShutdown(context: Context, connection: Connection): void {
  const { tokens, host, reply } = context
  const graceful = tokens.is(1, GRACEFUL)
  if (!host.shutdownEnabled) reply.text(SHUTDOWN_NOT_ENABLED)
  else if (tokens.count > 1 && !graceful) reply.text(INVALID_SHUTDOWN_MODE)
  else {
    connection.closing = true
    host.shutdown(graceful)
  }
}

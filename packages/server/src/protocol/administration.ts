// Commands for operators: flush_all, version, verbosity, shutdown. Knows what they answer; the
// process behind them is the Host.

import { CLOSED_BY_SHUTDOWN, CLOSED_NORMALLY } from '../cache/event-log.ts'
import { CMD_FLUSH } from '../cache/statistics.ts'
import { answer, INVALID_EXPTIME } from './classic.ts'
import type { Connection } from './connection.ts'
import { BAD_FORMAT, type Context, ERROR, MEMCACHED_VERSION, OK } from './context.ts'
import { parseI32, parseU32 } from './numbers.ts'
import { line } from './reply.ts'
import { word } from './tokens.ts'

const VERSION = line(`VERSION ${MEMCACHED_VERSION}`)
const FLUSH_NOT_ALLOWED = line('CLIENT_ERROR flush_all not allowed')
const SHUTDOWN_NOT_ENABLED = line('SERVER_ERROR: shutdown not enabled')
const INVALID_SHUTDOWN_MODE = line('CLIENT_ERROR invalid shutdown mode')

const NOREPLY = word('noreply')
const GRACEFUL = word('graceful')

const MAX_VERBOSITY = 2

export function processVersion(context: Context): void {
  context.reply.text(VERSION)
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
  const { tokens, cache, host } = context
  const level =
    tokens.count > 1 ? parseU32(tokens.block, tokens.start[1], tokens.end[1]) : Number.NaN
  if (Number.isNaN(level)) {
    answer(context, BAD_FORMAT)
    return
  }
  cache.tuning.verbosity = Math.min(level, MAX_VERBOSITY)
  host.verbosityChanged()
  answer(context, OK)
}

export function processRefreshCertificates(context: Context, connection: Connection): void {
  const { cache, host, reply } = context
  if (host.refreshCertificates === undefined) {
    reply.text(ERROR)
    return
  }
  // Files are read, and nobody is to wait for that: nothing of the cache is held here.
  cache.lock.release()
  let failure: string | undefined
  try {
    failure = host.refreshCertificates()
  } finally {
    cache.lock.acquire()
  }
  if (failure === undefined) reply.text(OK)
  else connection.sendText(line(failure))
}

export function processQuit(connection: Connection): void {
  connection.closing = true
  connection.closeReason = CLOSED_NORMALLY
}

export function processShutdown(context: Context, connection: Connection): void {
  const { tokens, host, reply } = context
  const graceful = tokens.is(1, GRACEFUL)
  if (!host.shutdownEnabled) reply.text(SHUTDOWN_NOT_ENABLED)
  else if (tokens.count > 1 && !graceful) reply.text(INVALID_SHUTDOWN_MODE)
  else {
    connection.closing = true
    connection.closeReason = CLOSED_BY_SHUTDOWN
    host.shutdown(graceful)
  }
}

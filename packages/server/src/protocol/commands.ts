// The table of contents of the commands: which name is found in which file. Knows names, and nothing of
// what a command does.
import { HTTP_REQUEST } from '../cache/event-log.ts'
import { ADD, APPEND, CAS, PREPEND, REPLACE, SET } from '../cache/store.ts'
import {
  processFlushAll,
  processQuit,
  processRefreshCertificates,
  processShutdown,
  processVerbosity,
  processVersion,
} from './administration.ts'
import { beginStorage, processArithmetic, processDelete, processTouch } from './classic.ts'
import type { Connection } from './connection.ts'
import { BAD_FORMAT, type Context, ERROR } from './context.ts'
import { processDebugItem, processDebugTime, processMisbehave } from './debug-commands.ts'
import { processLru, processLruCrawler } from './lru-commands.ts'
import { processMetaArithmetic } from './meta-arithmetic.ts'
import { processMetaDebug, processMetaNoop } from './meta-debug.ts'
import { processMetaDelete } from './meta-delete.ts'
import { processMetaGet } from './meta-get.ts'
import { beginMetaSet } from './meta-set.ts'
import {
  processInvalidatePrefix,
  processListPrefix,
  processPrefixLimit,
} from './prefix-commands.ts'
import * as kind from './request-kinds.ts'
import { processMemoryLimit, processSlabs } from './slab-commands.ts'
import { processStatistics } from './statistics-command.ts'
import { word } from './tokens.ts'
import { processWatch } from './watch.ts'

const DELETE = word('delete')
const INCR = word('incr')
const DECR = word('decr')
const TOUCH = word('touch')
const VERSION = word('version')
const STATS = word('stats')
const FLUSH_ALL = word('flush_all')
const INVALIDATE_PREFIX = word('invalidate_prefix')
const LIST_PREFIX = word('list_prefix')
const PREFIX_LIMIT = word('prefix_limit')
const VERBOSITY = word('verbosity')
const SLABS = word('slabs')
const CACHE_MEMLIMIT = word('cache_memlimit')
const SHUTDOWN = word('shutdown')
const WATCH = word('watch')
const QUIT = word('quit')
const LRU = word('lru')
const LRU_CRAWLER = word('lru_crawler')
const REFRESH_CERTS = word('refresh_certs')
const DEBUG_TIME = word('debugtime')
const DEBUG_ITEM = word('debugitem')
const MISBEHAVE = word('misbehave')

const STORAGE_COMMANDS = [
  [word('set'), SET],
  [word('add'), ADD],
  [word('cas'), CAS],
  [word('replace'), REPLACE],
  [word('append'), APPEND],
  [word('prepend'), PREPEND],
] as const

/** The kind of request of each mode of storing. */
const STORAGE_KINDS = new Int32Array(6)
STORAGE_KINDS[SET] = kind.SET
STORAGE_KINDS[ADD] = kind.ADD
STORAGE_KINDS[REPLACE] = kind.REPLACE
STORAGE_KINDS[APPEND] = kind.APPEND
STORAGE_KINDS[PREPEND] = kind.PREPEND
STORAGE_KINDS[CAS] = kind.CAS

const RETRIEVAL_COMMANDS = [word('get'), word('gets'), word('gat'), word('gats')]
const HTTP = word('HTTP/')
const LETTER_M = 109

/** Executes the command whose line is split into the context's tokens. */
export function processCommand(context: Context, connection: Connection): void {
  const { tokens, reply } = context
  connection.requestKind = kind.OTHER
  if (tokens.count === 0 || tokens.indented) {
    reply.text(ERROR)
    return
  }
  if (tokens.length(0) === 2 && tokens.first(0) === LETTER_M) {
    processMetaCommand(context, connection, tokens.block.bytes[tokens.start[0] + 1])
    return
  }
  const mode = storageMode(context)
  if (mode >= 0) {
    connection.requestKind = STORAGE_KINDS[mode]
    beginStorage(context, connection, mode)
  } else if (tokens.is(0, DELETE)) {
    connection.requestKind = kind.DELETE
    processDelete(context)
  } else if (tokens.is(0, INCR)) {
    connection.requestKind = kind.INCR
    processArithmetic(context, true)
  } else if (tokens.is(0, DECR)) {
    connection.requestKind = kind.DECR
    processArithmetic(context, false)
  } else if (tokens.is(0, TOUCH)) {
    connection.requestKind = kind.TOUCH
    processTouch(context)
  } else if (tokens.is(0, VERSION)) processVersion(context)
  else if (tokens.is(0, STATS)) processStatistics(context, connection)
  else if (tokens.is(0, FLUSH_ALL)) processFlushAll(context)
  else if (tokens.is(0, VERBOSITY)) processVerbosity(context)
  else if (tokens.is(0, SLABS)) processSlabs(context)
  else if (tokens.is(0, CACHE_MEMLIMIT)) processMemoryLimit(context)
  else if (tokens.is(0, SHUTDOWN)) processShutdown(context, connection)
  else if (tokens.is(0, WATCH)) processWatch(context, connection)
  else if (tokens.is(0, QUIT)) processQuit(connection)
  else if (tokens.is(0, LRU)) processLru(context)
  else if (tokens.is(0, LRU_CRAWLER)) processLruCrawler(context, connection)
  else if (tokens.is(0, INVALIDATE_PREFIX)) processInvalidatePrefix(context)
  else if (tokens.is(0, LIST_PREFIX)) processListPrefix(context, connection)
  else if (tokens.is(0, PREFIX_LIMIT)) processPrefixLimit(context)
  else if (tokens.is(0, REFRESH_CERTS)) processRefreshCertificates(context, connection)
  else if (context.host.debugCommandsEnabled && processDebugCommand(context)) return
  else if (isRetrievalName(context)) reply.text(BAD_FORMAT)
  else if (isHttp(context)) connection.fail(HTTP_REQUEST)
  else reply.text(ERROR)
}

/** False if it is none. */
function processDebugCommand(context: Context): boolean {
  const { tokens } = context
  if (tokens.is(0, DEBUG_TIME)) processDebugTime(context)
  else if (tokens.is(0, DEBUG_ITEM)) processDebugItem(context)
  else if (tokens.is(0, MISBEHAVE)) processMisbehave(context)
  else return false
  return true
}

function processMetaCommand(context: Context, connection: Connection, letter: number): void {
  switch (letter) {
    case 103: // mg
      connection.requestKind = kind.MG
      processMetaGet(context)
      return
    case 115: // ms
      connection.requestKind = kind.MS
      beginMetaSet(context, connection)
      return
    case 100: // md
      connection.requestKind = kind.MD
      processMetaDelete(context)
      return
    case 97: // ma
      connection.requestKind = kind.MA
      processMetaArithmetic(context)
      return
    case 110: // mn
      connection.requestKind = kind.MN
      processMetaNoop(context)
      return
    case 101: // me
      connection.requestKind = kind.ME
      processMetaDebug(context)
      return
    default:
      context.reply.text(ERROR)
  }
}

function storageMode(context: Context): number {
  for (let i = 0; i < STORAGE_COMMANDS.length; i++) {
    if (context.tokens.is(0, STORAGE_COMMANDS[i][0])) return STORAGE_COMMANDS[i][1]
  }
  return -1
}

/** A retrieval command without keys. */
function isRetrievalName(context: Context): boolean {
  for (let i = 0; i < RETRIEVAL_COMMANDS.length; i++) {
    if (context.tokens.is(0, RETRIEVAL_COMMANDS[i])) return true
  }
  return false
}

/** A browser that has lost its way: the last token begins with HTTP/. */
function isHttp(context: Context): boolean {
  const { tokens } = context
  const last = tokens.count - 1
  if (tokens.length(last) < HTTP.length) return false
  const at = tokens.start[last]
  for (let i = 0; i < HTTP.length; i++) {
    if (tokens.block.bytes[at + i] !== HTTP[i]) return false
  }
  return true
}

// The classic text commands (memcached's doc/protocol.txt), but for retrieval and administration. Each
// reads its tokens, acts on the cache and writes its answer. Knows no socket.
import { CHANGED, changeNumber, NON_NUMERIC, result, resultLength } from '../cache/arithmetic.ts'
import { NO_MEMORY, TOO_LARGE } from '../cache/cache.ts'
import { parsed, parseU64 } from '../cache/decimal.ts'
import { BY_DELETE, DELETIONS } from '../cache/event-log.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import {
  CLASS_DELETE_HITS,
  CLASS_TOUCH_HITS,
  DECR_MISSES,
  DELETE_MISSES,
  INCR_MISSES,
  STORE_NO_MEMORY,
  STORE_TOO_LARGE,
  TOUCH_MISSES,
} from '../cache/statistics.ts'
import {
  CAS,
  EXISTS,
  NOT_STORED,
  REFUSED_AS_TOO_LARGE,
  REFUSED_FOR_MEMORY,
  SET,
  STORED,
  store,
} from '../cache/store.ts'
import { type Connection, SWALLOW } from './connection.ts'
import {
  BAD_FORMAT,
  type Context,
  ERROR,
  NO_MEMORY_STORING,
  NON_NUMERIC_VALUE,
  OUT_OF_MEMORY,
  TOO_LARGE_FOR_CACHE,
} from './context.ts'
import { parseClassicExptime, parseClassicFlags, parseI32, parseU32 } from './numbers.ts'
import { line } from './reply.ts'
import { BAD_DATA_CHUNK, beginValue, endValue, TERMINATOR_BYTES } from './storage.ts'
import { word } from './tokens.ts'

const REPLY_STORED = line('STORED')
const REPLY_NOT_STORED = line('NOT_STORED')
const REPLY_EXISTS = line('EXISTS')
const REPLY_NOT_FOUND = line('NOT_FOUND')
const REPLY_DELETED = line('DELETED')
const REPLY_TOUCHED = line('TOUCHED')
const INVALID_DELTA = line('CLIENT_ERROR invalid numeric delta argument')
export const INVALID_EXPTIME = line('CLIENT_ERROR invalid exptime argument')
const NOREPLY = word('noreply')

/** The longest value a length may announce (memcached: INT_MAX less the CRLF). */
export const MAX_VALUE_LENGTH = 0x7fff_ffff - 2

// set <key> <flags> <exptime> <bytes> [noreply]; cas has the unique before noreply.
const KEY = 1
const FLAGS = 2
const EXPTIME = 3
const BYTES = 4
const CAS_UNIQUE = 5

/** Whether the line's last token is `noreply`. */
export function hasNoreply(context: Context): boolean {
  const { tokens } = context
  return tokens.count > 1 && tokens.is(tokens.count - 1, NOREPLY)
}

/** Writes an answer that `noreply` suppresses. */
export function answer(context: Context, text: Uint8Array): void {
  if (!hasNoreply(context)) context.reply.text(text)
}

/** Takes the key of a line of so many tokens; refuses one that is too short, or whose key is too long. */
function takeKeyOf(context: Context, tokensNeeded: number): boolean {
  if (context.tokens.count < tokensNeeded) context.reply.text(BAD_FORMAT)
  else if (!context.takeKeyToken(KEY)) answer(context, BAD_FORMAT)
  else return true
  return false
}

/** The line of a storage command: prepares the item its value goes into, or refuses and drops the value. */
export function beginStorage(context: Context, connection: Connection, mode: number): void {
  const { tokens, cache, reply } = context
  const block = tokens.block
  const valueLength =
    tokens.count > (mode === CAS ? CAS_UNIQUE : BYTES)
      ? parseU32(block, tokens.start[BYTES], tokens.end[BYTES])
      : Number.NaN
  if (!(valueLength <= MAX_VALUE_LENGTH)) {
    reply.text(BAD_FORMAT)
    return
  }
  const clientFlags = parseClassicFlags(block, tokens.start[FLAGS], tokens.end[FLAGS])
  const exptime = parseClassicExptime(block, tokens.start[EXPTIME], tokens.end[EXPTIME])
  const casGiven = mode !== CAS || parseU64(block, tokens.start[CAS_UNIQUE], tokens.end[CAS_UNIQUE])
  if (
    !context.takeKeyToken(KEY) ||
    Number.isNaN(clientFlags) ||
    Number.isNaN(exptime) ||
    !casGiven
  ) {
    answer(context, BAD_FORMAT)
    swallow(connection, valueLength)
    return
  }
  context.countPrefixSet()
  const item = cache.allocate(
    context.key,
    context.keyAt,
    context.keyLength,
    clientFlags,
    cache.clock.expiry(exptime),
    valueLength,
    0,
  )
  if (item === TOO_LARGE || item === NO_MEMORY) {
    const reason = refusal(context, item, mode)
    // An old value must not be taken for the one that could not be stored.
    if (mode === SET) removeOld(context)
    answer(context, reason)
    swallow(connection, valueLength)
    return
  }
  beginValue(connection, mode, item)
}

/** Further bytes of the value complete it: what `beginStorage` found in the line is needed again. */
export function resumeStorage(context: Context): void {
  context.retakesKey()
  context.takeKeyToken(KEY)
}

/** The value of a storage command is complete; its line is in the tokens, its key in the context. */
export function completeStorage(context: Context, connection: Connection): void {
  const { tokens, cache } = context
  const { mode } = connection
  const item = endValue(context, connection)
  if (!connection.terminated) {
    cache.free(item)
    answer(context, BAD_DATA_CHUNK)
    return
  }
  const request = context.store
  request.reset(mode)
  if (mode === CAS) {
    parseU64(tokens.block, tokens.start[CAS_UNIQUE], tokens.end[CAS_UNIQUE])
    request.compare = true
    request.compareLow = parsed[0]
    request.compareHigh = parsed[1]
  }
  answer(context, storeReply(store(cache, item, context.hash, request)))
}

function storeReply(outcome: number): Uint8Array {
  switch (outcome) {
    case STORED:
      return REPLY_STORED
    case NOT_STORED:
      return REPLY_NOT_STORED
    case EXISTS:
      return REPLY_EXISTS
    default:
      return REPLY_NOT_FOUND
  }
}

/** Counts a value that can't be stored and says why. */
export function refusal(context: Context, why: number, mode: number): Uint8Array {
  const tooLarge = why === TOO_LARGE
  context.cache.statistics.add(tooLarge ? STORE_TOO_LARGE : STORE_NO_MEMORY, 1)
  logRefusal(context, why, mode)
  return tooLarge ? TOO_LARGE_FOR_CACHE : NO_MEMORY_STORING
}

/** Tells watchers of a store that `cache.allocate` had no item for. */
export function logRefusal(context: Context, why: number, mode: number): void {
  const { cache, key, keyAt, keyLength } = context
  const outcome = why === TOO_LARGE ? REFUSED_AS_TOO_LARGE : REFUSED_FOR_MEMORY
  cache.events.refused(outcome, mode, key, keyAt, keyLength)
}

export function removeOld(context: Context): void {
  const old = context.find()
  if (old !== 0) context.cache.unlink(old)
}

/** The value that comes with a refused command is dropped as it arrives. */
export function swallow(connection: Connection, valueLength: number): void {
  connection.state = SWALLOW
  connection.swallow = valueLength + TERMINATOR_BYTES
}

/** `delete <key> 0 noreply` of old clients is the longest that is accepted; memccapable insists on it. */
const MAX_DELETE_TOKENS = 4

export function processDelete(context: Context): void {
  const { tokens, cache, reply } = context
  if (tokens.count > MAX_DELETE_TOKENS) {
    reply.text(ERROR)
    return
  }
  if (!takeKeyOf(context, 2)) return
  context.countPrefixDelete()
  const item = context.find()
  if (item === 0) {
    cache.statistics.add(DELETE_MISSES, 1)
    answer(context, REPLY_NOT_FOUND)
    return
  }
  cache.statistics.addToClass(cache.items.slabClass(item), CLASS_DELETE_HITS, 1)
  if (cache.events.watched(DELETIONS)) cache.events.deleted(item, BY_DELETE)
  cache.unlink(item)
  answer(context, REPLY_DELETED)
}

export function processTouch(context: Context): void {
  const { tokens, cache } = context
  if (!takeKeyOf(context, 3)) return
  const exptime = parseI32(tokens.block, tokens.start[2], tokens.end[2])
  if (Number.isNaN(exptime)) {
    answer(context, INVALID_EXPTIME)
    return
  }
  const item = context.find()
  if (item === 0) {
    cache.statistics.add(TOUCH_MISSES, 1)
    answer(context, REPLY_NOT_FOUND)
    return
  }
  cache.statistics.addToClass(cache.items.slabClass(item), CLASS_TOUCH_HITS, 1)
  cache.items.setExpiry(item, cache.clock.expiry(exptime))
  cache.lru.bump(item)
  answer(context, REPLY_TOUCHED)
}

export function processArithmetic(context: Context, increment: boolean): void {
  const { tokens, cache, reply } = context
  if (!takeKeyOf(context, 3)) return
  if (!parseU64(tokens.block, tokens.start[2], tokens.end[2])) {
    answer(context, INVALID_DELTA)
    return
  }
  const low = parsed[0]
  const high = parsed[1]
  const item = context.find()
  if (item === 0) {
    cache.statistics.add(increment ? INCR_MISSES : DECR_MISSES, 1)
    answer(context, REPLY_NOT_FOUND)
    return
  }
  const outcome = changeNumber(cache, item, context.hash, increment, low, high)
  if (outcome === CHANGED) {
    if (hasNoreply(context)) return
    reply.copy(result, 0, resultLength())
    reply.crlf()
  } else {
    answer(context, outcome === NON_NUMERIC ? NON_NUMERIC_VALUE : OUT_OF_MEMORY)
  }
}

/** The retrieval expiry of gat and gats, from the first token after the command; NaN if it is none. */
export function parseRetrievalExpiry(
  context: Context,
  block: MemoryBlock,
  at: number,
  end: number,
): number {
  const exptime = parseI32(block, at, end)
  return Number.isNaN(exptime) ? exptime : context.cache.clock.expiry(exptime)
}

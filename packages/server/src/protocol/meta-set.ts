// ms: a store in any mode, whose value storage.ts takes in. As memcached's process_mset_command. Knows no
// socket.
import { NO_MEMORY, TOO_LARGE } from '../cache/cache.ts'
import {
  ADD,
  APPEND,
  CAS,
  EXISTS,
  NOT_STORED,
  PREPEND,
  REPLACE,
  SET,
  STORED,
  store,
} from '../cache/store.ts'
import { MAX_VALUE_LENGTH, refusal, removeOld, swallow } from './classic.ts'
import { type Connection, META_SET } from './connection.ts'
import { BAD_FORMAT, type Context } from './context.ts'
import { FLAG_CAS, FLAG_SIZE, flags } from './meta-flags.ts'
import { EX, HD, NF, NS, writeEcho } from './meta-reply.ts'
import { parseU32 } from './numbers.ts'
import { line } from './reply.ts'
import { BAD_DATA_CHUNK, beginValue, endValue } from './storage.ts'

const INVALID_SET_MODE = line('CLIENT_ERROR invalid mode for ms M token')
const ZERO = 48
/** Flags begin after command, key and length. */
const SET_FLAGS_AT = 3
const letter = (text: string): number => text.charCodeAt(0)

export function beginMetaSet(context: Context, connection: Connection): void {
  const { cache, reply, tokens } = context
  const valueLength =
    tokens.count >= SET_FLAGS_AT
      ? parseU32(tokens.block, tokens.start[2], tokens.end[2])
      : Number.NaN
  if (!(valueLength <= MAX_VALUE_LENGTH)) {
    reply.text(BAD_FORMAT)
    return
  }
  const wrong =
    flags.read(context, SET_FLAGS_AT) ?? (metaSetMode() < 0 ? INVALID_SET_MODE : undefined)
  if (wrong !== undefined) {
    reply.text(wrong)
    swallow(connection, valueLength)
    return
  }
  const item = cache.allocate(
    context.key,
    context.keyAt,
    context.keyLength,
    flags.clientFlags,
    flags.expiry,
    valueLength,
    flags.itemFlags,
  )
  if (item === TOO_LARGE || item === NO_MEMORY) {
    const reason = refusal(context, item, storeMode())
    removeOld(context)
    reply.text(reason)
    swallow(connection, valueLength)
    return
  }
  beginValue(connection, META_SET, item)
}

/** Further bytes of the value complete it: what `beginMetaSet` found in the line is needed again. */
export function resumeMetaSet(context: Context): void {
  context.retakesKey()
  flags.read(context, SET_FLAGS_AT)
}

/** The value of ms is complete; its line is in the tokens, its key in the context, its flags read. */
export function completeMetaSet(context: Context, connection: Connection): void {
  const { cache, reply } = context
  const item = endValue(context, connection)
  if (!connection.terminated) {
    cache.free(item)
    reply.text(BAD_DATA_CHUNK)
    return
  }
  const request = context.store
  request.reset(storeMode())
  request.compare = flags.compare
  request.compareLow = flags.compareLow
  request.compareHigh = flags.compareHigh
  request.allowStale = flags.invalidate
  request.explicitCas = flags.explicitCas
  request.casLow = flags.casLow
  request.casHigh = flags.casHigh
  request.vivify = flags.vivify
  request.vivifyExpiry = flags.vivifyExpiry
  const outcome = store(cache, item, context.hash, request)
  if (outcome === STORED && flags.quiet) return
  reply.text(statusOf(outcome))
  const { tokens } = context
  for (let token = SET_FLAGS_AT; token < tokens.count; token++) {
    const flag = tokens.first(token)
    if (flag === FLAG_CAS) {
      reply.flag(FLAG_CAS)
      if (request.stored === 0) reply.byte(ZERO)
      else reply.number64(cache.items.casLow(request.stored), cache.items.casHigh(request.stored))
    } else if (flag === FLAG_SIZE) {
      reply.flag(FLAG_SIZE)
      reply.number(request.stored === 0 ? 0 : cache.items.valueLength(request.stored))
    } else {
      writeEcho(context, token)
    }
  }
  reply.crlf()
}

/** A CAS unique turns what replaces values into a cas. */
function storeMode(): number {
  const mode = metaSetMode()
  return flags.compare && (mode === SET || mode === REPLACE) ? CAS : mode
}

function metaSetMode(): number {
  switch (flags.mode) {
    case 0:
    case letter('S'):
      return SET
    case letter('E'):
      return ADD
    case letter('A'):
      return APPEND
    case letter('P'):
      return PREPEND
    case letter('R'):
      return REPLACE
    default:
      return -1
  }
}

function statusOf(outcome: number): Uint8Array {
  switch (outcome) {
    case STORED:
      return HD
    case NOT_STORED:
      return NS
    case EXISTS:
      return EX
    default:
      return NF
  }
}

// The meta commands mg, ms, md, ma, mn and me (memcached's doc/protocol.txt). Each reads its flags, acts
// on the cache and writes its answer. Knows no socket.
import {
  CHANGED,
  changedItem,
  changeNumber,
  NON_NUMERIC,
  result,
  resultLength,
} from '../cache/arithmetic.ts'
import { NO_MEMORY, TOO_LARGE } from '../cache/cache.ts'
import { writeU64 } from '../cache/decimal.ts'
import { FETCHED, type ItemRef, STALE, TOKEN_SENT } from '../cache/item.ts'
import {
  CLASS_DELETE_HITS,
  CLASS_TOUCH_HITS,
  CMD_META,
  DECR_MISSES,
  DELETE_MISSES,
  GET_AND_TOUCH,
  GET_MISSES,
  INCR_MISSES,
  TOUCH_MISSES,
} from '../cache/statistics.ts'
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
import { BAD_FORMAT, type Context, NON_NUMERIC_VALUE, OUT_OF_MEMORY } from './context.ts'
import {
  FLAG_BASE64,
  FLAG_CAS,
  FLAG_CLIENT_FLAGS,
  FLAG_HIT_BEFORE,
  FLAG_KEY,
  FLAG_LAST_ACCESS,
  FLAG_OPAQUE,
  FLAG_SIZE,
  FLAG_TTL,
  MetaFlags,
} from './meta-flags.ts'
import { parseU32 } from './numbers.ts'
import { line } from './reply.ts'
import { BAD_DATA_CHUNK, beginValue, endValue } from './storage.ts'

const HD = Buffer.from('HD', 'latin1')
const EN = Buffer.from('EN', 'latin1')
const EX = Buffer.from('EX', 'latin1')
const NF = Buffer.from('NF', 'latin1')
const NS = Buffer.from('NS', 'latin1')
const VA_ = Buffer.from('VA ', 'latin1')
const ME_ = Buffer.from('ME ', 'latin1')
const MN = line('MN')
const EN_LINE = line('EN')
const INVALID_SET_MODE = line('CLIENT_ERROR invalid mode for ms M token')
const INVALID_ARITHMETIC_MODE = line('CLIENT_ERROR invalid mode for ma M token')
const INVALID_ARITHMETIC_FLAG = line('CLIENT_ERROR invalid or duplicate flag')
const NO_MEMORY_ALLOCATING = line('SERVER_ERROR Out of memory allocating new item')

const SPACE = 32
const ONE = 49
const ZERO = 48
const WON = 87
const STALE_MARK = 88
const TOKEN_MARK = 90
const letter = (text: string): number => text.charCodeAt(0)

/** Flags begin at this token: after command and key, and after the length for ms. */
const FLAGS_AT = 2
const SET_FLAGS_AT = 3

const flags = new MetaFlags()

// ---- mg

export function processMetaGet(context: Context): void {
  const { cache, reply } = context
  const { items, statistics } = cache
  const wrong = flags.read(context, FLAGS_AT)
  if (wrong !== undefined) {
    reply.text(wrong)
    return
  }
  let item = context.find()
  let created = false
  if (item === 0 && flags.vivify) {
    item = vivify(context)
    if (item === 0) {
      reply.text(OUT_OF_MEMORY)
      return
    }
    created = true
  }
  countFetch(context, item, created)
  if (item === 0 || !context.canWriteValue(item)) {
    if (!flags.quiet) writeStatus(context, EN)
    return
  }
  const matched =
    flags.compare &&
    items.casLow(item) === flags.compareLow &&
    items.casHigh(item) === flags.compareHigh
  const withValue = flags.value && !matched
  if (withValue) {
    reply.text(VA_)
    reply.number(items.valueLength(item))
  } else {
    reply.text(HD)
  }
  const sent = (items.flags(item) & TOKEN_SENT) !== 0
  // In the order they were given: a `t` before `T` tells the old TTL.
  let won = false
  const { tokens } = context
  for (let token = FLAGS_AT; token < tokens.count; token++) {
    switch (tokens.first(token)) {
      case TTL_SETTER:
        items.setExpiry(item, flags.expiry)
        break
      case VIVIFIER:
        if (created) {
          items.setExpiry(item, flags.vivifyExpiry)
          won = true
        }
        break
      case RECACHER: {
        const expiry = items.expiry(item)
        if (!sent && !created && expiry !== 0 && expiry < flags.recacheAt) won = true
        break
      }
      default:
        writeItemFlag(context, token, item)
    }
  }
  if (sent) reply.flag(TOKEN_MARK)
  if ((items.flags(item) & STALE) !== 0) {
    reply.flag(STALE_MARK)
    if (!sent) won = true
  }
  if (won) {
    reply.flag(WON)
    items.addFlags(item, TOKEN_SENT)
  }
  reply.crlf()
  if (withValue) {
    context.writeValue(item)
    reply.crlf()
  }
  statistics.add(GET_AND_TOUCH, flags.setTtl ? 1 : 0)
  if (!flags.noBump && !created) cache.lru.bump(item)
}

const TTL_SETTER = letter('T')
const VIVIFIER = letter('N')
const RECACHER = letter('R')

function countFetch(context: Context, item: ItemRef, created: boolean): void {
  const { statistics, items } = context.cache
  if (item === 0 || created) {
    statistics.add(flags.setTtl ? TOUCH_MISSES : GET_MISSES, 1)
    if (flags.setTtl && item === 0) statistics.add(GET_AND_TOUCH, 1)
  } else if (flags.setTtl) {
    statistics.addToClass(items.slabClass(item), CLASS_TOUCH_HITS, 1)
  } else {
    statistics.hit(items.list(item))
  }
}

/** An empty item in the place of the missing one, for its first finder to fill. */
function vivify(context: Context): ItemRef {
  const { cache, key, keyAt, keyLength } = context
  const item = cache.allocate(key, keyAt, keyLength, 0, flags.vivifyExpiry, 0, flags.itemFlags)
  if (item === NO_MEMORY || item === TOO_LARGE) return 0
  cache.link(item, context.hash)
  if (flags.explicitCas) cache.items.setCas(item, flags.casLow, flags.casHigh)
  return item
}

// ---- ms

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
    removeOld(context)
    reply.text(refusal(context, item))
    swallow(connection, valueLength)
    return
  }
  beginValue(connection, META_SET, item)
}

/** Further bytes of the value complete it: what `beginMetaSet` found in the line is needed again. */
export function resumeMetaSet(context: Context): void {
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
  const mode = metaSetMode()
  const request = context.store
  request.reset(flags.compare && (mode === SET || mode === REPLACE) ? CAS : mode)
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

// ---- md

export function processMetaDelete(context: Context): void {
  const { cache, reply } = context
  const { items, statistics } = cache
  const wrong = flags.read(context, FLAGS_AT)
  if (wrong !== undefined) {
    reply.text(wrong)
    return
  }
  const item = context.find()
  if (item === 0) {
    statistics.add(DELETE_MISSES, 1)
    writeStatus(context, NF)
    return
  }
  if (flags.compare && !matches(context, item)) {
    statistics.add(DELETE_MISSES, 1)
    writeStatus(context, EX)
    return
  }
  if (flags.dropValue || flags.invalidate) {
    const kept = flags.dropValue ? dropValue(context, item) : item
    if (kept === 0) {
      writeStatus(context, NS)
      return
    }
    if (flags.setTtl) items.setExpiry(kept, flags.expiry)
    if (flags.invalidate) {
      items.addFlags(kept, STALE)
      // The next client to fetch it may win the right to recache it.
      items.removeFlags(kept, TOKEN_SENT)
    }
    if (flags.explicitCas) items.setCas(kept, flags.casLow, flags.casHigh)
    else cache.renewCas(kept)
  } else {
    statistics.addToClass(items.slabClass(item), CLASS_DELETE_HITS, 1)
    cache.unlink(item)
  }
  if (!flags.quiet) writeStatus(context, HD)
}

function matches(context: Context, item: ItemRef): boolean {
  const { items } = context.cache
  return items.casLow(item) === flags.compareLow && items.casHigh(item) === flags.compareHigh
}

/** Puts an empty item in the place of another, with its expiry; 0 if there is no memory. */
function dropValue(context: Context, item: ItemRef): ItemRef {
  const { cache, key, keyAt, keyLength } = context
  const { items } = cache
  if (!cache.hasFreePin(item)) return 0
  cache.pin(item)
  const kept = items.flags(item) & (FETCHED | STALE | TOKEN_SENT)
  const empty = cache.allocate(
    key,
    keyAt,
    keyLength,
    0,
    items.expiry(item),
    0,
    flags.itemFlags | kept,
  )
  cache.unpin(item)
  if (empty === NO_MEMORY || empty === TOO_LARGE) return 0
  cache.replace(item, empty, context.hash)
  return empty
}

// ---- ma

export function processMetaArithmetic(context: Context): void {
  const { cache, reply } = context
  const { items, statistics } = cache
  const wrong = flags.read(context, FLAGS_AT)
  if (wrong !== undefined) {
    reply.text(context.tokens.count < 2 || wrong === BAD_FORMAT ? wrong : INVALID_ARITHMETIC_FLAG)
    return
  }
  const direction = arithmeticDirection()
  if (direction === 0) {
    reply.text(INVALID_ARITHMETIC_MODE)
    return
  }
  let item = context.find()
  let created = false
  if (item === 0) {
    if (!flags.vivify) {
      statistics.add(direction > 0 ? INCR_MISSES : DECR_MISSES, 1)
      writeStatus(context, NF)
      return
    }
    item = createNumber(context)
    if (item === 0) {
      reply.text(NO_MEMORY_ALLOCATING)
      return
    }
    created = true
  } else {
    if (flags.compare && !matches(context, item)) {
      writeStatus(context, EX)
      return
    }
    const outcome = changeNumber(
      cache,
      item,
      context.hash,
      direction > 0,
      flags.deltaLow,
      flags.deltaHigh,
    )
    if (outcome !== CHANGED) {
      reply.text(outcome === NON_NUMERIC ? NON_NUMERIC_VALUE : OUT_OF_MEMORY)
      return
    }
    item = changedItem()
  }
  if (flags.explicitCas) items.setCas(item, flags.casLow, flags.casHigh)
  const length = created ? items.valueLength(item) : resultLength()
  const quiet = flags.quiet
  const begun = reply.length
  if (flags.value) {
    reply.text(VA_)
    reply.number(length)
  } else {
    reply.text(HD)
  }
  const { tokens } = context
  for (let token = FLAGS_AT; token < tokens.count; token++) {
    const flag = tokens.first(token)
    if (flag === TTL_SETTER) items.setExpiry(item, flags.expiry)
    else if (flag === VIVIFIER) {
      if (created) items.setExpiry(item, flags.vivifyExpiry)
    } else if (flag === FLAG_CAS || flag === FLAG_TTL) writeItemFlag(context, token, item)
    else writeEcho(context, token)
  }
  reply.crlf()
  if (flags.value) {
    reply.copy(result, 0, length)
    reply.crlf()
  }
  if (quiet) reply.length = begun
}

function arithmeticDirection(): number {
  switch (flags.mode) {
    case 0:
    case letter('I'):
    case letter('i'):
    case letter('+'):
      return 1
    case letter('D'):
    case letter('d'):
    case letter('-'):
      return -1
    default:
      return 0
  }
}

/** A new item with the initial number, whose text is left in `result`; 0 if there is no memory. */
function createNumber(context: Context): ItemRef {
  const { cache, key, keyAt, keyLength } = context
  const length = writeU64(result, 0, flags.initialLow, flags.initialHigh)
  const item = cache.allocate(key, keyAt, keyLength, 0, 0, length, flags.itemFlags)
  if (item === NO_MEMORY || item === TOO_LARGE) return 0
  cache.fill(item, 0, result, 0, length)
  cache.link(item, context.hash)
  return item
}

// ---- mn, me

export function processMetaNoop(context: Context): void {
  context.reply.text(MN)
}

export function processMetaDebug(context: Context): void {
  const { cache, reply, tokens } = context
  const { items, clock } = cache
  cache.statistics.add(CMD_META, 1)
  if (tokens.count < 2 || !context.takeKeyToken(1)) {
    reply.text(BAD_FORMAT)
    return
  }
  if (tokens.count > FLAGS_AT && tokens.first(FLAGS_AT) === FLAG_BASE64) {
    const wrong = flags.read(context, FLAGS_AT)
    if (wrong !== undefined) {
      reply.text(wrong)
      return
    }
  }
  const item = context.find()
  if (item === 0) {
    reply.text(EN_LINE)
    return
  }
  reply.text(ME_)
  const keyLength = items.keyLength(item)
  context.writeKey(items.block(item), items.keyAt(item), keyLength, context.isBinaryKey(item))
  const expiry = items.expiry(item)
  reply.string(` exp=${expiry === 0 ? -1 : expiry - clock.now}`)
  reply.string(` la=${cache.idleSeconds(item)} cas=`)
  reply.number64(items.casLow(item), items.casHigh(item))
  reply.string(` fetch=${(items.flags(item) & FETCHED) === 0 ? 'no' : 'yes'}`)
  reply.string(` cls=${items.slabClass(item)} size=${items.sizeOf(item)}`)
  reply.crlf()
}

// ---- return flags

/** A status line for a command that has no item to tell of: the flags that only echo the request. */
function writeStatus(context: Context, status: Uint8Array): void {
  const { reply, tokens } = context
  reply.text(status)
  for (let token = FLAGS_AT; token < tokens.count; token++) writeEcho(context, token)
  reply.crlf()
}

/** O and k. */
function writeEcho(context: Context, token: number): void {
  const { reply, tokens } = context
  const flag = tokens.first(token)
  if (flag === FLAG_OPAQUE) {
    reply.byte(SPACE)
    reply.copy(tokens.block, tokens.start[token], tokens.length(token))
  } else if (flag === FLAG_KEY) {
    reply.flag(FLAG_KEY)
    reply.copy(tokens.block, tokens.start[1], tokens.length(1))
    if (flags.itemFlags !== 0) reply.flag(FLAG_BASE64)
  }
}

function writeItemFlag(context: Context, token: number, item: ItemRef): void {
  const { cache, reply } = context
  const { items, clock } = cache
  const flag = context.tokens.first(token)
  switch (flag) {
    case FLAG_SIZE:
      reply.flag(flag)
      reply.number(items.valueLength(item))
      return
    case FLAG_TTL: {
      reply.flag(flag)
      const expiry = items.expiry(item)
      if (expiry === 0) reply.string('-1')
      else reply.number(expiry - clock.now)
      return
    }
    case FLAG_CAS:
      reply.flag(flag)
      reply.number64(items.casLow(item), items.casHigh(item))
      return
    case FLAG_CLIENT_FLAGS:
      reply.flag(flag)
      reply.number(items.clientFlags(item))
      return
    case FLAG_LAST_ACCESS:
      reply.flag(flag)
      reply.number(cache.idleSeconds(item))
      return
    case FLAG_HIT_BEFORE:
      reply.flag(flag)
      reply.byte((items.flags(item) & FETCHED) === 0 ? ZERO : ONE)
      return
    case FLAG_KEY: {
      reply.flag(flag)
      const binary = context.isBinaryKey(item)
      context.writeKey(items.block(item), items.keyAt(item), items.keyLength(item), binary)
      if (binary) reply.flag(FLAG_BASE64)
      return
    }
    default:
      writeEcho(context, token)
  }
}

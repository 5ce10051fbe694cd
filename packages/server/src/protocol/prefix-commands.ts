// Commands about all keys under a prefix, which memcached doesn't have: invalidate_prefix, list_prefix, prefix_limit. Knows
// what they accept and answer; how a prefix is invalidated, or kept to a limit, is the cache's.
import { requestSweep } from '../cache/crawler.ts'
import { isPrefix } from '../cache/prefix-invalidations.ts'
import { NO_LIMIT, UNLIMITED } from '../cache/prefix-limits.ts'
import { answer } from './classic.ts'
import type { Connection } from './connection.ts'
import { BAD_FORMAT, type Context, ERROR, OK } from './context.ts'
import { KeyDump } from './key-dump.ts'
import { parseU32 } from './numbers.ts'
import { line } from './reply.ts'

const INVALIDATION_NOT_ALLOWED = line('CLIENT_ERROR invalidate_prefix not allowed')
const LISTING_NOT_ALLOWED = line('CLIENT_ERROR list_prefix not allowed')
const PREFIX_TOO_LONG = line('CLIENT_ERROR a prefix has at most 250 bytes')
const TOO_MANY_INVALIDATIONS = line(
  'SERVER_ERROR too many prefixes are invalidated: their items are being reclaimed, try again',
)

const LIMIT_MALFORMED = line('CLIENT_ERROR a limit is a number of bytes, or one with k, m or g')
const NO_LIMIT_GIVEN = line(
  'CLIENT_ERROR that prefix has no limit: only those that the start gave one (-o prefix_limit) can be changed',
)

/** `invalidate_prefix <prefix> [noreply]`: a flush of what is under it. */
export function processInvalidatePrefix(context: Context): void {
  const { tokens, cache, host } = context
  if (tokens.count < 2) answer(context, BAD_FORMAT)
  else if (!isPrefix(tokens.length(1))) answer(context, PREFIX_TOO_LONG)
  else if (!host.flushEnabled) answer(context, INVALIDATION_NOT_ALLOWED)
  else {
    const done = cache.invalidatePrefix(tokens.block, tokens.start[1], tokens.length(1))
    answer(context, done ? OK : TOO_MANY_INVALIDATIONS)
    if (!cache.invalidations.sweepIsDue) return
    requestSweep(cache)
    host.wakeBackground()
  }
}

/** `list_prefix <prefix> [<count> [<cursor>]]`: the lines of `lru_crawler metadump`, of the keys under it. */
export function processListPrefix(context: Context, connection: Connection): void {
  const { tokens, host, reply } = context
  const count = optionalNumber(context, 2, Number.POSITIVE_INFINITY)
  const cursor = optionalNumber(context, 3, 0)
  const isFormed = tokens.count >= 2 && tokens.count <= 4 && count > 0 && !Number.isNaN(cursor)
  if (!isFormed) reply.text(BAD_FORMAT)
  else if (!isPrefix(tokens.length(1))) reply.text(PREFIX_TOO_LONG)
  else if (!host.dumpEnabled) reply.text(LISTING_NOT_ALLOWED)
  // Whoever asks by datagrams is not to be sent any amount of them.
  else if (connection.datagram) reply.text(ERROR)
  else {
    const { block, start, end } = tokens
    const prefix = block.bytes.slice(start[1], end[1])
    connection.list(new KeyDump('metadump', { prefix, count, cursor }))
  }
}

/** `prefix_limit <prefix> <size> [noreply]`: how much may be stored under it from now on; 0: any amount. */
export function processPrefixLimit(context: Context): void {
  const { tokens, cache, host } = context
  if (tokens.count < 3 || tokens.count > 4) {
    answer(context, BAD_FORMAT)
    return
  }
  const bytes = sizeOf(tokens.text(2))
  const limit = cache.limits.ofPrefix(tokens.text(1))
  if (bytes === undefined) answer(context, LIMIT_MALFORMED)
  else if (limit === NO_LIMIT) answer(context, NO_LIMIT_GIVEN)
  else {
    cache.limits.change(limit, bytes === 0 ? UNLIMITED : bytes)
    if (cache.limits.lowering) host.wakeBackground()
    answer(context, OK)
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** Undefined: it is none. */
function sizeOf(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)([kmg]?)$/i.exec(text) ?? []
  const bytes = Number(digits) * (UNITS[unit?.toLowerCase()] ?? 1)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

function optionalNumber({ tokens }: Context, token: number, absent: number): number {
  return tokens.count > token
    ? parseU32(tokens.block, tokens.start[token], tokens.end[token])
    : absent
}

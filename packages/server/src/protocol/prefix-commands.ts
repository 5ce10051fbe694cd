// Commands about all keys under a prefix, which memcached doesn't have: invalidate_prefix, list_prefix. Knows what they
// answer; how a prefix is invalidated is the cache's.
import { requestSweep } from '../cache/crawler.ts'
import { isPrefix } from '../cache/prefix-invalidations.ts'
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

function optionalNumber({ tokens }: Context, token: number, absent: number): number {
  return tokens.count > token
    ? parseU32(tokens.block, tokens.start[token], tokens.end[token])
    : absent
}

// stats cachedump: keys from the COLD list of a class, newest first; an old command that memcdump and
// phpMemcachedAdmin still use. Knows the lines and their bound, no socket.

import { COLD } from '../cache/lru.ts'
import { MemoryBlock } from '../cache/memory.ts'
import type { Connection } from './connection.ts'
import { BAD_FORMAT, type Context } from './context.ts'
import { parseU32 } from './numbers.ts'
import { line, Reply } from './reply.ts'

/** An answer is at most this long (memcached). */
const MAX_BYTES = 2 * 1024 * 1024
const MAX_LINE_BYTES = 512
const SLAB_CLASSES = 64

const END = line('END')
const NOT_ALLOWED = line('CLIENT_ERROR stats cachedump not allowed')
const BAD_LINE = line('CLIENT_ERROR bad command line')
const ILLEGAL_CLASS = line('CLIENT_ERROR Illegal slab id')

/** `stats cachedump <class> <limit>`. */
export function processCachedump(context: Context, connection: Connection): void {
  const { tokens, host } = context
  if (!host.dumpEnabled) {
    context.reply.text(NOT_ALLOWED)
    return
  }
  if (tokens.count < 4) {
    context.reply.text(BAD_LINE)
    return
  }
  const slabClass = parseU32(tokens.block, tokens.start[2], tokens.end[2])
  const limit = parseU32(tokens.block, tokens.start[3], tokens.end[3])
  if (Number.isNaN(slabClass) || Number.isNaN(limit)) {
    context.reply.text(BAD_FORMAT)
    return
  }
  if (slabClass >= SLAB_CLASSES) {
    context.reply.text(ILLEGAL_CLASS)
    return
  }
  connection.sendText(cachedump(context, slabClass, limit))
}

/** The lines of at most `limit` items, 0 for any number. */
function cachedump(context: Context, slabClass: number, limit: number): Uint8Array {
  const { items, lru, clock } = context.cache
  const list = slabClass | COLD
  const most = limit === 0 ? lru.count(list) : Math.min(limit, lru.count(list))
  const bytes = Math.min(MAX_BYTES, most * MAX_LINE_BYTES) + END.length
  const text = new Reply(new MemoryBlock(new ArrayBuffer(bytes)))
  let shown = 0
  for (let item = lru.head(list); item !== 0 && shown < most; item = items.next(item)) {
    if (context.isBinaryKey(item)) continue
    const expiry = items.expiry(item)
    const about = ` [${items.valueLength(item)} b; ${expiry === 0 ? 0 : clock.toUnix(expiry)} s]\r\n`
    if (text.length + 5 + items.keyLength(item) + about.length > bytes - END.length) break
    text.string('ITEM ')
    text.copy(items.block(item), items.keyAt(item), items.keyLength(item))
    text.string(about)
    shown++
  }
  text.text(END)
  return text.block.bytes.subarray(0, text.length)
}

// md: removes an item, or makes it stale, or empties it. As memcached's process_mdelete_command. Knows no
// socket.
import { NO_MEMORY, TOO_LARGE } from '../cache/cache.ts'
import { BY_META_DELETE, DELETIONS, FOUND_LIVING } from '../cache/event-log.ts'
import { type ItemRef, STALE, TOKEN_SENT } from '../cache/item.ts'
import { CLASS_DELETE_HITS, DELETE_MISSES } from '../cache/statistics.ts'
import { SET, STORED } from '../cache/store.ts'
import { type Context, OUT_OF_MEMORY } from './context.ts'
import { flags } from './meta-flags.ts'
import { EX, FLAGS_AT, HD, matchesCas, NF, writeStatus } from './meta-reply.ts'

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
  if (flags.compare && !matchesCas(context, item)) {
    statistics.add(DELETE_MISSES, 1)
    writeStatus(context, EX)
    return
  }
  const kept = flags.dropValue ? dropValue(context, item) : item
  if (kept === 0) {
    reply.text(OUT_OF_MEMORY)
    return
  }
  if (flags.invalidate) {
    if (flags.setTtl) items.setExpiry(kept, flags.expiry)
    items.addFlags(kept, STALE)
    // The next client to fetch it may win the right to recache it.
    items.removeFlags(kept, TOKEN_SENT)
    if (flags.explicitCas) items.setGivenCas(kept, flags.casLow, flags.casHigh)
    else cache.renewCas(kept)
  } else {
    statistics.addToClass(items.slabClass(kept), CLASS_DELETE_HITS, 1)
    if (cache.events.watched(DELETIONS)) cache.events.deleted(kept, BY_META_DELETE)
    if (!flags.dropValue) cache.unlink(kept)
  }
  if (!flags.quiet) writeStatus(context, HD)
}

/**
 * Puts an empty item in the place of another: a new one, with the command's client flags and expiry, but
 * with the same CAS unique unless the command has one. 0 if there is no memory.
 */
function dropValue(context: Context, item: ItemRef): ItemRef {
  const { cache, key, keyAt, keyLength } = context
  const { items } = cache
  if (!cache.hold(item)) return 0
  const { clientFlags, expiry, itemFlags } = flags
  const empty = cache.allocate(key, keyAt, keyLength, clientFlags, expiry, 0, itemFlags)
  cache.letGo(item)
  if (empty === NO_MEMORY || empty === TOO_LARGE) return 0
  // As in memcached this is a store, which looks the key up once more.
  cache.events.fetched(FOUND_LIVING, key, keyAt, keyLength, item)
  const casLow = flags.explicitCas ? flags.casLow : items.casLow(item)
  const casHigh = flags.explicitCas ? flags.casHigh : items.casHigh(item)
  cache.replace(item, empty, context.hash)
  items.setGivenCas(empty, casLow, casHigh)
  cache.events.stored(STORED, SET, empty)
  return empty
}

// mg: a fetch that says what it wants to know, with touch, vivify, recache and stale marks. As memcached's
// process_mget_command. Knows no socket.
import { NO_MEMORY, TOO_LARGE } from '../cache/cache.ts'
import { type ItemRef, STALE, TOKEN_SENT } from '../cache/item.ts'
import { CLASS_TOUCH_HITS, GET_MISSES } from '../cache/statistics.ts'
import { type Context, OUT_OF_MEMORY } from './context.ts'
import { FLAG_RECACHE, FLAG_SET_TTL, FLAG_VIVIFY, flags } from './meta-flags.ts'
import { EN, FLAGS_AT, HD, matchesCas, VA_, writeItemFlag, writeStatus } from './meta-reply.ts'

const STALE_MARK = 88
const TOKEN_MARK = 90
const WON = 87

export function processMetaGet(context: Context): void {
  const { cache, reply } = context
  const { items } = cache
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
  countFetch(context, item)
  if (item === 0 || !context.canWriteValue(item)) {
    if (!flags.quiet) writeStatus(context, EN)
    return
  }
  const matched = flags.compare && matchesCas(context, item)
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
      case FLAG_SET_TTL:
        items.setExpiry(item, flags.expiry)
        break
      case FLAG_VIVIFY:
        if (created) {
          items.setExpiry(item, flags.vivifyExpiry)
          won = true
        }
        break
      case FLAG_RECACHE: {
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
  if (!flags.noBump) cache.lru.bump(item)
}

/** As memcached counts: what was made for the missing one is a hit, and a hit with `T` is a touch. */
function countFetch(context: Context, item: ItemRef): void {
  const { statistics, items } = context.cache
  if (item === 0) {
    statistics.add(GET_MISSES, 1)
  } else if (flags.setTtl) {
    statistics.addToClass(items.slabClass(item), CLASS_TOUCH_HITS, 1)
  } else {
    statistics.hit(items.list(item))
  }
}

/** An empty item in the place of the missing one, for its first finder to fill. */
function vivify(context: Context): ItemRef {
  const { cache, key, keyAt, keyLength } = context
  // Its expiry comes when the flags are gone through: a `t` before `N` tells of none.
  const item = cache.allocate(key, keyAt, keyLength, 0, 0, 0, flags.itemFlags)
  if (item === NO_MEMORY || item === TOO_LARGE) return 0
  cache.link(item, context.hash)
  if (flags.explicitCas) cache.items.setGivenCas(item, flags.casLow, flags.casHigh)
  return item
}

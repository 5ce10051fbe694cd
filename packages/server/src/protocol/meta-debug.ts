// mn and me: a fence for quiet commands, and what is known of an item. Knows no socket.
import { FETCHED } from '../cache/item.ts'
import { CMD_META } from '../cache/statistics.ts'
import { BAD_FORMAT, type Context } from './context.ts'
import { FLAG_BASE64, flags } from './meta-flags.ts'
import { FLAGS_AT } from './meta-reply.ts'
import { line } from './reply.ts'

const ME_ = Buffer.from('ME ', 'latin1')
const MN = line('MN')
const EN_LINE = line('EN')

/** Beyond any input: what comes after `mn` begins a batch of its own, as in memcached. */
const NEVER = 0x3fff_ffff

export function processMetaNoop(context: Context): void {
  context.batchAt = NEVER
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

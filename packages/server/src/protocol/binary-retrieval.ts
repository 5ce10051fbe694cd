// get, touch and get-and-touch of the binary protocol. Knows keys and how a hit is written.
import { CLASS_TOUCH_HITS, GET_MISSES, TOUCH_MISSES } from '../cache/statistics.ts'
import * as opcode from './binary-opcodes.ts'
import { KEY_NOT_FOUND, SUCCESS, writeError, writeHeader } from './binary-reply.ts'
import type { Context } from './context.ts'

/** The client flags: a hit's only extras. */
const HIT_EXTRAS_BYTES = 4

/** A get if `touches` is false, else the extras hold the new expiry time. */
export function processBinaryRetrieval(context: Context, touches: boolean): void {
  const { cache, reply, request } = context
  const { items, statistics } = cache
  const { command } = request
  const item = context.find()
  context.countPrefixGet(item !== 0)
  const withValue = command !== opcode.TOUCH
  if (item === 0 || (withValue && !context.canWriteValue(item))) {
    statistics.add(touches ? TOUCH_MISSES : GET_MISSES, 1)
    writeMiss(context)
    return
  }
  if (touches) {
    statistics.addToClass(items.slabClass(item), CLASS_TOUCH_HITS, 1)
    items.setExpiry(item, cache.clock.expiry(request.extra(0) >>> 0))
  } else {
    statistics.hit(items.list(item))
  }
  cache.lru.bump(item)
  const keyLength = returnsKey(command) ? context.keyLength : 0
  const valueLength = withValue ? items.valueLength(item) : 0
  const bodyLength = HIT_EXTRAS_BYTES + keyLength + valueLength
  writeHeader(context, SUCCESS, HIT_EXTRAS_BYTES, keyLength, bodyLength, item)
  reply.int32(items.clientFlags(item))
  if (keyLength > 0) reply.copy(context.key, context.keyAt, keyLength)
  if (withValue) context.writeValue(item)
}

function writeMiss(context: Context): void {
  const { reply, request, key, keyAt, keyLength } = context
  if (request.quiet) return
  if (returnsKey(request.command)) {
    // Instead of the text, the key.
    writeHeader(context, KEY_NOT_FOUND, 0, keyLength, keyLength, 0)
    reply.copy(key, keyAt, keyLength)
  } else {
    writeError(context, KEY_NOT_FOUND)
  }
}

function returnsKey(command: number): boolean {
  return command === opcode.GETK || command === opcode.GATK
}

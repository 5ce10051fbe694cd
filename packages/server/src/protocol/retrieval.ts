// get, gets, gat and gats: any number of keys, answered one by one, also when the answers fill the reply
// buffer more than once. Knows keys and how a hit is written.

import { MAX_KEY_BYTES } from '../cache/item.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import { CLASS_TOUCH_HITS, GET_MISSES, TOUCH_MISSES } from '../cache/statistics.ts'
import { COMMAND, type Connection, KEYS } from './connection.ts'
import { BAD_FORMAT, type Context } from './context.ts'
import { line } from './reply.ts'

// Retrieval commands: bits.
export const GET = 0
export const WITH_CAS = 1
export const WITH_TOUCH = 2

const VALUE_ = Buffer.from('VALUE ', 'latin1')
const END = line('END')
const SPACE = 32

/**
 * Answers the keys `from`..`end` of `block`. Returns the position reached: `end`, or that of the first
 * key not answered yet because the reply is full; the connection then remembers how to go on.
 */
export function retrieve(
  context: Context,
  connection: Connection,
  block: MemoryBlock,
  from: number,
  end: number,
): number {
  const bytes = block.bytes
  const { reply, lookahead } = context
  const begun = reply.length
  const spansBegun = reply.spanCount
  let at = from
  for (;;) {
    while (at < end && bytes[at] === SPACE) at++
    if (at === end) break
    if (reply.full) {
      // Once a part of the answer is on its way it can't be taken back: look for bad keys before.
      if (connection.state !== KEYS && hasLongKey(bytes, at, end)) break
      connection.state = KEYS
      return at
    }
    if (lookahead.endsBefore(at)) lookahead.lookAtKeys(block, at, end)
    let keyEnd = at + 1
    while (keyEnd < end && bytes[keyEnd] !== SPACE) keyEnd++
    if (!context.takeKey(block, at, keyEnd)) break
    retrieveKey(context, connection.retrieval, connection.retrievalExpiry)
    at = keyEnd
  }
  if (at === end) {
    reply.text(END)
  } else {
    takeBack(context, begun, spansBegun)
    reply.text(BAD_FORMAT)
  }
  connection.state = COMMAND
  return end
}

function retrieveKey(context: Context, retrieval: number, expiry: number): void {
  const { cache, reply } = context
  const { items, statistics } = cache
  const item = context.find()
  if (item === 0 || !context.canWriteValue(item)) {
    statistics.add((retrieval & WITH_TOUCH) === 0 ? GET_MISSES : TOUCH_MISSES, 1)
    return
  }
  if ((retrieval & WITH_TOUCH) === 0) {
    statistics.hit(items.list(item))
  } else {
    statistics.addToClass(items.slabClass(item), CLASS_TOUCH_HITS, 1)
    items.setExpiry(item, expiry)
  }
  cache.lru.bump(item)
  reply.text(VALUE_)
  reply.copy(context.key, context.keyAt, context.keyLength)
  reply.byte(SPACE)
  reply.number(items.clientFlags(item))
  reply.byte(SPACE)
  reply.number(items.valueLength(item))
  if ((retrieval & WITH_CAS) !== 0) {
    reply.byte(SPACE)
    reply.number64(items.casLow(item), items.casHigh(item))
  }
  reply.crlf()
  context.writeValue(item)
  reply.crlf()
}

function hasLongKey(bytes: Uint8Array, from: number, end: number): boolean {
  let length = 0
  for (let at = from; at < end; at++) {
    length = bytes[at] === SPACE ? 0 : length + 1
    if (length > MAX_KEY_BYTES) return true
  }
  return false
}

/** Drops what was written since, and the pins that were taken for it. */
function takeBack(context: Context, length: number, spans: number): void {
  const { reply, cache } = context
  for (let i = spans; i < reply.spanCount; i++) {
    reply.spanBytes -= reply.spanLength[i]
    if (reply.spanItem[i] !== 0) cache.unpin(reply.spanItem[i])
  }
  reply.spanCount = spans
  reply.length = length
}

// get, gets, gat and gats: any number of keys, answered one by one, also when the answers fill the reply
// buffer more than once. Knows keys and how a hit is written.

import { writeU32, writeU64 } from '../cache/decimal.ts'
import { type ItemRef, MAX_KEY_BYTES } from '../cache/item.ts'
import { copyBytes, type MemoryBlock } from '../cache/memory.ts'
import {
  CLASS_TOUCH_HITS,
  GET_MISSES,
  RESPONSE_OBJ_OOM,
  TOUCH_MISSES,
} from '../cache/statistics.ts'
import { INVALID_EXPTIME, parseRetrievalExpiry } from './classic.ts'
import { COMMAND, type Connection, KEYS } from './connection.ts'
import { BAD_FORMAT, type Context } from './context.ts'
import { line } from './reply.ts'
import * as kind from './request-kinds.ts'

/** The first bytes of a command as a little-endian number; shorter names include the space. */
function name(text: string): number {
  return Buffer.from(text, 'latin1').readInt32LE(0)
}
const GET_ = name('get ')
const GETS = name('gets')
const GAT_ = name('gat ')
const GATS = name('gats')

// What a retrieval command does beside fetching: bits.
const WITH_CAS = 1
const WITH_TOUCH = 2

const VALU = name('VALU')
/** Two bytes of text; what comes after them is overwritten. */
const E_ = name('E \0\0')
const CRLF = 0x0d0a
const END = line('END')
const OUT_OF_MEMORY = line('SERVER_ERROR out of memory writing get response')
const SPACE = 32

/** Whether a line (of at least 4 bytes) is one of these commands, with a space after its name. */
export function isRetrieval(input: MemoryBlock, at: number, end: number): boolean {
  const first = input.view.getInt32(at, true)
  if (first === GET_ || first === GAT_) return true
  return (first === GETS || first === GATS) && at + 4 < end && input.bytes[at + 4] === SPACE
}

function kindOf(first: number): number {
  if (first === GET_) return kind.GET
  if (first === GETS) return kind.GETS
  return first === GAT_ ? kind.GAT : kind.GATS
}

/** Executes a line for which `isRetrieval` holds; the result is that of `retrieve`. */
export function processRetrieval(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  at: number,
  end: number,
): number {
  const bytes = input.bytes
  const first = input.view.getInt32(at, true)
  let keys = at + (first === GET_ || first === GAT_ ? 3 : 4)
  while (keys < end && bytes[keys] === SPACE) keys++
  connection.retrieval = first === GETS || first === GATS ? WITH_CAS : 0
  connection.requestKind = kindOf(first)
  if (first === GAT_ || first === GATS) {
    const start = keys
    while (keys < end && bytes[keys] !== SPACE) keys++
    const expiry = parseRetrievalExpiry(context, input, start, keys)
    while (keys < end && bytes[keys] === SPACE) keys++
    if (keys < end && Number.isNaN(expiry)) {
      context.reply.text(INVALID_EXPTIME)
      return end
    }
    connection.retrieval |= WITH_TOUCH
    connection.retrievalExpiry = expiry
  }
  if (keys === end) {
    context.reply.text(BAD_FORMAT)
    return end
  }
  return retrieve(context, connection, input, keys, end)
}

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
  const { reply, batch } = context
  const { rate: keyRate } = context.keySamples
  const begun = reply.length
  const spansBegun = reply.spanCount
  let answers = 0
  let at = from
  for (;;) {
    batch.takeList(block, at, end)
    if (batch.count === 0) break
    for (let i = 0; i < batch.count; i++) {
      if (++answers > context.maxWaitingAnswers) {
        context.cache.statistics.add(RESPONSE_OBJ_OOM, 1)
        takeBack(context, begun, spansBegun)
        reply.text(OUT_OF_MEMORY)
        connection.state = COMMAND
        return end
      }
      const start = batch.start[i]
      if (reply.full) {
        // Once a part of the answer is on its way it can't be taken back: look for bad keys before.
        if (connection.state !== KEYS && hasLongKey(block.bytes, start, end)) {
          return refuse(context, connection, begun, spansBegun, end)
        }
        connection.state = KEYS
        return start
      }
      context.takeBatchKey(block, i)
      if (--keyRate.left <= 0) context.sampleKey()
      retrieveKey(context, connection.retrieval, connection.retrievalExpiry)
      at = batch.end[i]
    }
  }
  while (at < end && block.bytes[at] === SPACE) at++
  if (at < end) return refuse(context, connection, begun, spansBegun, end)
  reply.text(END)
  connection.state = COMMAND
  return end
}

/** A key is too long: instead of what was answered to those before it. */
function refuse(
  context: Context,
  connection: Connection,
  length: number,
  spans: number,
  end: number,
): number {
  takeBack(context, length, spans)
  context.reply.text(BAD_FORMAT)
  connection.state = COMMAND
  return end
}

/**
 * Answers the plain gets whose keys, in `block`, are the batch: as the lines of one key each that they are, until
 * the reply is full. Returns how many were answered, at least one.
 */
export function answerGets(context: Context, block: MemoryBlock): number {
  const { reply, batch } = context
  const { rate: keyRate } = context.keySamples
  let i = 0
  do {
    context.takeBatchKey(block, i)
    retrieveKey(context, 0, 0)
    reply.text(END)
    i++
  } while (i < batch.count && !reply.full)
  if (keyRate.left > i) keyRate.left -= i
  else sampleGets(context, block, i)
  return i
}

/** Of the first `count` keys of the batch, in `block`, some are to be looked at. */
function sampleGets(context: Context, block: MemoryBlock, count: number): void {
  const { rate } = context.keySamples
  let passed = 0
  while (passed + rate.left <= count) {
    passed += rate.left
    rate.left = 0
    context.takeBatchKey(block, passed - 1)
    context.sampleKey()
  }
  rate.left -= count - passed
}

function retrieveKey(context: Context, retrieval: number, expiry: number): void {
  const { cache } = context
  const { items, statistics } = cache
  const item = context.find()
  context.countPrefixGet(item !== 0)
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
  writeHit(context, item, (retrieval & WITH_CAS) !== 0)
}

/** Position by position into the reply's memory: it is the most frequent thing there is to write. */
function writeHit(context: Context, item: ItemRef, withCas: boolean): void {
  const { reply, keyLength } = context
  const { items } = context.cache
  const { block } = reply
  const { view } = block
  let at = reply.length
  view.setInt32(at, VALU, true)
  view.setInt32(at + 4, E_, true)
  at += 6
  copyBytes(context.key, context.keyAt, block, at, keyLength)
  at += keyLength
  view.setUint8(at, SPACE)
  at = writeU32(block, at + 1, items.clientFlags(item))
  view.setUint8(at, SPACE)
  at = writeU32(block, at + 1, items.valueLength(item))
  if (withCas) {
    view.setUint8(at, SPACE)
    at = writeU64(block, at + 1, items.casLow(item), items.casHigh(item))
  }
  view.setUint16(at, CRLF)
  reply.length = at + 2
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
export function takeBack(context: Context, length: number, spans: number): void {
  const { reply, cache } = context
  for (let i = spans; i < reply.spanCount; i++) {
    reply.spanBytes -= reply.spanLength[i]
    if (reply.spanItem[i] !== 0) cache.unpin(reply.spanItem[i])
  }
  reply.spanCount = spans
  reply.length = length
}

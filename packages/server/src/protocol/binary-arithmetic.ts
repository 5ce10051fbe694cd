// incr and decr of the binary protocol, which can create the number and answer with its 64 bits. Knows no
// socket.
import {
  CHANGED,
  changedItem,
  changeNumber,
  createNumber,
  linkNumber,
  mayBeNumber,
  NON_NUMERIC,
  result,
  resultLength,
} from '../cache/arithmetic.ts'
import { parsed, parseU64 } from '../cache/decimal.ts'
import type { ItemRef } from '../cache/item.ts'
import { DECR_MISSES, INCR_MISSES } from '../cache/statistics.ts'
import * as opcode from './binary-opcodes.ts'
import {
  KEY_EXISTS,
  KEY_NOT_FOUND,
  NO_MEMORY_FOR_LONGER_NUMBER,
  NO_MEMORY_FOR_NUMBER,
  NOT_A_NUMBER,
  SUCCESS,
  writeError,
  writeHeader,
  writeOutOfMemory,
} from './binary-reply.ts'
import type { Context } from './context.ts'

// The extras: three numbers, the first two of 64 bits.
const DELTA = 0
const INITIAL = 8
const EXPIRY = 16
/** An expiry of all ones: a missing number stays missing. */
const NEVER_CREATE = -1

const NUMBER_BYTES = 8

export function processBinaryArithmetic(context: Context): void {
  const { cache, request } = context
  const increment = request.command === opcode.INCREMENT
  const item = context.find()
  if (item === 0) {
    if (request.extra(EXPIRY) === NEVER_CREATE) {
      cache.statistics.add(increment ? INCR_MISSES : DECR_MISSES, 1)
      writeError(context, KEY_NOT_FOUND)
    } else {
      create(context)
    }
    return
  }
  if (!mayBeNumber(cache, item)) {
    writeError(context, NOT_A_NUMBER)
    return
  }
  if (!request.allows(cache.items, item)) {
    writeError(context, KEY_EXISTS)
    return
  }
  const low = request.extra(DELTA + 4)
  const high = request.extra(DELTA)
  const outcome = changeNumber(cache, item, context.hash, increment, low, high)
  if (outcome === CHANGED) {
    parseU64(result, 0, resultLength())
    writeNumber(context, parsed[0], parsed[1], changedItem())
  } else if (outcome === NON_NUMERIC) {
    writeError(context, NOT_A_NUMBER)
  } else {
    writeOutOfMemory(context, NO_MEMORY_FOR_LONGER_NUMBER)
  }
}

function create(context: Context): void {
  const { cache, request, key, keyAt, keyLength } = context
  const low = request.extra(INITIAL + 4)
  const high = request.extra(INITIAL)
  const expiry = cache.clock.expiry(request.extra(EXPIRY) >>> 0)
  const item = createNumber(cache, key, keyAt, keyLength, expiry, 0, low, high)
  if (item === 0) {
    writeOutOfMemory(context, NO_MEMORY_FOR_NUMBER)
    return
  }
  linkNumber(cache, item, context.hash)
  writeNumber(context, low, high, item)
}

function writeNumber(context: Context, low: number, high: number, item: ItemRef): void {
  if (context.request.quiet) return
  writeHeader(context, SUCCESS, 0, 0, NUMBER_BYTES, item)
  context.reply.int32(high)
  context.reply.int32(low)
}

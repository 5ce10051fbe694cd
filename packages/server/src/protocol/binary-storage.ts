// set, add, replace, append, prepend and delete of the binary protocol. A value goes into its item as it
// arrives, in any number of pieces. Knows what is stored and answered, no socket.
import { NO_MEMORY, TOO_LARGE } from '../cache/cache.ts'
import type { ItemRef } from '../cache/item.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import { CLASS_DELETE_HITS, DELETE_MISSES } from '../cache/statistics.ts'
import {
  ADD,
  APPEND,
  CAS,
  EXISTS,
  NOT_FOUND,
  PREPEND,
  REPLACE,
  SET,
  STORED,
  store,
} from '../cache/store.ts'
import * as opcode from './binary-opcodes.ts'
import {
  ITEM_NOT_STORED,
  KEY_EXISTS,
  KEY_NOT_FOUND,
  NO_MEMORY_FOR_ITEM,
  NO_MEMORY_FOR_VALUE,
  VALUE_TOO_LARGE,
  writeDone,
  writeError,
  writeOutOfMemory,
} from './binary-reply.ts'
import { HEADER_BYTES } from './binary-request.ts'
import { logRefusal, removeOld } from './classic.ts'
import { BINARY_VALUE, type Connection, SWALLOW } from './connection.ts'
import type { Context } from './context.ts'
import { beginValue, endValue, fillItem, itemFilled } from './storage.ts'

/** Prepares the item that the value goes into, or refuses and drops the value. */
export function beginBinaryStorage(context: Context, connection: Connection): void {
  const { cache, request } = context
  const { command, valueLength } = request
  context.countPrefixSet()
  const hasExtras = command !== opcode.APPEND && command !== opcode.PREPEND
  const item =
    valueLength < 0
      ? TOO_LARGE
      : cache.allocate(
          context.key,
          context.keyAt,
          context.keyLength,
          hasExtras ? request.extra(0) : 0,
          hasExtras ? cache.clock.expiry(request.extra(4) >>> 0) : 0,
          valueLength,
          0,
        )
  if (item === TOO_LARGE || item === NO_MEMORY) {
    if (hasExtras) logRefusal(context, item, storeMode(context))
    // An old value must not be taken for the one that could not be stored.
    if (command === opcode.SET) removeOld(context)
    if (item === TOO_LARGE) writeError(context, VALUE_TOO_LARGE)
    else writeOutOfMemory(context, NO_MEMORY_FOR_ITEM)
    swallowBody(connection, valueLength)
    return
  }
  beginValue(connection, storeMode(context), item)
  connection.state = BINARY_VALUE
}

/** The bytes `at`..`end` of `input` that follow the request's key: mostly the whole value. */
export function takeFirstValue(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  at: number,
  end: number,
): number {
  const reached = takeBinaryValue(context, connection, input, at, end)
  if (connection.item !== 0) connection.saveLine(input, context.request.at, HEADER_BYTES)
  return reached
}

/** Further bytes of a value that did not come with its key. */
export function takeFurtherValue(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  at: number,
  end: number,
): number {
  const { cache, request } = context
  if (connection.savedLine !== undefined) request.read(connection.savedLine, 0)
  context.hash = cache.hashOf(connection.item)
  return takeBinaryValue(context, connection, input, at, end)
}

function takeBinaryValue(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  at: number,
  end: number,
): number {
  const { cache } = context
  const reached = fillItem(context, connection, input, at, end)
  if (reached < 0) {
    const left = cache.items.valueLength(connection.item) - connection.filled
    cache.free(connection.item)
    connection.item = 0
    writeOutOfMemory(context, NO_MEMORY_FOR_VALUE)
    swallowBody(connection, left)
    return at
  }
  if (itemFilled(context, connection)) {
    connection.state = connection.commandState
    completeStorage(context, connection.mode, endValue(context, connection))
  }
  return reached
}

function completeStorage(context: Context, mode: number, item: ItemRef): void {
  const { cache, request } = context
  const storing = context.store
  storing.reset(mode)
  storing.compare = request.givesCas && cache.options.casEnabled
  storing.compareLow = request.casLow
  storing.compareHigh = request.casHigh
  switch (store(cache, item, context.hash, storing)) {
    case STORED:
      writeDone(context, storing.stored)
      return
    case EXISTS:
      writeError(context, KEY_EXISTS)
      return
    case NOT_FOUND:
      writeError(context, KEY_NOT_FOUND)
      return
    default:
      if (mode === ADD) writeError(context, KEY_EXISTS)
      else if (mode === REPLACE) writeError(context, KEY_NOT_FOUND)
      else writeError(context, ITEM_NOT_STORED)
  }
}

/** A CAS unique makes set, add and replace one and the same: store if it is still the item's. */
function storeMode({ cache, request }: Context): number {
  const { command } = request
  if (command === opcode.APPEND) return APPEND
  if (command === opcode.PREPEND) return PREPEND
  if (request.givesCas && cache.options.casEnabled) return CAS
  if (command === opcode.ADD) return ADD
  return command === opcode.REPLACE ? REPLACE : SET
}

/** Drops what of a refused request is still to come. Lengths beyond 2 GiB are none, as memcached has it. */
export function swallowBody(connection: Connection, length: number): void {
  if (length <= 0) return
  connection.state = SWALLOW
  connection.swallow = length
}

export function processBinaryDelete(context: Context): void {
  const { cache, request } = context
  const { items, statistics } = cache
  context.countPrefixDelete()
  const item = context.find()
  if (item === 0) {
    statistics.add(DELETE_MISSES, 1)
    writeError(context, KEY_NOT_FOUND)
  } else if (!request.allows(items, item)) {
    writeError(context, KEY_EXISTS)
  } else {
    statistics.addToClass(items.slabClass(item), CLASS_DELETE_HITS, 1)
    cache.unlink(item)
    writeDone(context, 0)
  }
}

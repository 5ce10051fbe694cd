// The part of a storage command after its line: the value, which may come in any number of pieces, and
// the store itself. Knows no command: what to answer is in the hands of classic.ts and meta.ts.
import type { ItemRef } from '../cache/item.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import { CLASS_CMD_SET } from '../cache/statistics.ts'
import { type Connection, VALUE } from './connection.ts'
import type { Context } from './context.ts'
import { line } from './reply.ts'

export const BAD_DATA_CHUNK = line('CLIENT_ERROR bad data chunk')
/** A large value ran out of memory on the way in. */
export const NO_MEMORY_READING = line('SERVER_ERROR Out of memory during read')

/** Bytes after a value: CRLF. */
export const TERMINATOR_BYTES = 2

const CR = 13
const LF = 10

/** From here on, the input is the value of `item`. */
export function beginValue(connection: Connection, mode: number, item: ItemRef): void {
  connection.state = VALUE
  connection.mode = mode
  connection.item = item
  connection.filled = 0
  connection.terminated = true
}

/** Whether the value and its CRLF are complete. */
export function valueComplete(context: Context, connection: Connection): boolean {
  return connection.filled === context.cache.items.valueLength(connection.item) + TERMINATOR_BYTES
}

/** Whether the value itself is complete. */
export function itemFilled(context: Context, connection: Connection): boolean {
  return connection.filled === context.cache.items.valueLength(connection.item)
}

/**
 * Takes what has come of the value, `from`..`end` of `input`. Returns the position after it, or -1 if
 * there is no memory for the rest of a large one.
 */
export function fillItem(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  from: number,
  end: number,
): number {
  const left = context.cache.items.valueLength(connection.item) - connection.filled
  if (left <= 0) return from
  const part = Math.min(left, end - from)
  if (!context.cache.fill(connection.item, connection.filled, input, from, part)) return -1
  connection.filled += part
  return from + part
}

/** As `fillItem`, with the CRLF that ends a value of the text protocol. */
export function takeValue(
  context: Context,
  connection: Connection,
  input: MemoryBlock,
  from: number,
  end: number,
): number {
  let at = fillItem(context, connection, input, from, end)
  if (at < 0) return -1
  const valueLength = context.cache.items.valueLength(connection.item)
  while (at < end && connection.filled < valueLength + TERMINATOR_BYTES) {
    const expected = connection.filled === valueLength ? CR : LF
    if (input.bytes[at] !== expected) connection.terminated = false
    connection.filled++
    at++
  }
  return at
}

/** Takes the filled item off the connection; counts the command as memcached does, stored or not. */
export function endValue(context: Context, connection: Connection): ItemRef {
  const item = connection.item
  connection.item = 0
  connection.filled = 0
  context.cache.statistics.addToClass(context.cache.items.slabClass(item), CLASS_CMD_SET, 1)
  return item
}

// The binary protocol's answers: headers, statuses and the texts that go with them. Knows no command.
import type { ItemRef } from '../cache/item.ts'
import { type BinaryRequest, CAS_AT, HEADER_BYTES } from './binary-request.ts'
import type { Context } from './context.ts'

const RESPONSE_MAGIC = 0x81

// Statuses.
export const SUCCESS = 0x00
export const KEY_NOT_FOUND = 0x01
export const KEY_EXISTS = 0x02
export const VALUE_TOO_LARGE = 0x03
export const INVALID_ARGUMENTS = 0x04
export const ITEM_NOT_STORED = 0x05
export const NOT_A_NUMBER = 0x06
export const AUTHENTICATION_FAILED = 0x20
export const CONTINUE = 0x21
export const UNKNOWN_COMMAND = 0x81
const OUT_OF_MEMORY = 0x82

const text = (words: string): Uint8Array => Buffer.from(words, 'latin1')

const TEXTS: Readonly<Record<number, Uint8Array>> = {
  [KEY_NOT_FOUND]: text('Not found'),
  [KEY_EXISTS]: text('Data exists for key.'),
  [VALUE_TOO_LARGE]: text('Too large.'),
  [INVALID_ARGUMENTS]: text('Invalid arguments'),
  [ITEM_NOT_STORED]: text('Not stored.'),
  [NOT_A_NUMBER]: text('Non-numeric server-side value for incr or decr'),
  [AUTHENTICATION_FAILED]: text('Auth failure.'),
  [UNKNOWN_COMMAND]: text('Unknown command'),
}

export const NO_MEMORY = text('Out of memory')
export const NO_MEMORY_FOR_ITEM = text('Out of memory allocating item')
export const NO_MEMORY_FOR_NUMBER = text('Out of memory allocating new item')
export const NO_MEMORY_FOR_LONGER_NUMBER = text('Out of memory incrementing value')
export const NO_MEMORY_FOR_VALUE = text('Out of memory during read')

/** Writes a header without CAS unique at `at`; returns the position after it. */
export function putHeader(
  view: DataView,
  at: number,
  request: BinaryRequest,
  status: number,
  extrasLength: number,
  keyLength: number,
  bodyLength: number,
): number {
  view.setUint8(at, RESPONSE_MAGIC)
  view.setUint8(at + 1, request.opcode)
  view.setUint16(at + 2, keyLength)
  view.setUint8(at + 4, extrasLength)
  view.setUint8(at + 5, 0)
  view.setUint16(at + 6, status)
  view.setInt32(at + 8, bodyLength)
  view.setInt32(at + 12, request.opaque)
  view.setInt32(at + CAS_AT, 0)
  view.setInt32(at + CAS_AT + 4, 0)
  return at + HEADER_BYTES
}

/** Begins the answer to the context's request; `item` is the one whose CAS unique it tells, or 0. */
export function writeHeader(
  { cache, reply, request }: Context,
  status: number,
  extrasLength: number,
  keyLength: number,
  bodyLength: number,
  item: ItemRef,
): void {
  const { view } = reply.block
  const at = reply.length
  reply.length = putHeader(view, at, request, status, extrasLength, keyLength, bodyLength)
  if (item !== 0) {
    view.setInt32(at + CAS_AT, cache.items.casHigh(item))
    view.setInt32(at + CAS_AT + 4, cache.items.casLow(item))
  }
}

/** Success with nothing more to say. */
export function writeDone(context: Context, item: ItemRef): void {
  if (!context.request.quiet) writeHeader(context, SUCCESS, 0, 0, 0, item)
}

/** Success with a text. */
export function writeText(context: Context, words: Uint8Array): void {
  writeHeader(context, SUCCESS, 0, 0, words.length, 0)
  context.reply.text(words)
}

/** An error, which no command keeps to itself. */
export function writeError(context: Context, status: number): void {
  const words = TEXTS[status]
  writeHeader(context, status, 0, 0, words.length, 0)
  context.reply.text(words)
}

export function writeOutOfMemory(context: Context, words: Uint8Array): void {
  writeHeader(context, OUT_OF_MEMORY, 0, 0, words.length, 0)
  context.reply.text(words)
}

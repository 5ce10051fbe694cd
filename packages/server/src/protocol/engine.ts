// The request loop: bytes in, commands executed, answers out. It reads like a table of contents: what
// the next bytes are, and which file a command is found in. Knows no socket and never blocks but for the
// cache's lock.
import type { Cache } from '../cache/cache.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import { BYTES_READ, BYTES_WRITTEN } from '../cache/statistics.ts'
import { ADD, APPEND, CAS, PREPEND, REPLACE, SET } from '../cache/store.ts'
import {
  processFlushAll,
  processShutdown,
  processStatistics,
  processVerbosity,
  processVersion,
} from './administration.ts'
import {
  answer,
  beginStorage,
  completeStorage,
  INVALID_EXPTIME,
  parseRetrievalExpiry,
  processArithmetic,
  processDelete,
  processTouch,
  resumeStorage,
} from './classic.ts'
import { COMMAND, type Connection, KEYS, META_SET, SWALLOW, TEXT, VALUE } from './connection.ts'
import { BAD_FORMAT, Context, ERROR, type Host } from './context.ts'
import { findLineEnd } from './line-end.ts'
import {
  beginMetaSet,
  completeMetaSet,
  processMetaArithmetic,
  processMetaDebug,
  processMetaDelete,
  processMetaGet,
  processMetaNoop,
  resumeMetaSet,
} from './meta.ts'
import type { Reply } from './reply.ts'
import { GET, retrieve, WITH_CAS, WITH_TOUCH } from './retrieval.ts'
import { NO_MEMORY_READING, takeValue, valueComplete } from './storage.ts'
import { word } from './tokens.ts'

/** A command line may be this long, or longer if it arrives whole (memcached). */
const MAX_WAITING_LINE_BYTES = 2048
/** A list of keys may be longer: 16 MiB are 65,000 keys of 250 bytes. */
export const MAX_KEYS_LINE_BYTES = 16 * 1024 * 1024
/** The shortest line that is looked at, its end included. */
const MIN_LINE_BYTES = 4

const CR = 13
const SPACE = 32

/** The first bytes of a command as a little-endian number; shorter names include the space. */
function name(text: string): number {
  return Buffer.from(text, 'latin1').readInt32LE(0)
}
const GET_ = name('get ')
const GETS = name('gets')
const GAT_ = name('gat ')
const GATS = name('gats')

const M = 109
const HTTP = word('HTTP/')

export class Engine {
  readonly #context: Context
  readonly #cache: Cache

  constructor(cache: Cache, host: Host) {
    this.#cache = cache
    this.#context = new Context(cache, host)
  }

  /** What the executed requests are answered with. */
  get reply(): Reply {
    return this.#context.reply
  }

  /** Continues with another reply, when the transport has to keep this one for a slow reader. */
  set reply(reply: Reply) {
    this.#context.reply = reply
  }

  /**
   * Executes what is complete in `from`..`end` of `input`, until the reply is full or the connection is to
   * be closed. Returns the position of the first byte not consumed; the caller keeps the rest and offers
   * it again with what arrives next, or when the reply was sent.
   */
  execute(connection: Connection, input: MemoryBlock, from: number, end: number): number {
    const { lock, statistics } = this.#cache
    const { reply, lookahead } = this.#context
    lock.acquire()
    const written = reply.totalBytes
    let at = from
    while (!reply.full && !connection.closing) {
      const next = this.#advance(connection, input, at, end)
      if (next < 0) break
      at = next
      if (at < end && lookahead.endsBefore(at) && connection.state === COMMAND) {
        lookahead.lookAtLines(input, at, end)
      }
    }
    lookahead.forget()
    statistics.add(BYTES_READ, at - from)
    statistics.add(BYTES_WRITTEN, reply.totalBytes - written)
    lock.release()
    return at
  }

  /** The spans of a reply have been sent, or never will be: their items may change again. */
  release(reply: Reply): void {
    if (reply.spanCount > 0) {
      this.#cache.lock.acquire()
      for (let i = 0; i < reply.spanCount; i++) {
        const item = reply.spanItem[i]
        if (item !== 0) this.#cache.unpin(item)
      }
      this.#cache.lock.release()
    }
    reply.clear()
  }

  /** Gives back what a closed connection still holds. */
  abandon(connection: Connection): void {
    if (connection.item === 0) return
    this.#cache.lock.acquire()
    this.#cache.free(connection.item)
    this.#cache.lock.release()
    connection.item = 0
  }

  /** Consumes one step of the input: a command, or a part of one. -1 if that needs more bytes. */
  #advance(connection: Connection, input: MemoryBlock, at: number, end: number): number {
    if (connection.state === TEXT) return this.#sendText(connection, at)
    if (at >= end) return -1
    switch (connection.state) {
      case VALUE:
        return this.#value(connection, input, at, end)
      case SWALLOW: {
        const part = Math.min(connection.swallow, end - at)
        connection.swallow -= part
        if (connection.swallow === 0) connection.state = COMMAND
        return at + part
      }
      default:
        return this.#line(connection, input, at, end)
    }
  }

  #line(connection: Connection, input: MemoryBlock, at: number, end: number): number {
    const bytes = input.bytes
    const lineEnd = findLineEnd(input, at + connection.scanned, end)
    if (lineEnd === end) {
      connection.scanned = end - at
      if (end - at > MAX_WAITING_LINE_BYTES && !mayGrow(bytes, at, end)) connection.closing = true
      return -1
    }
    connection.scanned = 0
    const textEnd = lineEnd > at && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd
    if (connection.state === KEYS) {
      const reached = retrieve(this.#context, connection, input, at, textEnd)
      return reached === textEnd ? lineEnd + 1 : reached
    }
    if (lineEnd + 1 - at < MIN_LINE_BYTES) {
      this.#context.reply.text(BAD_FORMAT)
      return lineEnd + 1
    }
    const first = input.view.getInt32(at, true)
    if (
      first === GET_ ||
      ((first === GETS || first === GAT_ || first === GATS) && textEnd > at + 4)
    ) {
      const reached = this.#retrieval(connection, input, at, textEnd, first)
      if (reached >= 0) return reached === textEnd ? lineEnd + 1 : reached
    }
    const { tokens } = this.#context
    tokens.split(input, at, textEnd)
    this.#command(connection)
    if (connection.state !== VALUE) return lineEnd + 1
    return this.#firstValue(connection, input, at, textEnd, lineEnd + 1, end)
  }

  /** get, gets, gat, gats. -1 if it is none of them after all. */
  #retrieval(
    connection: Connection,
    input: MemoryBlock,
    at: number,
    end: number,
    first: number,
  ): number {
    const bytes = input.bytes
    let keys = at + (first === GET_ || first === GAT_ ? 3 : 4)
    if (bytes[keys] !== SPACE) return -1
    while (keys < end && bytes[keys] === SPACE) keys++
    connection.retrieval = first === GETS || first === GATS ? WITH_CAS : GET
    if (first === GAT_ || first === GATS) {
      const start = keys
      while (keys < end && bytes[keys] !== SPACE) keys++
      const expiry = parseRetrievalExpiry(this.#context, input, start, keys)
      while (keys < end && bytes[keys] === SPACE) keys++
      if (keys < end && Number.isNaN(expiry)) {
        this.#context.reply.text(INVALID_EXPTIME)
        return end
      }
      connection.retrieval |= WITH_TOUCH
      connection.retrievalExpiry = expiry
    }
    if (keys === end) {
      this.#context.reply.text(BAD_FORMAT)
      return end
    }
    return retrieve(this.#context, connection, input, keys, end)
  }

  /** The command of a line that is split into tokens. */
  #command(connection: Connection): void {
    const context = this.#context
    const { tokens, reply } = context
    if (tokens.count === 0 || tokens.indented) {
      reply.text(ERROR)
      return
    }
    if (tokens.length(0) === 2 && tokens.first(0) === M) {
      this.#metaCommand(connection, tokens.block.bytes[tokens.start[0] + 1])
      return
    }
    const mode = storageMode(context)
    if (mode >= 0) beginStorage(context, connection, mode)
    else if (tokens.is(0, DELETE)) processDelete(context)
    else if (tokens.is(0, INCR)) processArithmetic(context, true)
    else if (tokens.is(0, DECR)) processArithmetic(context, false)
    else if (tokens.is(0, TOUCH)) processTouch(context)
    else if (tokens.is(0, VERSION)) processVersion(context)
    else if (tokens.is(0, STATS)) processStatistics(context, connection)
    else if (tokens.is(0, FLUSH_ALL)) processFlushAll(context)
    else if (tokens.is(0, VERBOSITY)) processVerbosity(context)
    else if (tokens.is(0, SHUTDOWN)) processShutdown(context, connection)
    else if (tokens.is(0, QUIT)) connection.closing = true
    else if (isRetrieval(context)) reply.text(BAD_FORMAT)
    else if (isHttp(context)) connection.closing = true
    else reply.text(ERROR)
  }

  #metaCommand(connection: Connection, letter: number): void {
    const context = this.#context
    switch (letter) {
      case 103: // mg
        processMetaGet(context)
        return
      case 115: // ms
        beginMetaSet(context, connection)
        return
      case 100: // md
        processMetaDelete(context)
        return
      case 97: // ma
        processMetaArithmetic(context)
        return
      case 110: // mn
        processMetaNoop(context)
        return
      case 101: // me
        processMetaDebug(context)
        return
      default:
        context.reply.text(ERROR)
    }
  }

  /** The bytes right after a storage command's line: mostly the whole value. */
  #firstValue(
    connection: Connection,
    input: MemoryBlock,
    lineAt: number,
    lineEnd: number,
    at: number,
    end: number,
  ): number {
    const reached = takeValue(this.#context, connection, input, at, end)
    if (reached < 0) return this.#dropValue(connection, at)
    if (valueComplete(this.#context, connection)) {
      this.#complete(connection)
    } else {
      connection.saveLine(input, lineAt, lineEnd - lineAt)
    }
    return reached
  }

  /** Further bytes of a value that did not come with its line. */
  #value(connection: Connection, input: MemoryBlock, at: number, end: number): number {
    const reached = takeValue(this.#context, connection, input, at, end)
    if (reached >= 0 && !valueComplete(this.#context, connection)) return reached
    if (connection.savedLine !== undefined) {
      this.#context.tokens.split(connection.savedLine, 0, connection.savedLength)
    }
    if (reached < 0) return this.#dropValue(connection, at)
    if (connection.mode === META_SET) resumeMetaSet(this.#context)
    else resumeStorage(this.#context)
    this.#complete(connection)
    return reached
  }

  #complete(connection: Connection): void {
    connection.state = COMMAND
    if (connection.mode === META_SET) completeMetaSet(this.#context, connection)
    else completeStorage(this.#context, connection)
  }

  /** No memory for the rest of a large value, whose line is in the tokens: refuse, drop what still comes. */
  #dropValue(connection: Connection, at: number): number {
    const left = this.#cache.items.valueLength(connection.item) + 2 - connection.filled
    this.#cache.free(connection.item)
    connection.item = 0
    answer(this.#context, NO_MEMORY_READING)
    connection.state = SWALLOW
    connection.swallow = left
    return at
  }

  #sendText(connection: Connection, at: number): number {
    const { reply } = this.#context
    const text = connection.text
    while (text !== undefined && connection.textSent < text.length && !reply.full) {
      reply.byte(text[connection.textSent++])
    }
    if (text === undefined || connection.textSent === text.length) {
      connection.state = COMMAND
      connection.text = undefined
    }
    return at
  }
}

const DELETE = word('delete')
const INCR = word('incr')
const DECR = word('decr')
const TOUCH = word('touch')
const VERSION = word('version')
const STATS = word('stats')
const FLUSH_ALL = word('flush_all')
const VERBOSITY = word('verbosity')
const SHUTDOWN = word('shutdown')
const QUIT = word('quit')

const STORAGE_COMMANDS = [
  [word('set'), SET],
  [word('add'), ADD],
  [word('cas'), CAS],
  [word('replace'), REPLACE],
  [word('append'), APPEND],
  [word('prepend'), PREPEND],
] as const

function storageMode(context: Context): number {
  for (let i = 0; i < STORAGE_COMMANDS.length; i++) {
    if (context.tokens.is(0, STORAGE_COMMANDS[i][0])) return STORAGE_COMMANDS[i][1]
  }
  return -1
}

const RETRIEVAL_COMMANDS = [word('get'), word('gets'), word('gat'), word('gats')]

/** A retrieval command without keys. */
function isRetrieval(context: Context): boolean {
  return RETRIEVAL_COMMANDS.some((command) => context.tokens.is(0, command))
}

/** A browser that has lost its way: the last token begins with HTTP/. */
function isHttp(context: Context): boolean {
  const { tokens } = context
  const last = tokens.count - 1
  if (tokens.length(last) < HTTP.length) return false
  const at = tokens.start[last]
  return HTTP.every((byte, i) => tokens.block.bytes[at + i] === byte)
}

/** Whether an unfinished long line is a list of keys, which may be longer than other lines. */
function mayGrow(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from > MAX_KEYS_LINE_BYTES) return false
  let at = from
  while (at < from + 100 && bytes[at] === SPACE) at++
  const text = Buffer.from(bytes.subarray(at, at + 5)).toString('latin1')
  return text.startsWith('get ') || text === 'gets '
}

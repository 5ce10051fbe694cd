// The request loop: bytes in, commands executed, answers out. It knows what the next bytes are: a command
// line, a value, keys still to be answered, a packet. Which command does what is in commands.ts, for the
// binary protocol in binary-commands.ts. Knows no socket and never blocks but for the cache's lock.
// Long because a connection's states are one machine, to be read in one place.
import type { Cache } from '../cache/cache.ts'
import { LINE_TOO_LONG, NO_BUFFERS } from '../cache/event-log.ts'
import type { MemoryBlock } from '../cache/memory.ts'
import {
  BYTES_READ,
  BYTES_WRITTEN,
  CONN_YIELDS,
  READ_BUF_OOM,
  RESPONSE_OBJ_OOM,
} from '../cache/statistics.ts'
import { beginAuthentication, processAuthentication } from './authentication.ts'
import { processRequest } from './binary-commands.ts'
import { REQUEST_MAGIC } from './binary-request.ts'
import { takeFurtherValue } from './binary-storage.ts'
import { answer, completeStorage, resumeStorage } from './classic.ts'
import { processCommand } from './commands.ts'
import {
  AUTHENTICATION,
  BINARY_VALUE,
  COMMAND,
  type Connection,
  GREETING,
  KEYS,
  LISTING,
  META_SET,
  PACKET,
  SWALLOW,
  TEXT,
  VALUE,
  WATCHING,
} from './connection.ts'
import { BAD_FORMAT, Context, type Host } from './context.ts'
import { KeyBatch, MAX_BATCH_KEYS } from './key-batch.ts'
import { findLineEnd, MAX_WAITING_LINE_BYTES } from './line-end.ts'
import { completeMetaSet, resumeMetaSet } from './meta-set.ts'
import type { Reply } from './reply.ts'
import { RequestCounts } from './request-counts.ts'
import { GET, OTHER } from './request-kinds.ts'
import { RequestSamples } from './request-samples.ts'
import { answerGets, isRetrieval, processRetrieval, retrieve, takeBack } from './retrieval.ts'
import { NO_MEMORY_READING, takeValue, valueComplete } from './storage.ts'

/** A list of keys may be longer: 16 MiB are 65,000 keys of 250 bytes. */
export const MAX_KEYS_LINE_BYTES = 16 * 1024 * 1024
/** The shortest line that is looked at, its end included. */
const MIN_LINE_BYTES = 4

/** Smaller caches mostly lie in the processor's own, where looking ahead costs more than it saves. */
const LOOK_AHEAD_FROM_ITEMS = 1 << 17

/** More requests than a batch can be; a small integer, as what is counted with it. */
const NEVER = 0x3fff_ffff

const CR = 13
const CRLF_BYTES = 2
const SPACE = 32

export class Engine {
  readonly #context: Context
  readonly #cache: Cache
  readonly #requestsPerTurn: number
  readonly #foreseen: KeyBatch
  readonly #counts: RequestCounts
  /** For the transport to say when requests are read and answered. */
  readonly samples: RequestSamples
  /** The last `execute` ended because others are to have their turn: there may be more to do. */
  yielded = false

  constructor(cache: Cache, host: Host) {
    this.#cache = cache
    this.#context = new Context(cache, host)
    this.#requestsPerTurn = host.requestsPerTurn
    this.#foreseen = new KeyBatch(cache)
    this.samples = new RequestSamples(cache)
    this.#counts = new RequestCounts(cache.telemetry, this.samples)
  }

  /**
   * Looks at the first key of what a connection has sent, for whoever has several connections' requests at hand.
   * Needs no lock: it is only a hint.
   */
  foresee(input: MemoryBlock, from: number, end: number): void {
    const foreseen = this.#foreseen
    const looksAhead = this.#cache.table.count >= LOOK_AHEAD_FROM_ITEMS
    if (looksAhead && foreseen.count < MAX_BATCH_KEYS) foreseen.addCommand(input, from, end)
  }

  /** Begins the memory accesses that the requests looked at will need. */
  beginForeseen(): void {
    if (this.#foreseen.count > 1) this.#foreseen.load()
    this.#foreseen.count = 0
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
   * be closed, or until a part of a long listing was made (`connection.busy`). Returns the position of the first
   * byte not consumed; the caller keeps the rest and offers it again with what arrives next, or when the reply was
   * sent. While `othersWait`, it ends after as many requests as make a turn, and says so by `yielded`.
   */
  execute(
    connection: Connection,
    input: MemoryBlock,
    from: number,
    end: number,
    othersWait = false,
  ): number {
    const { lock, statistics, table, events } = this.#cache
    const { reply, lookahead, batch, keySamples, maxWaitingAnswers } = this.#context
    const { rate: keyRate } = keySamples
    const counts = this.#counts
    lock.acquire()
    events.descriptor = connection.descriptor
    const looksAhead = table.count >= LOOK_AHEAD_FROM_ITEMS
    const written = reply.totalBytes
    this.#context.batchAt = from
    const turn = this.#requestsPerTurn
    // After a turn memcached sends what waits.
    const tooMany = turn > maxWaitingAnswers ? maxWaitingAnswers + 1 : NEVER
    const most = othersWait && turn < tooMany ? turn : tooMany
    let requests = 0
    let at = from
    if (connection.state === GREETING && at < end) this.#greet(connection, input.bytes[at])
    counts.begin(connection.requestKind, at, written)
    while (requests < most && !reply.full && !connection.closing) {
      if (connection.state === COMMAND) {
        batch.takeGets(input, at, end, most - requests)
        if (batch.count > 0) {
          if (counts.kind !== GET) this.#changeKind(GET, at, reply.totalBytes)
          const answered = answerGets(this.#context, input)
          counts.requests += answered
          connection.scanned = 0
          at = batch.end[answered - 1] + CRLF_BYTES
          requests += answered
          continue
        }
      }
      const before = reply.totalBytes
      const next = this.#advance(connection, input, at, end)
      if (next < 0) break
      if (connection.requestKind !== counts.kind) {
        this.#changeKind(connection.requestKind, at, before)
      }
      if (connection.state === connection.commandState) counts.requests++
      if (keyRate.left <= 0) this.#context.sampleKey()
      at = next
      requests++
      if (looksAhead && at < end && lookahead.endsBefore(at)) {
        if (connection.state === COMMAND) lookahead.lookAtLines(input, at, end)
        else if (connection.state === PACKET) lookahead.lookAtPackets(input, at, end)
      }
    }
    lookahead.forget()
    if (requests === tooMany) this.#runOutOfMemory(connection)
    this.yielded =
      requests === most && at < end && !reply.full && !connection.closing && !connection.busy
    // Without others to wait a turn ends too, and the next begins at once.
    if (this.yielded) statistics.add(CONN_YIELDS, 1)
    else if (requests > turn) statistics.add(CONN_YIELDS, Math.floor((requests - 1) / turn))
    statistics.add(BYTES_READ, at - from)
    statistics.add(BYTES_WRITTEN, reply.totalBytes - written)
    counts.end(at, reply.totalBytes)
    lock.release()
    return at
  }

  #changeKind(kind: number, at: number, written: number): void {
    this.#counts.end(at, written)
    this.#counts.begin(kind, at, written)
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
    reply.drop()
  }

  /** `-o read_buf_mem_limit`: more answers wait than may. As in memcached, none is sent. */
  #runOutOfMemory(connection: Connection): void {
    this.#cache.statistics.add(RESPONSE_OBJ_OOM, 1)
    takeBack(this.#context, this.reply.start, 0)
    connection.fail(NO_BUFFERS)
  }

  /** Counts a connection that was closed for want of memory to keep what it has sent. */
  countReadBufferOom(): void {
    const { lock, statistics } = this.#cache
    lock.acquire()
    statistics.add(READ_BUF_OOM, 1)
    lock.release()
  }

  /**
   * Counts bytes that moved around requests and answers: what frames datagrams, what was dropped of them. Negative
   * numbers, of bytes and of requests, take back what was counted and should not be.
   */
  countTraffic(read: number, written: number, requests = 0): void {
    const { lock, statistics, telemetry } = this.#cache
    lock.acquire()
    statistics.add(BYTES_READ, read)
    statistics.add(BYTES_WRITTEN, written)
    if (telemetry.enabled) telemetry.count(OTHER, requests, read, written)
    lock.release()
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
    if (connection.state === LISTING) return this.#continueListing(connection, at)
    if (at >= end) return -1
    switch (connection.state) {
      case WATCHING:
        return -1
      case VALUE:
        return this.#value(connection, input, at, end)
      case SWALLOW: {
        const part = Math.min(connection.swallow, end - at)
        connection.swallow -= part
        if (connection.swallow === 0) connection.state = connection.commandState
        return at + part
      }
      case PACKET:
        return processRequest(this.#context, connection, input, at, end)
      case BINARY_VALUE:
        return takeFurtherValue(this.#context, connection, input, at, end)
      case AUTHENTICATION:
        return processAuthentication(this.#context, connection, input, at, end)
      default:
        return this.#line(connection, input, at, end)
    }
  }

  /** Who has to log in, does it in text. Else the first byte tells the protocol of all that follows, unless `-B` does; datagrams know no `-B`. */
  #greet(connection: Connection, first: number): void {
    if (this.#context.host.credentials !== undefined) {
      beginAuthentication(connection)
      return
    }
    const { datagram, binding = this.#context.host.bindingProtocol } = connection
    const bound = datagram ? 'auto' : binding
    const binary = bound === 'binary' || (bound !== 'ascii' && first === REQUEST_MAGIC)
    connection.commandState = binary ? PACKET : COMMAND
    connection.state = connection.commandState
    connection.authenticated = this.#context.host.logIn === undefined
  }

  #line(connection: Connection, input: MemoryBlock, at: number, end: number): number {
    const bytes = input.bytes
    const lineEnd = findLineEnd(input, at + connection.scanned, end)
    if (lineEnd === end) {
      connection.scanned = end - at
      if (end - at > MAX_WAITING_LINE_BYTES && !mayGrow(bytes, at, end)) {
        connection.fail(LINE_TOO_LONG)
      }
      return -1
    }
    connection.scanned = 0
    const textEnd = lineEnd > at && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd
    if (connection.state === KEYS) {
      const reached = retrieve(this.#context, connection, input, at, textEnd)
      return reached === textEnd ? lineEnd + 1 : reached
    }
    if (lineEnd + 1 - at < MIN_LINE_BYTES) {
      connection.requestKind = OTHER
      this.#context.reply.text(BAD_FORMAT)
      return lineEnd + 1
    }
    if (isRetrieval(input, at, textEnd)) {
      const reached = processRetrieval(this.#context, connection, input, at, textEnd)
      return reached === textEnd ? lineEnd + 1 : reached
    }
    const { tokens } = this.#context
    tokens.split(input, at, textEnd)
    processCommand(this.#context, connection)
    if (connection.state !== VALUE) return lineEnd + 1
    return this.#firstValue(connection, input, at, textEnd, lineEnd + 1, end)
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

  #continueListing(connection: Connection, at: number): number {
    if (connection.listing?.step(this.#context) === false) return -1
    connection.state = connection.commandState
    connection.listing = undefined
    return at
  }

  #sendText(connection: Connection, at: number): number {
    // One message, however long: the transport takes it from the connection.
    if (connection.datagram) return -1
    const { reply } = this.#context
    const text = connection.text
    while (text !== undefined && connection.textSent < text.length && !reply.full) {
      reply.byte(text[connection.textSent++])
    }
    if (text === undefined || connection.textSent === text.length) {
      connection.endText()
    }
    return at
  }
}

/** Whether an unfinished long line is a list of keys, which may be longer than other lines. */
function mayGrow(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from > MAX_KEYS_LINE_BYTES) return false
  let at = from
  while (at < from + 100 && bytes[at] === SPACE) at++
  const text = Buffer.from(bytes.subarray(at, at + 5)).toString('latin1')
  return text.startsWith('get ') || text === 'gets '
}

// What happens to items and connections, for those who watch: events are published here under the cache's
// lock, in one order for all threads, and read by the one thread that tells the watchers. Knows events and
// their numbers, no text and no socket. With nobody watching, an event costs a load and a branch.
import type { Clock } from './clock.ts'
import { EventRing, RING_STATE_WORDS } from './event-ring.ts'
import { FETCHED, type ItemRef, type Items } from './item.ts'
import { copyBytes, MemoryBlock } from './memory.ts'
import type { SharedState } from './shared-state.ts'
import { LOG_WORKER_DROPPED, LOG_WORKER_WRITTEN, type Statistics } from './statistics.ts'
import { WallClock } from './wall-clock.ts'
import { WatchSlots } from './watch-slots.ts'

// Streams: bits.
export const SYSTEM_EVENTS = 1
export const FETCHERS = 2
export const MUTATIONS = 4
export const CONNECTION_EVENTS = 8
export const EVICTIONS = 16
export const DELETIONS = 32
/** What a watcher may ask for and nothing is ever published to: raw commands and the proxy's streams. */
export const SILENT_STREAMS = 64
/** Connections that went wrong: for the server's own log, not for watchers. */
export const TROUBLES = 128

// Types of events.
export const ITEM_GET = 1
export const ITEM_STORE = 2
export const EVICTION = 3
export const DELETED = 4
export const CONNECTION_NEW = 5
export const CONNECTION_CLOSE = 6
export const CRAWLER_STATUS = 7
export const SLAB_MOVE = 8
export const TROUBLE = 9
export type EventType = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9

/** The stream that each type belongs to. */
const STREAMS: Readonly<Record<EventType, number>> = {
  [ITEM_GET]: FETCHERS,
  [ITEM_STORE]: MUTATIONS,
  [EVICTION]: EVICTIONS,
  [DELETED]: DELETIONS,
  [CONNECTION_NEW]: CONNECTION_EVENTS,
  [CONNECTION_CLOSE]: CONNECTION_EVENTS,
  [CRAWLER_STATUS]: SYSTEM_EVENTS,
  [SLAB_MOVE]: SYSTEM_EVENTS,
  [TROUBLE]: TROUBLES,
}

// How a fetch went.
export const FOUND_NOTHING = 0
export const FOUND_LIVING = 1
export const FOUND_FLUSHED = 2
export const FOUND_EXPIRED = 3

// Which command deleted.
export const BY_DELETE = 0
export const BY_META_DELETE = 1

// Why a connection was closed.
export const CLOSED_BY_ERROR = 0
export const CLOSED_NORMALLY = 1
export const CLOSED_WHEN_IDLE = 2
export const CLOSED_BY_SHUTDOWN = 3

// What went wrong with a connection.
/** Nothing that was noticed: it broke off. */
export const NO_TROUBLE = 0
export const LINE_TOO_LONG = 1
export const LINE_TOO_SHORT = 2
export const NO_PACKET = 3
export const BAD_PACKET = 4
export const NOT_LOGGED_IN = 5
export const LOGINS_FAILED = 6
export const HTTP_REQUEST = 7
/** Input or answers that nobody has memory for any more. */
export const NO_BUFFERS = 8
export const TOO_MANY_CONNECTIONS = 9
export const HANDSHAKE_FAILED = 10
export const TLS_BROKEN = 11
export type Trouble = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11

// What a connection is over.
export const OVER_UNIX_SOCKET = 0
export const OVER_TCP = 1
export const OVER_UDP = 2

/** An event as it is read. What `numbers` are is in the method that published it. */
export interface LogEvent {
  readonly type: EventType
  /** The bit of its stream. */
  readonly stream: number
  /** Counts all events, and all watchers that came. */
  readonly id: number
  readonly seconds: number
  readonly microseconds: number
  readonly numbers: readonly number[]
  /** The item's key, or the client's address in Latin-1. */
  readonly bytes: Uint8Array
}

/** One crawl of an LRU list, as the crawler looks back on it. Times in seconds. */
export interface CrawlReport {
  /** The list: slab class | LRU segment. */
  readonly list: number
  /** With more items than this to be reclaimed, the next crawl would come sooner. */
  readonly lowMark: number
  readonly nextReclaims: number
  readonly sinceRun: number
  readonly nextRun: number
  readonly elapsed: number
  readonly examined: number
  readonly reclaimed: number
}

// A record: the ring's word, type, number (two words), time, how many numbers, the numbers, how many
// bytes, the bytes.
const TYPE = 1
const ID_LOW = 2
const ID_HIGH = 3
const SECONDS = 4
const MICROSECONDS = 5
const NUMBERS = 6
const WORD_BYTES = 4
const TWO_TO_32 = 2 ** 32

const MAX_DETAIL_LENGTH = 200

/** Largest memory for events: more than an hour of reading behind helps nobody. */
const MAX_EVENT_BYTES = 2 ** 30

export interface EventLogOptions {
  /** `-o worker_logbuf_size` of all threads together; what doesn't fit is dropped and counted. */
  readonly eventLogBytes: number
}

export function eventLogBuffer({ eventLogBytes }: EventLogOptions): SharedArrayBuffer {
  const bytes = Math.min(eventLogBytes, MAX_EVENT_BYTES)
  return new SharedArrayBuffer(Math.max(1, Math.floor(bytes / WORD_BYTES)) * WORD_BYTES)
}

export class EventLog {
  readonly slots: WatchSlots
  /** The connection whose requests this thread executes; events name it. */
  descriptor = 0
  readonly #ring: EventRing
  readonly #block: MemoryBlock
  readonly #lastId: Float64Array
  readonly #time = new WallClock()
  readonly #items: Items
  readonly #clock: Clock
  readonly #statistics: Statistics

  constructor(
    memory: SharedArrayBuffer,
    state: SharedState,
    items: Items,
    clock: Clock,
    statistics: Statistics,
  ) {
    this.#block = new MemoryBlock(memory)
    this.#ring = new EventRing(this.#block.words, state.int32(RING_STATE_WORDS))
    this.#lastId = state.float64(1)
    this.slots = new WatchSlots(state)
    this.#items = items
    this.#clock = clock
    this.#statistics = statistics
  }

  /** Whether anybody watches the stream. To be asked where even a call of one of the methods below would cost. */
  watched(stream: number): boolean {
    return (this.slots.active & stream) !== 0
  }

  /** A slot for a new watcher, who sees what happens from now on; -1 if there are too many. */
  addWatcher(streams: number): number {
    return this.slots.claim(streams, ++this.#lastId[0])
  }

  // ---- publishing: what nobody watches is not even collected, for a list of numbers is garbage

  /** A key was looked up; `item` is the living item found, or 0. */
  fetched(outcome: number, key: MemoryBlock, at: number, length: number, item: ItemRef): void {
    if (!this.watched(FETCHERS)) return
    const found = item !== 0
    const slabClass = found ? this.#items.slabClass(item) : 0
    const size = found ? this.#items.valueLength(item) : 0
    this.#publish(ITEM_GET, [outcome, slabClass, this.descriptor, size], key, at, length)
  }

  /** A store of `item` went as `outcome` says; `mode` and `outcome` are those of store.ts. */
  stored(outcome: number, mode: number, item: ItemRef): void {
    if (!this.watched(MUTATIONS)) return
    const items = this.#items
    const expiry = items.expiry(item)
    const ttl = expiry === 0 ? 0 : expiry - this.#clock.now
    const size = items.valueLength(item)
    this.#publishItem(
      ITEM_STORE,
      [outcome, mode, ttl, items.slabClass(item), this.descriptor, size],
      item,
    )
  }

  /** There was no item to store. */
  refused(outcome: number, mode: number, key: MemoryBlock, at: number, length: number): void {
    if (!this.watched(MUTATIONS)) return
    this.#publish(ITEM_STORE, [outcome, mode, 0, 0, this.descriptor, 0], key, at, length)
  }

  evicted(item: ItemRef, idleSeconds: number): void {
    if (!this.watched(EVICTIONS)) return
    const items = this.#items
    const expiry = items.expiry(item)
    const ttl = expiry === 0 ? -1 : expiry - this.#clock.now
    const fetched = (items.flags(item) & FETCHED) === 0 ? 0 : 1
    this.#publishItem(
      EVICTION,
      [fetched, ttl, idleSeconds, items.slabClass(item), items.valueLength(item)],
      item,
    )
  }

  deleted(item: ItemRef, command: number): void {
    if (!this.watched(DELETIONS)) return
    const items = this.#items
    this.#publishItem(DELETED, [command, items.slabClass(item), items.valueLength(item)], item)
  }

  connectionOpened(address: string, port: number, over: number, descriptor: number): void {
    this.#publishText(CONNECTION_NEW, [port, over, descriptor], address)
  }

  connectionClosed(
    address: string,
    port: number,
    over: number,
    descriptor: number,
    reason: number,
  ): void {
    this.#publishText(CONNECTION_CLOSE, [port, over, descriptor, reason], address)
  }

  /** A connection was refused or ended for something that an operator may want to know; `detail` in a few words. */
  connectionFailed(
    address: string,
    port: number,
    over: number,
    descriptor: number,
    trouble: Trouble,
    detail: string,
  ): void {
    const text = detail === '' ? address : `${address} ${detail.slice(0, MAX_DETAIL_LENGTH)}`
    this.#publishText(TROUBLE, [port, over, descriptor, trouble], text)
  }

  /** A crawl of a list is over, and it is known when the next one comes. */
  crawled(report: CrawlReport): void {
    const { list, lowMark, nextReclaims, sinceRun, nextRun, elapsed, examined, reclaimed } = report
    this.#publishText(
      CRAWLER_STATUS,
      [list, lowMark, nextReclaims, sinceRun, nextRun, elapsed, examined, reclaimed],
      '',
    )
  }

  /** The automover asked for a page to go from one class to another, and whether that could begin. */
  slabMoved(source: number, destination: number, begun: boolean): void {
    this.#publishText(SLAB_MOVE, [source, destination, begun ? 1 : 0], '')
  }

  #publishItem(type: EventType, numbers: readonly number[], item: ItemRef): void {
    const items = this.#items
    this.#publish(type, numbers, items.block(item), items.keyAt(item), items.keyLength(item))
  }

  #publishText(type: EventType, numbers: readonly number[], text: string): void {
    if (!this.watched(STREAMS[type])) return
    const block = new MemoryBlock(new ArrayBuffer(text.length + WORD_BYTES))
    block.bytes.set(Buffer.from(text, 'latin1'))
    this.#publish(type, numbers, block, 0, text.length)
  }

  #publish(
    type: EventType,
    numbers: readonly number[],
    bytes: MemoryBlock,
    from: number,
    length: number,
  ): void {
    const size = NUMBERS + 1 + numbers.length + 1 + Math.ceil(length / WORD_BYTES)
    const at = this.#ring.reserve(size)
    if (at < 0) {
      this.#statistics.add(LOG_WORKER_DROPPED, 1)
      return
    }
    const words = this.#block.words
    const id = ++this.#lastId[0]
    const time = this.#time.microseconds
    words[at + TYPE] = type
    words[at + ID_LOW] = id % TWO_TO_32
    words[at + ID_HIGH] = id / TWO_TO_32
    words[at + SECONDS] = time / 1e6
    words[at + MICROSECONDS] = time % 1e6
    words[at + NUMBERS] = numbers.length
    words.set(numbers, at + NUMBERS + 1)
    const bytesAt = at + NUMBERS + 1 + numbers.length
    words[bytesAt] = length
    copyBytes(bytes, from, this.#block, (bytesAt + 1) * WORD_BYTES, length)
    this.#ring.commit(at, size)
    this.#statistics.add(LOG_WORKER_WRITTEN, 1)
  }

  // ---- reading, in one thread, without the lock

  /** Where the events end that have been published by now. */
  get end(): number {
    return this.#ring.end
  }

  /** Takes the oldest event before `end`; undefined if there is none. */
  take(end: number): LogEvent | undefined {
    const at = this.#ring.first(end)
    if (at < 0) return undefined
    const { words, bytes } = this.#block
    const type = words[at + TYPE] as EventType
    const numbersAt = at + NUMBERS + 1
    const lengthAt = numbersAt + words[at + NUMBERS]
    const bytesAt = (lengthAt + 1) * WORD_BYTES
    const event: LogEvent = {
      type,
      stream: STREAMS[type],
      id: words[at + ID_HIGH] * TWO_TO_32 + (words[at + ID_LOW] >>> 0),
      seconds: words[at + SECONDS] >>> 0,
      microseconds: words[at + MICROSECONDS],
      numbers: [...words.subarray(numbersAt, lengthAt)],
      bytes: bytes.slice(bytesAt, bytesAt + words[lengthAt]),
    }
    this.#ring.drop(at)
    return event
  }
}

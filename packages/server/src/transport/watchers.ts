// Tells all watchers what happens: takes events from the log, in order, and writes their lines to who
// wants them. Runs in one thread, a round at a time; whoever runs it asks how long to wait. Knows no
// system call.
import type { Cache } from '../cache/cache.ts'
import type { LogEvent } from '../cache/event-log.ts'
import { LOG_WATCHER_SENT, LOG_WATCHER_SKIPPED } from '../cache/statistics.ts'
import { MAX_WATCHERS } from '../cache/watch-slots.ts'
import { logLine } from '../protocol/log-lines.ts'
import { Watcher, type WatcherSocket } from './watcher.ts'

const MIN_PAUSE_MS = 1
/** With somebody watching, a line is late by no more than this. */
const MAX_PAUSE_MS = 20
/** With the server's log alone to tell: it may be late. */
const LOG_PAUSE_MS = 200
/** With nobody watching. A new watcher wakes us earlier. */
const IDLE_PAUSE_MS = 1000

/** The server's own log, which hears of the streams that watch-slots.ts says. */
export interface EventListener {
  tell(event: LogEvent): void
  /** Nothing more comes for the moment. */
  pause(): void
}

export class Watchers {
  readonly #cache: Cache
  readonly #bufferBytes: number
  readonly #open: (client: number) => WatcherSocket | undefined
  readonly #log: EventListener | undefined
  readonly #watchers: (Watcher | undefined)[] = new Array(MAX_WATCHERS).fill(undefined)
  #pauseMs = MIN_PAUSE_MS
  #sent = 0
  #skipped = 0

  /**
   * `bufferBytes` is `-o watcher_logbuf_size`; `open` makes a socket of a client as it was handed over, or
   * undefined if it has gone since.
   */
  constructor(
    cache: Cache,
    bufferBytes: number,
    open: (client: number) => WatcherSocket | undefined,
    log?: EventListener,
  ) {
    this.#cache = cache
    this.#bufferBytes = bufferBytes
    this.#open = open
    this.#log = log
  }

  /** One round. Returns the milliseconds to wait before the next: the less, the more there is to tell. */
  run(): number {
    const { events } = this.#cache
    // Before the newcomers: what is published after this was asked for is for the next round, so none can
    // have come too late for its first event.
    const end = events.end
    this.#admit()
    for (const watcher of this.#watchers) watcher?.retry()
    let told = 0
    for (let event = events.take(end); event !== undefined; event = events.take(end)) {
      this.#tell(event)
      told++
    }
    for (const watcher of this.#watchers) {
      if (watcher !== undefined && !this.#deliver(watcher)) this.#close(watcher)
    }
    this.#log?.pause()
    this.#count()
    this.#pauseMs =
      told > 0
        ? Math.max(MIN_PAUSE_MS, this.#pauseMs / 2)
        : Math.min(MAX_PAUSE_MS, this.#pauseMs * 1.5)
    if (events.slots.count > 0) return this.#pauseMs
    return events.slots.logged === 0 ? IDLE_PAUSE_MS : LOG_PAUSE_MS
  }

  /** Closes all of them. */
  close(): void {
    this.#admit()
    for (const watcher of this.#watchers) {
      if (watcher !== undefined) this.#close(watcher)
    }
  }

  #admit(): void {
    const { slots } = this.#cache.events
    for (let slot = 0; slot < MAX_WATCHERS; slot++) {
      const streams = slots.streams(slot)
      if (streams === 0) continue
      let watcher = this.#watchers[slot]
      if (watcher === undefined) {
        watcher = new Watcher(slot, streams, slots.firstId(slot), this.#bufferBytes)
        this.#watchers[slot] = watcher
      }
      const client = slots.client(slot)
      if (watcher.socket === undefined && client !== undefined) {
        watcher.socket = this.#open(client)
        if (watcher.socket === undefined) this.#close(watcher)
      }
    }
  }

  #tell(event: LogEvent): void {
    if ((event.stream & this.#cache.events.slots.logged) !== 0) this.#log?.tell(event)
    let line: string | undefined
    for (const watcher of this.#watchers) {
      if (watcher === undefined) continue
      if ((watcher.streams & event.stream) === 0 || event.id < watcher.firstId) continue
      line ??= logLine(event)
      if (watcher.offer(line)) this.#sent++
      else this.#skipped++
    }
  }

  /** False if the client is gone. */
  #deliver(watcher: Watcher): boolean {
    if (!watcher.flush()) return false
    // As in memcached, who only closes its own half still gets the lines that wait.
    return watcher.behind || watcher.socket === undefined || watcher.socket.ignoreInput()
  }

  #close(watcher: Watcher): void {
    const { lock, events } = this.#cache
    this.#watchers[watcher.slot] = undefined
    lock.acquire()
    events.slots.release(watcher.slot)
    lock.release()
    watcher.socket?.close()
  }

  #count(): void {
    if (this.#sent === 0 && this.#skipped === 0) return
    const { lock, statistics } = this.#cache
    lock.acquire()
    statistics.add(LOG_WATCHER_SENT, this.#sent)
    statistics.add(LOG_WATCHER_SKIPPED, this.#skipped)
    lock.release()
    this.#sent = 0
    this.#skipped = 0
  }
}

// `-o idle_timeout`: finds the connections of one thread that have been silent for too long, as memcached's
// timeout thread does: those that wait for a request, never one in the middle of a value or of an answer.
// Knows the table and the clock; who finds one closes it.
import type { Clock } from '../cache/clock.ts'
import { type ConnectionTable, NEW, READING } from './connection-table.ts'

export class IdleConnections {
  readonly #table: ConnectionTable
  readonly #clock: Clock
  readonly #thread: number
  readonly #timeoutSeconds: number
  /** The clock's second at which the next connection can have been silent for too long. */
  #lookAt: number

  /** `timeoutSeconds` 0: never. */
  constructor(table: ConnectionTable, clock: Clock, thread: number, timeoutSeconds: number) {
    this.#table = table
    this.#clock = clock
    this.#thread = thread
    this.#timeoutSeconds = timeoutSeconds
    this.#lookAt = timeoutSeconds === 0 ? Number.POSITIVE_INFINITY : clock.now + timeoutSeconds + 1
  }

  /** How long the thread may sleep, as epoll_wait takes it: -1 is as long as it likes. */
  get restMs(): number {
    if (this.#lookAt === Number.POSITIVE_INFINITY) return -1
    return Math.max(1, this.#lookAt - this.#clock.now) * 1000
  }

  get due(): boolean {
    return this.#clock.now >= this.#lookAt
  }

  /** Calls `close` for each connection that has been silent for longer than the timeout. */
  sweep(close: (fd: number) => void): void {
    const now = this.#clock.now
    const table = this.#table
    let oldest = now
    for (let fd = 0; fd < table.size; fd++) {
      const state = table.stateOf(fd)
      if ((state !== NEW && state !== READING) || table.threadOf(fd) !== this.#thread) continue
      const active = table.lastActive(fd)
      if (now - active > this.#timeoutSeconds) close(fd)
      else if (active < oldest) oldest = active
    }
    this.#lookAt = Math.max(now, oldest + this.#timeoutSeconds) + 1
  }
}

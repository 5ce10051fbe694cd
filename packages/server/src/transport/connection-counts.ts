// The connections of the whole process, counted by every thread, and the word that stops them all. Knows
// no socket.

const CURRENT = 0
const TOTAL = 1
const REJECTED = 2
const NEXT_THREAD = 3
const STOP = 4
const WORDS = 8

/** How the threads are to stop. */
export const RUNNING = 0
/** At once. */
export const STOPPING = 1
/** When what clients were promised has been sent. */
export const DRAINING = 2

export class ConnectionCounts {
  readonly buffer: SharedArrayBuffer
  readonly limit: number
  readonly #words: Int32Array

  /** `limit` is `-c`; `buffer` is another thread's, to share its counts. */
  constructor(limit: number, buffer = new SharedArrayBuffer(WORDS * 4)) {
    this.buffer = buffer
    this.limit = limit
    this.#words = new Int32Array(buffer)
  }

  /** Counts a new connection; false (and counted as rejected) if it is one too many. */
  open(): boolean {
    if (Atomics.add(this.#words, CURRENT, 1) >= this.limit) {
      Atomics.sub(this.#words, CURRENT, 1)
      Atomics.add(this.#words, REJECTED, 1)
      return false
    }
    Atomics.add(this.#words, TOTAL, 1)
    return true
  }

  /** Counts a UDP socket, which memcached has among its connections; it is never one too many. */
  openListener(): void {
    Atomics.add(this.#words, CURRENT, 1)
    Atomics.add(this.#words, TOTAL, 1)
  }

  close(): void {
    Atomics.sub(this.#words, CURRENT, 1)
  }

  /** Takes turns among `threads`. */
  nextThread(threads: number): number {
    return (Atomics.add(this.#words, NEXT_THREAD, 1) >>> 0) % threads
  }

  get current(): number {
    return Atomics.load(this.#words, CURRENT)
  }

  get total(): number {
    return Atomics.load(this.#words, TOTAL)
  }

  get rejected(): number {
    return Atomics.load(this.#words, REJECTED)
  }

  /** `stats reset` leaves the connections that are there. */
  reset(): void {
    Atomics.store(this.#words, TOTAL, 0)
    Atomics.store(this.#words, REJECTED, 0)
  }

  get stopState(): number {
    return Atomics.load(this.#words, STOP)
  }

  set stopState(state: number) {
    Atomics.store(this.#words, STOP, state)
  }
}

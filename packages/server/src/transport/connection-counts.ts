// The connections of the whole process, counted by every thread, and the word that stops them all. Knows
// no socket.

const CURRENT = 0
const TOTAL = 1
const REJECTED = 2
const NEXT_THREAD = 3
const STOP = 4
const GATE = 5
const TIMES_DISABLED = 6
const IDLE_KICKS = 7
const LISTENERS = 8
const NEXT_SECURE_THREAD = 9
const HANDSHAKE_ERRORS = 10
const NEW_SESSIONS = 11
const SECURE_ERRORS = 12
const WORDS = 14
// Microseconds, after the words.
const DISABLED_SINCE = 0
const TIME_DISABLED = 1
const TIMES = 2

// The gate: whether new connections are accepted.
const ACCEPTING = 0
const CHANGING = 1
const DISABLED = 2

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
  readonly #times: Float64Array

  /** `limit` is `-c`; `buffer` is another thread's, to share its counts. */
  constructor(limit: number, buffer = new SharedArrayBuffer(WORDS * 4 + TIMES * 8)) {
    this.buffer = buffer
    this.limit = limit
    this.#words = new Int32Array(buffer, 0, WORDS)
    this.#times = new Float64Array(buffer, WORDS * 4, TIMES)
  }

  /** Counts a new connection; false (and counted as rejected) if it is one too many. */
  open(): boolean {
    if (!this.reserve()) {
      Atomics.add(this.#words, REJECTED, 1)
      return false
    }
    this.opened()
    return true
  }

  /** Counts a UDP socket, which memcached has among its connections; it is never one too many. */
  openListener(): void {
    Atomics.add(this.#words, LISTENERS, 1)
    Atomics.add(this.#words, CURRENT, 1)
    Atomics.add(this.#words, TOTAL, 1)
  }

  /** Takes the place of a connection that is still to come; false if there is none. */
  reserve(): boolean {
    if (Atomics.add(this.#words, CURRENT, 1) < this.#places) return true
    Atomics.sub(this.#words, CURRENT, 1)
    return false
  }

  /** It has come. */
  opened(): void {
    Atomics.add(this.#words, TOTAL, 1)
  }

  /** A connection, or a reserved place, is given up. */
  close(): void {
    Atomics.sub(this.#words, CURRENT, 1)
  }

  /** A connection is closed because it was idle. */
  kick(): void {
    Atomics.add(this.#words, IDLE_KICKS, 1)
  }

  // ---- the gate: one thread at a time changes it, between a `begin` that was true and its end

  get accepting(): boolean {
    return Atomics.load(this.#words, GATE) === ACCEPTING
  }

  beginStopAccepting(): boolean {
    return Atomics.compareExchange(this.#words, GATE, ACCEPTING, CHANGING) === ACCEPTING
  }

  stoppedAccepting(): void {
    Atomics.add(this.#words, TIMES_DISABLED, 1)
    this.#times[DISABLED_SINCE] = microseconds()
    Atomics.store(this.#words, GATE, DISABLED)
  }

  beginAccepting(): boolean {
    return Atomics.compareExchange(this.#words, GATE, DISABLED, CHANGING) === DISABLED
  }

  resumedAccepting(): void {
    this.#times[TIME_DISABLED] += microseconds() - this.#times[DISABLED_SINCE]
    Atomics.store(this.#words, GATE, ACCEPTING)
  }

  /** How often accepting was stopped. */
  get timesDisabled(): number {
    return Atomics.load(this.#words, TIMES_DISABLED)
  }

  /** For how long in all, but for the time that has not ended yet. */
  get microsecondsDisabled(): number {
    return this.#times[TIME_DISABLED]
  }

  // ----

  /** Takes turns among `threads`. */
  nextThread(threads: number): number {
    return (Atomics.add(this.#words, NEXT_THREAD, 1) >>> 0) % threads
  }

  /** As `nextThread`, among those that serve TLS. */
  nextSecureThread(threads: number): number {
    return (Atomics.add(this.#words, NEXT_SECURE_THREAD, 1) >>> 0) % threads
  }

  // ---- TLS

  countHandshakeError(): void {
    Atomics.add(this.#words, HANDSHAKE_ERRORS, 1)
  }

  /** A handshake made a session, instead of resuming one. */
  countNewSession(): void {
    Atomics.add(this.#words, NEW_SESSIONS, 1)
  }

  /** What came after a handshake was not TLS any more. */
  countSecureError(): void {
    Atomics.add(this.#words, SECURE_ERRORS, 1)
  }

  get handshakeErrors(): number {
    return Atomics.load(this.#words, HANDSHAKE_ERRORS)
  }

  get newSessions(): number {
    return Atomics.load(this.#words, NEW_SESSIONS)
  }

  get secureErrors(): number {
    return Atomics.load(this.#words, SECURE_ERRORS)
  }

  // ----

  get full(): boolean {
    return this.current >= this.#places
  }

  get #places(): number {
    return this.limit + Atomics.load(this.#words, LISTENERS)
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

  get idleKicks(): number {
    return Atomics.load(this.#words, IDLE_KICKS)
  }

  /** `stats reset` leaves the connections that are there. */
  reset(): void {
    const tls = [HANDSHAKE_ERRORS, NEW_SESSIONS, SECURE_ERRORS]
    for (const word of [TOTAL, REJECTED, TIMES_DISABLED, IDLE_KICKS, ...tls]) {
      Atomics.store(this.#words, word, 0)
    }
    this.#times[TIME_DISABLED] = 0
  }

  get stopState(): number {
    return Atomics.load(this.#words, STOP)
  }

  set stopState(state: number) {
    Atomics.store(this.#words, STOP, state)
  }
}

/** On a clock that all threads share. */
function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

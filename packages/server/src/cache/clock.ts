// The cache's clock: whole seconds since shortly before the process started, as in memcached, ticked by
// one thread and read by all. It lies beside the items, so that whoever finds them knows what their times mean. Knows nothing of timers; whoever owns one calls `tick`.

/** Expiry times up to this are relative to now; larger ones are absolute Unix time (protocol.txt). */
const RELATIVE_EXPIRY_MAX_SECONDS = 60 * 60 * 24 * 30

/**
 * The clock starts later than at 0, so that "before anything was stored" and "just flushed" stay positive; at
 * memcached's 62, because `t` shows it of an item whose time is past.
 */
const START_SECONDS = 62

/** The last moment of this clock. */
const LATEST = 0x7fff_ffff

const NOW = 0
const EPOCH = 1
const STARTED = 2
/** By how many seconds the clock was moved, and whether it stands still: for tests (`debugtime`). */
const MOVED = 3
const PAUSED = 4

/** A moment, by this clock and as Unix time. */
export interface ClockReading {
  readonly now: number
  readonly unixSeconds: number
}

export class Clock {
  readonly #state: Int32Array

  constructor(state: Int32Array) {
    this.#state = state
  }

  /** To be called once, by the thread that owns the clock, before any other use. */
  start(unixSeconds: number): void {
    Atomics.store(this.#state, EPOCH, (unixSeconds - START_SECONDS) | 0)
    Atomics.store(this.#state, NOW, START_SECONDS)
    Atomics.store(this.#state, STARTED, START_SECONDS)
    this.#runFreely()
  }

  /**
   * Instead of `start`: goes on from where the clock of an earlier process stood, the time between
   * included. A wall clock set back meanwhile makes that time 0.
   */
  resume(unixSeconds: number, earlier: ClockReading): void {
    const stopped = earlier.unixSeconds
    const now = earlier.now + Math.max(0, unixSeconds - stopped)
    Atomics.store(this.#state, EPOCH, (Math.max(unixSeconds, stopped) - now) | 0)
    Atomics.store(this.#state, NOW, now)
    Atomics.store(this.#state, STARTED, now)
    this.#runFreely()
  }

  /** What a test of an earlier process has done to the clock is that process's. */
  #runFreely(): void {
    Atomics.store(this.#state, MOVED, 0)
    Atomics.store(this.#state, PAUSED, 0)
  }

  /** For `resume`; undefined if no clock that was ever started is here. */
  read(): ClockReading | undefined {
    if (this.now < START_SECONDS) return undefined
    return { now: this.now, unixSeconds: this.toUnix(this.now) }
  }

  /** Seconds go by by a monotonic count, so that a step of the wall clock neither kills nor revives items. */
  tick(secondsSinceStart: number): void {
    const state = this.#state
    if (state[PAUSED] === 1) return
    Atomics.store(state, NOW, (state[STARTED] + secondsSinceStart + state[MOVED]) | 0)
  }

  /** Moves the clock by seconds, backwards if negative; every thread sees it at once. */
  move(seconds: number): void {
    Atomics.add(this.#state, MOVED, seconds)
    Atomics.add(this.#state, NOW, seconds)
  }

  /** A paused clock ignores its ticks; the first tick after that makes up for them. */
  set paused(paused: boolean) {
    Atomics.store(this.#state, PAUSED, paused ? 1 : 0)
  }

  get now(): number {
    return this.#state[NOW]
  }

  /** Seconds since `start`. */
  get uptime(): number {
    return this.#state[NOW] - this.#state[STARTED]
  }

  /** The Unix time of a moment on this clock. */
  toUnix(seconds: number): number {
    return (this.#state[EPOCH] >>> 0) + seconds
  }

  /**
   * A client's expiry time on this clock: 0 stays "never", negative and past ones become 1, which is
   * always in the past; those beyond the clock's 68 years become its last moment.
   */
  expiry(exptime: number): number {
    if (exptime === 0) return 0
    if (exptime < 0) return 1
    if (exptime <= RELATIVE_EXPIRY_MAX_SECONDS) return this.#state[NOW] + exptime
    const seconds = exptime - (this.#state[EPOCH] >>> 0)
    return seconds <= 0 ? 1 : Math.min(seconds, LATEST)
  }
}

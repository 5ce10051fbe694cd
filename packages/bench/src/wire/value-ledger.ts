// What every key may hold, so that a read can be told from a lie while many connections write. Every write has
// a version, higher than all before it of that key; a delete is a write of nothing. Writes of a key that are in
// flight together, a burst, may be carried out in any order, so only when the last of them has been answered is
// it certain that nothing older than the first of them is left: that is the floor. Several threads may share
// the memory; then each writes keys of its own, and reads all. Knows no bytes and no protocol.
import { VERIFIED_KEYS_MAX } from './verified-value.ts'

/** The newest version that may have been sent. */
const ISSUED = 0
/** Nothing older may be read by who asks from now on. */
const FLOOR = 1
/** The first version of the burst in flight. */
const BURST = 2
/** Writes in flight, times two; the lowest bit is set when one of the burst has succeeded. */
const IN_FLIGHT = 3
const COLUMNS = 4
const ONE_IN_FLIGHT = 2
const SUCCEEDED = 1

export interface LedgerShare {
  /** Below `threads`. */
  readonly thread: number
  readonly threads: number
}

export class ValueLedger {
  readonly keys: number
  readonly #columns: Uint32Array
  readonly #thread: number
  readonly #threads: number

  /** For so many keys, none of which has been written: 16 bytes each. */
  static memory(keys: number): SharedArrayBuffer {
    if (keys > VERIFIED_KEYS_MAX) throw new RangeError(`${keys} keys are more than can be verified`)
    return new SharedArrayBuffer(keys * COLUMNS * Uint32Array.BYTES_PER_ELEMENT)
  }

  /** `share` is this thread's; without it, it writes all keys, which no other may do at the same time. */
  constructor(memory: SharedArrayBuffer, share: LedgerShare = { thread: 0, threads: 1 }) {
    this.#columns = new Uint32Array(memory)
    this.keys = this.#columns.length / COLUMNS
    this.#thread = share.thread
    this.#threads = share.threads
    if (this.keys < share.threads) {
      throw new RangeError(`${share.threads} threads can't share ${this.keys} keys`)
    }
  }

  /** Whether this thread may write the key. */
  owns(key: number): boolean {
    return this.#threads === 1 || key % this.#threads === this.#thread
  }

  /** The key that this thread writes in place of this one: itself, or one of its neighbours. */
  ownedKey(key: number): number {
    if (this.#threads === 1) return key
    const owned = key - (key % this.#threads) + this.#thread
    return owned < this.keys ? owned : owned - this.#threads
  }

  /** A write of the key is about to be sent. Returns its version, from 1. */
  issue(key: number): number {
    const columns = this.#columns
    const row = key * COLUMNS
    const version = columns[row + ISSUED]! + 1
    if (columns[row + IN_FLIGHT]! < ONE_IN_FLIGHT) {
      columns[row + BURST] = version
      columns[row + IN_FLIGHT] = 0
    }
    columns[row + IN_FLIGHT]! += ONE_IN_FLIGHT
    // Before it is sent: whoever reads the value can see here that there may be one.
    Atomics.store(columns, row + ISSUED, version)
    return version
  }

  /** A write of the key was carried out. */
  succeed(key: number): void {
    this.#columns[key * COLUMNS + IN_FLIGHT]! |= SUCCEEDED
    this.#end(key)
  }

  /** A write of the key was refused; it may have been carried out all the same, before the answer was sent. */
  fail(key: number): void {
    this.#end(key)
  }

  /** The oldest version that a read sent from now on may find. */
  floor(key: number): number {
    return Atomics.load(this.#columns, key * COLUMNS + FLOOR)
  }

  /** The newest version that an answer which comes now may have. */
  issued(key: number): number {
    return Atomics.load(this.#columns, key * COLUMNS + ISSUED)
  }

  #end(key: number): void {
    const columns = this.#columns
    const row = key * COLUMNS
    const inFlight = columns[row + IN_FLIGHT]! - ONE_IN_FLIGHT
    columns[row + IN_FLIGHT] = inFlight
    // Where all of a burst have failed, what was there before it may still be.
    if (inFlight === SUCCEEDED) Atomics.store(columns, row + FLOOR, columns[row + BURST]!)
  }
}

// What the server knows about the requests it serves beside memcached's statistics: how many of each kind, in how many
// bytes and how long they took, and which keys are asked for most. In shared memory of its own, written under the
// cache's lock. Knows kinds of requests by their numbers; which they are is the protocol's matter.
import { BIG_KEYS_BYTES, BigKeys } from './big-keys.ts'
import type { Clock } from './clock.ts'
import { Histograms, histogramsBytes } from './histograms.ts'
import { HOT_KEYS_BYTES, HotKeys } from './hot-keys.ts'
import { SharedState } from './shared-state.ts'

export interface TelemetryOptions {
  /** `-o telemetry_samples`: of requests and of keys, that a thread takes in a second; 0 (`-o no_telemetry`): none. */
  readonly telemetrySamplesPerSecond: number
}

/** Kinds of requests there is room for. */
export const MAX_REQUEST_KINDS = 24

// What is counted of each.
export const REQUESTS = 0
export const BYTES_IN = 1
export const BYTES_OUT = 2
const COUNTERS = 3

/** Behind the kinds' histograms there is one of the event loops' rounds. */
export const LOOP_ROUNDS = MAX_REQUEST_KINDS

/** Shared memory for all of it; what is not used costs addresses only. */
export const TELEMETRY_BYTES =
  MAX_REQUEST_KINDS * COUNTERS * 8 +
  64 +
  histogramsBytes(MAX_REQUEST_KINDS + 1) +
  2 * HOT_KEYS_BYTES +
  BIG_KEYS_BYTES

export class Telemetry {
  /** Whether anything is noted. */
  readonly enabled: boolean
  /** Of each kind of request: REQUESTS, BYTES_IN, BYTES_OUT. */
  readonly #counters: Float64Array
  /** Of each kind of request how long it took, and LOOP_ROUNDS. */
  readonly times: Histograms
  readonly hotKeys: HotKeys
  readonly hotPrefixes: HotKeys
  readonly bigKeys: BigKeys

  constructor(buffer: SharedArrayBuffer, clock: Clock, options: TelemetryOptions) {
    this.enabled = options.telemetrySamplesPerSecond > 0
    const state = new SharedState(buffer)
    this.#counters = state.float64(MAX_REQUEST_KINDS * COUNTERS)
    this.times = new Histograms(state, MAX_REQUEST_KINDS + 1)
    this.hotKeys = new HotKeys(state, clock)
    this.hotPrefixes = new HotKeys(state, clock)
    this.bigKeys = new BigKeys(state, clock, this.enabled)
  }

  count(kind: number, requests: number, bytesIn: number, bytesOut: number): void {
    const counters = this.#counters
    const at = kind * COUNTERS
    counters[at + REQUESTS] += requests
    counters[at + BYTES_IN] += bytesIn
    counters[at + BYTES_OUT] += bytesOut
  }

  counted(kind: number, counter: number): number {
    return this.#counters[kind * COUNTERS + counter]
  }

  /** `storedItems` is how many items were ever stored. */
  reset(storedItems: number): void {
    this.#counters.fill(0)
    this.times.reset()
    this.hotKeys.reset()
    this.hotPrefixes.reset()
    this.bigKeys.reset(storedItems)
  }
}

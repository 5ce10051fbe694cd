// What happened to the calls and connections of one node: counts, and on request how long calls took. Is told by the
// node, its connections and its calls; knows no socket and reads no clock.
import { MemshardError } from '../errors.ts'
import type { Operation } from '../wire/command.ts'
import type { Call } from './call.ts'
import type { Latency, LatencyRecorder } from './latency.ts'

export interface OperationCounts {
  /** That have ended, however they did; of a `getMulti` every key is one. */
  readonly calls: number
  /** Of these, those that rejected. */
  readonly errors: number
}

/** What happened on a node since it joined the pool. */
export interface Counts {
  /** By operation: `get`, `set`, `getEntry`, ... */
  readonly operations: Readonly<Record<string, OperationCounts>>
  /** Of `get`, `gets`, `getAndTouch`, `gats`, `getMulti`, `getEntry` and so of `fetch`: those that found a value. */
  readonly hits: number
  /** And those that found none; calls that failed are neither. */
  readonly misses: number
  /** Rejections by the `code` of the error; deadlines are `ERR_MEMSHARD_TIMEOUT`. */
  readonly errors: Readonly<Record<string, number>>
  /** Calls that a signal ended. */
  readonly aborted: number
  /** Calls that were answered without the node, because it is ejected and `onNodeDown` is `miss`. */
  readonly skipped: number
  /** Calls whose connection ended, and which were sent again, here or elsewhere. */
  readonly retries: number
  /** Connections that were established: all beyond `connections` are reconnections. */
  readonly connects: number
  /** Connections that were lost or refused. */
  readonly disconnects: number
  readonly ejections: number
  /** Of commands and answers; under TLS before it is encrypted. */
  readonly bytesSent: number
  readonly bytesReceived: number
  /** With the option `latencies`; undefined without it, and before the first answer. */
  readonly latency: Latency | undefined
}

interface Tally {
  calls: number
  errors: number
}

export class Counters {
  aborted = 0
  skipped = 0
  retries = 0
  connects = 0
  disconnects = 0
  ejections = 0
  bytesSent = 0
  bytesReceived = 0
  /** When the answers came that end calls now: milliseconds of `performance.now()`. */
  answeredAt = 0
  #hits = 0
  #misses = 0
  readonly #errors = new Map<string, number>()
  readonly #tallies = new Map<string, Tally>()
  /** Of the operation that was counted last: most often the next one's. */
  #operation: Operation | undefined
  #tally: Tally = { calls: 0, errors: 0 }
  readonly #latencies: LatencyRecorder | undefined

  constructor(latencies: LatencyRecorder | undefined) {
    this.#latencies = latencies
  }

  succeeded(call: Call, result: unknown): void {
    const { operation } = call
    if (operation !== this.#operation) this.#turnTo(operation)
    this.#tally.calls++
    if (operation.found !== undefined) {
      if (operation.found(result)) this.#hits++
      else this.#misses++
    }
    this.#latencies?.record(operation, this.answeredAt - call.issuedAt)
  }

  failed(call: Call, error: unknown): void {
    if (call.operation !== this.#operation) this.#turnTo(call.operation)
    this.#tally.calls++
    this.#tally.errors++
    if (!(error instanceof MemshardError)) {
      this.aborted++
      return
    }
    const { code } = error
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
    const isAnswer = code === 'ERR_MEMSHARD_SERVER' || code === 'ERR_MEMSHARD_CODEC'
    if (isAnswer) this.#latencies?.record(call.operation, this.answeredAt - call.issuedAt)
  }

  counts(): Counts {
    return {
      operations: Object.fromEntries(
        Array.from(this.#tallies, ([name, tally]) => [name, { ...tally }]),
      ),
      hits: this.#hits,
      misses: this.#misses,
      errors: Object.fromEntries(this.#errors),
      aborted: this.aborted,
      skipped: this.skipped,
      retries: this.retries,
      connects: this.connects,
      disconnects: this.disconnects,
      ejections: this.ejections,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      latency: this.#latencies?.latency,
    }
  }

  #turnTo(operation: Operation): void {
    let tally = this.#tallies.get(operation.name)
    if (tally === undefined) {
      tally = { calls: 0, errors: 0 }
      this.#tallies.set(operation.name, tally)
    }
    this.#operation = operation
    this.#tally = tally
  }
}

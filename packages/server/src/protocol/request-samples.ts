// How long requests take, from the moment their thread woke up to read them to the moment their answers are handed to
// the kernel: what a client waits for that is ours, all that stood before it in the same batch included. Some rounds
// of a thread's loop are timed, and all requests that were read in them; a round that isn't costs a count. Knows
// rounds and answers, no socket.
import type { Cache } from '../cache/cache.ts'
import { SampleRate } from '../cache/sample-rate.ts'
import { LOOP_ROUNDS } from '../cache/telemetry.ts'
import { REQUEST_KINDS } from './request-kinds.ts'

const MICROSECONDS = 1000
/** Samples kept for reuse. */
const POOL_SIZE = 64

/** Requests that were read in one timed round and are answered together. */
export class RequestSample {
  /** When the round began, in milliseconds. */
  since = 0
  /** How many rounds it stands for. */
  weight = 0
  /** Requests executed, by kind. */
  readonly counts = new Int32Array(REQUEST_KINDS.length)
}

export class RequestSamples {
  readonly #cache: Cache
  readonly #rate: SampleRate
  readonly #round = new RequestSample()
  readonly #pool: RequestSample[] = []
  /** Handed over at the end of the round, beside the round's own. */
  readonly #ending: RequestSample[] = []
  #timed = false
  /** Where the requests that are executed now count; undefined in a round that isn't timed. */
  current: RequestSample | undefined

  constructor(cache: Cache) {
    this.#cache = cache
    this.#rate = new SampleRate(cache.options.telemetrySamplesPerSecond)
  }

  /** The thread has woken up. */
  beginRound(): void {
    if (--this.#rate.left <= 0) this.#begin()
  }

  /** The thread is about to wait, and what was to be handed to the kernel has been. */
  endRound(): void {
    if (this.#timed || this.#ending.length > 0) this.#end()
  }

  /** The answers to what `current` counts have just been handed over, before the end of the round. */
  handOver(): void {
    const { current } = this
    if (current === undefined) return
    const { lock } = this.#cache
    const now = performance.now()
    lock.acquire()
    this.#record(current, now)
    lock.release()
  }

  /** The answers to what follows may be handed over earlier than those of others in this round. */
  separate(): void {
    if (this.current === this.#round) this.current = this.carry(false)
  }

  /**
   * For who goes on in another round with what was read in this one, to be given to `resume` there; `withCounts` if
   * what it has executed is answered then, too.
   */
  carry(withCounts: boolean): RequestSample | undefined {
    const { current } = this
    if (current === undefined) return undefined
    const carried = this.#pool.pop() ?? new RequestSample()
    carried.since = current.since
    carried.weight = current.weight
    carried.counts.fill(0)
    if (withCounts) {
      carried.counts.set(current.counts)
      current.counts.fill(0)
    }
    return carried
  }

  /** Requests executed from here on were read in an earlier round, which was timed if there is a sample of it. */
  resume(carried: RequestSample | undefined): void {
    this.current = carried
  }

  /** Who had a sample of its own has had its turn; what it has executed is answered as the round ends. */
  suspend(): void {
    const { current } = this
    if (current !== undefined && current !== this.#round) this.#ending.push(current)
    this.current = this.#timed ? this.#round : undefined
  }

  #begin(): void {
    const rate = this.#rate
    const round = this.#round
    round.weight = rate.weight
    rate.renew(this.#cache.clock.now)
    if (!rate.enabled) return
    this.#timed = true
    this.current = round
    round.since = performance.now()
  }

  #end(): void {
    const { lock, telemetry } = this.#cache
    const now = performance.now()
    lock.acquire()
    if (this.#timed) {
      const { since, weight } = this.#round
      telemetry.times.record(LOOP_ROUNDS, (now - since) * MICROSECONDS, weight, 1)
      this.#record(this.#round, now)
    }
    const ending = this.#ending
    for (let sample = ending.pop(); sample !== undefined; sample = ending.pop()) {
      this.#record(sample, now)
      if (this.#pool.length < POOL_SIZE) this.#pool.push(sample)
    }
    lock.release()
    this.#timed = false
    this.current = undefined
  }

  #record({ since, weight, counts }: RequestSample, now: number): void {
    const { times } = this.#cache.telemetry
    const microseconds = (now - since) * MICROSECONDS
    for (let kind = 0; kind < counts.length; kind++) {
      const count = counts[kind]
      if (count === 0) continue
      times.record(kind, microseconds, count * weight, count)
      counts[kind] = 0
    }
  }
}

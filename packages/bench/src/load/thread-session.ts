// A load made by several threads: hands each its part of the plan, lets them play at once, and adds up
// what they measure. Knows nothing of how a part is played.
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { BenchError, type BenchErrorCode } from '../errors.ts'
import { addCounts, sumOf } from '../measure/interval.ts'
import { OPERATIONS } from '../workload/operation.ts'
import type { DriverKind } from './driver.ts'
import type { LoadPlan } from './load-plan.ts'
import type { IntervalMeasure, LoadSession, Outcome, Phase } from './session.ts'
import {
  type FromThread,
  type PackedMeasure,
  type ThreadStart,
  type ToThread,
  unpackHistograms,
} from './thread-messages.ts'

/** Compiled, also where this file runs from its source. */
const THREAD = fileURLToPath(new URL('../../dist/load/thread.js', import.meta.url))

/** The parts of a plan, for so many threads. */
export function partsOf(plan: LoadPlan, threads: number): LoadPlan[] {
  const { connections, pace } = plan
  return Array.from({ length: threads }, (_, thread) => ({
    ...plan,
    connections: shareOf(connections, thread, threads),
    pace: pace && { ...pace, requestsPerSecond: pace.requestsPerSecond / threads },
    thread,
    threads,
  }))
}

/** Whole numbers that add up to `whole`. */
export function shareOf(whole: number, part: number, parts: number): number {
  return Math.floor((whole * (part + 1)) / parts) - Math.floor((whole * part) / parts)
}

/** Throws a BenchError where a thread can't connect. */
export async function openThreads(plan: LoadPlan, threads: number): Promise<LoadSession> {
  const started = partsOf(plan, threads).map((part) => new LoadThread(part))
  try {
    const drivers = await Promise.all(started.map((thread) => thread.open()))
    return new ThreadSession(started, drivers[0]!)
  } catch (error) {
    await Promise.all(started.map((thread) => thread.stop()))
    throw error
  }
}

/** What is heard of a thread: what it says, or that it has a bug. */
type Heard = FromThread | { readonly kind: 'crashed'; readonly error: Error }

class LoadThread {
  readonly #worker: Worker
  /** What happened and nobody has asked for yet. */
  readonly #heard: Heard[] = []
  #awaiting: ((message: Heard) => void) | undefined

  constructor(plan: LoadPlan) {
    const start: ThreadStart = { plan }
    this.#worker = new Worker(THREAD, { workerData: start })
    this.#worker.on('message', (message: FromThread) => this.#hear(message))
    this.#worker.once('error', (error) => this.#hear({ kind: 'crashed', error }))
  }

  async open(): Promise<DriverKind> {
    const message = await this.next()
    if (message.kind !== 'open') throw new TypeError(`a thread began with "${message.kind}"`)
    return message.driver
  }

  say(message: ToThread): void {
    this.#worker.postMessage(message)
  }

  /** Throws a BenchError when the thread has failed. */
  async next(): Promise<Exclude<FromThread, { kind: 'failed' }>> {
    const message =
      this.#heard.shift() ??
      (await new Promise<Heard>((resolve) => {
        this.#awaiting = resolve
      }))
    if (message.kind === 'crashed') throw message.error
    if (message.kind === 'failed') {
      throw new BenchError(message.code as BenchErrorCode, message.message)
    }
    return message
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  #hear(message: Heard): void {
    const awaiting = this.#awaiting
    this.#awaiting = undefined
    if (awaiting) awaiting(message)
    else this.#heard.push(message)
  }
}

class ThreadSession implements LoadSession {
  readonly driver: DriverKind
  readonly #threads: readonly LoadThread[]

  constructor(threads: readonly LoadThread[], driver: DriverKind) {
    this.#threads = threads
    this.driver = driver
  }

  async play(phase: Phase, signal: AbortSignal): Promise<void> {
    const { milliseconds, requests, ramp = false, intervalMs, onInterval } = phase
    const threads = this.#threads
    for (const [index, thread] of threads.entries()) {
      const part = requests === undefined ? undefined : shareOf(requests, index, threads.length)
      thread.say({ kind: 'play', milliseconds, requests: part, ramp, intervalMs })
    }
    const abort = (): void => {
      for (const thread of threads) thread.say({ kind: 'abort' })
    }
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    try {
      // Interval by interval: one that a thread does not have any more is that of the others.
      let playing = [...threads]
      while (playing.length > 0) {
        const messages = await Promise.all(
          playing.map(async (thread) => ({ thread, message: await thread.next() })),
        )
        const measures = messages.flatMap(({ message }) =>
          message.kind === 'interval' ? [message.measure] : [],
        )
        playing = messages.flatMap(({ thread, message }) =>
          message.kind === 'played' ? [] : [thread],
        )
        if (measures.length > 0) onInterval(together(measures))
      }
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  setRate(requestsPerSecond: number): void {
    const part = requestsPerSecond / this.#threads.length
    for (const thread of this.#threads) thread.say({ kind: 'rate', requestsPerSecond: part })
  }

  async finish(): Promise<Outcome> {
    const outcomes = await Promise.all(
      this.#threads.map(async (thread) => {
        thread.say({ kind: 'finish' })
        const message = await thread.next()
        if (message.kind !== 'finished')
          throw new TypeError(`a thread ended with "${message.kind}"`)
        return message.outcome
      }),
    )
    return {
      operations: sumOf(outcomes.map((outcome) => outcome.operations)),
      errors: outcomes.reduce((sum, { errors }) => sum + errors, 0),
      complaints: [...new Set(outcomes.flatMap(({ complaints }) => complaints))],
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()))
  }
}

function together(measures: readonly PackedMeasure[]): IntervalMeasure {
  return {
    seconds: Math.max(...measures.map((measure) => measure.seconds)),
    counts: addCounts(measures.map(({ counts }) => counts)),
    latency: OPERATIONS.map((_, kind) =>
      unpackHistograms(measures.map((measure) => measure.latency[kind])),
    ),
    latencyFromSending: unpackHistograms(measures.map((measure) => measure.latencyFromSending)),
  }
}

// A load that is under way: its connections stay open from one phase to the next (ramp, warm-up, measured
// part, steps of a search), and what happens is told interval by interval. This one runs in the calling
// thread; thread-session.ts has several of them in threads of their own. Knows no CPU time and no report.
import type { Histogram } from 'hdr-histogram-js'
import type { Counts } from '../measure/interval.ts'
import { type HistogramsByKind, LatenciesByKind, LatencyRecorder } from '../measure/latency.ts'
import { seededRandom } from '../workload/random.ts'
import { Tally } from '../workload/tally.ts'
import { type Asked, makeCallers } from './callers.ts'
import { type DriverKind, type LoadDriver, openDriver } from './driver.ts'
import { LoadLoop } from './load-loop.ts'
import type { LoadPlan } from './load-plan.ts'
import { Schedule } from './schedule.ts'

export interface LoadSession extends AsyncDisposable {
  readonly driver: DriverKind
  /** Resolves when the phase is over: by time, by number of requests, or by the signal. */
  play(phase: Phase, signal: AbortSignal): Promise<void>
  /** With a pace: requests come at another rate from now on; what was due and not sent is forgotten. */
  setRate(requestsPerSecond: number): void
  /** Sends nothing more and waits for what is due, which counts as errors if it does not come. */
  finish(): Promise<Outcome>
}

export interface Phase {
  readonly milliseconds: number
  /** Ends earlier when so many have been answered. */
  readonly requests?: number | undefined
  /** The load grows over the whole phase: its rate, or its number of callers. */
  readonly ramp?: boolean
  /** Length of an interval; the last one may be shorter. */
  readonly intervalMs: number
  readonly onInterval: (measure: IntervalMeasure) => void
}

/** What a thread knows of an interval. */
export interface IntervalMeasure {
  readonly seconds: number
  readonly counts: Counts
  readonly latency: HistogramsByKind
  /** With a pace: from when a request was sent, not from when it was due. */
  readonly latencyFromSending: Histogram | undefined
}

/** Of the whole session, from its first request to the last. */
export interface Outcome {
  readonly operations: readonly number[]
  readonly errors: number
  readonly complaints: readonly string[]
}

/** Answers that are still due when the time is over must come within this. */
const DRAIN_MS = 3_000
const SCHEDULE_SEED = 0x70616365
const RAMP_STEPS = 20

/** `asked` is asked instead of what the plan's workload says. Throws a BenchError where it can't connect. */
export async function openSession(plan: LoadPlan, asked?: Asked): Promise<LoadSession> {
  const tally = new Tally()
  const latency = new LatenciesByKind()
  const { workload } = plan
  const schedule = scheduleOf(plan)
  const { timetable, isEnded } = asked?.kind === 'operations' ? asked : {}
  const latencyFromSending = schedule || timetable ? new LatencyRecorder() : undefined
  const callers = makeCallers(plan, tally, asked)
  const loop = new LoadLoop({
    callers,
    depth: workload.depth,
    tally,
    latency,
    latencyFromSending,
    requests: Number.POSITIVE_INFINITY,
    schedule: timetable ?? schedule,
    isEnded,
  })
  const { driver: choice, servers, tls, pace } = plan
  const spin = pace?.spin ?? timetable !== undefined
  const driver = await openDriver({ choice, servers, tls, spin }, loop)
  return new LocalSession({ plan, tally, latency, latencyFromSending, schedule, loop, driver })
}

/** What is due is a batch of `depth` requests. */
function scheduleOf({ pace, workload, thread }: LoadPlan): Schedule | undefined {
  if (!pace) return undefined
  const random = pace.arrivals === 'poisson' ? seededRandom(SCHEDULE_SEED + thread) : undefined
  return new Schedule(pace.requestsPerSecond / workload.depth, random)
}

interface Parts {
  readonly plan: LoadPlan
  readonly tally: Tally
  readonly latency: LatenciesByKind
  readonly latencyFromSending: LatencyRecorder | undefined
  readonly schedule: Schedule | undefined
  readonly loop: LoadLoop
  readonly driver: LoadDriver
}

class LocalSession implements LoadSession {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get driver(): DriverKind {
    return this.#parts.driver.kind
  }

  async play(phase: Phase, signal: AbortSignal): Promise<void> {
    const { loop, schedule, driver } = this.#parts
    const { milliseconds, requests, ramp, intervalMs, onInterval } = phase
    if (requests !== undefined) loop.limit(requests)
    const begun = performance.now()
    if (ramp) schedule?.ramp(begun, milliseconds)
    const growsByCallers = ramp && !schedule
    let from = begun
    let mark = this.#mark()
    this.#restartLatency()
    const isOver = (): boolean =>
      signal.aborted || loop.finished || performance.now() - begun >= milliseconds
    do {
      const left = Math.min(begun + milliseconds - performance.now(), intervalMs)
      if (growsByCallers) await this.#grow(left, begun, milliseconds, signal)
      else await driver.run(left, signal)
      const now = performance.now()
      onInterval(this.#measureSince(mark, (now - from) / 1e3))
      from = now
      mark = this.#mark()
    } while (!isOver())
    if (growsByCallers) loop.letTakePart(loop.exchanges.length)
  }

  setRate(requestsPerSecond: number): void {
    const { schedule, plan } = this.#parts
    schedule?.restart(performance.now(), requestsPerSecond / plan.workload.depth)
  }

  async finish(): Promise<Outcome> {
    const { loop, driver, tally } = this.#parts
    loop.limit(0)
    await driver.run(DRAIN_MS, new AbortController().signal)
    if (loop.outstanding > 0) {
      tally.fail(`${loop.outstanding} requests were never answered`, loop.outstanding)
    }
    return {
      operations: [...tally.operations],
      errors: tally.errors,
      complaints: [...tally.complaints],
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#parts.driver[Symbol.dispose]()
    return Promise.resolve()
  }

  /** Lets callers in evenly over the whole time. */
  async #grow(
    milliseconds: number,
    begun: number,
    whole: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { loop, driver } = this.#parts
    const callers = loop.exchanges.length
    for (let step = 0; step < RAMP_STEPS && !signal.aborted; step++) {
      const part = (performance.now() - begun) / whole
      loop.letTakePart(Math.min(callers, Math.ceil(part * callers) || 1))
      await driver.run(milliseconds / RAMP_STEPS, signal)
    }
  }

  #restartLatency(): void {
    this.#parts.latency.take()
    this.#parts.latencyFromSending?.take()
  }

  #mark(): Omit<Counts, 'requests'> {
    const { operations, misses, errors, bytesReceived } = this.#parts.tally
    return { operations: [...operations], misses, errors, bytesReceived }
  }

  #measureSince(before: Omit<Counts, 'requests'>, seconds: number): IntervalMeasure {
    const now = this.#mark()
    const latency = this.#parts.latency.take()
    const counts = {
      operations: now.operations.map((count, kind) => count - before.operations[kind]!),
      requests: latency.reduce((sum, histogram) => sum + (histogram?.totalCount ?? 0), 0),
      misses: now.misses - before.misses,
      errors: now.errors - before.errors,
      bytesReceived: now.bytesReceived - before.bytesReceived,
    }
    return { seconds, counts, latency, latencyFromSending: this.#parts.latencyFromSending?.take() }
  }
}

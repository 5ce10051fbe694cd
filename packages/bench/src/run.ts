// One measured run: fill, ramp, warm up, measure, drain.
// Knows nothing of who asked for it and how the result is shown.
import type { Histogram } from 'hdr-histogram-js'
import { fillFor } from './fill.ts'
import { reachServer, type ServerAddress } from './load/address.ts'
import type { Asked } from './load/callers.ts'
import type { DriverChoice, DriverKind, Pace } from './load/driver.ts'
import type { LoadPlan } from './load/load-plan.ts'
import type { IntervalMeasure, LoadSession } from './load/session.ts'
import { openSession } from './load/session.ts'
import { openThreads } from './load/thread-session.ts'
import type { TlsSettings } from './load/tls.ts'
import { readCpuTime } from './measure/cpu-time.ts'
import { addCounts, type Counts, type Interval } from './measure/interval.ts'
import {
  type HistogramsByKind,
  type LatencySummary,
  latencyHistogram,
  latencySummary,
  sumOfHistograms,
} from './measure/latency.ts'
import { type CpuCost, type MeterReading, Meters } from './measure/meters.ts'
import { ValueLedger } from './wire/value-ledger.ts'
import { GET, OPERATIONS, type OperationName, SET } from './workload/operation.ts'
import { mayMiss, type Workload } from './workload/workload.ts'

export type { CpuCost } from './measure/meters.ts'

/** What is measured. */
export interface Target {
  readonly servers: readonly ServerAddress[]
  readonly tls?: TlsSettings | undefined
  /** The servers' processes, for their CPU time and memory. */
  readonly pids: readonly number[]
}

export interface RunOptions {
  /** Over which the load grows to what it is to be. */
  readonly rampMs?: number
  readonly warmupMs: number
  /** What ends the measured part: time, or a number of requests. */
  readonly length: RunLength
  /** Store all keys first; then a miss is an error. */
  readonly fill: boolean
  readonly driver: DriverChoice
  /** 1, and all is done in the calling thread; undefined is the same. */
  readonly threads?: number
  /** Undefined: each connection sends as soon as it may. */
  readonly pace?: Pace | undefined
  /** The workload made into requests already; or what is asked in its place. With one thread alone. */
  readonly asked?: Asked | undefined
  /** Undefined: the measured part is one interval. */
  readonly intervalMs?: number | undefined
  readonly onInterval?: ((interval: Interval, phase: PhaseName) => void) | undefined
  readonly onPhase?: ((phase: PhaseName) => void) | undefined
}

export type PhaseName = 'fill' | 'ramp' | 'warm-up' | 'measured'

export type RunLength =
  | { readonly kind: 'duration'; readonly milliseconds: number }
  | { readonly kind: 'requests'; readonly count: number }

export interface RunResult {
  readonly workload: Workload
  readonly serverVersion: string | undefined
  readonly driver: DriverKind
  readonly threads: number
  readonly pace: Pace | undefined
  /** Length of the measured part; all that follows is of this part, unless it says otherwise. */
  readonly seconds: number
  /** Keys got, stored, ... Requests are fewer where one asks for several keys. */
  readonly operations: number
  readonly byOperation: readonly OperationResult[]
  readonly operationsPerSecond: number
  readonly requestsPerSecond: number
  readonly receivedBytesPerSecond: number
  readonly misses: number
  /** Of the keys asked for by gets; undefined when none was. */
  readonly hitRatio: number | undefined
  /** Per request, in microseconds. With a pace: from when it was due. */
  readonly latency: LatencySummary
  /** With a pace: from when it was sent, which hides the waiting for a connection. */
  readonly latencyFromSending: LatencySummary | undefined
  readonly serverCpu: CpuCost | undefined
  readonly generatorCpu: CpuCost
  /** Over the whole run, fill and warm-up included: what the server's own counters tell. */
  readonly total: { readonly gets: number; readonly sets: number }
  readonly errors: number
  /** The first few different ones. */
  readonly complaints: readonly string[]
  readonly interrupted: boolean
}

/** Of one kind of operation. */
export interface OperationResult {
  readonly name: OperationName
  readonly operations: number
  readonly operationsPerSecond: number
  readonly latency: LatencySummary
}

/** A run with all that reports draw. */
export interface RunRecord {
  readonly result: RunResult
  /** Of the measured part. */
  readonly intervals: readonly Interval[]
  /** In nanoseconds. */
  readonly latency: Histogram
  readonly latencyFromSending: Histogram | undefined
}

/** Even a run that ends by number of requests. */
const LONGEST_RUN_MS = 24 * 3_600_000
/** The generator's own CPU time, of each thread's core, above which it may be what limits the throughput. */
const BOTTLENECK_LOAD = 0.9
/** The part of a pace that must be reached, but for what chance takes from random arrivals. */
const PACE_REACHED = 0.97
/** Of the number of arrivals, as many standard deviations as are hardly ever exceeded. */
const CHANCE = 4

/** Whether so many requests were answered as came at this pace. */
export function paceIsKept(
  { requestsPerSecond, arrivals }: Pick<Pace, 'requestsPerSecond' | 'arrivals'>,
  requests: number,
  seconds: number,
): boolean {
  const due = requestsPerSecond * seconds
  const chance = arrivals === 'poisson' ? CHANCE * Math.sqrt(due) : 1
  return requests >= due * PACE_REACHED - chance
}

/** Whether the load was limited by who made it; with a pace, whether the pace was not reached. */
export function generatorIsBottleneck(result: RunResult): boolean {
  return result.pace === undefined
    ? result.generatorCpu.load > BOTTLENECK_LOAD * result.threads
    : !paceIsKept(result.pace, result.latency.count, result.seconds)
}

/** Throws a {@link BenchError} where there is no server to measure; wrong answers are in the result. */
export async function run(
  target: Target,
  workload: Workload,
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunResult> {
  return (await recordRun(target, workload, options, signal)).result
}

export async function recordRun(
  target: Target,
  workload: Workload,
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunRecord> {
  const { onPhase = () => {}, onInterval = () => {}, threads = 1 } = options
  await using load = await openLoad(target, workload, options, signal)
  const { session, filled, meters, serverVersion } = load
  const intervalMs = options.intervalMs ?? Number.POSITIVE_INFINITY

  const prepare = async (phase: 'ramp' | 'warm-up', milliseconds: number): Promise<void> => {
    if (milliseconds === 0 || signal.aborted) return
    onPhase(phase)
    const clock = new IntervalClock(meters, -milliseconds / 1e3)
    const tell = (measure: IntervalMeasure): void => onInterval(clock.interval(measure), phase)
    await session.play(
      { milliseconds, ramp: phase === 'ramp', intervalMs, onInterval: tell },
      signal,
    )
  }
  await prepare('ramp', options.rampMs ?? 0)
  await prepare('warm-up', options.warmupMs)

  onPhase('measured')
  const intervals: Interval[] = []
  const latencies = OPERATIONS.map(latencyHistogram)
  const fromSending = latencyHistogram()
  const before = meters.read()
  let after = before
  const clock = new IntervalClock(meters, 0)
  const { length } = options
  await session.play(
    {
      milliseconds: length.kind === 'duration' ? length.milliseconds : LONGEST_RUN_MS,
      requests: length.kind === 'requests' ? length.count : undefined,
      intervalMs,
      onInterval: (measure) => {
        const interval = clock.interval(measure)
        after = clock.reading
        intervals.push(interval)
        measure.latency.forEach((histogram, kind) => {
          if (histogram && histogram.totalCount > 0) latencies[kind]!.add(histogram)
        })
        if (measure.latencyFromSending) fromSending.add(measure.latencyFromSending)
        onInterval(interval, 'measured')
      },
    },
    signal,
  )
  const outcome = await session.finish()

  const seconds = intervals.reduce((sum, interval) => sum + interval.seconds, 0)
  const counts = addCounts(intervals.map((interval) => interval.counts))
  const operations = counts.operations.reduce((sum, count) => sum + count, 0)
  const gets = counts.operations[GET] ?? 0
  const latency = sumOfHistograms(latencies)
  const latencyFromSending = fromSending.totalCount > 0 ? fromSending : undefined
  const summary = latencySummary(latency)
  const result: RunResult = {
    workload,
    serverVersion,
    driver: session.driver,
    threads,
    pace: options.pace,
    seconds,
    operations,
    byOperation: byOperation(counts, latencies, seconds),
    operationsPerSecond: operations / seconds,
    requestsPerSecond: summary.count / seconds,
    receivedBytesPerSecond: counts.bytesReceived / seconds,
    misses: counts.misses,
    hitRatio: gets === 0 ? undefined : 1 - counts.misses / gets,
    latency: summary,
    latencyFromSending: latencyFromSending && latencySummary(latencyFromSending),
    serverCpu: meters.serverCost(before, after, operations),
    generatorCpu: meters.generatorCost(before, after, operations),
    total: { gets: outcome.operations[GET] ?? 0, sets: (outcome.operations[SET] ?? 0) + filled },
    errors: outcome.errors,
    complaints: outcome.complaints,
    interrupted: signal.aborted,
  }
  return { result, intervals, latency, latencyFromSending }
}

/** A load that is ready to be played: the servers were reached, and filled where that was asked for. */
export interface OpenLoad extends AsyncDisposable {
  readonly session: LoadSession
  /** Keys that were stored. */
  readonly filled: number
  readonly meters: Meters
  readonly serverVersion: string | undefined
}

export async function openLoad(
  { servers, tls, pids }: Target,
  workload: Workload,
  options: Pick<RunOptions, 'fill' | 'driver' | 'threads' | 'pace' | 'asked' | 'onPhase'>,
  signal: AbortSignal,
): Promise<OpenLoad> {
  const reached = await Promise.all(servers.map((server) => reachServer(server, tls)))
  for (const pid of pids) readCpuTime(pid)
  const { threads = 1, asked, driver, pace } = options
  const addresses = reached.map(({ address }) => address)
  const plan: LoadPlan = {
    servers: addresses,
    tls,
    workload,
    connections: workload.connections,
    driver,
    pace,
    mayMiss: !options.fill || mayMiss(workload),
    thread: 0,
    threads: 1,
    ledger: workload.verify ? ValueLedger.memory(workload.keys) : undefined,
  }
  let filled = 0
  if (options.fill) {
    options.onPhase?.('fill')
    filled = await fillFor(plan, signal)
  }
  const session = await (threads === 1 ? openSession(plan, asked) : openThreads(plan, threads))
  return {
    session,
    filled,
    meters: new Meters(pids),
    serverVersion: reached[0]?.version,
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

function byOperation(
  { operations }: Counts,
  latencies: HistogramsByKind,
  seconds: number,
): OperationResult[] {
  return OPERATIONS.flatMap((name, kind) => {
    const count = operations[kind] ?? 0
    const latency = latencies[kind]
    if (count === 0 || !latency) return []
    const operationsPerSecond = count / seconds
    return { name, operations: count, operationsPerSecond, latency: latencySummary(latency) }
  })
}

/** Puts what a session measured and what its processes used together, one interval after the other. */
class IntervalClock {
  readonly #meters: Meters
  #at: number
  #reading: MeterReading

  constructor(meters: Meters, at: number) {
    this.#meters = meters
    this.#at = at
    this.#reading = meters.read()
  }

  /** The meters at the end of the last interval. */
  get reading(): MeterReading {
    return this.#reading
  }

  interval({ seconds, counts, latency }: IntervalMeasure): Interval {
    const before = this.#reading
    this.#reading = this.#meters.read()
    const at = this.#at
    this.#at += seconds
    const all = sumOfHistograms(latency)
    return { at, seconds, counts, latency: all, ...this.#meters.use(before, this.#reading) }
  }
}

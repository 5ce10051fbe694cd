// One measured run against one server: fill, warm up, measure, drain.
// Knows nothing of who asked for it and how the result is shown.
import { fill } from './fill.ts'
import { type ReachedServer, reachServer, type ServerAddress } from './load/address.ts'
import { ClosedLoop } from './load/closed-loop.ts'
import { type DriverChoice, type DriverKind, openDriver, type Pace } from './load/driver.ts'
import { Schedule } from './load/schedule.ts'
import { type CpuTime, type CpuUse, cpuUsed, readCpuTime } from './measure/cpu-time.ts'
import { LatencyRecorder, type LatencySummary } from './measure/latency.ts'
import { seededRandom } from './workload/random.ts'
import { markTally, Tally } from './workload/tally.ts'
import type { Tape } from './workload/tape.ts'
import type { Workload } from './workload/workload.ts'

export interface RunOptions {
  readonly warmupMs: number
  /** What ends the measured part: time, or a number of requests. */
  readonly length: RunLength
  /** Store all keys first; then a miss is an error. */
  readonly fill: boolean
  readonly driver: DriverChoice
  /** Undefined: each connection sends as soon as it may. */
  readonly pace?: Pace | undefined
  /** The server's process, for its CPU time. */
  readonly pid: number | undefined
}

export type RunLength =
  | { readonly kind: 'duration'; readonly milliseconds: number }
  | { readonly kind: 'requests'; readonly count: number }

export interface RunResult {
  readonly workload: Workload
  readonly serverVersion: string | undefined
  readonly driver: DriverKind
  readonly pace: Pace | undefined
  /** Length of the measured part; all that follows is of this part, unless it says otherwise. */
  readonly seconds: number
  /** Keys got and stored. Requests are fewer where one asks for several keys. */
  readonly operations: number
  readonly operationsPerSecond: number
  readonly requestsPerSecond: number
  readonly receivedBytesPerSecond: number
  readonly misses: number
  /** Per request, in microseconds. */
  readonly latency: LatencySummary
  readonly serverCpu: CpuCost | undefined
  readonly generatorCpu: CpuCost
  /** Over the whole run, fill and warm-up included. */
  readonly total: { readonly gets: number; readonly sets: number }
  readonly errors: number
  /** The first few different ones. */
  readonly complaints: readonly string[]
  readonly interrupted: boolean
}

export interface CpuCost {
  readonly microsecondsPerOperation: number
  /** Of one core. */
  readonly load: number
  /** 0 to 1, of the CPU time. */
  readonly userShare: number | undefined
  readonly source: CpuUse['source'] | 'getrusage'
}

/** Answers that are still due when the time is over must come within this. */
const DRAIN_MS = 3_000
/** Even a run that ends by number of requests. */
const LONGEST_RUN_MS = 24 * 3_600_000
/** The generator's own CPU time above which it may be what limits the throughput. */
const BOTTLENECK_LOAD = 0.9
/** The part of a pace that must be reached; random arrivals vary by less. */
const PACE_REACHED = 0.97
const SCHEDULE_SEED = 0x70616365

/** Whether the load was limited by who made it; with a pace, whether the pace was not reached. */
export function generatorIsBottleneck(result: RunResult): boolean {
  return result.pace === undefined
    ? result.generatorCpu.load > BOTTLENECK_LOAD
    : result.requestsPerSecond < result.pace.requestsPerSecond * PACE_REACHED
}

/** Throws a {@link BenchError} where there is no server to measure; wrong answers are in the result. */
export async function run(
  server: ServerAddress,
  tape: Tape,
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunResult> {
  const { workload } = tape
  const reached = await reachServer(server)
  if (options.pid !== undefined) readCpuTime(options.pid)
  const tally = new Tally()
  if (options.fill) {
    await fill({ address: reached.address, workload, tally, driver: options.driver }, signal)
  }
  return measure(reached, tape, options, tally, signal)
}

async function measure(
  server: ReachedServer,
  tape: Tape,
  options: RunOptions,
  tally: Tally,
  signal: AbortSignal,
): Promise<RunResult> {
  const latency = new LatencyRecorder()
  const { pace } = options
  const loop = new ClosedLoop({
    tape,
    tally,
    latency,
    ...(pace && { schedule: scheduleOf(pace, tape.workload) }),
    mayMiss: !options.fill || tape.workload.memoryMegabytes !== undefined,
    requests: Number.POSITIVE_INFINITY,
  })
  using driver = await openDriver(options.driver, server.address, loop, pace)
  if (options.warmupMs > 0) await driver.run(options.warmupMs, signal)

  latency.reset()
  const before = readMeters(options.pid)
  const from = markTally(tally)
  if (options.length.kind === 'requests') loop.limit(options.length.count)
  await driver.run(durationOf(options.length), signal)
  const after = readMeters(options.pid)
  const to = markTally(tally)
  const summary = latency.summary()

  loop.limit(0)
  await driver.run(DRAIN_MS, new AbortController().signal)
  if (loop.outstanding > 0) {
    tally.fail(`${loop.outstanding} requests were never answered`, loop.outstanding)
  }

  const seconds = (after.milliseconds - before.milliseconds) / 1e3
  const operations = to.gets + to.sets - from.gets - from.sets
  return {
    workload: tape.workload,
    serverVersion: server.version,
    driver: driver.kind,
    pace,
    seconds,
    operations,
    operationsPerSecond: operations / seconds,
    requestsPerSecond: summary.count / seconds,
    receivedBytesPerSecond: (to.bytesReceived - from.bytesReceived) / seconds,
    misses: to.misses - from.misses,
    latency: summary,
    serverCpu: serverCost(before, after, operations, seconds),
    generatorCpu: generatorCost(before, after, operations, seconds),
    total: { gets: tally.gets, sets: tally.sets },
    errors: tally.errors,
    complaints: [...tally.complaints],
    interrupted: signal.aborted,
  }
}

/** What is due is a batch of `depth` requests. */
function scheduleOf({ requestsPerSecond }: Pace, { depth }: Workload): Schedule {
  return new Schedule(requestsPerSecond / depth, seededRandom(SCHEDULE_SEED))
}

function durationOf(length: RunLength): number {
  return length.kind === 'duration' ? length.milliseconds : LONGEST_RUN_MS
}

interface Meters {
  readonly milliseconds: number
  readonly server: CpuTime | undefined
  readonly generator: NodeJS.CpuUsage
}

function readMeters(pid: number | undefined): Meters {
  return {
    server: pid === undefined ? undefined : cpuTimeWhileAlive(pid),
    generator: process.cpuUsage(),
    milliseconds: performance.now(),
  }
}

/** A server that has died since the run began shows as lost connections, not as a wrong --pid. */
function cpuTimeWhileAlive(pid: number): CpuTime | undefined {
  try {
    return readCpuTime(pid)
  } catch {
    return undefined
  }
}

function serverCost(
  before: Meters,
  after: Meters,
  operations: number,
  seconds: number,
): CpuCost | undefined {
  if (!before.server || !after.server) return undefined
  const used = cpuUsed(before.server, after.server)
  return {
    microsecondsPerOperation: (used.seconds * 1e6) / operations,
    load: used.seconds / seconds,
    userShare: used.userShare,
    source: used.source,
  }
}

function generatorCost(
  before: Meters,
  after: Meters,
  operations: number,
  seconds: number,
): CpuCost {
  const user = after.generator.user - before.generator.user
  const microseconds = user + after.generator.system - before.generator.system
  return {
    microsecondsPerOperation: microseconds / operations,
    load: microseconds / 1e6 / seconds,
    userShare: microseconds === 0 ? undefined : user / microseconds,
    source: 'getrusage',
  }
}

// Plays the same stream of requests against several servers with the same memory, and tells who has what is
// asked for. A server is fresh for each stream and memory. Knows nothing of how the result is shown.
import { BenchError } from '../errors.ts'
import type { DriverChoice } from '../load/driver.ts'
import { openSession } from '../load/session.ts'
import { readStatistics } from '../load/statistics.ts'
import { residentBytes } from '../measure/meters.ts'
import { describeEnvironment, type Environment } from '../report/environment.ts'
import { type ServerCommand, startServer } from '../servers.ts'
import { DrawnOperations } from '../workload/drawn-operations.ts'
import { SyntheticKeys } from '../workload/key-space.ts'
import { GET } from '../workload/operation.ts'
import { describePopularity, type Popularity } from '../workload/popularity.ts'
import type { Workload } from '../workload/workload.ts'
import { KeyHistory, type MissCauses } from './miss-causes.ts'

export interface HitRatioOptions {
  readonly servers: readonly ServerCommand[]
  /** In megabytes (`-m`): each is measured. */
  readonly memories: readonly number[]
  readonly popularities: readonly Popularity[]
  /** All but the popularity. What is missed is stored. */
  readonly workload: Workload
  /** Operations of a stream; what is stored after a miss comes on top. */
  readonly operations: number
  readonly driver: DriverChoice
  readonly commandLine: string
}

export interface HitRatioReport {
  readonly environment: Environment
  readonly commandLine: string
  readonly workload: Workload
  readonly operations: number
  readonly servers: readonly { readonly label: string; readonly version: string }[]
  readonly streams: readonly MeasuredStream[]
}

/** One stream, played to each server with each memory. */
export interface MeasuredStream {
  readonly popularity: string
  readonly memoryMegabytes: number
  /** In the order of the servers. */
  readonly servers: readonly StreamResult[]
}

export interface StreamResult {
  readonly label: string
  readonly gets: number
  /** Of all gets, and of the second half of the stream, when the server has long been full. */
  readonly hitRatio: number
  readonly steadyHitRatio: number
  /** The gets of each part of the stream, all of the same number of gets. */
  readonly parts: readonly number[]
  readonly causes: MissCauses
  readonly items: number
  readonly evictions: number
  readonly residentBytes: number
  readonly seconds: number
  readonly errors: number
  readonly complaints: readonly string[]
}

/** Points of the hit ratio over time. */
const PARTS = 50
const SEED = 0x68697473
const LONGEST_MS = 3_600_000

/** Undefined when it was interrupted. */
export async function measureHitRatio(
  options: HitRatioOptions,
  progress: (what: string) => void,
  signal: AbortSignal,
): Promise<HitRatioReport | undefined> {
  const environment = describeEnvironment()
  const versions = new Map<ServerCommand, string>()
  const streams: MeasuredStream[] = []
  for (const popularity of options.popularities) {
    for (const memoryMegabytes of options.memories) {
      const servers: StreamResult[] = []
      for (const server of options.servers) {
        progress(`${describePopularity(popularity)}, -m ${memoryMegabytes}: ${server.label}`)
        const stream = { ...options.workload, popularity, memoryMegabytes }
        const { result, version } = await playStream(server, stream, options, signal)
        if (signal.aborted) return undefined
        servers.push(result)
        versions.set(server, version)
      }
      streams.push({ popularity: describePopularity(popularity), memoryMegabytes, servers })
    }
  }
  const { commandLine, workload, operations } = options
  const servers = options.servers.map((server) => {
    return { label: server.label, version: versions.get(server) ?? '' }
  })
  return { environment, commandLine, workload, operations, servers, streams }
}

async function playStream(
  server: ServerCommand,
  workload: Workload,
  { operations, driver }: HitRatioOptions,
  signal: AbortSignal,
): Promise<{ result: StreamResult; version: string }> {
  const args = ['-t', '1', '-m', String(workload.memoryMegabytes)]
  await using running = await startServer(server, args, undefined)
  const keySpace = new SyntheticKeys(workload.keys, workload.keyBytes)
  const source = new DrawnOperations(workload, { seed: SEED, operations })
  const history = new KeyHistory(workload.keys, () => Date.now() / 1e3)
  const parts = new HitRatioParts(history, Math.max(1, Math.floor(operations / PARTS)))
  const plan = {
    servers: [running.address],
    tls: undefined,
    workload,
    // One caller, so that every server is asked the same in the same order.
    connections: 1,
    driver,
    pace: undefined,
    mayMiss: true,
    thread: 0,
    threads: 1,
    ledger: undefined,
  }
  const begun = performance.now()
  await using session = await openSession(plan, {
    kind: 'operations',
    source,
    keySpace,
    observer: parts,
  })
  const phase = { milliseconds: LONGEST_MS, intervalMs: LONGEST_MS, onInterval: () => {} }
  await session.play(phase, signal)
  const outcome = await session.finish()
  const seconds = (performance.now() - begun) / 1e3
  const { numbers, version } = await readStatistics(running.address)
  const gets = outcome.operations[GET] ?? 0
  if (gets === 0 && !signal.aborted) {
    throw new BenchError('USAGE', 'a hit ratio is of gets: the --mix needs some')
  }
  return {
    version,
    result: {
      label: server.label,
      gets,
      hitRatio: history.hits / gets,
      steadyHitRatio: parts.secondHalf,
      parts: parts.ratios,
      causes: history.causes,
      items: numbers.get('curr_items') ?? Number.NaN,
      evictions: numbers.get('evictions') ?? Number.NaN,
      residentBytes: residentBytes(running.pid),
      seconds,
      errors: outcome.errors,
      complaints: outcome.complaints,
    },
  }
}

/** Passes on what happens to a history, and keeps the hit ratio of each part of the stream. */
class HitRatioParts {
  readonly ratios: number[] = []
  readonly #history: KeyHistory
  readonly #getsPerPart: number
  #hits = 0
  #gets = 0

  constructor(history: KeyHistory, getsPerPart: number) {
    this.#history = history
    this.#getsPerPart = getsPerPart
  }

  get secondHalf(): number {
    const half = this.ratios.slice(Math.floor(this.ratios.length / 2))
    return half.reduce((sum, ratio) => sum + ratio, 0) / half.length
  }

  hit(): void {
    this.#history.hit()
    this.#hits++
    this.#count()
  }

  miss(key: number): void {
    this.#history.miss(key)
    this.#count()
  }

  stored(key: number, ttl: number): void {
    this.#history.stored(key, ttl)
  }

  deleted(key: number): void {
    this.#history.deleted(key)
  }

  #count(): void {
    if (++this.#gets < this.#getsPerPart) return
    this.ratios.push(this.#hits / this.#gets)
    this.#hits = 0
    this.#gets = 0
  }
}

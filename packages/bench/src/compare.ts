// Measures several servers with the same load in alternating rounds, and puts the rounds in relation:
// what one server costs is always divided by what the first one cost in the same round, so that a
// machine that gets slower over time slows both. Knows nothing of how the result is shown.
import type { Asked } from './load/callers.ts'
import type { DriverChoice, Pace } from './load/driver.ts'
import type { TlsSettings } from './load/tls.ts'
import { type Spread, spreadOf, straddlesOne } from './measure/statistics.ts'
import {
  generatorIsBottleneck,
  type RunLength,
  type RunRecord,
  type RunResult,
  recordRun,
} from './run.ts'
import { type ComparedTarget, checkServer, type Placement, readyServer } from './servers.ts'
import { recordTape } from './workload/tape.ts'
import { isRepeatable, type Workload } from './workload/workload.ts'

export interface CompareOptions {
  /** The first is the one that the others are compared with. */
  readonly servers: readonly ComparedTarget[]
  /** Flags that every server gets. */
  readonly serverArgs: readonly string[]
  /** Undefined: plain connections. */
  readonly tls?: TlsSettings | undefined
  readonly workloads: readonly Workload[]
  readonly rounds: number
  readonly warmupMs: number
  readonly length: RunLength
  readonly driver: DriverChoice
  readonly threads?: number
  readonly pace?: Pace | undefined
  readonly placement: Placement | undefined
  /** Undefined: a round is one interval. */
  readonly intervalMs?: number | undefined
  /** Told of each round with all that a page draws. */
  readonly onRecord?: ((label: string, record: RunRecord) => void) | undefined
}

/** Told before each run, for a person who waits. */
export type Progress = (workload: Workload, round: number, server: ComparedTarget) => void

export interface Comparison {
  /** False when it was interrupted: then only the workloads that were finished are here. */
  readonly complete: boolean
  readonly servers: readonly ComparedServer[]
  readonly rows: readonly ComparisonRow[]
}

export interface ComparedServer {
  readonly label: string
  readonly commandLine: string
  readonly version: string | undefined
}

export interface ComparisonRow {
  readonly workload: Workload
  /** In the order of the servers. */
  readonly columns: readonly ComparisonColumn[]
}

export interface ComparisonColumn {
  readonly label: string
  readonly rounds: readonly RunResult[]
  /** Server CPU per operation, in microseconds. */
  readonly cpu: Spread
  /** Operations per second. */
  readonly throughput: Spread
  /** Microseconds per request. */
  readonly latency: { readonly p50: Spread; readonly p99: Spread; readonly p999: Spread }
  readonly errors: number
  /** In at least one round. */
  readonly generatorWasBottleneck: boolean
  /** Against the first server, round by round; undefined for the first itself. */
  readonly relative: RelativeCost | undefined
}

export interface RelativeCost {
  readonly cpu: Spread
  readonly throughput: Spread
  /** Of the 99.9th percentile of latency. */
  readonly p999: Spread
  /** The rounds do not even agree on which server is the cheaper one. */
  readonly noiseExceedsDifference: boolean
}

/** Throws a BenchError when a server cannot be started or filled. */
export async function compare(
  options: CompareOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<Comparison> {
  options.servers.forEach(checkServer)
  const described = new Map<ComparedTarget, ComparedServer>()
  const rows: ComparisonRow[] = []
  for (const workload of options.workloads) {
    // Once for all rounds.
    const asked: Asked | undefined = isRepeatable(workload)
      ? { kind: 'tape', tape: recordTape(workload) }
      : undefined
    const results = new Map<ComparedTarget, RunResult[]>(options.servers.map((s) => [s, []]))
    for (let round = 0; round < options.rounds; round++) {
      // The order changes every round, so that nobody is always the one who comes second.
      const order = round % 2 === 0 ? options.servers : options.servers.toReversed()
      for (const server of order) {
        progress(workload, round, server)
        const { result, described: seen } = await measureOnce(
          server,
          { workload, asked },
          options,
          signal,
        )
        if (signal.aborted) return { complete: false, servers: [...described.values()], rows }
        results.get(server)?.push(result)
        described.set(server, seen)
      }
    }
    rows.push(toRow(workload, options.servers, results))
  }
  const servers = options.servers.flatMap((server) => described.get(server) ?? [])
  return { complete: true, servers, rows }
}

async function measureOnce(
  server: ComparedTarget,
  { workload, asked }: { workload: Workload; asked: Asked | undefined },
  options: CompareOptions,
  signal: AbortSignal,
): Promise<{ result: RunResult; described: ComparedServer }> {
  const { serverArgs, tls, placement, onRecord, threads = 1 } = options
  const { warmupMs, length, driver, pace, intervalMs } = options
  // Room for the load's connections and the one that asks for the version.
  const { connections, memoryMegabytes } = workload
  const memory = memoryMegabytes === undefined ? [] : ['-m', String(memoryMegabytes)]
  const args = [...serverArgs, ...memory, '-c', String(Math.max(1_024, connections + 64))]
  await using ready = await readyServer(server, args, placement?.server, tls)
  const { address, pid } = ready
  const target = { servers: [address], tls, pids: pid === undefined ? [] : [pid] }
  const runOptions = { warmupMs, length, fill: true, driver, threads, pace, asked, intervalMs }
  const record = await recordRun(target, workload, runOptions, signal)
  const { result } = record
  onRecord?.(server.label, record)
  return {
    result,
    described: {
      label: server.label,
      commandLine: ready.commandLine,
      version: result.serverVersion,
    },
  }
}

function toRow(
  workload: Workload,
  servers: readonly ComparedTarget[],
  results: ReadonlyMap<ComparedTarget, readonly RunResult[]>,
): ComparisonRow {
  const roundsOf = (server: ComparedTarget): readonly RunResult[] => results.get(server) ?? []
  const [first, ...others] = servers as [ComparedTarget, ...ComparedTarget[]]
  const baseline = roundsOf(first)
  return {
    workload,
    columns: [
      toColumn(first.label, baseline, undefined),
      ...others.map((server) => toColumn(server.label, roundsOf(server), baseline)),
    ],
  }
}

function toColumn(
  label: string,
  rounds: readonly RunResult[],
  baseline: readonly RunResult[] | undefined,
): ComparisonColumn {
  return {
    label,
    rounds,
    cpu: spreadOf(rounds.map(cpuPerOperation)),
    throughput: spreadOf(rounds.map((round) => round.operationsPerSecond)),
    latency: {
      p50: spreadOf(rounds.map((round) => round.latency.p50)),
      p99: spreadOf(rounds.map((round) => round.latency.p99)),
      p999: spreadOf(rounds.map((round) => round.latency.p999)),
    },
    errors: rounds.reduce((sum, round) => sum + round.errors, 0),
    generatorWasBottleneck: rounds.some(generatorIsBottleneck),
    relative: baseline && relativeCost(rounds, baseline),
  }
}

/** Ratios of the rounds that belong together: below 1 is cheaper, or slower, than the baseline. */
export function relativeCost(
  rounds: readonly RunResult[],
  baseline: readonly RunResult[],
): RelativeCost {
  const against = (value: (round: RunResult) => number): Spread =>
    spreadOf(rounds.map((round, index) => value(round) / value(baseline[index]!)))
  const cpu = against(cpuPerOperation)
  return {
    cpu,
    throughput: against((round) => round.operationsPerSecond),
    p999: against((round) => round.latency.p999),
    noiseExceedsDifference: straddlesOne(cpu),
  }
}

function cpuPerOperation(round: RunResult): number {
  return round.serverCpu?.microsecondsPerOperation ?? Number.NaN
}

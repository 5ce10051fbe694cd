// CPU time per operation, ours against the first server's: the rows of the table of targets that are
// one workload each. The targets are data of the report, nothing here depends on them.
import { type ComparisonColumn, type ComparisonRow, compare } from '../compare.ts'
import type { Pace } from '../load/driver.ts'
import type { Spread } from '../measure/statistics.ts'
import type { RunResult } from '../run.ts'
import { namedWorkload } from '../workload/named.ts'
import { constantSize } from '../workload/sizes.ts'
import type { Workload } from '../workload/workload.ts'
import type { CostServer, CostSetting, Progress, Transport } from './setting.ts'

/** One line of the table of ratios. */
export interface RatioRow {
  readonly name: string
  readonly title: string
  readonly unit: 'us/op' | 'us'
  readonly entries: readonly RatioEntry[]
}

export interface RatioEntry {
  readonly label: string
  readonly against: string
  /** Median of the server and of the one it is held against, in the row's unit. */
  readonly own: number
  readonly other: number
  /** Of the rounds that belong together; below 1 is better. */
  readonly ratio: Spread
  readonly target: number | undefined
  readonly marks: readonly Mark[]
  /** Why the errors are errors. */
  readonly complaints: readonly string[]
  /** What else is worth knowing of this one. */
  readonly also: string
}

export type Mark = 'noise' | 'generator' | 'errors'

interface CpuRow {
  readonly workload: string
  readonly title: string
  readonly target: number | Readonly<Record<Transport, number>>
}

export const CPU_ROWS: readonly CpuRow[] = [
  { workload: 'get', title: 'get 100 B', target: { uring: 0.8, epoll: 0.95 } },
  { workload: 'get-p16', title: 'get 100 B, 16 pipelined', target: 0.15 },
  { workload: 'multiget-100', title: 'get of 100 keys, per key', target: 0.7 },
  { workload: 'mg-quiet-p16', title: '16 quiet mg and mn, per key', target: 0.6 },
  { workload: 'set', title: 'set 100 B', target: { uring: 0.8, epoll: 0.95 } },
  { workload: 'set-p16', title: 'set 100 B, 16 pipelined', target: 0.7 },
  { workload: 'get-10k', title: 'get 10 KB', target: 1 },
  { workload: 'get-512k', title: 'get 512 KB', target: 1 },
  { workload: 'conns-1000', title: 'get, 1,000 connections', target: 1 },
  { workload: 'conns-10000', title: 'get, 10,000 connections', target: 1 },
  { workload: 'get-eviction', title: 'get under eviction, 10 % set', target: 1 },
]

/** Of a test run: the smallest that still show whether everything works. */
const QUICK: Partial<Workload> = { keys: 2_000, connections: 20 }
/** Values from here on are told per byte as well. */
const LARGE_VALUE_BYTES = 10_240

/** Undefined when it was interrupted. */
export async function measureCpuRow(
  row: CpuRow,
  setting: CostSetting,
  progress: Progress,
  signal: AbortSignal,
): Promise<RatioRow | undefined> {
  const named = namedWorkload(row.workload)
  const workload = setting.quick ? { ...named, ...QUICK } : named
  const compared = await compareServers(setting.servers, workload, setting, progress, signal)
  if (!compared) return undefined
  return {
    name: workload.name,
    title: row.title,
    unit: 'us/op',
    entries: cpuEntries(
      compared,
      (server) =>
        targetOf(
          row,
          setting.servers.find(({ label }) => label === server),
        ),
      (column) => besides(workload, column),
    ),
  }
}

/** Rounds of one workload on all these servers, which get the same flags but for their own. */
export async function compareServers(
  servers: readonly CostServer[],
  workload: Workload,
  setting: Pick<CostSetting, 'rounds' | 'roundMs' | 'warmupMs' | 'placement'>,
  progress: Progress,
  signal: AbortSignal,
  pace?: Pace,
): Promise<ComparisonRow | undefined> {
  const { rounds } = setting
  const comparison = await compare(
    {
      ...setting,
      servers,
      workloads: [workload],
      serverArgs: ['-t', '1', '-m', '1024'],
      length: { kind: 'duration', milliseconds: setting.roundMs },
      driver: 'auto',
      pace,
    },
    (_, round, server) =>
      progress(`${workload.name}, round ${round + 1} of ${rounds}: ${server.label}`),
    signal,
  )
  return comparison.rows[0]
}

export function cpuEntries(
  row: ComparisonRow,
  target: (label: string) => number | undefined,
  also: (column: ComparisonColumn) => string,
): RatioEntry[] {
  const [first, ...others] = row.columns
  if (!first) return []
  return others.flatMap((column) =>
    column.relative
      ? {
          label: column.label,
          against: first.label,
          own: column.cpu.median,
          other: first.cpu.median,
          ratio: column.relative.cpu,
          target: target(column.label),
          marks: marksOf([first, column], column.relative.noiseExceedsDifference),
          complaints: complaintsOf([first, column]),
          also: also(column),
        }
      : [],
  )
}

export function marksOf(columns: readonly ComparisonColumn[], noise: boolean): Mark[] {
  const marks: [Mark, boolean][] = [
    ['errors', columns.some((column) => column.errors > 0)],
    ['noise', noise],
    ['generator', columns.some((column) => column.generatorWasBottleneck)],
  ]
  return marks.flatMap(([mark, applies]) => (applies ? mark : []))
}

/** The first few different ones of each server. */
export function complaintsOf(columns: readonly ComparisonColumn[]): string[] {
  return columns.flatMap(({ label, rounds }) =>
    [...new Set(rounds.flatMap((round) => round.complaints))].map(
      (complaint) => `${label}: ${complaint}`,
    ),
  )
}

function targetOf({ target }: CpuRow, server: CostServer | undefined): number | undefined {
  if (typeof target === 'number') return target
  return server?.transport && target[server.transport]
}

function besides(workload: Workload, column: ComparisonColumn): string {
  if (workload.memoryMegabytes !== undefined) {
    const hits = 1 - sum(column, (run) => run.misses) / sum(column, gets)
    return `${Math.round(hits * 100)} % of the gets hit`
  }
  const valueBytes = constantSize(workload.valueBytes)
  return valueBytes >= LARGE_VALUE_BYTES
    ? `${((column.cpu.median * 1e3) / valueBytes).toFixed(3)} ns/B`
    : ''
}

function sum(column: ComparisonColumn, value: (run: RunResult) => number): number {
  return column.rounds.reduce((total, run) => total + value(run), 0)
}

function gets({ operations, workload }: RunResult): number {
  const { get = 0, set = 0 } = workload.mix
  return (operations * get) / (get + set)
}

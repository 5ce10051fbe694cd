// All that is to be shown of what a request, an item and a server cost, measured one after the other.
// Knows the order and the names; each measurement is a file of its own.
import { describeEnvironment, type Environment } from '../report/environment.ts'
import { raisePriority, separateCores } from '../servers.ts'
import { type AtRest, measureIdleMemory, measureStart } from './at-rest.ts'
import { CPU_ROWS, measureCpuRow, type RatioRow } from './cpu-rows.ts'
import { type Garbage, measureGarbage } from './garbage.ts'
import { type Growth, measureGrowth } from './growth.ts'
import { type ItemsHeld, measureItemsHeld } from './items-held.ts'
import { findPeak, measureLatencyRow, measureThreadsRow } from './paced-rows.ts'
import { type CostSetting, examineServers, type Progress, serversByDefault } from './setting.ts'

export interface CostReport {
  readonly environment: Environment
  readonly setting: CostSetting
  readonly prioritized: boolean
  /** What was typed after the name of the bench. */
  readonly commandLine: string
  readonly minutes: number
  /** False when it was interrupted: then what was not finished is missing. */
  readonly complete: boolean
  readonly rows: readonly RatioRow[]
  readonly items?: ItemsHeld
  readonly idle?: readonly AtRest[]
  readonly start?: readonly AtRest[]
  readonly growth?: Growth
  readonly garbage?: readonly Garbage[]
}

export interface CostOptions {
  /** As `--compare` takes them; undefined: memcached, and ours over each transport. */
  readonly servers: readonly string[] | undefined
  /** Names of {@link COST_PARTS}. */
  readonly only: readonly string[]
  readonly rounds: number
  readonly roundMs: number
  readonly warmupMs: number
  readonly quick: boolean
  readonly commandLine: string
}

const PACED = ['latency', 'threads'] as const
const FACTS = ['items', 'idle', 'start', 'growth', 'garbage'] as const

/** What `--only` may name, in the order in which it is measured. */
export const COST_PARTS: readonly string[] = [
  ...CPU_ROWS.map((row) => row.workload),
  ...PACED,
  ...FACTS,
]

const MS_PER_MINUTE = 60_000

/** Throws a BenchError when a server cannot be started or filled. */
export async function measureCost(
  options: CostOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<CostReport> {
  const begun = performance.now()
  const environment = describeEnvironment()
  const { servers: named, only, ...lengths } = options
  const placement = separateCores()
  const prioritized = raisePriority()
  const servers = named ? await examineServers(named) : await serversByDefault()
  const setting: CostSetting = { ...lengths, servers, placement }
  const chosen = <Result>(
    part: string,
    measure: (setting: CostSetting, progress: Progress, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> | undefined =>
    only.includes(part) && !signal.aborted ? measure(setting, progress, signal) : undefined

  const rows: (RatioRow | undefined)[] = []
  for (const row of CPU_ROWS) {
    rows.push(await chosen(row.workload, (...rest) => measureCpuRow(row, ...rest)))
  }
  if (PACED.some((part) => only.includes(part)) && !signal.aborted) {
    const peak = await findPeak(setting, progress, signal)
    if (peak !== undefined) {
      rows.push(await chosen('latency', (...rest) => measureLatencyRow(peak, ...rest)))
      rows.push(await chosen('threads', (...rest) => measureThreadsRow(peak, ...rest)))
    }
  }
  const facts = {
    items: await chosen('items', measureItemsHeld),
    idle: await chosen('idle', measureIdleMemory),
    start: await chosen('start', measureStart),
    growth: await chosen('growth', measureGrowth),
    garbage: await chosen('garbage', measureGarbage),
  }
  return {
    environment,
    setting,
    prioritized,
    commandLine: options.commandLine,
    minutes: (performance.now() - begun) / MS_PER_MINUTE,
    complete: !signal.aborted,
    rows: rows.filter((row) => row !== undefined),
    ...withoutUndefined(facts),
  }
}

function withoutUndefined<Facts extends object>(
  facts: Facts,
): {
  [Name in keyof Facts]?: NonNullable<Facts[Name]>
} {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Facts]?: NonNullable<Facts[Name]>
  }
}

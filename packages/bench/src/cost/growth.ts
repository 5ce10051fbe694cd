// How the cost of a request grows with the number of items, for two servers side by side, and the longest
// wait of a client while they are filled, in which the hash table grows many times.
// Knows nothing of hash tables.
import { fill } from '../fill.ts'
import {
  LatenciesByKind,
  type LatencySummary,
  latencySummary,
  sumOfHistograms,
} from '../measure/latency.ts'
import { type Spread, spreadOf } from '../measure/statistics.ts'
import { run } from '../run.ts'
import { type RunningServer, startServer } from '../servers.ts'
import { recordTape, type Tape } from '../workload/tape.ts'
import { DEFAULT_WORKLOAD, type Workload } from '../workload/workload.ts'
import type { CostSetting, Progress } from './setting.ts'

export interface Growth {
  readonly labels: readonly string[]
  readonly memoryMegabytes: number
  readonly valueBytes: number
  readonly depth: number
  readonly sizes: readonly GrowthAtSize[]
  /** Of the fill from the first size to the last, in the order of the labels. */
  readonly fill: readonly LatencySummary[]
}

export interface GrowthAtSize {
  readonly items: number
  /** CPU microseconds per operation, in the order of the labels. */
  readonly get: readonly Spread[]
  readonly set: readonly Spread[]
}

/** No answer may be held up for longer by a growing hash table. */
export const PAUSE_TARGET_MS = 2

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000]
const QUICK_SIZES = [1_000, 20_000]
const MEMORY_MEGABYTES = 2_048
/** Many requests at once, so that memory is what costs and not the system calls. */
const DEPTH = 16
const VALUE_BYTES = 32
const ROUNDS_MAX = 3

export async function measureGrowth(
  setting: CostSetting,
  progress: Progress,
  signal: AbortSignal,
): Promise<Growth | undefined> {
  const servers = setting.servers.slice(0, 2)
  const args = ['-t', '1', '-m', String(MEMORY_MEGABYTES)]
  await using first = await startServer(servers[0]!, args, setting.placement?.server)
  await using second = await startServer(servers[1]!, args, setting.placement?.server)
  const running = [first, second]
  const latencies = servers.map(() => new LatenciesByKind())
  const sizes: GrowthAtSize[] = []
  let filled = 0
  for (const items of setting.quick ? QUICK_SIZES : SIZES) {
    const workload = { ...DEFAULT_WORKLOAD, keys: items, valueBytes: VALUE_BYTES, depth: DEPTH }
    for (const [index, { address }] of running.entries()) {
      progress(`growth to ${items} items: ${servers[index]!.label}`)
      const latency = filled === 0 ? new LatenciesByKind() : latencies[index]!
      await fill({ address, workload, driver: 'auto', firstKey: filled, latency }, signal)
      if (signal.aborted) return undefined
    }
    const costs = async (mix: Workload['mix']): Promise<Spread[]> =>
      measureAll(running, recordTape({ ...workload, mix }), setting, signal)
    sizes.push({
      items,
      get: await costs({ get: 1 }),
      set: await costs({ set: 1 }),
    })
    if (signal.aborted) return undefined
    filled = items
  }
  return {
    labels: servers.map((server) => server.label),
    memoryMegabytes: MEMORY_MEGABYTES,
    valueBytes: VALUE_BYTES,
    depth: DEPTH,
    sizes,
    fill: latencies.map((latency) => latencySummary(sumOfHistograms(latency.take()))),
  }
}

/** In alternating order; CPU microseconds per operation. */
async function measureAll(
  servers: readonly RunningServer[],
  tape: Tape,
  { roundMs, warmupMs, rounds }: CostSetting,
  signal: AbortSignal,
): Promise<Spread[]> {
  const costs = servers.map((): number[] => [])
  for (let round = 0; round < Math.min(rounds, ROUNDS_MAX); round++) {
    const order = [...servers.entries()]
    for (const [index, { address, pid }] of round % 2 === 0 ? order : order.toReversed()) {
      const result = await run(
        { servers: [address], pids: [pid] },
        tape.workload,
        {
          asked: { kind: 'tape', tape },
          warmupMs: warmupMs / 2,
          length: { kind: 'duration', milliseconds: roundMs / 2 },
          fill: false,
          driver: 'auto',
        },
        signal,
      )
      costs[index]!.push(result.serverCpu?.microsecondsPerOperation ?? Number.NaN)
    }
  }
  return costs.map(spreadOf)
}

// What shows only at a load that is the same for all: the tail of latency, and what more threads cost.
// The load is half of the first server's peak throughput, at random moments; latency counts from
// the moment a request was due.
import { compare } from '../compare.ts'
import { namedWorkload } from '../workload/named.ts'
import type { Workload } from '../workload/workload.ts'
import { compareServers, complaintsOf, cpuEntries, marksOf, type RatioRow } from './cpu-rows.ts'
import type { CostServer, CostSetting, Progress } from './setting.ts'

const LATENCY_TARGET = 1.2
const THREADS_TARGET = 1.15
const THREADS = 4
/**
 * Load before it is measured what more threads cost, for every server alike: what is asked is the cost
 * of serving, and for three seconds up to half of what we take at this pace is V8 compiling, for each thread anew.
 */
export const THREADS_WARMUP_MS = 4_000
/** The slowest thousandth needs more requests than a mean does. */
const LATENCY_ROUND_FACTOR = 2

/** Requests per second of the first server in a closed loop: its own peak, or the generator's. */
export async function findPeak(
  setting: CostSetting,
  progress: Progress,
  signal: AbortSignal,
): Promise<number | undefined> {
  const [first] = setting.servers
  if (!first) return undefined
  progress(`peak throughput of ${first.label}`)
  const comparison = await compare(
    {
      ...setting,
      servers: [first],
      workloads: [pacedWorkload(setting)],
      rounds: 1,
      serverArgs: ['-t', '1', '-m', '1024'],
      length: { kind: 'duration', milliseconds: setting.roundMs },
      driver: 'auto',
    },
    () => {},
    signal,
  )
  return comparison.rows[0]?.columns[0]?.throughput.median
}

/** The generator looks at the clock all the time: it has a core of its own. */
export async function measureLatencyRow(
  peak: number,
  setting: CostSetting,
  progress: Progress,
  signal: AbortSignal,
): Promise<RatioRow | undefined> {
  const requestsPerSecond = Math.round(peak / 2)
  const workload = { ...pacedWorkload(setting), name: 'latency' }
  const longer = { ...setting, roundMs: setting.roundMs * LATENCY_ROUND_FACTOR }
  const pace = { requestsPerSecond, arrivals: 'poisson', spin: true } as const
  const row = await compareServers(setting.servers, workload, longer, progress, signal, pace)
  if (!row) return undefined
  const [first, ...others] = row.columns
  return {
    name: 'latency',
    title: `p99.9 latency at ${requestsPerSecond.toLocaleString('en-US')} get/s`,
    unit: 'us',
    entries: others.flatMap((column) => {
      const ratio = column.relative?.p999
      if (!first || !ratio) return []
      const noise = ratio.low <= 1 && ratio.high >= 1
      const inMicroseconds = (value: number): string => `${Math.round(value)}`
      return {
        label: column.label,
        against: first.label,
        own: column.latency.p999.median,
        other: first.latency.p999.median,
        ratio,
        target: LATENCY_TARGET,
        marks: marksOf([first, column], noise),
        complaints: complaintsOf([first, column]),
        also:
          `p50 ${inMicroseconds(column.latency.p50.median)} and ${inMicroseconds(first.latency.p50.median)} us, ` +
          `p99 ${inMicroseconds(column.latency.p99.median)} and ${inMicroseconds(first.latency.p99.median)} us`,
      }
    }),
  }
}

/**
 * Each server against itself. Its threads may run on all cores, beside the generator, which sleeps
 * when nothing is due: on one core they would never meet.
 */
export async function measureThreadsRow(
  peak: number,
  setting: CostSetting,
  progress: Progress,
  signal: AbortSignal,
): Promise<RatioRow | undefined> {
  const { placement } = setting
  const requestsPerSecond = Math.round(peak / 2)
  const spread = {
    ...setting,
    warmupMs: setting.quick ? setting.warmupMs : Math.max(setting.warmupMs, THREADS_WARMUP_MS),
    placement: placement && { ...placement, server: placement.all },
  }
  const workload = { ...pacedWorkload(setting), name: 'threads' }
  const entries = []
  for (const server of setting.servers) {
    const pair = [withThreads(server, 1), withThreads(server, THREADS)]
    const pace = { requestsPerSecond, arrivals: 'poisson', spin: false } as const
    const row = await compareServers(pair, workload, spread, progress, signal, pace)
    if (!row) return undefined
    const target = server.isMemshard ? THREADS_TARGET : undefined
    entries.push(
      ...cpuEntries(
        row,
        () => target,
        () => '',
      ),
    )
  }
  return {
    name: 'threads',
    title: `-t ${THREADS} against -t 1 at ${requestsPerSecond.toLocaleString('en-US')} get/s`,
    unit: 'us/op',
    entries,
  }
}

function withThreads(server: CostServer, threads: number): CostServer {
  const flag = ['-t', String(threads)]
  return { ...server, label: `${server.label} ${flag.join(' ')}`, args: [...server.args, ...flag] }
}

function pacedWorkload({ quick }: CostSetting): Workload {
  const workload = namedWorkload('get')
  return quick ? { ...workload, keys: 2_000, connections: 20 } : workload
}

// Carries out the plans of `replay` and `trace`: a trace played as a load, a load written as a trace.
// Reads no line and asks no server itself.
import { reportRuns } from './measured-runs.ts'
import type { ReplayPlan, TracePlan } from './replay-command-line.ts'
import type { Surroundings } from './surroundings.ts'
import { ProgressBar } from './trace/progress-bar.ts'
import { TraceOperations } from './trace/trace-operations.ts'
import { openTrace } from './trace/trace-reader.ts'
import { TraceTimetable } from './trace/trace-timetable.ts'
import { writeTrace } from './trace/write-trace.ts'
import { DrawnOperations } from './workload/drawn-operations.ts'
import { SyntheticKeys } from './workload/key-space.ts'
import { DEFAULT_WORKLOAD } from './workload/workload.ts'

const INTERVAL_MS = 1_000
const SEED = 0x74726163

/** Resolves to the number of errors. */
export async function carryOutReplay(
  plan: ReplayPlan,
  surroundings: Surroundings,
): Promise<number> {
  const { file, format, ticksPerSecond, speed } = plan
  const reader = await openTrace(file, { ...(format && { format }), ticksPerSecond })
  try {
    const operations = new TraceOperations(reader, speed === undefined ? {} : { speed })
    const asked = {
      kind: 'operations' as const,
      source: operations,
      keySpace: reader.keys,
      isEnded: () => operations.ended,
      ...(speed !== undefined && { timetable: new TraceTimetable(operations) }),
    }
    const { protocol, connections, depth, fillMisses, driver } = plan
    const workload = {
      ...DEFAULT_WORKLOAD,
      name: `replay of ${file}`,
      protocol,
      connections,
      depth,
      fillMisses,
    }
    const bar = progressBar(plan, surroundings)
    const options = {
      warmupMs: 0,
      length: { kind: 'requests', count: plan.operations ?? Number.POSITIVE_INFINITY } as const,
      fill: false,
      driver,
      asked,
      intervalMs: INTERVAL_MS,
    }
    const watch = setInterval(() => bar?.update(operations.progress, performance.now()), 200)
    try {
      return await reportRuns(
        [{ workload, description: describe(plan), options }],
        { target: plan.target, output: { ...plan.output, live: false } },
        surroundings,
      )
    } finally {
      clearInterval(watch)
      bar?.finish()
      for (const line of remarks(reader.account)) surroundings.err(`${line}\n`)
    }
  } finally {
    await reader.close()
  }
}

/** Resolves to the number of errors: none. */
export async function carryOutTrace(
  { file, workload, operations }: TracePlan,
  { out, signal }: Surroundings,
): Promise<number> {
  const source = new DrawnOperations(workload, { seed: SEED, operations })
  const keys = new SyntheticKeys(workload.keys, workload.keyBytes)
  const written = await writeTrace(file, { source, keys, operations, signal })
  out(`${written} operations written to ${file}\n`)
  return 0
}

function describe({ speed, connections, depth, fillMisses }: ReplayPlan): string {
  const pace = speed === undefined ? 'as fast as it is answered' : `at ${speed} times its speed`
  return [
    `a trace, ${pace}`,
    `${connections} connections`,
    `${depth} in flight on each`,
    ...(fillMisses ? ['misses are stored'] : []),
  ].join(', ')
}

function progressBar(
  { output }: ReplayPlan,
  { err, terminal }: Surroundings,
): ProgressBar | undefined {
  if (output.live === false) return undefined
  const shown = terminal ? { isTTY: true, columns: terminal.columns } : {}
  return new ProgressBar({ ...shown, write: err }, performance.now())
}

function remarks({
  malformed,
  complaints,
  leftOut,
  leftOutNames,
  replacedKeys,
}: {
  readonly malformed: number
  readonly complaints: readonly string[]
  readonly leftOut: number
  readonly leftOutNames: readonly string[]
  readonly replacedKeys: number
}): string[] {
  return [
    ...(malformed > 0 ? [`${malformed} lines were malformed: ${complaints[0]}`] : []),
    ...(leftOut > 0 ? [`${leftOut} operations were left out: ${leftOutNames.join(', ')}`] : []),
    ...(replacedKeys > 0
      ? [`${replacedKeys} keys that no server takes were replaced by hashes`]
      : []),
  ]
}

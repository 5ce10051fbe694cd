// Starts memshard-bench as a person does, for the tests of it. Knows nothing of what it measures.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { REPOSITORY } from './repository.ts'

const BENCH = join(REPOSITORY, 'packages/bench/bin/memshard-bench')

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export function startBench(...argv: string[]): {
  child: ChildProcess
  finished: Promise<Finished>
} {
  const child = spawn(process.execPath, [BENCH, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const finished = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    out,
    err,
  }))
  return { child, finished }
}

export function bench(...argv: string[]): Promise<Finished> {
  return startBench(...argv).finished
}

/** A run as --json tells it. */
export interface Run {
  readonly label: string
  readonly driver: string
  readonly threads: number
  readonly seconds: number
  readonly summary: {
    readonly operations: number
    readonly operationsPerSecond: number
    readonly requestsPerSecond: number
    readonly hitRatio: number | null
    readonly misses: number
    readonly errors: number
    readonly latency: Latency
    readonly uncorrectedLatency?: Latency
    readonly server?: { readonly microsecondsPerOperation: number; readonly load: number }
    readonly generator: { readonly microsecondsPerOperation: number }
    readonly total: { readonly gets: number; readonly sets: number }
  }
  readonly byOperation: readonly { readonly name: string; readonly operations: number }[]
  readonly series: { readonly at: readonly number[]; readonly operationsPerSecond: number[] }
  readonly complaints: readonly string[]
}

type Latency = Readonly<Record<'p50' | 'p90' | 'p99' | 'p999' | 'max' | 'count', number>>

export function runsOf({ out, err }: Finished): Run[] {
  if (out === '') throw new Error(`nothing was told: ${err}`)
  return (JSON.parse(out) as { runs: Run[] }).runs
}

export function onlyRun(finished: Finished): Run {
  const [run, ...others] = runsOf(finished)
  if (!run || others.length > 0) throw new Error(`${others.length + 1} runs instead of one`)
  return run
}

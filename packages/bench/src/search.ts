// Looks for the highest rate at which a server holds a latency: steps of one open load, first doubling, then
// halving the interval between what held and what did not. Knows nothing of how the result is shown.
import { BenchError } from './errors.ts'
import {
  type LatencySummary,
  latencyHistogram,
  latencySummary,
  sumOfHistograms,
} from './measure/latency.ts'
import { openLoad, paceIsKept, type RunOptions, type Target } from './run.ts'
import type { Workload } from './workload/workload.ts'

/** What must hold: `p99 < 1 ms`. */
export interface Objective {
  readonly percentile: 'p50' | 'p90' | 'p95' | 'p99' | 'p999' | 'p9999'
  readonly microseconds: number
}

export interface SearchOptions extends Omit<RunOptions, 'length' | 'rampMs' | 'asked'> {
  readonly objective: Objective
  /** Requests per second of the first step. */
  readonly firstRate: number
  readonly stepMs: number
}

export interface SearchResult {
  readonly workload: Workload
  readonly objective: Objective
  /** In the order in which they were made. */
  readonly steps: readonly SearchStep[]
  /** The highest rate that held; undefined when none did. */
  readonly best: SearchStep | undefined
  readonly errors: number
  readonly complaints: readonly string[]
}

export interface SearchStep {
  /** Requests per second that were asked for, and that were answered. */
  readonly rate: number
  readonly reached: number
  readonly latency: LatencySummary
  readonly holds: boolean
}

/** Of the rate that held and of the one that did not: nearer than this is near enough. */
const PRECISION = 0.05
const STEPS_MAX = 30
/** What a step that was too much has left behind is over after this. */
const SETTLE_MS = 300
const PERCENTILES: Readonly<Record<string, Objective['percentile']>> = {
  '50': 'p50',
  '90': 'p90',
  '95': 'p95',
  '99': 'p99',
  '99.9': 'p999',
  '99.99': 'p9999',
}
const UNITS: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6 }

/** Reads `p99<1ms`. */
export function parseObjective(text: string): Objective {
  const match = /^p([\d.]+)\s*<\s*(\d+(?:\.\d+)?)\s*(us|ms|s)$/.exec(text.trim())
  const percentile = PERCENTILES[match?.[1] ?? '']
  const microseconds = Number(match?.[2]) * (UNITS[match?.[3] ?? ''] ?? Number.NaN)
  if (percentile === undefined || !(microseconds > 0)) {
    const known = Object.keys(PERCENTILES).map((name) => `p${name}`)
    throw new BenchError(
      'USAGE',
      `"${text}" is no objective: write it like p99<1ms, with one of ${known.join(' ')}`,
    )
  }
  return { percentile, microseconds }
}

export async function search(
  target: Target,
  workload: Workload,
  options: SearchOptions,
  onStep: (step: SearchStep) => void,
  signal: AbortSignal,
): Promise<SearchResult> {
  const { objective, firstRate, warmupMs, stepMs, onPhase } = options
  const pace = {
    arrivals: 'poisson' as const,
    spin: true,
    ...options.pace,
    requestsPerSecond: firstRate,
  }
  await using load = await openLoad(target, workload, { ...options, pace }, signal)
  const { session } = load
  const quiet = { intervalMs: Number.POSITIVE_INFINITY, onInterval: () => {} }
  onPhase?.('warm-up')
  if (warmupMs > 0) await session.play({ milliseconds: warmupMs, ...quiet }, signal)
  onPhase?.('measured')

  const step = async (rate: number): Promise<SearchStep> => {
    session.setRate(rate)
    await session.play({ milliseconds: SETTLE_MS, ...quiet }, signal)
    const latency = latencyHistogram()
    let seconds = 0
    const intervalMs = Number.POSITIVE_INFINITY
    await session.play(
      {
        milliseconds: stepMs,
        intervalMs,
        onInterval: (measure) => {
          latency.add(sumOfHistograms(measure.latency))
          seconds += measure.seconds
        },
      },
      signal,
    )
    const summary = latencySummary(latency)
    const reached = summary.count / seconds
    // With fewer answers than requests, these pile up however short the step is.
    const holds =
      summary[objective.percentile] < objective.microseconds &&
      paceIsKept({ requestsPerSecond: rate, arrivals: pace.arrivals }, summary.count, seconds)
    return { rate, reached, latency: summary, holds }
  }

  const steps: SearchStep[] = []
  let best: SearchStep | undefined
  let tooMuch = Number.POSITIVE_INFINITY
  let rate = firstRate
  while (!signal.aborted && steps.length < STEPS_MAX) {
    const made = await step(Math.round(rate))
    if (signal.aborted) break
    steps.push(made)
    onStep(made)
    if (made.holds) best = made
    else tooMuch = Math.min(tooMuch, rate)
    const held = best?.rate ?? 0
    if (tooMuch === Number.POSITIVE_INFINITY) {
      rate = held * 2
      continue
    }
    if (tooMuch - held <= tooMuch * PRECISION || tooMuch <= 1) break
    rate = (held + tooMuch) / 2
  }
  const outcome = await session.finish()
  return {
    workload,
    objective,
    steps,
    best,
    errors: outcome.errors,
    complaints: outcome.complaints,
  }
}

// What of a run's outcome is not as it must be, and the report for people. Knows the bounds; not how the run went about it.
import type { Outcome, Plan } from './harness.ts'
import type { LoadReport } from './messages.ts'

/** What a busy machine may add to a deadline: it is about calls that hang. */
const SCHEDULER_MS = 2_000
/** From the end of a fault to a node's next answer, the client's probes and connecting included. */
const RECOVERY_MS = 10_000
/** How much more memory a process may have at the end, besides what V8 keeps for itself. */
const GROWTH_MEGABYTES = 32
const GROWTH_DESCRIPTORS = 24

/** Each a sentence. */
export function faultsOf({ loads, growth, failures }: Outcome): readonly string[] {
  const found = [...failures]
  for (const load of loads) {
    const say = (text: string): void => void found.push(`client "${load.name}": ${text}`)
    for (const wrong of load.wrong) say(`a wrong answer: ${wrong}`)
    for (const miss of load.unexplainedMisses) say(`a miss that nothing explains: ${miss}`)
    if (load.latest > load.timeout + SCHEDULER_MS) say(`a call took ${Math.round(load.latest)} ms`)
    const slowest = Math.max(0, ...load.recoveries)
    if (slowest > RECOVERY_MS) say(`a node was back after ${Math.round(slowest)} ms`)
    const { reads } = load
    if (reads.found < reads.expected) {
      say(
        `of ${reads.all} reads of what was stored ${reads.found} hit, expected: ${reads.expected}`,
      )
    }
    if (load.hits === 0) say('no hits at all')
    if (load.finallyFound < load.finallyWritten || load.finallyWritten === 0) {
      say(`of ${load.finallyWritten} keys written at the end, ${load.finallyFound} were found`)
    }
  }
  for (const { name, residentMegabytes, descriptors } of growth) {
    const grown = residentMegabytes[1] - residentMegabytes[0]
    // What a node stores is not what it leaks.
    if (name.startsWith('client') && grown > GROWTH_MEGABYTES) {
      found.push(`${name} has ${Math.round(grown)} MB more than at first`)
    }
    if (descriptors[1] - descriptors[0] > GROWTH_DESCRIPTORS) {
      found.push(`${name} has ${Math.round(descriptors[1])} descriptors, first ${descriptors[0]}`)
    }
  }
  return found
}

export function reportOf(plan: Plan, outcome: Outcome): string {
  const lines = [
    `${plan.seconds} s, ${plan.nodes} nodes, seed ${plan.seed}`,
    '',
    'faults',
    ...Object.entries(outcome.faults).map(
      ([kind, count]) => `  ${String(count).padStart(5)}  ${kind}`,
    ),
    ...weatherOf(outcome),
    '',
    ...outcome.loads.flatMap(linesOf),
    'processes (first and last quarter of their time)',
    ...outcome.growth.map(({ name, seconds, residentMegabytes, descriptors }) =>
      [
        `  ${name.padEnd(10)} ${String(seconds).padStart(6)} s`,
        `${residentMegabytes.map((megabytes) => megabytes.toFixed(0)).join(' -> ')} MB`,
        `${descriptors.map((count) => count.toFixed(0)).join(' -> ')} descriptors`,
      ].join(', '),
    ),
    '',
  ]
  return lines.join('\n')
}

function weatherOf({ packets }: Outcome): readonly string[] {
  if (packets === undefined) return ['  (no packets lost or late: there is no /dev/net/tun here)']
  const { carried, lost, twice, late } = packets
  return [
    `  of ${carried + lost} packets on links with weather ${lost} lost, ${late} late, ${twice} twice`,
  ]
}

function linesOf(load: LoadReport): readonly string[] {
  const { hits, misses, reads, recoveries } = load
  const percent = (part: number, all: number): string => `${((100 * part) / all).toFixed(1)} %`
  const slowest = Math.max(0, ...recoveries).toFixed(0)
  const quarter = Math.max(1, Math.floor(load.p99.length / 4))
  const median = (values: readonly number[]): string =>
    ([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(1)
  const errors = Object.entries(load.errors).map(([code, count]) => `${count} ${code}`)
  return [
    `client, onNodeDown: ${load.name}`,
    `  ${load.calls} calls; ${hits} hits, ${misses} misses (hit ratio ${percent(hits, hits + misses)}); of what was stored ${percent(reads.found, reads.all)}, at least ${percent(reads.expected, reads.all)} expected`,
    `  wrong answers: ${load.wrong.length}; misses that nothing explains: ${load.unexplainedMisses.length}; older than the newest, from a node that was away: ${load.outdated}`,
    `  errors: ${errors.join(', ') || 'none'}`,
    `  latest answer ${load.latest.toFixed(0)} ms (deadline ${load.timeout}); nodes back: ${recoveries.length}, the slowest after ${slowest} ms`,
    `  p50 ${median(load.p50.slice(0, quarter))} -> ${median(load.p50.slice(-quarter))} ms, p99 ${median(load.p99.slice(0, quarter))} -> ${median(load.p99.slice(-quarter))} ms (medians of ten-second windows, first and last quarter)`,
    `  at the end: ${load.finallyFound} of ${load.finallyWritten} keys found`,
    '',
  ]
}

// The result of runs against one server, as a page of text.
// Knows how it looks; nothing of how it was measured.
import { type CpuCost, generatorIsBottleneck, type RunResult } from '../run.ts'
import { describeWorkload } from '../workload/workload.ts'
import { type Environment, environmentLines } from './environment.ts'
import {
  formatByteRate,
  formatCount,
  formatMicroseconds,
  formatPercent,
  significant,
} from './format.ts'

export function runReport(
  environment: Environment,
  server: string,
  results: readonly RunResult[],
): string {
  const head = [...environmentLines(environment), serverLine(server, results[0])]
  return `${[...head, ...results.flatMap(resultLines)].join('\n')}\n`
}

function serverLine(server: string, result: RunResult | undefined): string {
  const version = result?.serverVersion ?? 'of unknown version'
  return `server ${server}, ${version}; sockets driven by ${result?.driver ?? 'nobody'}`
}

function resultLines(result: RunResult): string[] {
  const { latency } = result
  const perRequest = result.requestsPerSecond < result.operationsPerSecond * 0.999
  const lines = [
    '',
    `${result.workload.name}: ${describeWorkload(result.workload)}`,
    field(
      'throughput',
      `${formatCount(result.operationsPerSecond)} operations/s` +
        (perRequest ? ` in ${formatCount(result.requestsPerSecond)} requests/s` : '') +
        `, ${formatByteRate(result.receivedBytesPerSecond)} received`,
    ),
    field(
      'latency',
      [
        `p50 ${formatMicroseconds(latency.p50)}`,
        `p90 ${formatMicroseconds(latency.p90)}`,
        `p99 ${formatMicroseconds(latency.p99)}`,
        `p99.9 ${formatMicroseconds(latency.p999)}`,
        `p99.99 ${formatMicroseconds(latency.p9999)}`,
        `max ${formatMicroseconds(latency.max)}`,
      ].join('  '),
    ),
  ]
  if (result.serverCpu) lines.push(field('server cpu', cpuText(result.serverCpu)))
  lines.push(field('load cpu', cpuText(result.generatorCpu)))
  lines.push(
    field(
      'measured',
      `${formatCount(result.operations)} operations in ${significant(result.seconds)} s`,
    ),
  )
  if (result.misses > 0) lines.push(field('misses', formatCount(result.misses)))
  if (result.interrupted) lines.push(field('note', 'interrupted before its time'))
  if (generatorIsBottleneck(result)) {
    lines.push(
      field(
        'note',
        result.pace
          ? `the rate of ${formatCount(result.pace.requestsPerSecond)} requests/s was not reached`
          : 'the generator used over 90 % of a core: throughput and latency are partly its own',
      ),
    )
  }
  if (result.errors > 0) {
    lines.push(field('ERRORS', `${formatCount(result.errors)}: ${result.complaints.join('; ')}`))
  }
  return lines
}

function cpuText(cost: CpuCost): string {
  const share =
    cost.userShare === undefined ? '' : `, ${formatPercent(cost.userShare)} in user mode`
  return (
    `${significant(cost.microsecondsPerOperation)} us/operation, ` +
    `${formatPercent(cost.load)} of a core${share} (by ${cost.source})`
  )
}

function field(name: string, value: string): string {
  return `  ${name.padEnd(11)} ${value}`
}

// What `stats` tells of the proxy: memcached's names where they mean the same, and the pools and nodes under names of
// their own. Counts nothing.
import type { Node } from '../node/node.ts'
import type { ProxyStatistics } from './proxy-statistics.ts'
import * as replies from './replies.ts'
import type { Upstream } from './upstream.ts'

export interface ReportSources {
  readonly statistics: ProxyStatistics
  readonly upstreams: readonly Upstream[]
  readonly maxConnections: number
  /** Bytes of values that are still coming. */
  readonly valueMemory: number
  /** Further numbers, by name. */
  readonly further: ReadonlyMap<string, number>
}

type Line = readonly [name: string, value: string | number]

/** The answer to `stats`, `stats nodes` and `stats reset`; to all else `ERROR`. */
export function reportOf(what: string, sources: ReportSources): string {
  switch (what) {
    case '':
      return text([...general(sources), ...sources.upstreams.flatMap(poolLines)])
    case 'reset':
      sources.statistics.reset()
      return 'RESET\r\n'
    case 'nodes':
      return text(sources.upstreams.flatMap(nodeLines))
    default:
      return replies.ERROR
  }
}

function general({ statistics, maxConnections, valueMemory, further }: ReportSources): Line[] {
  const { gets, sets, touches } = statistics.totals()
  const { user, system } = process.cpuUsage()
  return [
    ['pid', process.pid],
    ['uptime', Math.floor((Date.now() - statistics.startedAt) / 1000)],
    ['time', Math.floor(Date.now() / 1000)],
    ['version', replies.VERSION.slice('VERSION '.length).trim()],
    ['pointer_size', 64],
    ['rusage_user', (user / 1e6).toFixed(6)],
    ['rusage_system', (system / 1e6).toFixed(6)],
    ['max_connections', maxConnections],
    ['curr_connections', statistics.connections],
    ['total_connections', statistics.totalConnections],
    ['rejected_connections', statistics.rejectedConnections],
    ['cmd_get', gets],
    ['cmd_set', sets],
    ['cmd_touch', touches],
    ['cmd_flush', statistics.flushes],
    ['get_hits', statistics.hits],
    ['get_misses', statistics.misses + statistics.forgiven],
    ['get_failures_as_misses', statistics.forgiven],
    ['bytes_read', statistics.bytesRead],
    ['bytes_written', statistics.bytesWritten],
    ['threads', 1],
    ['rss', process.memoryUsage.rss()],
    ['value_memory', valueMemory],
    ...further,
  ]
}

function poolLines({ name, nodes, inflight }: Upstream): Line[] {
  const counts = nodes.map(({ counters }) => counters.counts())
  const sum = (of: (one: (typeof counts)[number]) => number): number =>
    counts.reduce((total, one) => total + of(one), 0)
  const errors = (of: Readonly<Record<string, number>>): number =>
    Object.values(of).reduce((total, one) => total + one, 0)
  const values: Line[] = [
    ['nodes', nodes.length],
    ['nodes_up', nodes.filter(({ state }) => state === 'up').length],
    ['inflight', inflight],
    ['hits', sum(({ hits }) => hits)],
    ['misses', sum(({ misses }) => misses)],
    ['skipped', sum(({ skipped }) => skipped)],
    ['errors', sum((one) => errors(one.errors))],
    ['retries', sum(({ retries }) => retries)],
    ['ejections', sum(({ ejections }) => ejections)],
  ]
  return values.map(([what, value]) => [`pool:${name}:${what}`, value])
}

function nodeLines(upstream: Upstream): Line[] {
  return upstream.nodes.flatMap((node) =>
    valuesOf(node).map(([what, value]): Line => [`${upstream.name}:${node.name}:${what}`, value]),
  )
}

function valuesOf(node: Node): Line[] {
  const counts = node.counters.counts()
  return [
    ['state', node.state],
    ['inflight', node.inflight],
    ...Object.entries(counts.operations).map(
      ([name, { calls }]): Line => [`calls:${name.toLowerCase()}`, calls],
    ),
    ['hits', counts.hits],
    ['misses', counts.misses],
    ['skipped', counts.skipped],
    ...Object.entries(counts.errors).map(
      ([code, count]): Line => [`errors:${code.replace('ERR_MEMSHARD_', '').toLowerCase()}`, count],
    ),
    ['retries', counts.retries],
    ['connects', counts.connects],
    ['disconnects', counts.disconnects],
    ['ejections', counts.ejections],
    ['bytes_sent', counts.bytesSent],
    ['bytes_received', counts.bytesReceived],
  ]
}

function text(lines: readonly Line[]): string {
  return `${lines.map(([name, value]) => `STAT ${name} ${value}\r\n`).join('')}${replies.END}`
}

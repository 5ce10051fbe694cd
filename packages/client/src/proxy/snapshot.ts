// All that the proxy knows of itself at one moment, as plain data: what `stats` and /metrics tell. Knows where it is
// counted; not how it is told.
import type { Counts } from '../node/counters.ts'
import type { NodeState } from '../node/node.ts'
import type { DurationHistogram } from './command-durations.ts'
import type { ProxyStatistics } from './proxy-statistics.ts'
import type { PrefixRoute } from './routing-table.ts'
import { ShadowedRoute } from './shadow.ts'
import type { Upstream } from './upstream.ts'

export interface NodeSnapshot {
  readonly name: string
  readonly state: NodeState
  /** Calls without an answer. */
  readonly inflight: number
  readonly counts: Counts
}

export interface PoolSnapshot {
  readonly name: string
  /** Some node has been connected to, now or earlier. */
  readonly isReached: boolean
  /** Those of the ring, then those of the gutter. */
  readonly nodes: readonly NodeSnapshot[]
  /** By command, while somebody wants to know. */
  readonly durations: ReadonlyMap<string, DurationHistogram>
}

export interface ShadowSnapshot {
  /** `default` for the route of all other keys. */
  readonly route: string
  readonly copied: number
  readonly skipped: number
}

export interface ClientsSnapshot {
  readonly connections: number
  readonly totalConnections: number
  readonly rejectedConnections: number
  readonly maxConnections: number
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly gets: number
  readonly sets: number
  readonly touches: number
  readonly flushes: number
  readonly hits: number
  readonly misses: number
  /** Failures that were told as misses. */
  readonly forgiven: number
  /** That were tried, and that were refused. */
  readonly logins: number
  readonly failedLogins: number
  /** Of TLS. */
  readonly failedHandshakes: number
  /** By command: requests, of a retrieval its keys. */
  readonly requests: ReadonlyMap<string, number>
  /** Bytes of values that are still coming, and how many there may be. */
  readonly valueMemory: number
  readonly maxValueMemory: number
}

export interface ProcessSnapshot {
  /** The process that signals go to. */
  readonly pid: number
  /** How many there are: each runs one thread. */
  readonly processes: number
  readonly userSeconds: number
  readonly systemSeconds: number
  /** Time in which the event loop had something to do. */
  readonly activeSeconds: number
  readonly residentBytes: number
}

export interface ProxySnapshot {
  /** Unix time in milliseconds. */
  readonly startedAt: number
  readonly process: ProcessSnapshot
  readonly clients: ClientsSnapshot
  readonly pools: readonly PoolSnapshot[]
  readonly shadows: readonly ShadowSnapshot[]
}

export interface SnapshotSources {
  readonly pid: number
  readonly statistics: ProxyStatistics
  readonly upstreams: readonly Upstream[]
  readonly routes: readonly PrefixRoute[]
  readonly maxConnections: number
  readonly valueMemory: { readonly used: number; readonly limit: number }
}

export function snapshotOf(sources: SnapshotSources): ProxySnapshot {
  const { statistics, maxConnections, valueMemory } = sources
  return {
    startedAt: statistics.startedAt,
    process: processSnapshot(sources.pid),
    clients: {
      connections: statistics.connections,
      totalConnections: statistics.totalConnections,
      rejectedConnections: statistics.rejectedConnections,
      maxConnections,
      bytesRead: statistics.bytesRead,
      bytesWritten: statistics.bytesWritten,
      ...statistics.totals(),
      flushes: statistics.flushes,
      hits: statistics.hits,
      misses: statistics.misses,
      forgiven: statistics.forgiven,
      logins: statistics.logins,
      failedLogins: statistics.failedLogins,
      failedHandshakes: statistics.failedHandshakes,
      requests: new Map(
        Array.from(statistics.requests, ([operation, count]) => [operation.name, count]),
      ),
      valueMemory: valueMemory.used,
      maxValueMemory: valueMemory.limit,
    },
    pools: sources.upstreams.map(poolSnapshot),
    shadows: sources.routes.flatMap(({ prefix, route }) =>
      route instanceof ShadowedRoute
        ? [{ route: prefix || 'default', copied: route.copied, skipped: route.skipped }]
        : [],
    ),
  }
}

function processSnapshot(pid: number): ProcessSnapshot {
  const { user, system } = process.cpuUsage()
  return {
    pid,
    processes: 1,
    userSeconds: user / 1e6,
    systemSeconds: system / 1e6,
    activeSeconds: performance.eventLoopUtilization().active / 1000,
    residentBytes: process.memoryUsage.rss(),
  }
}

function poolSnapshot({ name, isReached, nodes, durations }: Upstream): PoolSnapshot {
  return {
    name,
    isReached,
    nodes: nodes.map((node) => ({
      name: node.name,
      state: node.state,
      inflight: node.inflight,
      counts: node.counters.counts(),
    })),
    durations: durations.histograms(),
  }
}

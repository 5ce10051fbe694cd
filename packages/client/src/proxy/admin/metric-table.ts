// Every metric of the proxy's /metrics: its name, type and labels, and what of the proxy it is. Those under `memcached_`
// are memcached_exporter's where they mean the same of a proxy, so that dashboards made for it work; ours are under
// `memshard_proxy_`. Long because it is one table.
import type { Counts } from '../../node/counters.ts'
import type { DurationHistogram } from '../command-durations.ts'
import * as replies from '../replies.ts'
import type { ClientsSnapshot, NodeSnapshot, PoolSnapshot, ProxySnapshot } from '../snapshot.ts'

type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels: Labels
  readonly value: number
}

export interface HistogramSample {
  readonly labels: Labels
  readonly histogram: DurationHistogram
}

interface Described {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

type Scalar = Described & {
  readonly type: 'counter' | 'gauge'
  readonly samples: (proxy: ProxySnapshot) => Iterable<Sample>
}

export type Metric =
  | Scalar
  | (Described & {
      readonly type: 'histogram'
      readonly samples: (proxy: ProxySnapshot) => Iterable<HistogramSample>
    })

const VERSION = replies.VERSION.slice('VERSION '.length).trim()

export const METRICS: readonly Metric[] = [
  // ---- memcached_exporter's
  one('gauge', 'memcached_up', 'Whether the proxy could be asked.', () => 1),
  {
    type: 'gauge',
    name: 'memcached_version',
    help: 'The version of memcached whose protocol the proxy speaks.',
    labels: ['version'],
    samples: () => [{ labels: { version: VERSION }, value: 1 }],
  },
  one('counter', 'memcached_uptime_seconds', 'Seconds since the proxy started.', ({ startedAt }) =>
    Math.floor((Date.now() - startedAt) / 1000),
  ),
  one('gauge', 'memcached_time_seconds', "Unix time by the proxy's clock.", () =>
    Math.floor(Date.now() / 1000),
  ),
  one(
    'counter',
    'memcached_process_user_cpu_seconds_total',
    'CPU time that the process has spent in user mode.',
    (proxy) => proxy.process.userSeconds,
  ),
  one(
    'counter',
    'memcached_process_system_cpu_seconds_total',
    'CPU time that the process has spent in the kernel.',
    (proxy) => proxy.process.systemSeconds,
  ),
  ...ofClients('counter', {
    memcached_read_bytes_total: ['Bytes received from clients.', 'bytesRead'],
    memcached_written_bytes_total: ['Bytes sent to clients.', 'bytesWritten'],
    memcached_connections_total: ['Connections ever opened.', 'totalConnections'],
    memcached_connections_rejected_total: [
      'Connections refused because there were as many as maxConnections allows.',
      'rejectedConnections',
    ],
  }),
  ...ofClients('gauge', {
    memcached_current_connections: ['Open connections.', 'connections'],
    memcached_max_connections: ['Connections that maxConnections allows.', 'maxConnections'],
  }),
  {
    type: 'counter',
    name: 'memcached_commands_total',
    help: 'Requests by command and outcome.',
    labels: ['command', 'status'],
    samples: ({ clients }) => [
      { labels: { command: 'get', status: 'hit' }, value: clients.hits },
      { labels: { command: 'get', status: 'miss' }, value: clients.misses + clients.forgiven },
      { labels: { command: 'flush', status: 'hit' }, value: clients.flushes },
      // memcached counts cas among sets, the exporter doesn't.
      {
        labels: { command: 'set', status: 'hit' },
        value: clients.sets - (clients.requests.get('cas') ?? 0),
      },
    ],
  },

  // ---- ours: clients
  {
    type: 'counter',
    name: 'memshard_proxy_requests_total',
    help: 'Requests of clients by command, of a list of keys each key.',
    labels: ['command'],
    *samples({ clients }) {
      for (const [command, value] of clients.requests) yield { labels: { command }, value }
    },
  },
  ...ofClients('counter', {
    memshard_proxy_failures_as_misses_total: [
      'Reads whose node failed, and which were told as misses.',
      'forgiven',
    ],
    memshard_proxy_auth_requests_total: ['Logins that were tried.', 'logins'],
    memshard_proxy_auth_errors_total: ['Logins that were refused.', 'failedLogins'],
    memshard_proxy_tls_errors_total: [
      'Clients that did not get through the handshake of TLS.',
      'failedHandshakes',
    ],
  }),
  ...ofClients('gauge', {
    memshard_proxy_value_memory_bytes: ['Bytes of values that are still coming.', 'valueMemory'],
    memshard_proxy_value_memory_limit_bytes: [
      'Bytes of values that may be coming at once (valueMemory).',
      'maxValueMemory',
    ],
  }),
  one(
    'counter',
    'memshard_proxy_event_loop_active_seconds_total',
    'Seconds in which the thread had work; its rate is the share of a core that is used.',
    (proxy) => proxy.process.activeSeconds,
  ),
  one(
    'gauge',
    'memshard_proxy_resident_memory_bytes',
    'Resident memory of the process.',
    (proxy) => proxy.process.residentBytes,
  ),

  // ---- ours: routes
  ...(['copied', 'skipped'] as const).map(
    (which): Metric => ({
      type: 'counter',
      name: `memshard_proxy_shadow_${which === 'copied' ? 'copies' : 'skipped'}_total`,
      help:
        which === 'copied'
          ? 'Requests of a route that were copied to its shadow.'
          : 'Requests of a route that were not copied because too many copies wait.',
      labels: ['route'],
      *samples({ shadows }) {
        for (const shadow of shadows) {
          yield { labels: { route: shadow.route }, value: shadow[which] }
        }
      },
    }),
  ),

  // ---- ours: pools
  ofPools(
    'memshard_proxy_pool_nodes',
    'Nodes of the pool, its gutter included.',
    (pool) => pool.nodes.length,
  ),
  ofPools(
    'memshard_proxy_pool_reached',
    'Whether some node of the pool has been reached since it is known.',
    ({ isReached }) => Number(isReached),
  ),
  {
    type: 'histogram',
    name: 'memshard_proxy_node_answer_seconds',
    help: 'Time from sending a request to a node, connecting included, to its answer.',
    labels: ['pool', 'command'],
    *samples({ pools }) {
      for (const { name, durations } of pools) {
        for (const [command, histogram] of durations) {
          yield { labels: { pool: name, command }, histogram }
        }
      }
    },
  },

  // ---- ours: nodes
  ofNodes('gauge', 'up', 'Whether the node is asked: it has not been ejected.', ({ state }) =>
    Number(state === 'up'),
  ),
  ofNodes('gauge', 'inflight', 'Requests to the node without an answer.', (node) => node.inflight),
  {
    type: 'counter',
    name: 'memshard_proxy_node_calls_total',
    help: 'Requests to the node that have ended, by command.',
    labels: ['pool', 'node', 'command'],
    samples: eachNode(({ counts }) =>
      Object.entries(counts.operations).map(([command, { calls }]) => [{ command }, calls]),
    ),
  },
  {
    type: 'counter',
    name: 'memshard_proxy_node_errors_total',
    help: 'Requests to the node that have failed, by kind of error.',
    labels: ['pool', 'node', 'error'],
    samples: eachNode(({ counts }) =>
      Object.entries(counts.errors).map(([code, count]) => [
        { error: code.replace('ERR_MEMSHARD_', '').toLowerCase() },
        count,
      ]),
    ),
  },
  ...counted({
    hits_total: ['Reads that found a value.', 'hits'],
    misses_total: ['Reads that found none.', 'misses'],
    skipped_total: ['Requests answered without the node, because it is ejected.', 'skipped'],
    retries_total: ['Requests that were sent again because a connection ended.', 'retries'],
    connects_total: ['Connections that were established.', 'connects'],
    disconnects_total: ['Connections that were lost or refused.', 'disconnects'],
    ejections_total: ['Times that the node was ejected.', 'ejections'],
    sent_bytes_total: ['Bytes sent to the node.', 'bytesSent'],
    received_bytes_total: ['Bytes received from the node.', 'bytesReceived'],
  }),
]

/** One sample. */
function one(
  type: Scalar['type'],
  name: string,
  help: string,
  of: (proxy: ProxySnapshot) => number,
): Metric {
  return { type, name, help, labels: [], samples: (proxy) => [{ labels: {}, value: of(proxy) }] }
}

type NumberOf<T> = { [K in keyof T]: T[K] extends number ? K : never }[keyof T]
type Rows<T> = Readonly<Record<string, readonly [help: string, from: NumberOf<T>]>>

/** One sample each, of what is counted of clients. */
function ofClients(type: Scalar['type'], rows: Rows<ClientsSnapshot>): Metric[] {
  return Object.entries(rows).map(([name, [help, from]]) =>
    one(type, name, help, ({ clients }) => clients[from]),
  )
}

function ofPools(name: string, help: string, of: (pool: PoolSnapshot) => number): Metric {
  return {
    type: 'gauge',
    name,
    help,
    labels: ['pool'],
    *samples({ pools }) {
      for (const pool of pools) yield { labels: { pool: pool.name }, value: of(pool) }
    },
  }
}

function ofNodes(
  type: Scalar['type'],
  name: string,
  help: string,
  of: (node: NodeSnapshot) => number,
): Metric {
  return {
    type,
    name: `memshard_proxy_node_${name}`,
    help,
    labels: ['pool', 'node'],
    samples: eachNode((node) => [[{}, of(node)]]),
  }
}

/** Of what the client counts about a node. */
function counted(rows: Rows<Counts>): Metric[] {
  return Object.entries(rows).map(([name, [help, from]]) =>
    ofNodes('counter', name, help, ({ counts }) => counts[from]),
  )
}

/** Samples of every node: further labels, and the value. */
function eachNode(
  of: (node: NodeSnapshot) => Iterable<readonly [labels: Labels, value: number]>,
): Scalar['samples'] {
  return function* ({ pools }) {
    for (const pool of pools) {
      for (const node of pool.nodes) {
        for (const [labels, value] of of(node)) {
          yield { labels: { pool: pool.name, node: node.name, ...labels }, value }
        }
      }
    }
  }
}

// What `stats` tells of the proxy: memcached's names where they mean the same, and the pools and nodes under names of
// their own. Counts nothing.
import * as replies from './replies.ts'
import type { NodeSnapshot, PoolSnapshot, ProxySnapshot, ShadowSnapshot } from './snapshot.ts'

type Line = readonly [name: string, value: string | number]

/** The answer to `stats` and `stats nodes`; to all else `ERROR`. */
export function reportOf(what: string, proxy: ProxySnapshot): string {
  switch (what) {
    case '':
      return text([
        ...general(proxy),
        ...proxy.shadows.flatMap(shadowLines),
        ...proxy.pools.flatMap(poolLines),
      ])
    case 'nodes':
      return text(proxy.pools.flatMap(nodeLines))
    default:
      return replies.ERROR
  }
}

function general({ startedAt, process, clients }: ProxySnapshot): Line[] {
  return [
    ['pid', process.pid],
    ['uptime', Math.floor((Date.now() - startedAt) / 1000)],
    ['time', Math.floor(Date.now() / 1000)],
    ['version', replies.VERSION.slice('VERSION '.length).trim()],
    ['pointer_size', 64],
    ['rusage_user', process.userSeconds.toFixed(6)],
    ['rusage_system', process.systemSeconds.toFixed(6)],
    ['max_connections', clients.maxConnections],
    ['curr_connections', clients.connections],
    ['total_connections', clients.totalConnections],
    ['rejected_connections', clients.rejectedConnections],
    ['cmd_get', clients.gets],
    ['cmd_set', clients.sets],
    ['cmd_touch', clients.touches],
    ['cmd_flush', clients.flushes],
    ['get_hits', clients.hits],
    ['get_misses', clients.misses + clients.forgiven],
    ['get_failures_as_misses', clients.forgiven],
    ['auth_cmds', clients.logins],
    ['auth_errors', clients.failedLogins],
    ['ssl_handshake_errors', clients.failedHandshakes],
    ['bytes_read', clients.bytesRead],
    ['bytes_written', clients.bytesWritten],
    ['threads', process.processes],
    ['rss', process.residentBytes],
    ['value_memory', clients.valueMemory],
  ]
}

function shadowLines({ route, copied, skipped }: ShadowSnapshot): Line[] {
  return [
    [`shadow:${route}:copied`, copied],
    [`shadow:${route}:skipped`, skipped],
  ]
}

function poolLines({ name, nodes }: PoolSnapshot): Line[] {
  const counts = nodes.map((node) => node.counts)
  const sum = (of: (one: (typeof counts)[number]) => number): number =>
    counts.reduce((total, one) => total + of(one), 0)
  const errors = (of: Readonly<Record<string, number>>): number =>
    Object.values(of).reduce((total, one) => total + one, 0)
  const values: Line[] = [
    ['nodes', nodes.length],
    ['nodes_up', nodes.filter(({ state }) => state === 'up').length],
    ['inflight', nodes.reduce((total, node) => total + node.inflight, 0)],
    ['hits', sum(({ hits }) => hits)],
    ['misses', sum(({ misses }) => misses)],
    ['skipped', sum(({ skipped }) => skipped)],
    ['errors', sum((one) => errors(one.errors))],
    ['retries', sum(({ retries }) => retries)],
    ['ejections', sum(({ ejections }) => ejections)],
  ]
  return values.map(([what, value]) => [`pool:${name}:${what}`, value])
}

function nodeLines({ name: pool, nodes }: PoolSnapshot): Line[] {
  return nodes.flatMap((node) =>
    valuesOf(node).map(([what, value]): Line => [`${pool}:${node.name}:${what}`, value]),
  )
}

function valuesOf({ state, inflight, counts }: NodeSnapshot): Line[] {
  return [
    ['state', state],
    ['inflight', inflight],
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

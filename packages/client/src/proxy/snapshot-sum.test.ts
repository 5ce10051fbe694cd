import { expect, test } from 'vitest'
import type { Counts } from '../node/counters.ts'
import type { NodeState } from '../node/node.ts'
import type { NodeSnapshot, ProxySnapshot } from './snapshot.ts'
import { sumOf } from './snapshot-sum.ts'

const counts = (hits: number, operation: string): Counts => ({
  operations: { [operation]: { calls: hits, errors: 1 } },
  hits,
  misses: 0,
  errors: { ERR_MEMSHARD_TIMEOUT: 1 },
  aborted: 0,
  skipped: 0,
  retries: 0,
  connects: 1,
  disconnects: 0,
  ejections: 0,
  bytesSent: 10,
  bytesReceived: 20,
  latency: undefined,
})

const node = (name: string, state: NodeState, hits: number, operation = 'get'): NodeSnapshot => ({
  name,
  state,
  inflight: 1,
  counts: counts(hits, operation),
})

const snapshot = (
  pid: number,
  startedAt: number,
  nodes: readonly NodeSnapshot[],
): ProxySnapshot => ({
  startedAt,
  process: {
    pid,
    processes: 1,
    userSeconds: 0.5,
    systemSeconds: 1,
    activeSeconds: 2,
    residentBytes: 100,
  },
  clients: {
    logins: 0,
    failedLogins: 0,
    failedHandshakes: 0,
    connections: 1,
    totalConnections: 2,
    rejectedConnections: 0,
    maxConnections: 512,
    bytesRead: 1,
    bytesWritten: 1,
    gets: 3,
    sets: 0,
    touches: 0,
    flushes: 0,
    hits: 2,
    misses: 1,
    forgiven: 0,
    requests: new Map([['get', pid]]),
    valueMemory: 0,
    maxValueMemory: 1024,
  },
  pools: [
    {
      name: 'pid',
      isReached: nodes.length > 1,
      nodes,
      durations: new Map([['get', { cumulative: [1, 2], sumSeconds: 0.25 }]]),
    },
  ],
  shadows: [{ route: 'default', copied: 4, skipped: 1 }],
})

test('what several processes have counted is added up by name, and a node is in its worst state', () => {
  const one = snapshot(7, 2000, [node('a', 'up', 1), node('state', 'up', 1)])
  const other = snapshot(8, 1000, [node('a', 'ejected', 2, 'set')])
  const { startedAt, process, clients, pools, shadows } = sumOf([one, other])
  expect(startedAt).toBe(1000)
  expect(process).toEqual({
    pid: 7,
    processes: 2,
    userSeconds: 1,
    systemSeconds: 2,
    activeSeconds: 4,
    residentBytes: 200,
  })
  expect(clients).toMatchObject({ connections: 2, maxConnections: 1024, gets: 6 })
  expect(clients.requests).toEqual(new Map([['get', 15]]))
  const [pool] = pools
  expect(pool).toMatchObject({ name: 'pid', isReached: true })
  expect(pool?.durations).toEqual(new Map([['get', { cumulative: [2, 4], sumSeconds: 0.5 }]]))
  expect(pool?.nodes.map(({ name, state, inflight }) => [name, state, inflight])).toEqual([
    ['a', 'ejected', 2],
    ['state', 'up', 1],
  ])
  expect(pool?.nodes[0]?.counts).toMatchObject({
    hits: 3,
    errors: { ERR_MEMSHARD_TIMEOUT: 2 },
    operations: { get: { calls: 1, errors: 1 }, set: { calls: 2, errors: 1 } },
    latency: undefined,
  })
  expect(shadows).toEqual([{ route: 'default', copied: 8, skipped: 2 }])
})

test('one alone is told as it is', () => {
  const alone = snapshot(1, 0, [])
  expect(sumOf([alone])).toBe(alone)
})

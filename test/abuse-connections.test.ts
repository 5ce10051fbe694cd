// Clients by the thousand that mean no good, or are broken, and what others have of the server meanwhile and afterwards:
// normal latency, their own values, and the memory and descriptors back. ABUSE_CONNECTIONS=n for more clients.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbuseWatch } from './abuse.ts'
import { Crowd } from './crowd.ts'
import { type RunningNode, startNode } from './nodes.ts'
import { MIB } from './process-memory.ts'
import { TRANSPORTS } from './transports.ts'
import { statistic } from './wire.ts'

const CLIENTS = Number(process.env.ABUSE_CONNECTIONS ?? 2_000)

describe.each(TRANSPORTS)('%s: thousands of clients', (transport) => {
  let node: RunningNode
  let watch: AbuseWatch

  beforeAll(async () => {
    const args = ['-t', '2', '-m', '256', '-c', String(CLIENTS + 100), '--transport', transport]
    node = await startNode({ args })
    watch = await AbuseWatch.begin(node)
  })
  afterAll(async () => {
    await watch?.[Symbol.asyncDispose]()
    await node?.stop('SIGKILL')
  })

  test('that send half a request and then nothing', async () => {
    await using crowd = await Crowd.gather()
    await watch.during(async () => {
      const { open } = await crowd.open({
        host: node.host,
        port: node.port,
        clients: CLIENTS,
        send: 'set half-{n} 0 0 10\r\nhal',
      })
      expect(open).toBe(CLIENTS)
      await expect.poll(() => statistic(node, 'curr_connections')).toBeGreaterThan(CLIENTS)
    })
    await crowd.leave({ reset: false })
    await watch.descriptorsBack()
    await watch.memoryBack(48 * MIB)
    await watch.calm()
  })
  test('that send half a line and then nothing', async () => {
    await using crowd = await Crowd.gather()
    await watch.during(async () => {
      const { open } = await crowd.open({
        host: node.host,
        port: node.port,
        clients: CLIENTS,
        send: 'set half-{n} 0 0',
      })
      expect(open).toBe(CLIENTS)
      await expect.poll(() => statistic(node, 'curr_connections')).toBeGreaterThan(CLIENTS)
    })
    await crowd.leave({ reset: false })
    await watch.descriptorsBack()
    await watch.memoryBack(48 * MIB)
    await watch.calm()
  })
})

import { expect, test } from 'vitest'
import { Server } from '../protocol/conversation.ts'
import { InProcessClient } from './in-process-client.ts'
import { limitedPrefixes } from './limited-prefixes.ts'
import { readStatistics } from './node-statistics.ts'

test('what is under each limit, and how much it is now', () => {
  const prefixLimits = [
    { prefix: 'a:', bytes: 10_000 },
    { prefix: 'b b', bytes: 2000 },
  ]
  const server = new Server({ prefixLimits })
  const client = new InProcessClient(server.engine, server.cache.arena)
  const told = () => limitedPrefixes(readStatistics(client).memshard)
  for (let i = 0; i < 20; i++)
    server.connect().send(`set a:${i} 0 0 1000\r\n${'v'.repeat(1000)}\r\n`)
  server.connect().send(`set a:large 0 0 20000\r\n${'v'.repeat(20_000)}\r\n`)
  const [a, b] = told()
  expect(a).toMatchObject({
    prefix: 'a%3A',
    limitBytes: 10_000,
    items: 9,
    evictions: 11,
    refusals: 1,
  })
  expect(a?.bytes).toBeGreaterThan(9000)
  expect(b).toEqual({
    prefix: 'b%20b',
    limitBytes: 2000,
    bytes: 0,
    items: 0,
    evictions: 0,
    refusals: 0,
  })
  server.connect().send('prefix_limit a: 0\r\n')
  expect(told()[0]?.limitBytes).toBe(0)
})

test('none where there are no limits', () => {
  const server = new Server()
  const client = new InProcessClient(server.engine, server.cache.arena)
  expect(limitedPrefixes(readStatistics(client).memshard)).toEqual([])
})

import { expect, test } from 'vitest'
import { Server } from '../protocol/conversation.ts'
import { InProcessClient } from './in-process-client.ts'

test('asks the cache of this process, and a report leaves no trace in what it tells', () => {
  const server = new Server()
  server.connect().send('set a 0 0 1\r\nx\r\n')
  const client = new InProcessClient(server.engine, server.cache.arena)
  const counted = (): string[] =>
    [client.ask('stats'), client.ask('stats latency'), client.ask('stats memshard')].flatMap(
      (report) => report.match(/(bytes_\w+|:count) \d+/g) ?? [],
    )
  const before = counted()
  expect(before.length).toBeGreaterThanOrEqual(4)
  expect(counted()).toEqual(before)
  expect(client.ask('get a')).toBe('VALUE a 0 1\r\nx\r\nEND\r\n')
  expect(client.ask('nonsense')).toBe('ERROR\r\n')
  expect(counted()).not.toEqual(before)
  server.check()
})

test('takes answers that are longer than a reply', () => {
  const server = new Server()
  const value = 'v'.repeat(20_000)
  const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`)
  for (const key of keys) server.connect().send(`set ${key} 0 0 20000\r\n${value}\r\n`)
  const client = new InProcessClient(server.engine, server.cache.arena)
  const answer = client.ask(`get ${keys.join(' ')}`)
  expect(answer).toBe(
    `${keys.map((key) => `VALUE ${key} 0 20000\r\n${value}\r\n`).join('')}END\r\n`,
  )
  server.check()
})

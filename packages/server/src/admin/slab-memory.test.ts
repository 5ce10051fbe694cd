import { expect, test } from 'vitest'
import { Server } from '../protocol/conversation.ts'
import { InProcessClient } from './in-process-client.ts'
import { readStatistics } from './node-statistics.ts'
import { slabMemory } from './slab-memory.ts'
import { NOTHING_TOLD } from './statistics-text.ts'

test('the classes of a cache, as they fill', () => {
  const server = new Server()
  const client = new InProcessClient(server.engine, server.cache.arena)
  expect(slabMemory(readStatistics(client)).classes).toEqual([])
  for (let i = 0; i < 10; i++) server.connect().send(`set small-${i} 0 0 5\r\nvalue\r\n`)
  server.connect().send(`set large 0 0 9000\r\n${'v'.repeat(9000)}\r\n`)
  server.connect().send('get small-1\r\n')
  const { limitBytes, classes } = slabMemory(readStatistics(client))
  expect(limitBytes).toBe(server.cache.tuning.memoryLimitBytes)
  const [small, large] = classes
  expect(classes).toHaveLength(2)
  expect(small).toMatchObject({
    pages: 1,
    items: 10,
    usedChunks: 10,
    hits: 1,
    sets: 10,
    evicted: 0,
  })
  expect(large).toMatchObject({ pages: 1, items: 1, usedChunks: 1 })
  expect(large!.requestedBytes).toBeGreaterThan(9000)
  expect(large!.chunkBytes).toBeGreaterThan(small!.chunkBytes)
})

test('page moves by their classes, in the order they are told', () => {
  const memshard = new Map([
    ['lock_acquired', '5'],
    ['page_moves:3:0', '2'],
    ['page_moves:0:7', '1'],
  ])
  expect(slabMemory({ ...NOTHING_TOLD, memshard }).moves).toEqual([
    { from: 3, to: 0, pages: 2 },
    { from: 0, to: 7, pages: 1 },
  ])
})

import { expect, test } from 'vitest'
import { sampleOf } from './statistics.ts'

const of = (text: string) =>
  new Map(text.split(', ').map((pair) => pair.split(' ') as [string, string]))

test('counters of one group are added up, and what is missing is nothing', () => {
  const general = of('pid 7, cmd_get 10, incr_hits 1, incr_misses 2, decr_hits 3, delete_hits 4')
  const none = undefined
  const sample = sampleOf({ general, items: none, slabs: none, latency: none, hotKeys: none }, 1000)
  expect(sample).toMatchObject({ at: 1000, pid: 7, age: undefined, latency: undefined, slabs: [] })
  expect(sample.counters).toMatchObject({ gets: 10, arithmetic: 6, deletes: 4, touches: 0 })
})

test('classes come from slabs and items; ages are the extremes of those classes', () => {
  const sample = sampleOf(
    {
      general: of('pid 7'),
      items: of(
        'items:1:number 5, items:1:age 100, items:1:evicted 0, items:1:evicted_time 0, ' +
          'items:9:number 6, items:9:age 40, items:9:evicted 2, items:9:evicted_time 30',
      ),
      slabs: of('1:chunk_size 96, 1:used_chunks 5, 9:chunk_size 600, active_slabs 2'),
      latency: of('telemetry disabled'),
      hotKeys: of('telemetry disabled'),
    },
    0,
  )
  expect(sample.slabs).toMatchObject([
    { id: 1, chunkSize: 96, usedChunks: 5, items: 5, evicted: 0 },
    { id: 9, chunkSize: 600, items: 6, evicted: 2 },
  ])
  expect(sample).toMatchObject({ age: 100, evictedAge: 30, latency: undefined, hotKeys: undefined })
})

test('latencies are those of each command, hot keys stay in their order and their encoding', () => {
  const sample = sampleOf(
    {
      general: of('pid 7'),
      items: undefined,
      slabs: undefined,
      latency: of('get:count 3, get:p50_us 5, get:p99_us 9, get:le_1 0, mg:count 1'),
      hotKeys: of('window_seconds 60, sampled 9, key:a%3Ab 7, key:c 2'),
    },
    0,
  )
  expect(sample.latency).toMatchObject([
    { command: 'get', count: 3, p50: 5, p99: 9 },
    { command: 'mg', count: 1, p50: 0 },
  ])
  expect(sample.hotKeys).toEqual({
    windowSeconds: 60,
    keys: [
      { key: 'a%3Ab', requests: 7 },
      { key: 'c', requests: 2 },
    ],
  })
})

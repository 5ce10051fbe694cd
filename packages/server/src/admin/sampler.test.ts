import { expect, test } from 'vitest'
import { SAMPLED } from './page-data.ts'
import { Sampler } from './sampler.ts'
import { NOTHING_TOLD, type NodeStatistics, type Statistics } from './statistics-text.ts'

function told(values: Readonly<Record<string, number>>): Statistics {
  return new Map(Object.entries(values).map(([name, value]) => [name, `${value}`]))
}

/** So many gets so far, half of which took 1 to 2 microseconds and half up to 100. */
function gets(count: number): Statistics {
  return told({
    'get:count': count,
    'get:le_1': 0,
    'get:le_2': count / 2,
    'get:le_100': count,
    'get:le_inf': count,
    'get:max_us': 90,
  })
}

function node(told: Partial<NodeStatistics>): NodeStatistics {
  return { ...NOTHING_TOLD, ...told }
}

test('keeps what is told, and says that something isn’t', () => {
  const sampler = new Sampler()
  sampler.take(1000, node({ general: told({ get_hits: 7, bytes: 9 }) }))
  const [sample] = sampler.samplesAfter(0)
  expect(sample?.values[SAMPLED.indexOf('get_hits')]).toBe(7)
  expect(sample?.values[SAMPLED.indexOf('cmd_set')]).toBeNull()
  expect(sample).not.toHaveProperty('latency')
  expect(sampler.samplesAfter(1000)).toEqual([])
})

test('is bounded to ten minutes', () => {
  const sampler = new Sampler()
  for (let second = 1; second <= 1000; second++) sampler.take(second * 1000, node({}))
  const samples = sampler.samplesAfter(0)
  expect(samples).toHaveLength(600)
  expect(samples[0]?.at).toBe(401_000)
  expect(sampler.samplesAfter(999_000)).toHaveLength(1)
})

test('latency and commands are of the time since, not since the start', () => {
  const sampler = new Sampler()
  const traffic = (bytes: number): Statistics =>
    told({ 'get:bytes_in': bytes, 'get:bytes_out': bytes * 2 })
  sampler.take(0, node({ latency: gets(1000), memshard: traffic(100) }))
  sampler.take(2000, node({ latency: gets(1200), memshard: traffic(300) }))
  expect(sampler.samplesAfter(0)[0]?.latency).toEqual({
    p50: 2,
    p99: 98.04,
    p999: expect.closeTo(99.804),
  })
  expect(sampler.commandSeconds).toBe(2)
  expect(sampler.commands()).toEqual([
    {
      name: 'get',
      perSecond: 100,
      bytesInPerSecond: 100,
      bytesOutPerSecond: 200,
      p50: 2,
      p90: 80.4,
      p99: 98.04,
      p999: expect.closeTo(99.804),
      max: 90,
    },
  ])
})

test('commands are over the last seconds alone', () => {
  const sampler = new Sampler()
  for (let second = 0; second <= 60; second++) {
    sampler.take(second * 1000, node({ latency: gets(second < 50 ? 0 : (second - 50) * 10) }))
  }
  expect(sampler.commandSeconds).toBe(10)
  expect(sampler.commands()[0]?.perSecond).toBe(10)
})

test('the age at eviction is that of the class which evicted most', () => {
  const sampler = new Sampler()
  const items = (one: number, two: number): Statistics =>
    told({
      'items:1:evicted': one,
      'items:1:evicted_time': 30,
      'items:2:evicted': two,
      'items:2:evicted_time': 500,
    })
  sampler.take(1000, node({ items: items(100, 100) }))
  sampler.take(2000, node({ items: items(101, 120) }))
  sampler.take(3000, node({ items: items(150, 121) }))
  sampler.take(4000, node({ items: items(150, 121) }))
  expect(sampler.samplesAfter(0).map(({ evictedAge }) => evictedAge)).toEqual([
    undefined,
    500,
    30,
    undefined,
  ])
})

import { describe, expect, test } from 'vitest'
import { latencyHistogram } from '../measure/latency.ts'
import { seriesOf } from './load-series.ts'
import { fixtureIntervals } from './run-fixture.ts'

const [USUAL] = fixtureIntervals({ requestsPerInterval: 1_000, missRatio: 0.25 })

describe('the columns of a run', () => {
  test('have a value for each interval, per second and in microseconds', () => {
    const latency = latencyHistogram()
    for (let value = 1; value <= 1_000; value++) latency.recordValue(value * 1_000)
    const half = { ...USUAL!, at: 1, seconds: 0.5, latency }
    const series = seriesOf([USUAL!, half])
    expect(series.at).toEqual([0, 1])
    expect(series.operationsPerSecond).toEqual([1_000, 2_000])
    expect(series.requestsPerSecond).toEqual([1_000, 2_000])
    expect(series.receivedBytesPerSecond).toEqual([126_000, 252_000])
    expect(series.hitRatio[0]).toBeCloseTo(0.75, 3)
    expect(series.p50[1]).toBeCloseTo(500, -1)
    expect(series.p999[1]).toBeCloseTo(999, -1)
    expect(series.max[1]).toBeCloseTo(1_000, -1)
    expect(series.serverLoad).toEqual([0.93, 0.93])
    expect(series.serverResidentBytes).toEqual([71e6, 71e6])
  })

  test('are null where there is nothing to tell', () => {
    const silent = {
      ...USUAL!,
      counts: {
        operations: [0, 3, 0, 0, 0, 0],
        requests: 0,
        misses: 0,
        errors: 2,
        bytesReceived: 0,
      },
      latency: latencyHistogram(),
      server: undefined,
    }
    expect(seriesOf([silent])).toMatchObject({
      hitRatio: [null],
      errors: [2],
      p50: [null],
      p99: [null],
      p999: [null],
      max: [null],
      serverLoad: [null],
      serverResidentBytes: [null],
    })
  })

  test('can be kept as JSON whatever happened', () => {
    const nothing = { ...USUAL!, seconds: 0, latency: latencyHistogram() }
    const series = seriesOf([nothing])
    expect(JSON.parse(JSON.stringify(series))).toEqual(series)
  })
})

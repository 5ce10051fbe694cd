import { describe, expect, test } from 'vitest'
import { Breaker } from './breaker.ts'

const options = { failures: 3, probeMin: 100, probeMax: 1000 }

describe('the breaker', () => {
  test('ejects at the given number of consecutive failures', () => {
    const breaker = new Breaker(options)
    expect(breaker.failed(1, 2)).toBe(false)
    expect(breaker.failed(3, 4)).toBe(false)
    expect(breaker.failed(5, 6)).toBe(true)
  })

  test('counts afresh after an answer', () => {
    const breaker = new Breaker(options)
    breaker.failed(1, 2)
    breaker.failed(3, 4)
    breaker.succeeded()
    expect(breaker.failed(5, 6)).toBe(false)
  })

  test('counts attempts that were under way together as one', () => {
    const breaker = new Breaker(options)
    for (let call = 0; call < 100; call++) expect(breaker.failed(call / 100, 10 + call)).toBe(false)
    expect(breaker.failed(11, 111)).toBe(false)
    expect(breaker.failed(112, 113)).toBe(true)
  })

  test('waits twice as long for each further probe, up to the most, with jitter', () => {
    const breaker = new Breaker(options)
    const delays = Array.from({ length: 6 }, () => breaker.nextProbeDelay(() => 0.5))
    expect(delays).toEqual([100, 200, 400, 800, 1000, 1000])
    expect(breaker.nextProbeDelay(() => 0)).toBe(500)
    expect(breaker.nextProbeDelay(() => 1)).toBe(1500)
    breaker.succeeded()
    expect(breaker.nextProbeDelay(() => 0.5)).toBe(100)
  })
})

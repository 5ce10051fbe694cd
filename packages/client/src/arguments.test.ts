import { describe, expect, test } from 'vitest'
import { expiry } from './arguments.ts'
import { ArgumentError } from './errors.ts'

const DAY = 86_400

describe('a time to live', () => {
  test('is in seconds, and fractions are rounded up so that nothing lives for ever by accident', () => {
    expect(expiry(0)).toBe(0)
    expect(expiry(60)).toBe(60)
    expect(expiry(0.2)).toBe(1)
    expect(expiry(30 * DAY)).toBe(30 * DAY)
  })

  test('beyond 30 days becomes the Unix time that memcached wants', () => {
    const before = Math.floor(Date.now() / 1000)
    const at = expiry(31 * DAY)
    expect(at).toBeGreaterThanOrEqual(before + 31 * DAY)
    expect(at).toBeLessThanOrEqual(before + 31 * DAY + 5)
  })

  test('may be a moment', () => {
    expect(expiry(new Date('2030-01-01T00:00:00Z'))).toBe(1893456000)
  })

  test('in the past means expired, not for ever', () => {
    expect(expiry(-5)).toBe(-1)
    expect(expiry(new Date(1000))).toBe(-1)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, '60', null, new Date('nonsense')])(
    'is refused when it is %s',
    (ttl) => {
      expect(() => expiry(ttl as number)).toThrow(ArgumentError)
    },
  )
})

import { describe, expect, test } from 'vitest'
import { shorter, shorterFlags } from './gutter.ts'

describe('a time to live in the gutter', () => {
  const now = 2_000_000_000

  test('is no longer than the gutter allows', () => {
    expect(shorter(undefined, 10, now)).toBe(10)
    expect(shorter(0, 10, now)).toBe(10)
    expect(shorter(300, 10, now)).toBe(10)
    expect(shorter(now + 300, 10, now)).toBe(10)
  })

  test('stays as it is when it is shorter', () => {
    expect(shorter(5, 10, now)).toBe(5)
    expect(shorter(-1, 10, now)).toBe(-1)
    expect(shorter(now + 5, 10, now)).toBe(now + 5)
    expect(shorter(now - 5, 10, now)).toBe(now - 5)
  })

  test('is the same in meta flags', () => {
    expect(shorterFlags('v N300 T5 Oabc', 10, false)).toBe('v N10 T5 Oabc')
    expect(shorterFlags('', 10, true)).toBe('T10')
    expect(shorterFlags('F3 T0', 10, true)).toBe('F3 T10')
  })
})

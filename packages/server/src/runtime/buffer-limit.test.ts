import { describe, expect, test } from 'vitest'
import { bufferLimit, maxWaitingAnswers } from './buffer-limit.ts'

const MIB = 1024 * 1024

describe('the share of each thread', () => {
  test.each([
    [0, 4, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    // memcached's own test: one block for the requests, one for the answers.
    [MIB, 32, 2 * 16_384, 13],
    [MIB, 4, 16 * 16_384, 15 * 13],
    // Never less than enough for a request and its answer.
    [MIB, 256, 16_384, 1],
  ])('%i bytes, %i threads', (readBufferLimitBytes, threads, bytes, answers) => {
    expect(bufferLimit({ readBufferLimitBytes, threads })).toBe(bytes)
    expect(maxWaitingAnswers({ readBufferLimitBytes, threads })).toBe(answers)
  })
})

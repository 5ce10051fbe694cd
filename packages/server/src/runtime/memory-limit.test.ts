import { expect, test } from 'vitest'
import { tooLittleMemory } from './memory-limit.ts'

const MIB = 1024 * 1024

test('who has no limit, or room enough, hears nothing', () => {
  expect(tooLittleMemory({ memoryLimitBytes: 1024 * MIB, threads: 4 }, 0)).toBeUndefined()
  expect(tooLittleMemory({ memoryLimitBytes: 1024 * MIB, threads: 4 }, 2048 * MIB)).toBeUndefined()
  // What stands for no limit in version 1 of control groups.
  expect(tooLittleMemory({ memoryLimitBytes: 1024 * MIB, threads: 4 }, 2 ** 63)).toBeUndefined()
})

test('who will be killed is told how much -m may be', () => {
  const told = tooLittleMemory({ memoryLimitBytes: 1024 * MIB, threads: 4 }, 1024 * MIB)
  expect(told).toContain('give -m 888 at most')
  expect(tooLittleMemory({ memoryLimitBytes: 888 * MIB, threads: 4 }, 1024 * MIB)).toBeUndefined()
  expect(tooLittleMemory({ memoryLimitBytes: 64 * MIB, threads: 4 }, 100 * MIB)).toMatch(
    /; raise the limit$/,
  )
})

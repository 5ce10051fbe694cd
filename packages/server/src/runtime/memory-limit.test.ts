import { expect, test } from 'vitest'
import { tooLittleMemory } from './memory-limit.ts'

const MIB = 1024 * 1024

test('who has no limit, or room enough, hears nothing', () => {
  expect(
    tooLittleMemory({ memoryLimitBytes: 1024 * MIB, threads: 4, fileInMemory: false }, 0),
  ).toBeUndefined()
  expect(
    tooLittleMemory({ memoryLimitBytes: 1024 * MIB, threads: 4, fileInMemory: false }, 2048 * MIB),
  ).toBeUndefined()
  // What stands for no limit in version 1 of control groups.
  expect(
    tooLittleMemory({ memoryLimitBytes: 1024 * MIB, threads: 4, fileInMemory: false }, 2 ** 63),
  ).toBeUndefined()
})

test('who will be killed is told how much -m may be', () => {
  const told = tooLittleMemory(
    { memoryLimitBytes: 1024 * MIB, threads: 4, fileInMemory: false },
    1024 * MIB,
  )
  expect(told).toContain('give -m 888 at most')
  expect(
    tooLittleMemory({ memoryLimitBytes: 888 * MIB, threads: 4, fileInMemory: false }, 1024 * MIB),
  ).toBeUndefined()
  expect(
    tooLittleMemory({ memoryLimitBytes: 64 * MIB, threads: 4, fileInMemory: false }, 100 * MIB),
  ).toMatch(/; raise the limit$/)
})

test('a memory file on a ram disk is counted with the pages that classes may have beyond -m', () => {
  const needs = { memoryLimitBytes: 64 * MIB, threads: 4, fileInMemory: true }
  expect(tooLittleMemory(needs, 256 * MIB)).toContain('a memory file on a ram disk')
  expect(tooLittleMemory(needs, 256 * MIB)).toContain('give -m 55 at most')
  expect(tooLittleMemory(needs, 265 * MIB)).toBeUndefined()
  expect(tooLittleMemory({ ...needs, fileInMemory: false }, 256 * MIB)).toBeUndefined()
})

import { expect, test } from 'vitest'
import { parseStatistics } from './statistics.ts'

test('the answer to stats is a version and numbers', () => {
  const { version, numbers } = parseStatistics(
    'STAT pid 42\r\nSTAT version 1.6.18\r\nSTAT libevent 2.1.12-stable\r\nSTAT rusage_user 0.5\r\nEND\r\n',
  )
  expect(version).toBe('1.6.18')
  expect([...numbers]).toEqual([
    ['pid', 42],
    ['rusage_user', 0.5],
  ])
})

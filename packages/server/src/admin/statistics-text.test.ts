import { expect, test } from 'vitest'
import { byId, bySlabClass, numberOf, parseStatistics } from './statistics-text.ts'

test('lines of a report by name, whatever their values are', () => {
  const told = parseStatistics(
    'STAT pid 12\r\nSTAT version 1.6.45\r\nSTAT inter a b\r\nSTAT empty \r\nEND\r\n',
  )
  expect([...told]).toEqual([
    ['pid', '12'],
    ['version', '1.6.45'],
    ['inter', 'a b'],
    ['empty', ''],
  ])
})

test.each(['ERROR\r\n', 'CLIENT_ERROR no\r\n', 'END\r\n', '', 'RESET\r\n'])(
  'no report: %j',
  (text) => {
    expect(parseStatistics(text).size).toBe(0)
  },
)

test('a number is one, and nothing else is', () => {
  const told = parseStatistics(
    'STAT a 1\r\nSTAT b 1.5\r\nSTAT c 1.6.45\r\nSTAT d yes\r\nSTAT e -1\r\nEND\r\n',
  )
  expect(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => numberOf(told, name))).toEqual([
    1,
    1.5,
    undefined,
    undefined,
    -1,
    undefined,
  ])
})

test('what is told of each class, each command, each connection', () => {
  const told = parseStatistics(
    'STAT 1:chunk_size 96\r\nSTAT 1:pages 2\r\nSTAT 12:pages 1\r\nSTAT active_slabs 2\r\nEND\r\n',
  )
  expect([...bySlabClass(told).keys()]).toEqual(['1', '12'])
  expect(bySlabClass(told).get('1')?.get('pages')).toBe('2')
  const items = parseStatistics('STAT items:3:number 7\r\nEND\r\n')
  expect(bySlabClass(items, 'items:').get('3')?.get('number')).toBe('7')
  const latency = parseStatistics('STAT get:count 3\r\nSTAT set:count 1\r\nEND\r\n')
  expect([...byId(latency).keys()]).toEqual(['get', 'set'])
  expect(bySlabClass(latency).size).toBe(0)
})

import { expect, test } from 'vitest'
import {
  bar,
  bytesText,
  countText,
  fitted,
  microsecondsText,
  secondsText,
  sparkline,
} from './figures.ts'

test.each([
  [0, '0'],
  [7.25, '7.25'],
  [950, '950'],
  [999.7, '1.00k'],
  [12_345, '12.3k'],
  [4_560_000, '4.56M'],
  [undefined, '-'],
])('the count %s is %s', (count, text) => {
  expect(countText(count)).toBe(text)
})

test('bytes, times and latencies have the unit that suits them', () => {
  expect([0, 512, 1024, 2 ** 26].map(bytesText)).toEqual(['0B', '512B', '1.00K', '64.0M'])
  expect([5, 200, 18_600, 1_051_200].map(secondsText)).toEqual(['5s', '3m20s', '5h10m', '12d4h'])
  expect([66.9, 999.9, 1500, 2e6].map(microsecondsText)).toEqual(['67µs', '1.0ms', '1.5ms', '2.0s'])
})

test('a sparkline has the newest figures to the right, the largest of them as a full block', () => {
  expect(sparkline([100, 0, 4, 8], 3)).toBe('▁▄█')
  expect(sparkline([8], 3)).toBe('  █')
  expect(sparkline([0.5], 1, 1)).toBe('▄')
  expect(sparkline([0, 0], 2)).toBe('▁▁')
})

test('bars and cells are exactly as wide as they must be', () => {
  expect(bar(0.5, 4)).toBe('██░░')
  expect(bar(7, 2)).toBe('██')
  expect(fitted('abcdef', 4)).toBe('abc…')
  expect(fitted('7', 3, true)).toBe('  7')
})

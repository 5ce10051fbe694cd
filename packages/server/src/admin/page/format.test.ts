import { expect, test } from 'vitest'
import { bytes, count, duration, microseconds, percent } from './format.ts'

test.each([
  [count, 0, '0'],
  [count, 7, '7'],
  [count, 7.25, '7.25'],
  [count, 1234.4, '1,234'],
  [count, 12_345, '12.3 k'],
  [count, 4_560_000, '4.56 M'],
  [count, null, '–'],
  [bytes, 512, '512 B'],
  [bytes, 1536, '1.5 KiB'],
  [bytes, 64 * 2 ** 20, '64 MiB'],
  [bytes, undefined, '–'],
  [percent, 0.9423, '94.2 %'],
  [percent, 1, '100 %'],
  [percent, 0.99991, '99.99 %'],
  [microseconds, 0.25, '250 ns'],
  [microseconds, 83.14, '83.1 µs'],
  [microseconds, 4560, '4.56 ms'],
  [microseconds, 1.2e6, '1.2 s'],
  [duration, 45, '45 s'],
  [duration, 600, '10 min'],
  [duration, 12_000, '3 h 20 min'],
  [duration, 439_200, '5 d 2 h'],
  [duration, Number.NaN, '–'],
] as const)('%o of %s is %s', (format, value, text) => {
  expect(format(value)).toBe(text)
})

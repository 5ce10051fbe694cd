import { expect, test } from 'vitest'
import { ArrivingBytes } from './arriving-bytes.ts'

const MIB = 1024 * 1024

test('what comes in pieces is there as a whole, and what follows it is left', () => {
  const whole = Buffer.alloc(9 * MIB + 3, 'a value of some length ')
  const arriving = new ArrivingBytes(whole.length)
  const chunk = Buffer.concat([whole, Buffer.from('the next')])
  let at = 0
  for (const to of [1, MIB, 4 * MIB + 1, 5 * MIB, chunk.length]) at = arriving.take(chunk, at, to)
  expect(at).toBe(whole.length)
  expect(arriving.missing).toBe(0)
  expect(arriving.bytes.equals(whole)).toBe(true)
})

test('memory is taken for what has come, not for what was announced', () => {
  const arriving = new ArrivingBytes(1024 * MIB)
  const chunk = Buffer.alloc(MIB)
  arriving.take(chunk, 0, 1)
  expect(arriving.bytes.buffer.byteLength).toBeLessThanOrEqual(4 * MIB)
  for (let i = 0; i < 20; i++) arriving.take(chunk, 0, chunk.length)
  expect(arriving.bytes.buffer.byteLength).toBeLessThanOrEqual(40 * MIB)
  expect(arriving.missing).toBe(1024 * MIB - 1 - 20 * MIB)
})

test('a value that is announced rightly has no memory to spare', () => {
  for (const length of [1, 4 * MIB, 4 * MIB + 1, 13 * MIB]) {
    const arriving = new ArrivingBytes(length)
    const chunk = Buffer.alloc(64 * 1024)
    while (arriving.missing > 0) arriving.take(chunk, 0, chunk.length)
    expect(arriving.bytes.buffer.byteLength).toBe(length)
  }
})

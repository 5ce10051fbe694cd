import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fillerStart, matchFiller, writeFiller } from './value-filler.ts'

function filler(start: number, length: number, at = 0): Uint8Array {
  const bytes = new Uint8Array(at + length)
  writeFiller(start, { bytes, view: new DataView(bytes.buffer) }, at, length)
  return bytes.subarray(at)
}

test('fillers are printable, and differ by key and version', () => {
  const text = Buffer.from(filler(fillerStart(1, 0), 1_000)).toString('latin1')
  expect(text).toMatch(/^[!-~]{1000}$/)
  const starts = new Set<number>()
  for (let key = 0; key < 20; key++) {
    for (let version = 0; version < 20; version++) starts.add(fillerStart(key, version))
  }
  expect(starts.size).toBeGreaterThan(395)
})

test('a filler is the same wherever it is written, whatever its length', () => {
  const start = fillerStart(5, 0)
  const long = filler(start, 600_000)
  for (const length of [0, 1, 7, 8, 9, 300_000]) {
    for (const at of [0, 1, 5]) {
      expect(Buffer.compare(filler(start, length, at), long.subarray(0, length))).toBe(0)
    }
  }
})

test('any part of a filler matches, up to the first byte that is wrong', () => {
  const start = fillerStart(6, 1)
  const all = filler(start, 600_000)
  const part = fc.record({
    from: fc.nat(599_000),
    length: fc.oneof(fc.nat(40), fc.nat(1_000), fc.constant(600_000)),
    wrong: fc.option(fc.nat(1_000)),
    bits: fc.integer({ min: 1, max: 255 }),
  })
  fc.assert(
    fc.property(part, ({ from, length, wrong, bits }) => {
      const bytes = Uint8Array.from(all.subarray(from, from + length))
      const isWrong = wrong !== null && wrong < bytes.length
      if (isWrong) bytes[wrong]! ^= bits
      const matched = matchFiller(start, from, new DataView(bytes.buffer), 0, bytes.length)
      expect(matched).toBe(isWrong ? wrong : bytes.length)
    }),
    { seed: 5, numRuns: 200 },
  )
})

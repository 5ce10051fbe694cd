import { expect, test } from 'vitest'
import { DrawnOperations } from './drawn-operations.ts'
import { SyntheticKeys } from './key-space.ts'
import { describeMix, parseMix } from './mix.ts'
import { operation } from './operation.ts'
import { describePopularity, parsePopularity } from './popularity.ts'
import { PRESETS } from './presets.ts'
import { describeSizes, largestSize, meanSize, parseSizes } from './sizes.ts'

test('every preset has a name of its own', () => {
  const names = PRESETS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of ['etc', 'usr', 'session-store', 'page-fragments', 'write-heavy']) {
    expect(names).toContain(name)
  }
})

test.each(PRESETS)('$name can be written as flags', (preset) => {
  expect(parseMix(describeMix(preset.mix))).toEqual(preset.mix)
  expect(parsePopularity(describePopularity(preset.popularity))).toEqual(preset.popularity)
  expect(parseSizes(describeSizes(preset.keyBytes), 'key')).toEqual(preset.keyBytes)
  expect(parseSizes(describeSizes(preset.valueBytes), 'value')).toEqual(preset.valueBytes)
  expect(parseSizes(describeSizes(preset.ttl), 'ttl')).toEqual(preset.ttl)
})

test.each(PRESETS)('$name can be drawn, and fits into a server', (preset) => {
  const keys = new SyntheticKeys(preset.keys, preset.keyBytes)
  expect(keys.longest).toBeLessThanOrEqual(250)
  expect(largestSize(preset.valueBytes)).toBeLessThan(1024 * 1024)
  expect(meanSize(preset.valueBytes) * preset.keys).toBeLessThan(1e9)
  const source = new DrawnOperations(preset, { seed: 1, operations: 1_000 })
  const next = operation()
  const keysDrawn: number[] = []
  while (source.next(next)) keysDrawn.push(next.key)
  expect(keysDrawn).toHaveLength(1_000)
  expect(Math.max(...keysDrawn)).toBeLessThan(preset.keys)
})

import { describe, expect, test } from 'vitest'
import { DrawnOperations, type LoadShape } from './drawn-operations.ts'
import { OPERATIONS, type Operation, operation, SET } from './operation.ts'

const SHAPE: LoadShape = {
  mix: { get: 70, set: 20, delete: 5, touch: 5 },
  keys: 1_000,
  popularity: { kind: 'zipf', exponent: 0.9 },
  valueBytes: { kind: 'range', min: 10, max: 1_000 },
  ttl: { kind: 'range', min: 60, max: 120 },
}

function draw(shape: LoadShape, operations: number, seed = 1): Operation[] {
  const source = new DrawnOperations(shape, { seed, operations })
  const drawn: Operation[] = []
  const next = operation()
  while (source.next(next)) drawn.push({ ...next })
  return drawn
}

test('the same seed draws the same operations, another one others', () => {
  expect(draw(SHAPE, 100)).toEqual(draw(SHAPE, 100))
  expect(draw(SHAPE, 100)).not.toEqual(draw(SHAPE, 100, 2))
})

test('they end after as many as were asked for, or never', () => {
  expect(draw(SHAPE, 17)).toHaveLength(17)
  expect(draw(SHAPE, 0)).toHaveLength(0)
  const endless = new DrawnOperations(SHAPE, { seed: 1 })
  const next = operation()
  const goesOn = Array.from({ length: 10_000 }, () => endless.next(next))
  expect(goesOn).not.toContain(false)
})

describe('operations', () => {
  const drawn = draw(SHAPE, 50_000)

  test('have their shares, and no others occur', () => {
    const shares = OPERATIONS.map(
      (_, kind) => drawn.filter((each) => each.kind === kind).length / drawn.length,
    )
    const expected = OPERATIONS.map((name) => (SHAPE.mix[name] ?? 0) / 100)
    for (const [kind, share] of shares.entries()) {
      if (expected[kind] === 0) expect(share).toBe(0)
      else expect(share).toBeCloseTo(expected[kind]!, 2)
    }
  })

  test('are of keys that there are, popular ones more often', () => {
    const counts = new Array<number>(SHAPE.keys).fill(0)
    for (const { key } of drawn) counts[key]!++
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(drawn.length)
    expect(Math.max(...counts)).toBeGreaterThan(drawn.length / 20)
  })

  test('have the size of their key, and a time to live of their own', () => {
    const sizeOf = new Map(drawn.map(({ key, valueBytes }) => [key, valueBytes]))
    expect(drawn.every(({ key, valueBytes }) => valueBytes === sizeOf.get(key))).toBe(true)
    expect(new Set(drawn.map(({ ttl }) => ttl)).size).toBe(61)
    const sizes = [...sizeOf.values()]
    expect(new Set(sizes).size).toBeGreaterThan(500)
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(10)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000)
  })
})

test('a mix of one kind is only that', () => {
  const drawn = draw({ ...SHAPE, mix: { set: 3 } }, 1_000)
  expect(drawn.every(({ kind }) => kind === SET)).toBe(true)
})

test('sizes that are constant are', () => {
  const [first] = draw({ ...SHAPE, valueBytes: 100, ttl: 0 }, 1)
  expect(first).toMatchObject({ valueBytes: 100, ttl: 0 })
})

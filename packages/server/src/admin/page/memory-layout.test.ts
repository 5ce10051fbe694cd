import { array, assert, integer, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import type { Memory, SlabClass } from '../page-data.ts'
import { layOut } from './memory-layout.ts'

const MIB = 2 ** 20

function slab(given: Partial<SlabClass>): SlabClass {
  return {
    id: 1,
    chunkBytes: 1024,
    pages: 1,
    usedChunks: 512,
    freeChunks: 512,
    items: 512,
    requestedBytes: 256 * 1024,
    hot: 0,
    warm: 0,
    cold: 512,
    temporary: 0,
    evicted: 0,
    evictedAge: 0,
    oldestAge: 0,
    hits: 0,
    sets: 0,
    outOfMemory: 0,
    ...given,
  }
}

function memory(classes: readonly SlabClass[], given: Partial<Memory> = {}): Memory {
  return { limitBytes: 8 * MIB, pageBytes: MIB, poolPages: 0, classes, moves: [], ...given }
}

test('a class is as wide as its pages, and as full as its chunks', () => {
  const { columns, pool, unused, lostBytes } = layOut(
    memory([slab({}), slab({ id: 2, pages: 3 })], { poolPages: 2 }),
  )
  expect(columns.map(({ x, width }) => [x, width])).toEqual([
    [0, 1 / 8],
    [1 / 8, 3 / 8],
  ])
  expect(columns[0]).toMatchObject({ requested: 0.25, lost: 0.25, free: 0.5 })
  expect(pool).toEqual({ x: 0.5, width: 0.25 })
  expect(unused).toEqual({ x: 0.75, width: 0.25 })
  expect(lostBytes).toBe(MIB)
})

test('nothing is outside of the picture, whatever is told', () => {
  const anySlab = record({
    pages: integer({ min: 0, max: 50 }),
    usedChunks: integer({ min: 0, max: 1000 }),
    freeChunks: integer({ min: 0, max: 1000 }),
    chunkBytes: integer({ min: 0, max: MIB }),
    requestedBytes: integer({ min: 0, max: 100 * MIB }),
  })
  assert(
    property(array(anySlab), integer({ min: 0, max: 64 }), (classes, poolPages) => {
      const { columns, unused, pool } = layOut(
        memory(
          classes.map((given, id) => slab({ ...given, id })),
          { poolPages },
        ),
      )
      for (const { requested, lost, free, x, width } of columns) {
        expect(requested + lost + free).toBeCloseTo(1)
        for (const part of [requested, lost, free]) expect(part).toBeGreaterThanOrEqual(0)
        expect(x + width).toBeLessThanOrEqual(1 + 1e-9)
      }
      expect(unused.width).toBeGreaterThanOrEqual(0)
      expect(pool.x + pool.width + unused.width).toBeCloseTo(1)
    }),
  )
})

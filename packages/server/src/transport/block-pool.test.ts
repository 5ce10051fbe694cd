import { beforeAll, describe, expect, test } from 'vitest'
import { useNativeMemory } from '../cache/memory.ts'
import { BlockPool } from './block-pool.ts'
import { hasSystemCalls, loadSystemCalls } from './system-calls.ts'

const SIZE = 16 * 1024

describe.skipIf(!hasSystemCalls())('blocks for those who need them for long', () => {
  beforeAll(() => useNativeMemory(loadSystemCalls()))

  test('as many as may keep their memory; that of the others is the system’s again', () => {
    const pool = new BlockPool(SIZE, 10)
    const blocks = Array.from({ length: 200 }, () => pool.take())
    for (const { bytes } of blocks) bytes.fill(7)
    for (const block of blocks) pool.give(block)
    const again = Array.from({ length: 200 }, () => pool.take())
    expect(new Set(again)).toEqual(new Set(blocks))
    const isEmpty = again.map(({ bytes }) => bytes.every((byte) => byte === 0))
    const isFull = again.map(({ bytes }) => bytes.every((byte) => byte === 7))
    // What was given back reads as zeros, whole: no block shares a memory page with another.
    expect(isEmpty.filter(Boolean)).toHaveLength(190)
    expect(isFull.filter(Boolean)).toHaveLength(10)
  })

  test('none overlaps another', () => {
    const pool = new BlockPool(SIZE, 0)
    const addresses = Array.from({ length: 200 }, () => pool.take().address).sort((a, b) => a - b)
    for (const [i, address] of addresses.entries()) {
      expect(address - (addresses[i - 1] ?? 0)).toBeGreaterThanOrEqual(SIZE)
    }
  })

  test('one larger than a region has one of its own', () => {
    const pool = new BlockPool(4 * 1024 * 1024, 0)
    const block = pool.take()
    block.bytes.fill(7)
    pool.give(block)
    expect(pool.take()).toBe(block)
    expect(block.bytes.every((byte) => byte === 0)).toBe(true)
  })
})

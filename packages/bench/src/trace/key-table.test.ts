import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KEY_BYTES_MAX } from '../workload/workload.ts'
import { KeyTable } from './key-table.ts'

function intern(table: KeyTable, text: string, wireBytes?: number): number {
  // Not at the beginning of the buffer, and not up to its end.
  const bytes = Buffer.from(`,${text},`)
  return table.intern(bytes, 1, bytes.length - 1, wireBytes)
}

function wireText(table: KeyTable, key: number): string {
  const to = Buffer.alloc(table.longest + 10, 'x')
  const end = table.write(key, to, 3)
  return to.toString('utf8', 3, end)
}

describe('numbers', () => {
  test('are those of a Map that counts up', () => {
    const keys = fc.array(fc.stringMatching(/^[!-}]{1,9}$/), { maxLength: 3_000 })
    fc.assert(
      fc.property(keys, (keys) => {
        const table = new KeyTable()
        const numbers = new Map<string, number>()
        for (const key of keys) {
          const number = numbers.get(key) ?? numbers.size
          numbers.set(key, number)
          expect(intern(table, key)).toBe(number)
        }
        expect(table.size).toBe(numbers.size)
        for (const [key, number] of numbers) expect(wireText(table, number)).toBe(key)
      }),
      { numRuns: 30 },
    )
  })

  test('stay the same while the table grows', () => {
    const table = new KeyTable()
    const count = 200_000
    for (let key = 0; key < count; key++) intern(table, `user:${key * 7919}`)
    for (let key = 0; key < count; key += 101) {
      expect(intern(table, `user:${key * 7919}`)).toBe(key)
      expect(wireText(table, key)).toBe(`user:${key * 7919}`)
    }
    expect(table.size).toBe(count)
  })

  test('there are no more of than are allowed', () => {
    const table = new KeyTable(2)
    intern(table, 'one')
    intern(table, 'two')
    expect(intern(table, 'one')).toBe(0)
    expect(() => intern(table, 'three')).toThrow(/more than 2 different keys: play a sample/)
  })
})

describe('on the wire', () => {
  test('a key is as long as the one it stands for', () => {
    const table = new KeyTable()
    expect(wireText(table, intern(table, 'abc', 8))).toBe('abc~~~~~')
    expect(wireText(table, intern(table, 'longer', 3))).toBe('longer')
    expect(wireText(table, intern(table, 'huge', 100_000))).toHaveLength(KEY_BYTES_MAX)
  })

  test('no two keys are the same, though they are filled up', () => {
    const table = new KeyTable()
    const texts = ['a', 'a~', 'a~~'].map((key) => wireText(table, intern(table, key, 3)))
    expect(new Set(texts).size).toBe(3)
    expect(table.size).toBe(3)
  })

  test('a hash stands for a key that no server takes, always the same', () => {
    const table = new KeyTable()
    const spaced = intern(table, 'two words')
    const long = intern(table, 'x'.repeat(300))
    expect(intern(table, 'two words')).toBe(spaced)
    expect(intern(table, 'x'.repeat(300))).toBe(long)
    expect(intern(table, 'x'.repeat(301))).not.toBe(long)
    expect(wireText(table, spaced)).toMatch(/^[0-9a-f]{32}$/)
    expect(wireText(table, long)).toMatch(/^[0-9a-f]{32}~+$/)
    expect(wireText(table, long)).toHaveLength(KEY_BYTES_MAX)
    expect(table.replaced).toBe(3)
  })

  test('the longest key that a server takes is left as it is', () => {
    const table = new KeyTable()
    const key = 'k'.repeat(KEY_BYTES_MAX)
    expect(wireText(table, intern(table, key))).toBe(key)
    expect(wireText(table, intern(table, 'ключ'))).toBe('ключ')
    expect(table.replaced).toBe(0)
  })
})

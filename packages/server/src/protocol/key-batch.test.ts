// Batches hold the keys that stand in the input, with the hashes they have, wherever a block ends.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cache } from '../cache/cache.ts'
import { makeCacheOptions } from '../cache/cache-fixture.ts'
import { allocateCacheMemory } from '../cache/cache-memory.ts'
import { hashKey } from '../cache/hash.ts'
import { MemoryBlock } from '../cache/memory.ts'
import { KeyBatch } from './key-batch.ts'

const options = makeCacheOptions()
const cache = new Cache(allocateCacheMemory(options), options)

/** No byte more than the text. */
function blockOf(text: string): MemoryBlock {
  const bytes = Buffer.from(text, 'latin1')
  const block = new MemoryBlock(new ArrayBuffer(bytes.length))
  block.bytes.set(bytes)
  return block
}

function hashOf(key: string): number {
  return hashKey(blockOf(key), 0, key.length)
}

/** The keys of a batch; throws if one has the wrong hash. */
function keysOf(batch: KeyBatch, text: string): string[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const key = text.slice(batch.start[i], batch.end[i])
    expect(batch.hash[i]).toBe(hashOf(key))
    return key
  })
}

const plainKey = fc.string({
  unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 250,
})
const plainKeys = fc.array(plainKey, { minLength: 1, maxLength: 16 })

describe('plain gets', () => {
  const taken = (text: string, end = text.length, most = 100): string[] => {
    const batch = new KeyBatch(cache)
    batch.takeGets(blockOf(text), 0, end, most)
    return keysOf(batch, text)
  }

  test('are taken while they follow one another, up to the end of the block', () => {
    const property = fc.property(
      plainKeys,
      fc.constantFrom('', ' ', 'set', 'get a'),
      (keys, rest) => {
        const lines = keys.map((key) => `get ${key}\r\n`).join('')
        const all = taken(lines + rest)
        // The last one is left to others if the block ends too soon after it.
        expect(keys.slice(0, all.length)).toEqual(all)
        expect(all.length).toBeGreaterThanOrEqual(keys.length - 1)
        expect(taken(`${lines}${rest}    `)).toEqual(keys)
      },
    )
    fc.assert(property)
  })

  test('at most so many as are asked for, and 16', () => {
    expect(taken('get a\r\n'.repeat(20), undefined, 3)).toHaveLength(3)
    expect(taken('get a\r\n'.repeat(20))).toHaveLength(16)
  })

  test.for([
    ['more than one key', 'get a b\r\n'],
    ['no CR', 'get a\nget b\r\n'],
    ['CR in the key', 'get a\rb\r\n'],
    ['a control character in the key', 'get a\tb\r\n'],
    ['two spaces', 'get  a\r\n'],
    ['no key', 'get \r\nget a\r\n'],
    ['a long key', `get ${'a'.repeat(251)}\r\n`],
    ['another command', 'gets a\r\n'],
  ])('none with %s', ([, line]) => {
    expect(taken(`${line}    `)).toEqual([])
  })

  test('none whose line has not come to its end', () => {
    const text = 'get abc\r\nget def\r\n    '
    for (let end = 9; end < 18; end++) expect(taken(text, end)).toEqual(['abc'])
  })
})

describe('lists', () => {
  const taken = (text: string): string[] => {
    const batch = new KeyBatch(cache)
    batch.takeList(blockOf(text), 0, text.length)
    return keysOf(batch, text)
  }

  test('are taken key by key, whatever the keys are made of and whatever follows', () => {
    const anyKey = fc.string({
      unit: fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 250,
    })
    const keys = fc.array(
      anyKey.map((key) => key.replaceAll(' ', 'x')),
      { minLength: 1, maxLength: 16 },
    )
    fc.assert(
      fc.property(keys, fc.constantFrom(' ', '  '), (some, between) => {
        expect(taken(some.join(between))).toEqual(some)
      }),
    )
  })

  test('end where a key is too long', () => {
    expect(taken(`a b ${'c'.repeat(251)} d`)).toEqual(['a', 'b'])
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockOf } from './cache-fixture.ts'
import {
  MAX_PREFIXES,
  PREFIX_DELETES,
  PREFIX_GETS,
  PREFIX_HITS,
  PREFIX_SETS,
  PREFIX_STATISTICS_BYTES,
  PrefixStatistics,
} from './prefix-statistics.ts'

function makePrefixes(delimiter = ':'): PrefixStatistics {
  return new PrefixStatistics(new SharedArrayBuffer(PREFIX_STATISTICS_BYTES), {
    prefixDelimiter: delimiter.charCodeAt(0),
    prefixStatisticsEnabled: true,
  })
}

function get(prefixes: PrefixStatistics, key: string, hit: boolean): void {
  prefixes.countGet(blockOf(key), 0, key.length, hit)
}

function countSet(prefixes: PrefixStatistics, key: string): void {
  prefixes.countSet(blockOf(key), 0, key.length)
}

function* all(prefixes: PrefixStatistics): Generator<number> {
  for (let prefix = prefixes.next(0); prefix !== 0; prefix = prefixes.next(prefix)) yield prefix
}

const names = (prefixes: PrefixStatistics): string[] =>
  [...all(prefixes)].map((prefix) => prefixes.text(prefix))

test('counts by what is before the delimiter, as a simple model does', () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', ':', '\0', '\xff'), maxLength: 8 })
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat(3)), { maxLength: 200 }), (requests) => {
      const prefixes = makePrefixes()
      const model = new Map<string, number[]>()
      for (const [key, what] of requests) {
        const block = blockOf(key)
        if (what === 0) prefixes.countGet(block, 0, key.length, false)
        else if (what === 1) prefixes.countGet(block, 0, key.length, true)
        else if (what === 2) prefixes.countSet(block, 0, key.length)
        else prefixes.countDelete(block, 0, key.length)
        const end = key.indexOf(':')
        if (end < 0 || key.slice(0, end).includes('\0')) continue
        const counts = model.get(key.slice(0, end)) ?? [0, 0, 0, 0]
        if (what <= 1) counts[PREFIX_GETS]++
        if (what === 1) counts[PREFIX_HITS]++
        if (what === 2) counts[PREFIX_SETS]++
        if (what === 3) counts[PREFIX_DELETES]++
        model.set(key.slice(0, end), counts)
      }
      const counted = [...all(prefixes)].map(
        (prefix) =>
          [prefixes.text(prefix), [0, 1, 2, 3].map((c) => prefixes.counter(prefix, c))] as const,
      )
      expect(new Map(counted)).toEqual(model)
      expect(counted.length).toBe(model.size)
    }),
  )
})

describe('the prefixes', () => {
  test('end at the delimiter that -D gives', () => {
    const prefixes = makePrefixes('/')
    get(prefixes, 'a:b/c', true)
    get(prefixes, 'a:b', true)
    expect(names(prefixes)).toEqual(['a:b'])
  })

  test('are forgotten on request, and counted from nothing after that', () => {
    const prefixes = makePrefixes()
    get(prefixes, 'a:1', true)
    const { generation } = prefixes
    prefixes.clear()
    expect(prefixes.generation).not.toBe(generation)
    expect(names(prefixes)).toEqual([])
    get(prefixes, 'b:1', false)
    get(prefixes, 'a:1', false)
    expect([...all(prefixes)].map((prefix) => prefixes.counter(prefix, PREFIX_HITS))).toEqual([
      0, 0,
    ])
  })

  test('are bounded in number: further ones are not counted', () => {
    const prefixes = makePrefixes()
    for (let n = 0; n < MAX_PREFIXES + 100; n++) countSet(prefixes, `${n}:x`)
    countSet(prefixes, '0:again')
    const counted = [...all(prefixes)]
    expect(counted.length).toBe(MAX_PREFIXES)
    expect(counted.reduce((sum, p) => sum + prefixes.counter(p, PREFIX_SETS), 0)).toBe(
      MAX_PREFIXES + 1,
    )
  })

  test('may be as long as a key', () => {
    const prefixes = makePrefixes()
    const longest = 'x'.repeat(249)
    countSet(prefixes, `${longest}:`)
    countSet(prefixes, 'x'.repeat(250))
    expect(names(prefixes)).toEqual([longest])
  })
})

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyHash } from './key-hash.ts'
import { Ring, type RingNode } from './ring.ts'

interface Routing {
  readonly keys: readonly string[]
  readonly sets: Readonly<
    Record<
      string,
      {
        readonly servers: readonly { host: string; port: number; weight?: number }[]
        readonly map: Readonly<Record<string, readonly number[]>>
      }
    >
  >
}

function vectors<T>(file: string): T {
  return JSON.parse(
    readFileSync(new URL(`../../../../test/vectors/${file}`, import.meta.url), 'utf8'),
  ) as T
}

const routing = vectors<Routing>('libmemcached-1.1.4-routing.json')
const hashkit = vectors<{ md5: Record<string, number> }>('libhashkit-1.1.4.json')

const nameOf = (server: { host: string; port: number }): string =>
  server.port === 11211 ? server.host : `${server.host}:${server.port}`

const nodes = (count: number, weight = (_: number) => 1): RingNode[] =>
  Array.from({ length: count }, (_, i) => ({ name: `cache-${i}.internal`, weight: weight(i) }))

const someKeys = (count: number): string[] => Array.from({ length: count }, (_, i) => `user:${i}`)

describe('the hash of a key', () => {
  test.each(Object.entries(hashkit.md5))('is libhashkit’s for %s', (key, hash) => {
    expect(keyHash(key)).toBe(hash)
  })

  test('is the first word of MD5, whatever the key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 250 }), (key) => {
        expect(keyHash(key)).toBe(createHash('md5').update(key).digest().readUInt32LE(0))
      }),
      { numRuns: 500 },
    )
  })

  test('is right at every length around MD5’s block size', () => {
    for (let length = 0; length <= 250; length++) {
      const key = 'k'.repeat(length)
      expect(keyHash(key)).toBe(createHash('md5').update(key).digest().readUInt32LE(0))
    }
  })
})

describe('the libmemcached layout', () => {
  test.each(Object.entries(routing.sets))('places every key as libmemcached: %s', (_, set) => {
    const ring = new Ring(
      set.servers.map((server) => ({ name: nameOf(server), weight: server.weight || 1 })),
      'libmemcached',
    )
    expect(routing.keys.map((key) => ring.locate(keyHash(key)))).toEqual(set.map.ketama_weighted)
  })

  test('has libmemcached’s points for known nodes', () => {
    const ring = new Ring(
      [
        { name: '10.0.1.1', weight: 1 },
        { name: '10.0.1.3:11212', weight: 1 },
      ],
      'libmemcached',
    )
    for (const point of [2383802539, 488362977, 2185284489, 383925769]) {
      expect(ring.locate(point)).toBe(0)
    }
    for (const point of [2898440071, 2575809971, 2251725837, 4294440920]) {
      expect(ring.locate(point)).toBe(1)
    }
  })

  test('rounds as 32-bit floats do: 156 points each for 47 nodes', () => {
    expect(new Ring(nodes(47), 'libmemcached').pointCounts()).toEqual(Array(47).fill(156))
    expect(new Ring(nodes(7), 'libmemcached').pointCounts()).toEqual(Array(7).fill(160))
  })
})

describe('the fixed layout', () => {
  test('gives 160 points per unit of weight', () => {
    const ring = new Ring(
      nodes(4, (i) => [1, 2, 0.5, 10][i]!),
      'fixed',
    )
    expect(ring.pointCounts()).toEqual([160, 320, 80, 1600])
  })

  test('equals libmemcached’s when the weights are equal', () => {
    for (const count of [1, 2, 3, 5, 7, 8, 14, 20, 28, 49]) {
      const fixed = new Ring(nodes(count), 'fixed')
      const libmemcached = new Ring(nodes(count), 'libmemcached')
      for (const key of someKeys(500)) {
        expect(fixed.locate(keyHash(key))).toBe(libmemcached.locate(keyHash(key)))
      }
    }
  })

  test('moves only the keys of the node that leaves', () => {
    const weights = fc.array(fc.constantFrom(0.5, 1, 2, 3), { minLength: 2, maxLength: 9 })
    fc.assert(
      fc.property(weights, fc.nat(), (list, pick) => {
        const before = nodes(list.length, (i) => list[i]!)
        const leaving = before[pick % before.length]!
        const after = before.filter((node) => node !== leaving)
        const ringBefore = new Ring(before, 'fixed')
        const ringAfter = new Ring(after, 'fixed')
        for (const key of someKeys(300)) {
          const home = before[ringBefore.locate(keyHash(key))]!
          if (home !== leaving) expect(after[ringAfter.locate(keyHash(key))]).toBe(home)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('spreads keys evenly: every node of ten is within a quarter of the mean', () => {
    const ring = new Ring(nodes(10), 'fixed')
    const load = new Array<number>(10).fill(0)
    for (const key of someKeys(100_000)) load[ring.locate(keyHash(key))]! += 1
    expect(Math.max(...load) / 10_000).toBeLessThan(1.25)
    expect(Math.min(...load) / 10_000).toBeGreaterThan(0.75)
  })
})

describe('any ring', () => {
  test('places keys that are names of Object’s properties, and leaves Object alone', () => {
    const ring = new Ring(nodes(3), 'fixed')
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
      expect([0, 1, 2]).toContain(ring.locate(keyHash(key)))
    }
    for (const property in {}) expect.unreachable(`Object.prototype.${property}`)
  })

  test('takes any node name', () => {
    const names = ['__proto__', 'constructor', '::1', 'fe80::1:11212', '/run/m.sock', '7', 'a-b-3']
    const ring = new Ring(
      names.map((name) => ({ name, weight: 1 })),
      'fixed',
    )
    expect(ring.pointCounts()).toEqual(names.map(() => 160))
  })

  test('has no owner for anything when it is empty', () => {
    expect(new Ring([], 'fixed').locate(1)).toBe(-1)
  })

  test('wraps: a hash beyond the last point belongs to the first', () => {
    const ring = new Ring(nodes(3), 'libmemcached')
    expect(ring.locate(0xffff_ffff)).toBe(ring.locate(0))
  })
})

// What every distribution promises: when a node comes or goes, which keys move, and how even the shares are.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Continuum } from './continuum.ts'
import { jumpHash } from './jump.ts'
import { ring } from './ketama.ts'
import { type Compat, type PlacementOptions, placementOf } from './placement.ts'
import type { RingNode, Router } from './router.ts'

const KEYS = Array.from({ length: 20_000 }, (_, i) => `user:${i}`)
/** Without a pattern: FNV, for one, spreads keys unevenly that differ in their last digits only. */
const RANDOM_KEYS = KEYS.map((key) => createHash('md5').update(key).digest('base64'))

function nodes(count: number, weight = (_: number) => 1): RingNode[] {
  return Array.from({ length: count }, (_, i) => ({ name: `cache-${i}`, weight: weight(i) }))
}

function routerOf(options: PlacementOptions, list: readonly RingNode[]): Router {
  return placementOf(options).distribution(list)
}

/** Which node, by name, every key is on. */
function placesOf(options: PlacementOptions, list: readonly RingNode[], keys = KEYS): string[] {
  const router = routerOf(options, list)
  return keys.map((key) => list[router.locate(key)]!.name)
}

const OWN: readonly PlacementOptions[] = [
  {},
  { keyHash: 'murmur3' },
  { distribution: 'rendezvous' },
  { distribution: 'rendezvous', keyHash: 'md5' },
]

const ALL: readonly PlacementOptions[] = [
  ...OWN,
  { distribution: 'jump' },
  ...(['libmemcached', 'dalli', 'twemproxy', 'pymemcache', 'memcached', 'memjs'] as const).map(
    (compat) => ({ compat }),
  ),
  { compat: 'gomemcache' },
  { compat: { libmemcached: { distribution: 'modula' } } },
  { compat: { libmemcached: { distribution: 'ketama' } } },
  { compat: { libmemcached: { distribution: 'ketama_spy' } } },
  { compat: { twemproxy: { distribution: 'modula' } } },
  { hashTag: '{}' },
]

/** These share out their points again when the nodes change, or renumber them. */
const MOVES_ABOUT_ITS_SHARE: readonly Compat[] = [
  'libmemcached',
  'dalli',
  'twemproxy',
  'memcached',
  'pymemcache',
  { libmemcached: { distribution: 'ketama' } },
]

describe.each(OWN)('%o', (options) => {
  test('one of N that leaves takes only its own keys with it, whatever the weights', () => {
    const weights = fc.array(fc.constantFrom(0.5, 1, 2, 3), { minLength: 2, maxLength: 9 })
    const keys = KEYS.slice(0, 500)
    fc.assert(
      fc.property(weights, fc.nat(), (list, pick) => {
        const before = nodes(list.length, (i) => list[i]!)
        const leaving = before[pick % before.length]!
        const after = before.filter((node) => node !== leaving)
        const homes = placesOf(options, before, keys)
        placesOf(options, after, keys).forEach((home, i) => {
          if (homes[i] !== leaving.name) expect(home).toBe(homes[i])
        })
      }),
      { numRuns: 40 },
    )
  })

  test('an eleventh node gets about a eleventh of the keys, and no other key moves', () => {
    const before = placesOf(options, nodes(10))
    const after = placesOf(options, nodes(11))
    const moved = after.filter((home, i) => home !== before[i])
    expect(new Set(moved)).toEqual(new Set(['cache-10']))
    expect(moved.length / KEYS.length).toBeGreaterThan(0.75 / 11)
    expect(moved.length / KEYS.length).toBeLessThan(1.25 / 11)
  })

  test('the order in which nodes are listed means nothing', () => {
    const list = nodes(7, (i) => 1 + (i % 3))
    expect(placesOf(options, list.toReversed())).toEqual(placesOf(options, list))
  })

  test('weights share out the keys: twice the weight, twice the keys', () => {
    const list = nodes(10, (i) => (i < 5 ? 1 : 2))
    const heavy = placesOf(options, list).filter((name) => Number(name.slice(6)) >= 5).length
    expect(heavy / KEYS.length).toBeGreaterThan(0.62)
    expect(heavy / KEYS.length).toBeLessThan(0.71)
  })
})

describe('jump', () => {
  const options = { distribution: 'jump' } as const

  test('gives what the published function gives', () => {
    expect(jumpHash(0, 1, 1)).toBe(0)
    expect(jumpHash(0, 42, 57)).toBe(43)
    expect(jumpHash(0, 0xdead10cc, 666)).toBe(361)
    expect(jumpHash(0, 256, 1024)).toBe(520)
    expect(jumpHash(0xffffffff, 0xffffffff, 1000)).toBe(313)
    expect(jumpHash(0x12345678, 0x9abcdef0, 100_000)).toBe(67_832)
  })

  test('a node added at the end gets its share, and no other key moves', () => {
    const before = placesOf(options, nodes(10))
    const moved = placesOf(options, nodes(11)).filter((home, i) => home !== before[i])
    expect(new Set(moved)).toEqual(new Set(['cache-10']))
    expect(Math.abs(moved.length / KEYS.length - 1 / 11)).toBeLessThan(0.01)
  })

  test('refuses weights', () => {
    expect(() =>
      routerOf(
        options,
        nodes(3, (i) => i + 1),
      ),
    ).toThrow('jump knows no weights')
  })
})

describe.each(MOVES_ABOUT_ITS_SHARE)('compat %o', (compat) => {
  test('about 1/N of the keys move when one of N equal nodes leaves', () => {
    const before = placesOf({ compat }, nodes(10))
    const after = placesOf({ compat }, nodes(9))
    const moved = after.filter((home, i) => home !== before[i]).length
    const owned = before.filter((home) => home === 'cache-9').length
    expect(moved).toBeGreaterThanOrEqual(owned)
    expect(moved / KEYS.length).toBeLessThan(0.16)
  })
})

describe.each(ALL)('%o', (options) => {
  test('shares() is what keys see', () => {
    const list = nodes(5)
    const shares = routerOf(options, list).shares()
    const places = placesOf(options, list, RANDOM_KEYS)
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9)
    list.forEach(({ name }, i) => {
      const seen = places.filter((place) => place === name).length / KEYS.length
      expect(Math.abs(seen - shares[i]!), name).toBeLessThan(0.03)
    })
  })

  test('no node of ten has more than 1.35 times its share, however many points it has', () => {
    const shares = routerOf(options, nodes(10)).shares()
    expect(Math.max(...shares)).toBeLessThan(0.135)
  })

  test('places keys that are names of Object’s properties, and leaves Object alone', () => {
    const router = routerOf(options, nodes(3))
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
      expect([0, 1, 2]).toContain(router.locate(key))
    }
    for (const property in {}) expect.unreachable(`Object.prototype.${property}`)
  })

  test('places any key on any nodes', () => {
    const names = ['__proto__', 'constructor', '::1', 'fe80::1:11212', '/run/m.sock', '7', 'a-b-3']
    const router = routerOf(
      options,
      names.map((name) => ({ name, weight: 1 })),
    )
    const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 250 })
    fc.assert(
      fc.property(key, (text) => {
        expect(names[router.locate(text)]).toBeDefined()
      }),
    )
  })

  test('has no place for anything when there is no node, and one place when there is one', () => {
    expect(routerOf(options, []).locate('user:1')).toBe(-1)
    expect(routerOf(options, nodes(1)).locate('user:1')).toBe(0)
    expect(routerOf(options, nodes(1)).shares()).toEqual([1])
  })
})

describe('the ring', () => {
  const pointCounts = (list: readonly RingNode[]) => (ring()(list) as Continuum).pointCounts()

  test('gives 160 points per unit of weight', () => {
    expect(pointCounts(nodes(4, (i) => [1, 2, 0.5, 10][i]!))).toEqual([160, 320, 80, 1600])
  })

  test('is libmemcached’s when the weights are equal', () => {
    for (const count of [1, 2, 3, 5, 7, 8, 14, 20, 28, 49]) {
      const list = nodes(count)
      expect(placesOf({}, list)).toEqual(placesOf({ compat: 'libmemcached' }, list))
    }
  })

  test('remembers the points of nodes that come and go', () => {
    const distribution = ring()
    const places = (list: readonly RingNode[]) => {
      const router = distribution(list)
      return KEYS.map((key) => list[router.locate(key)]!.name)
    }
    for (const count of [3, 2, 5, 4, 3, 200, 3]) {
      const list = nodes(count, (i) => 1 + ((i + count) % 2))
      expect(places(list)).toEqual(placesOf({}, list))
    }
  })

  test('finds the first point at or after any hash, however the points lie', () => {
    const near = fc.integer({ min: 0, max: 300 })
    const anywhere = fc.integer({ min: 0, max: 2 ** 32 - 1 })
    const hashes = fc.array(fc.oneof(near, anywhere, fc.constant(2 ** 32 - 1)), { minLength: 1 })
    fc.assert(
      fc.property(fc.array(hashes, { minLength: 1, maxLength: 5 }), hashes, (pointsOf, asked) => {
        const continuum = new Continuum(
          pointsOf.map((points) => Uint32Array.from(points)),
          () => 0,
        )
        const sorted = pointsOf
          .flatMap((points, owner) => points.map((point) => ({ point, owner })))
          .sort((a, b) => a.point - b.point || a.owner - b.owner)
        for (const hash of asked) {
          const first = sorted.find(({ point }) => point >= hash) ?? sorted[0]!
          expect(continuum.ownerOf(hash)).toBe(first.owner)
        }
      }),
    )
  })

  test('a hash that never exceeds 15 bits sees only the beginning of the circle', () => {
    const points = [Uint32Array.of(10_000), Uint32Array.of(20_000), Uint32Array.of(4_000_000_000)]
    const continuum = new Continuum(points, () => 0, 2 ** 15)
    expect(continuum.shares()).toEqual([
      10_001 / 2 ** 15,
      10_000 / 2 ** 15,
      (2 ** 15 - 20_001) / 2 ** 15,
    ])
  })
})

describe('hash tags', () => {
  const list = nodes(20)

  test.each<PlacementOptions>([
    { hashTag: '{}' },
    { hashTag: '{}', distribution: 'rendezvous' },
    { hashTag: '{}', compat: 'dalli' },
    { compat: { twemproxy: { hash_tag: '{}' } } },
  ])('%o: keys with the same tag are together', (options) => {
    for (let user = 0; user < 100; user++) {
      const keys = [`{u${user}}:name`, `{u${user}}:mail`, `carts:{u${user}}`, `u${user}`]
      expect(new Set(placesOf(options, list, keys)).size).toBe(1)
    }
  })

  test('without a tag, or with an empty or unclosed one, the whole key counts', () => {
    const keys = KEYS.slice(0, 200).flatMap((key) => [key, `{}${key}`, `{${key}`, `}${key}{`])
    expect(placesOf({ hashTag: '{}' }, list, keys)).toEqual(placesOf({}, list, keys))
  })

  test.each(['', '{', '{}x', '{ ', 'é}'])('%j is no pair of characters', (hashTag) => {
    expect(() => placementOf({ hashTag })).toThrow('hashTag must be two ASCII characters')
  })
})

test('memjs has the keys of a node that is away on the next, and the others where they were', () => {
  const all = nodes(4)
  const { distribution } = placementOf({ compat: 'memjs', hashTag: '{}' })
  const home = placesOf({ compat: 'memjs' }, all)
  const places = (away: readonly number[]) => {
    const present = all.filter((_, i) => !away.includes(i))
    const router = distribution(present, all)
    return KEYS.map((key) => present[router.locate(key)]!.name)
  }
  const moved = (from: readonly number[], to: number) => (name: string) =>
    from.some((i) => all[i]!.name === name) ? all[to]!.name : name
  expect(places([1])).toEqual(home.map(moved([1], 2)))
  expect(places([2, 3])).toEqual(home.map(moved([2, 3], 0)))
  expect(distribution([], all).locate('key')).toBe(-1)
})

// Against 14,560 routings that libmemcached 1.1.4 itself made: 10 sets of servers, 7 modes, 208 keys.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Continuum } from './continuum.ts'
import { libmemcached } from './libmemcached.ts'
import { type Compat, placementOf } from './placement.ts'

interface Vectors {
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

const vectors: Vectors = JSON.parse(
  readFileSync(
    new URL('../../../../test/vectors/libmemcached-1.1.4-routing.json', import.meta.url),
    'utf8',
  ),
)

/** The behaviours that the vectors were made with, as an application would name them here. */
const MODES: Readonly<Record<string, readonly Compat[]>> = {
  modula: [
    { libmemcached: { distribution: 'modula' } },
    { pylibmc: {} },
    { 'php-memcached': {} },
    { 'php-memcached': { OPT_LIBKETAMA_COMPATIBLE: false } },
  ],
  ketama: [
    { libmemcached: { distribution: 'ketama' } },
    { pylibmc: { ketama: true } },
    { pylibmc: { distribution: 'consistent' } },
    { 'php-memcached': { OPT_DISTRIBUTION: 'DISTRIBUTION_CONSISTENT' } },
  ],
  ketama_md5: [
    { libmemcached: { distribution: 'ketama', hash: 'md5' } },
    { pylibmc: { ketama: true, hash: 'md5' } },
    { 'php-memcached': { OPT_DISTRIBUTION: 'DISTRIBUTION_CONSISTENT', OPT_HASH: 'HASH_MD5' } },
  ],
  ketama_weighted: [
    'libmemcached',
    { libmemcached: { distribution: 'ketama_weighted' } },
    { pylibmc: { ketama_weighted: true } },
  ],
  php_lib_compat: [{ 'php-memcached': { OPT_LIBKETAMA_COMPATIBLE: true } }],
  spy: [
    { libmemcached: { distribution: 'ketama_weighted_spy' } },
    { pylibmc: { ketama_weighted: true, distribution: 'consistent ketama spy' } },
  ],
  weighted_then_ketama: [{ pylibmc: { ketama_weighted: true, distribution: 'consistent ketama' } }],
}

const CASES = Object.entries(vectors.sets).flatMap(([name, set]) =>
  Object.entries(set.map).flatMap(([mode, expected]) =>
    (MODES[mode] ?? []).map((compat) => ({ name, mode, compat, servers: set.servers, expected })),
  ),
)

test('every mode of the vectors has a name here', () => {
  const modes = new Set(Object.values(vectors.sets).flatMap((set) => Object.keys(set.map)))
  expect(new Set(Object.keys(MODES))).toEqual(modes)
  expect(Object.keys(vectors.sets).length * modes.size * vectors.keys.length).toBe(14_560)
})

test.each(CASES)('$name, $mode: $compat', ({ compat, servers, expected }) => {
  const { distribution, naming } = placementOf({ compat })
  const nodes = servers.map(({ host, port, weight }) => ({
    name: naming(host, port, ''),
    weight: weight || 1,
  }))
  const router = distribution(nodes)
  expect(vectors.keys.map((key) => router.locate(key))).toEqual(expected)
})

describe('the points of weighted ketama', () => {
  const nodes = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `cache-${i}`, weight: 1 }))
  const continuum = (list: readonly { name: string; weight: number }[]) =>
    libmemcached('ketama_weighted')(list) as Continuum

  test('are libmemcached’s for known nodes', () => {
    const ring = continuum([
      { name: '10.0.1.1', weight: 1 },
      { name: '10.0.1.3:11212', weight: 1 },
    ])
    for (const point of [2383802539, 488362977, 2185284489, 383925769]) {
      expect(ring.ownerOf(point)).toBe(0)
    }
    for (const point of [2898440071, 2575809971, 2251725837, 4294440920]) {
      expect(ring.ownerOf(point)).toBe(1)
    }
  })

  test('are rounded as 32-bit floats are: 156 each for 47 nodes', () => {
    expect(continuum(nodes(47)).pointCounts()).toEqual(Array(47).fill(156))
    expect(continuum(nodes(7)).pointCounts()).toEqual(Array(7).fill(160))
  })

  test('a hash beyond the last belongs to the first', () => {
    const ring = continuum(nodes(3))
    expect(ring.ownerOf(0xffff_ffff)).toBe(ring.ownerOf(0))
  })
})

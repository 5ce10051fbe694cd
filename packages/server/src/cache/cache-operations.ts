// For tests only: everything that can happen to a cache, as data that fast-check makes up, shrinks and prints.
// Knows what there is to be done; not how it is done, nor what must come of it.
import fc from 'fast-check'
import { PAGE_BYTES } from './arena.ts'
import { ADD, APPEND, CAS, PREPEND, REPLACE, SET } from './store.ts'

/** Sizes are parts of a page: so they mean the same where the pages are small, and everything goes faster. */
export const MAX_ITEM_BYTES = 4 * PAGE_BYTES

export type Value = { number: bigint } | { length: number; seed: number }

export interface StoreOperation {
  readonly mode: number
  readonly key: string
  readonly value: Value
  readonly flags: number
  readonly exptime: number
  /** Which CAS unique to compare with, relative to the item's; undefined: none. */
  readonly compare: number | undefined
  readonly allowStale: boolean
  readonly givenCas: bigint | undefined
  readonly vivify: number | undefined
}

export type Operation =
  | ({ type: 'store' | 'begin' } & StoreOperation)
  | { type: 'end'; stores: boolean }
  | { type: 'delete' | 'get' | 'pin' | 'win'; key: string }
  | { type: 'unpin' }
  | { type: 'stale'; key: string; givenCas: bigint | undefined }
  | { type: 'number'; key: string; increment: boolean; delta: bigint }
  | { type: 'touch' | 'get and touch'; key: string; exptime: number }
  | { type: 'crowd'; from: number; count: number; length: number }
  | { type: 'flush'; delay: number }
  | { type: 'invalidate'; prefix: string }
  | { type: 'pass' | 'set wall clock'; seconds: number }
  | { type: 'maintain' | 'crawl' | 'automove' | 'discard' | 'reset statistics' }
  | { type: 'ask for a crawl'; classes: number[]; itemsPerRun: number }
  | { type: 'move page'; steps: number }
  | { type: 'ask for a page'; source: number; destination: number }
  | { type: 'limit memory'; pages: number }
  | { type: 'tune'; segmented: boolean; temporaryTtl: number | undefined; automove: number }

const DAY = 86_400

const numbers = fc.oneof(fc.bigInt(0n, 200n), fc.bigInt(0n, 2n ** 64n - 1n))
/** Relative ones, absolute ones about the time of these tests, and one beyond what the clock can count. */
const exptimes = fc.oneof(
  { weight: 20, arbitrary: fc.constant(0) },
  { weight: 6, arbitrary: fc.integer({ min: -1, max: 30 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 30 * DAY }) },
  { weight: 1, arbitrary: fc.integer({ min: 1_699_999_990, max: 1_800_000_000 }) },
  { weight: 1, arbitrary: fc.constant(4_200_000_000) },
)
/** Of uniques that clients choose: small, about those of the cache, with either word signed. */
const givenUniques = fc.oneof(fc.bigInt(1n, 300n), fc.bigInt(1n, 2n ** 64n - 1n))

export const oddKeys = fc.constantFrom('a', 'b', 'c', 'd', 'k'.repeat(250), '\u0000\r\t', '\u00e9')
export const manyKeys = fc.nat(60).map((n) => `key:${n}`)

/** A part of a page, in bytes. */
const ofPage = (part: number): number => Math.floor(PAGE_BYTES * part)

export const allLengths = fc.oneof(
  { weight: 6, arbitrary: fc.nat(200) },
  { weight: 4, arbitrary: fc.nat(ofPage(0.02)) },
  { weight: 3, arbitrary: fc.integer({ min: ofPage(0.1), max: ofPage(0.51) }) },
  // About where items begin to be chunked.
  { weight: 1, arbitrary: fc.integer({ min: ofPage(0.5) - 400, max: ofPage(0.5) + 10 }) },
  { weight: 1, arbitrary: fc.nat(MAX_ITEM_BYTES) },
)
/** Few classes, so that they fill. */
export const crowdedLengths = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: ofPage(0.06), max: ofPage(0.095) }) },
  { weight: 2, arbitrary: fc.integer({ min: ofPage(0.37), max: ofPage(0.49) }) },
  { weight: 1, arbitrary: fc.integer({ min: ofPage(0.5), max: ofPage(2) }) },
)
/** With chunks of 1 KiB many are chunked, and sequences cost little. */
export const shortLengths = fc.oneof(
  { weight: 6, arbitrary: fc.nat(300) },
  { weight: 2, arbitrary: fc.nat(5000) },
)

/** Sequences of operations on these keys, with values of these lengths. */
export function sequences(
  keys: fc.Arbitrary<string>,
  lengths: fc.Arbitrary<number>,
  length: fc.ArrayConstraints,
): fc.Arbitrary<Operation[]> {
  const of = <T extends string>(...types: T[]): fc.Arbitrary<T> => fc.constantFrom(...types)
  const often = <T>(arbitrary: fc.Arbitrary<T>, weight: number): fc.Arbitrary<T | undefined> =>
    fc.oneof({ weight: 10, arbitrary: fc.constant(undefined) }, { weight, arbitrary })
  const value = fc.oneof(
    { weight: 1, arbitrary: fc.record({ number: numbers }) },
    { weight: 3, arbitrary: fc.record({ length: lengths, seed: fc.nat(255) }) },
  )
  const storing = {
    mode: fc.constantFrom(SET, SET, SET, ADD, REPLACE, APPEND, PREPEND, CAS, CAS),
    key: keys,
    value,
    flags: fc.constantFrom(0, 0, 1, 0x7fff_ffff, -1),
    exptime: exptimes,
    compare: often(fc.constantFrom(0, 0, 0, -1, 1, -0x8000_0000), 10),
    allowStale: fc.boolean(),
    givenCas: often(givenUniques, 2),
    vivify: often(exptimes, 3),
  }
  // Mostly any class that has a page to spare: few have.
  const source = fc.oneof(
    { weight: 3, arbitrary: fc.constant(-1) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 }) },
  )
  const destination = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 4 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 }) },
  )
  const weighted: readonly (readonly [number, fc.Arbitrary<Operation>])[] = [
    [120, fc.record({ type: of('store'), ...storing })],
    [16, fc.record({ type: of('begin'), ...storing })],
    [16, fc.record({ type: of('end'), stores: fc.boolean() })],
    [40, fc.record({ type: of('get'), key: keys })],
    [16, fc.record({ type: of('delete'), key: keys })],
    [16, fc.record({ type: of('pin'), key: keys })],
    [16, fc.record({ type: of('unpin') })],
    [8, fc.record({ type: of('win'), key: keys })],
    [8, fc.record({ type: of('stale'), key: keys, givenCas: often(givenUniques, 5) })],
    [
      24,
      fc.record({
        type: of('number'),
        key: keys,
        increment: fc.boolean(),
        delta: numbers,
      }),
    ],
    [12, fc.record({ type: of('touch', 'get and touch'), key: keys, exptime: exptimes })],
    [
      8,
      fc.record({
        type: of('crowd'),
        from: fc.nat(200),
        count: fc.nat(150),
        length: fc.nat(150),
      }),
    ],
    // Many of one class, and then of another, so that pages are wanted in turns.
    [
      6,
      fc.record({
        type: of('crowd'),
        from: fc.nat(200),
        count: fc.nat(30),
        length: fc.oneof(fc.integer({ min: 300, max: 900 }), fc.constant(ofPage(0.067))),
      }),
    ],
    [1, fc.record({ type: of('flush'), delay: fc.nat(3) })],
    [
      2,
      fc.record({
        type: of('invalidate'),
        prefix: fc
          .tuple(keys, fc.constantFrom(0, 1, 1, 1, 2, 5))
          .map(([key, n]) => key.slice(0, Math.max(1, key.length - n))),
      }),
    ],
    [12, fc.record({ type: of('pass'), seconds: fc.nat(12) })],
    [1, fc.record({ type: of('pass'), seconds: fc.integer({ min: 60, max: 400 * DAY }) })],
    [
      1,
      fc.record({
        type: of('set wall clock'),
        seconds: fc.integer({ min: -90 * DAY, max: 90 * DAY }),
      }),
    ],
    [12, fc.record({ type: of('maintain', 'crawl') })],
    [16, fc.record({ type: of('automove', 'automove', 'automove', 'discard') })],
    [
      1,
      fc.record({
        type: of('ask for a crawl'),
        classes: fc.array(fc.integer({ min: 1, max: 63 }), { maxLength: 5 }),
        itemsPerRun: fc.nat(20),
      }),
    ],
    [
      60,
      fc.record({
        type: of('move page'),
        steps: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 100 })),
      }),
    ],
    [20, fc.record({ type: of('ask for a page'), source, destination })],
    [4, fc.record({ type: of('limit memory'), pages: fc.integer({ min: 1, max: 8 }) })],
    [
      1,
      fc.record({
        type: of('tune'),
        segmented: fc.boolean(),
        temporaryTtl: fc.constantFrom(undefined, 10),
        automove: fc.constantFrom(0, 1, 2),
      }),
    ],
    [4, fc.record({ type: of('reset statistics') })],
  ]
  const operation = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })))
  return fc.array(operation, { size: 'max', ...length })
}

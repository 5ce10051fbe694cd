import { expect, test } from 'vitest'
import { ExpectedHits } from './expected-hits.ts'

const SHARES = new Map([
  ['a', 0.25],
  ['b', 0.75],
])

test('all is found while all is well', () => {
  expect(new ExpectedHits().least(SHARES, 0, 100_000, 1_000)).toBe(1)
})

test('a node that is away costs its share for that time, its return, and until its keys are written anew', () => {
  const expected = new ExpectedHits()
  expected.fault('a', 10_000)
  expected.well('a', 15_000)
  // 5 s away, 3 s to return, 2 times 1 s to be written.
  expect(expected.least(SHARES, 0, 100_000, 1_000)).toBeCloseTo(1 - 0.25 * 0.1)
  // It has never been well again.
  expected.fault('b', 50_000)
  expect(expected.least(SHARES, 0, 100_000, 1_000)).toBeCloseTo(1 - 0.25 * 0.1 - 0.75 * 0.5)
})

test('troubles that follow each other closely cost no time twice', () => {
  const expected = new ExpectedHits()
  for (const begin of [10_000, 12_000]) {
    expected.fault('a', begin)
    expected.well('a', begin + 1_000)
  }
  expect(expected.least(SHARES, 0, 100_000, 1_000)).toBeCloseTo(1 - 0.25 * 0.08)
})

test('what stands before all nodes costs everything', () => {
  const expected = new ExpectedHits()
  expected.fault('proxy', 0)
  expected.well('proxy', 5_000)
  expect(expected.least(SHARES, 0, 100_000, 1_000)).toBeCloseTo(0.9)
})

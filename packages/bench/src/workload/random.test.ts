import { describe, expect, test } from 'vitest'
import {
  mix32,
  nextWord,
  probabilityOf,
  type Random,
  RandomBits,
  seededRandom,
  shuffledDeck,
} from './random.ts'

function randomBits(seed: number): Random {
  const random = new RandomBits(seed)
  return () => random.uniform()
}

const GENERATORS = { seededRandom, randomBits }

describe.each(Object.entries(GENERATORS))('%s', (_, generator) => {
  test('gives the same numbers for the same seed, and others for another', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, generator(seed))
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
  })

  test('is as often in each tenth of [0, 1)', () => {
    const random = generator(7)
    const draws = 100_000
    const counts = new Array<number>(10).fill(0)
    for (let draw = 0; draw < draws; draw++) counts[Math.floor(random() * 10)]!++
    for (const count of counts) expect(Math.abs(count - draws / 10)).toBeLessThan(400)
  })
})

test('nextWord is the published xoshiro128**', () => {
  const state = Int32Array.of(1, 2, 3, 4)
  expect(Array.from({ length: 6 }, () => nextWord(state) >>> 0)).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492,
  ])
})

test('random bits choose among any number, each as often', () => {
  const random = new RandomBits(5)
  const counts = [0, 0, 0]
  for (let draw = 0; draw < 30_000; draw++) counts[random.below(3)]!++
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(330)
  const large = Array.from({ length: 1_000 }, () => random.below(2 ** 32))
  expect(Math.max(...large)).toBeLessThan(2 ** 32)
  expect(Math.max(...large)).toBeGreaterThan(2 ** 31)
})

test('random bits are of words and of numbers, down to the last bit', () => {
  const [words, numbers] = [new RandomBits(3), new RandomBits(3)]
  const bits = Array.from(
    { length: 1_000 },
    () => [words.word() >>> 0, words.word() >>> 11] as const,
  )
  const uniform = Array.from({ length: 1_000 }, () => numbers.uniform())
  expect(uniform).toEqual(bits.map(([high, low]) => high / 2 ** 32 + low / 2 ** 53))
})

test('mix32 is different for different numbers, and changes about half of the bits', () => {
  const mixed = Array.from({ length: 10_000 }, (_, number) => mix32(number))
  expect(new Set(mixed).size).toBe(10_000)
  const bits = (word: number): number => word.toString(2).replaceAll('0', '').length
  const changed = mixed.slice(1).map((word, index) => bits((word ^ mixed[index]!) >>> 0))
  const mean = changed.reduce((sum, count) => sum + count, 0) / changed.length
  expect(mean).toBeGreaterThan(15.8)
  expect(mean).toBeLessThan(16.2)
})

test('a shuffled deck deals every number once before any comes again', () => {
  const deal = shuffledDeck(50, randomBits(1))
  for (let round = 0; round < 3; round++) {
    const dealt = Array.from({ length: 50 }, deal)
    expect(dealt).not.toEqual(dealt.toSorted((a, b) => a - b))
    expect(new Set(dealt).size).toBe(50)
  }
})

test('words stand for all probabilities, but not for 0 and 1', () => {
  expect(probabilityOf(0)).toBeGreaterThan(0)
  expect(probabilityOf(0)).toBeLessThan(1e-9)
  expect(probabilityOf(-1)).toBeLessThan(1)
  expect(probabilityOf(-1)).toBeGreaterThan(1 - 1e-9)
})

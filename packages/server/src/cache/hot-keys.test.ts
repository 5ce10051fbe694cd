// The keys asked for most, found by a sketch: held against true counts of a Zipf distribution, and over time.
import { describe, expect, test } from 'vitest'
import { keyOf, START_UNIX_SECONDS } from './cache-fixture.ts'
import { Clock } from './clock.ts'
import { KEYS_KEPT } from './heavy-keeper.ts'
import { HOT_KEYS_BYTES, HOT_WINDOW_SECONDS, HotKeys } from './hot-keys.ts'
import { SharedState } from './shared-state.ts'

function makeHotKeys(): { hot: HotKeys; clock: Clock; ask(key: string, weight?: number): void } {
  const clock = new Clock(new Int32Array(5))
  clock.start(START_UNIX_SECONDS)
  const hot = new HotKeys(new SharedState(new SharedArrayBuffer(HOT_KEYS_BYTES)), clock)
  const ask = (text: string, weight = 1): void => {
    const { block, length, hash } = keyOf(text)
    hot.add(hash, block, 0, length, weight)
  }
  return { hot, clock, ask }
}

const listed = (hot: HotKeys, limit = KEYS_KEPT): [string, number][] =>
  hot.top(limit).map(({ key, number }) => [key.toString('latin1'), number])

/** Draws of keys 0 to `keys` - 1 with probabilities of 1 / (n + 1)^skew; always the same ones. */
function* zipf(keys: number, skew: number, draws: number): Generator<number> {
  const cumulative = new Float64Array(keys)
  let sum = 0
  for (let n = 0; n < keys; n++) {
    sum += (n + 1) ** -skew
    cumulative[n] = sum
  }
  let random = 12345
  for (let draw = 0; draw < draws; draw++) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0
    const wanted = (random / 2 ** 32) * sum
    let low = 0
    let high = keys - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (cumulative[middle] < wanted) low = middle + 1
      else high = middle
    }
    yield low
  }
}

describe.each([
  // With little skew the tenth key has 0.06 % of the requests, the hundredth 0.012 %.
  { skew: 1.1, keys: 100_000, draws: 400_000, top: 50, found: 50, error: 0.02 },
  { skew: 0.99, keys: 100_000, draws: 400_000, top: 30, found: 30, error: 0.02 },
  { skew: 0.7, keys: 100_000, draws: 400_000, top: 20, found: 19, error: 0.1 },
])('of $draws requests for $keys keys, Zipf $skew', ({ skew, keys, draws, top, found, error }) => {
  const { hot, ask } = makeHotKeys()
  const truth = new Map<string, number>()
  for (const n of zipf(keys, skew, draws)) {
    const key = `user:${n}`
    truth.set(key, (truth.get(key) ?? 0) + 1)
    ask(key)
  }
  const hottest = [...truth].sort(([, a], [, b]) => b - a).slice(0, top)
  const listedKeys = new Map(listed(hot, 2 * top))

  test(`of the ${top} asked for most at least ${found} are found, among twice as many`, () => {
    expect(hottest.filter(([key]) => listedKeys.has(key)).length).toBeGreaterThanOrEqual(found)
  })

  test('no estimate is too large, and those of the ten hottest are close', () => {
    for (const [key, estimate] of listedKeys) {
      expect(estimate).toBeLessThanOrEqual(truth.get(key) ?? 0)
    }
    for (const [key, count] of hottest.slice(0, 10)) {
      expect(listedKeys.get(key) ?? 0).toBeGreaterThanOrEqual(count * (1 - error))
    }
  })
})

test('a sample counts as much as it stands for', () => {
  const { hot, ask } = makeHotKeys()
  ask('a', 100)
  ask('b', 40)
  ask('b', 80)
  expect(listed(hot)).toEqual([
    ['b', 120],
    ['a', 100],
  ])
  expect(hot.samples).toBe(3)
})

describe('over time', () => {
  test('a key that is no longer asked for fades, and is gone after two minutes', () => {
    const { hot, clock, ask } = makeHotKeys()
    for (let n = 0; n < 600; n++) ask('yesterday')
    clock.move(HOT_WINDOW_SECONDS)
    expect(listed(hot)).toEqual([['yesterday', 600]])
    clock.move(HOT_WINDOW_SECONDS / 2)
    ask('today')
    expect(listed(hot)).toEqual([
      ['yesterday', 300],
      ['today', 1],
    ])
    clock.move(HOT_WINDOW_SECONDS / 2)
    expect(listed(hot)).toEqual([['today', 1]])
    clock.move(5 * HOT_WINDOW_SECONDS)
    expect(listed(hot)).toEqual([])
  })

  test('a key that is asked for evenly has a minute of requests at any time', () => {
    const { hot, clock, ask } = makeHotKeys()
    for (let second = 0; second < 200; second++) {
      for (let n = 0; n < 10; n++) ask('steady')
      clock.move(1)
      if (second < HOT_WINDOW_SECONDS) continue
      const [[, estimate]] = listed(hot)
      expect(Math.abs(estimate - 10 * HOT_WINDOW_SECONDS)).toBeLessThanOrEqual(10)
    }
  })

  test('a clock that is set back begins anew', () => {
    const { hot, clock, ask } = makeHotKeys()
    ask('a')
    clock.move(-30)
    ask('b')
    expect(listed(hot)).toEqual([['b', 1]])
  })
})

test('however many keys come, as many are listed as are kept', () => {
  const { hot, ask } = makeHotKeys()
  for (let n = 0; n < 10_000; n++) ask(`${'k'.repeat(240)}${n}`)
  expect(listed(hot, 1000).length).toBeLessThanOrEqual(KEYS_KEPT)
  hot.reset()
  expect([listed(hot), hot.samples]).toEqual([[], 0])
})

import { expect, test } from 'vitest'
import { tabulated } from './quantile-table.ts'
import { mix32, probabilityOf } from './random.ts'
import { sizeQuantile } from './sizes.ts'

const WORDS = Int32Array.from({ length: 50_000 }, (_, number) => mix32(number))

test('what is looked up is what would be computed', () => {
  const quantiles = [
    sizeQuantile({ kind: 'lognormal', median: 300, sigma: 1.2, max: 100_000 }),
    sizeQuantile({ kind: 'etc-keys' }),
    sizeQuantile({ kind: 'etc-values' }),
    sizeQuantile({ kind: 'range', min: 1, max: 1_000_000 }),
  ]
  for (const quantile of quantiles) {
    const numbers = Uint32Array.from(WORDS, tabulated(quantile))
    expect(numbers).toEqual(Uint32Array.from(WORDS, (word) => quantile(probabilityOf(word))))
  }
})

test('little is computed', () => {
  const quantile = sizeQuantile({ kind: 'etc-values' })
  let computed = 0
  const draw = tabulated((probability) => {
    computed++
    return quantile(probability)
  })
  computed = 0
  WORDS.forEach(draw)
  expect(computed / WORDS.length).toBeLessThan(0.1)
})

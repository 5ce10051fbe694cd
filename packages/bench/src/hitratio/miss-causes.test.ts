import { expect, test } from 'vitest'
import { KeyHistory } from './miss-causes.ts'

test('a miss is told by what was done to the key before', () => {
  let now = 1_000
  const history = new KeyHistory(4, () => now)
  history.miss(0)
  history.stored(0, 0)
  history.hit()
  history.miss(0)
  history.stored(1, 10)
  now += 9
  history.miss(1)
  now += 1
  history.miss(1)
  history.stored(2, 0)
  history.deleted(2)
  history.miss(2)
  expect(history).toMatchObject({
    hits: 1,
    misses: 5,
    causes: { cold: 1, evicted: 2, expired: 1, deleted: 1 },
  })
})

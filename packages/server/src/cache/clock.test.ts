import { expect, test } from 'vitest'
import { makeCache, START_UNIX_SECONDS } from './cache-fixture.ts'

test('starts where memcached’s does, and goes by the seconds it is told', () => {
  const { clock } = makeCache()
  expect(clock.now).toBe(62)
  expect(clock.toUnix(clock.now)).toBe(START_UNIX_SECONDS)
  clock.tick(5)
  expect([clock.now, clock.uptime]).toEqual([67, 5])
})

test('can be moved, for tests: what it is told from then on counts from there', () => {
  const { clock } = makeCache()
  clock.move(100)
  expect([clock.now, clock.uptime]).toEqual([162, 100])
  clock.tick(1)
  expect(clock.now).toBe(163)
  clock.move(-50)
  expect(clock.now).toBe(113)
  expect(clock.expiry(10)).toBe(123)
})

test('can stand still, and makes up for it afterwards', () => {
  const { clock } = makeCache()
  clock.paused = true
  clock.tick(10)
  expect(clock.now).toBe(62)
  clock.move(3)
  expect(clock.now).toBe(65)
  clock.paused = false
  clock.tick(11)
  expect(clock.now).toBe(76)
})

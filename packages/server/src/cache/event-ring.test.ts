import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventRing, RING_STATE_WORDS } from './event-ring.ts'

/** Records whose every word is their number; what is taken must be what was put, in order. */
class Model {
  readonly words: Int32Array
  readonly ring: EventRing
  readonly queue: { readonly number: number; readonly length: number }[] = []
  #next = 1

  constructor(size: number) {
    this.words = new Int32Array(size)
    this.ring = new EventRing(this.words, new Int32Array(RING_STATE_WORDS))
  }

  put(length: number): boolean {
    const at = this.ring.reserve(length)
    if (at < 0) return false
    const number = this.#next++
    this.words.fill(number, at + 1, at + length)
    this.ring.commit(at, length)
    this.queue.push({ number, length })
    return true
  }

  take(): void {
    const at = this.ring.first(this.ring.end)
    const expected = this.queue.shift()
    if (expected === undefined) {
      expect(at).toBe(-1)
      return
    }
    const record = this.words.subarray(at, at + expected.length)
    expect([...record]).toEqual([
      expected.length,
      ...new Array(expected.length - 1).fill(expected.number),
    ])
    this.ring.drop(at)
  }
}

test('what was put comes out, in order and whole, whatever the lengths', () => {
  const puts = fc.record({ put: fc.integer({ min: 2, max: 12 }) })
  const takes = fc.constant({ put: undefined })
  fc.assert(
    fc.property(
      fc.integer({ min: 4, max: 60 }),
      fc.array(fc.oneof(puts, takes), { maxLength: 200 }),
      (size, steps) => {
        const model = new Model(size)
        for (const { put } of steps) {
          if (put === undefined) model.take()
          else model.put(put)
        }
        while (model.queue.length > 0) model.take()
        model.take()
      },
    ),
  )
})

test('a ring that was emptied takes records of up to half its size again, wherever it had stopped', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 40 }), fc.nat(100), (size, before) => {
      const model = new Model(size)
      for (let i = 0; i < before; i++) {
        expect(model.put(2)).toBe(true)
        model.take()
      }
      expect(model.put(Math.floor((size - 1) / 2))).toBe(true)
    }),
  )
})

test('without room nothing is put, and what is there stays', () => {
  const model = new Model(16)
  expect([model.put(6), model.put(6), model.put(6)]).toEqual([true, true, false])
  expect(model.put(17)).toBe(false)
  model.take()
  model.take()
  model.take()
})

test('a reader stops at the end it was told, though more was put since', () => {
  const model = new Model(16)
  model.put(4)
  const { end } = model.ring
  model.put(4)
  model.ring.drop(model.ring.first(end))
  expect(model.ring.first(end)).toBe(-1)
  expect(model.ring.first(model.ring.end)).toBe(4)
})

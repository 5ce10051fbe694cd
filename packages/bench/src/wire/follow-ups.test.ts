import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GET, type Operation, operation, SET } from '../workload/operation.ts'
import { FollowUps } from './follow-ups.ts'

test('what was called for comes back in order, however many wait', () => {
  // A number is pushed; undefined takes one.
  const steps = fc.array(fc.option(fc.nat(), { nil: undefined }), { size: 'large', maxLength: 300 })
  fc.assert(
    fc.property(steps, (pushes) => {
      const followUps = new FollowUps()
      const expected: Operation[] = []
      const taken = operation()
      for (const key of pushes) {
        if (key === undefined) {
          const next = expected.shift()
          expect(followUps.next(taken)).toBe(next !== undefined)
          if (next) expect(taken).toEqual(next)
        } else {
          const pushed = { kind: key % 2 ? GET : SET, key, valueBytes: key % 7, ttl: key % 60 }
          expected.push(pushed)
          followUps.push(pushed.kind, pushed.key, pushed.valueBytes, pushed.ttl)
        }
      }
      for (const next of expected) {
        followUps.next(taken)
        expect(taken).toEqual(next)
      }
      expect(followUps.next(taken)).toBe(false)
    }),
    { seed: 3, numRuns: 100 },
  )
})

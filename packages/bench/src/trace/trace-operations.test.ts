import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GET, operation, SET } from '../workload/operation.ts'
import { cut, ScriptedBytes } from './trace-bytes-fixture.ts'
import { TraceOperations } from './trace-operations.ts'
import { readTrace, type TraceOptions, type TraceReader } from './trace-reader.ts'

async function read(lines: readonly string[], options?: TraceOptions): Promise<TraceReader> {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  const pieces = new ScriptedBytes([bytes])
  return await readTrace(pieces, 'a.csv', { recordsAhead: 128, ...options })
}

/** When each operation is due. */
function dueTimes(operations: TraceOperations): number[] {
  const times: number[] = []
  const drawn = operation()
  for (let due = operations.nextDueMs; operations.next(drawn); due = operations.nextDueMs) {
    times.push(due)
  }
  return times
}

describe('at full speed', () => {
  test('operations come in the order of the file, and are always due', async () => {
    const operations = new TraceOperations(
      await read(['time,key,op,size,ttl', '5,a,get,10,0', '9,b,set,20,60']),
    )
    const drawn = operation()
    expect(operations.nextDueMs).toBe(0)
    expect(operations.next(drawn)).toBe(true)
    expect(drawn).toEqual({ kind: GET, key: 0, valueBytes: 10, ttl: 0 })
    expect(operations.nextDueMs).toBe(0)
    expect(operations.next(drawn)).toBe(true)
    expect(drawn).toEqual({ kind: SET, key: 1, valueBytes: 20, ttl: 60 })
    expect(operations.next(drawn)).toBe(false)
    expect(operations.ended).toBe(true)
    expect(operations.played).toBe(2)
  })

  test('one that was asked for several times is played as often', async () => {
    const operations = new TraceOperations(await read(['key,op,op_count', 'a,get,3', 'b,get,2']))
    const drawn = operation()
    const keys: number[] = []
    while (operations.next(drawn)) keys.push(drawn.key)
    expect(keys).toEqual([0, 0, 0, 1, 1])
  })

  test('a time to live that a server would take for a date is as long as it can be', async () => {
    const operations = new TraceOperations(await read(['key,op,ttl', 'a,set,99999999']))
    const drawn = operation()
    operations.next(drawn)
    expect(drawn.ttl).toBe(30 * 24 * 60 * 60)
  })

  test('nothing to draw is not the end while the file is still being read', async () => {
    const pieces = cut(Buffer.from('0,a,1,1,1,get,0\n'.repeat(100)), [16])
    const trace = await readTrace(new ScriptedBytes(pieces, { late: true }), 'a.csv', {
      recordsAhead: 4,
    })
    const operations = new TraceOperations(trace)
    const drawn = operation()
    let waits = 0
    do {
      while (operations.next(drawn));
      waits++
    } while (await operations.refill())
    expect(operations.played).toBe(100)
    expect(waits).toBeGreaterThan(1)
  })
})

describe('as recorded', () => {
  const header = 'time,key,op,op_count'

  test('operations of one second are spread over it', async () => {
    const trace = await read([header, '100,a,get,1', '100,a,get,3', '101,a,get,2', '103,a,get,1'])
    expect(dueTimes(new TraceOperations(trace, { speed: 1 }))).toEqual([
      0, 250, 500, 750, 1_000, 1_500, 3_000,
    ])
  })

  test('ten times as fast takes a tenth of the time', async () => {
    const trace = await read([header, '100,a,get,2', '101,a,get,1', '111,a,get,1'])
    expect(dueTimes(new TraceOperations(trace, { speed: 10 }))).toEqual([0, 50, 100, 1_100])
  })

  test('times with fractions are taken as they are', async () => {
    const trace = await read([header, '1.25,a,get,2', '1.5,a,get,1', '2,a,get,2', '2.5,a,get,1'])
    expect(dueTimes(new TraceOperations(trace, { speed: 1 }))).toEqual([
      0, 0, 250, 750, 1_000, 1_250,
    ])
  })

  test('nothing is due at the end', async () => {
    const operations = new TraceOperations(await read([header, '1,a,get,1']), { speed: 1 })
    operations.next(operation())
    expect(operations.nextDueMs).toBe(Number.POSITIVE_INFINITY)
    expect(operations.ended).toBe(true)
  })

  test('no operation is due before the one that came before it, even out of order', async () => {
    const times = fc.array(
      fc.oneof(
        fc.nat(5),
        fc.nat(50).map((tenths) => tenths / 10),
      ),
      {
        minLength: 1,
        maxLength: 60,
      },
    )
    await fc.assert(
      fc.asyncProperty(times, async (times) => {
        const trace = await read([header, ...times.map((time) => `${time},a,get,1`)])
        const due = dueTimes(new TraceOperations(trace, { speed: 1 }))
        expect(due).toHaveLength(times.length)
        expect(due).toEqual(due.toSorted((a, b) => a - b))
        // Never early either: at most the part of a second that is spread is added.
        for (const [index, time] of times.entries()) {
          expect(due[index]!).toBeGreaterThanOrEqual((time - times[0]!) * 1_000)
        }
      }),
    )
  })

  test('a trace that tells no times cannot be', async () => {
    const trace = await read(['key,op', 'a,get'])
    expect(() => new TraceOperations(trace, { speed: 1 })).toThrow('a.csv has no times')
  })
})

test('progress is the part of the file whose operations were drawn', async () => {
  const operations = new TraceOperations(await read(Array(100).fill('0,a,1,1,1,get,0')))
  expect(operations.progress).toEqual({ bytes: 0, size: 1_600, operations: 0 })
  for (let count = 0; count < 25; count++) operations.next(operation())
  expect(operations.progress).toEqual({ bytes: 400, size: 1_600, operations: 25 })
})

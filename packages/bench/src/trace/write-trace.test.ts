import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  DELETE,
  GET,
  type KeySpace,
  type Operation,
  type OperationSource,
  operation,
  SET,
} from '../workload/operation.ts'
import { TraceOperations } from './trace-operations.ts'
import { openTrace } from './trace-reader.ts'
import { writeTrace } from './write-trace.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'memshard-trace-'))
})
afterAll(() => rm(directory, { recursive: true }))

/** `k0`, `k1` and so on. */
const keys: KeySpace = {
  keys: 1_000,
  longest: 4,
  write: (key, to, at) => at + Buffer.from(`k${key}`).copy(to, at),
}

/** Gets, sets and deletes in turn, without an end. */
class Turns implements OperationSource {
  #turn = 0

  next(operation: Operation): boolean {
    operation.kind = [GET, SET, DELETE][this.#turn % 3]!
    operation.key = this.#turn % 1_000
    operation.valueBytes = this.#turn * 100
    operation.ttl = operation.kind === SET ? 60 : 0
    this.#turn++
    return true
  }
}

test('a stream of operations is written as Twitter wrote its traces', async () => {
  const path = join(directory, 'a.csv')
  const source = new Turns()
  expect(await writeTrace(path, { source, keys, operations: 4, operationsPerSecond: 2 })).toBe(4)
  expect(await readFile(path, 'utf8')).toBe(
    '0,k0,2,0,0,get,0\n0,k1,2,100,0,set,60\n1,k2,2,200,0,delete,0\n1,k3,2,300,0,get,0\n',
  )
})

test('what is written compressed can be played, and is the same stream', async () => {
  const path = join(directory, 'b.csv.gz')
  const count = 50_000
  await writeTrace(path, { source: new Turns(), keys, operations: count })
  expect(
    gunzipSync(await readFile(path))
      .subarray(0, 17)
      .toString(),
  ).toBe('0,k0,2,0,0,get,0\n')
  const played = new TraceOperations(await openTrace(path))
  const [drawn, expected] = [operation(), operation()]
  const again = new Turns()
  for (let index = 0; index < count; index++) {
    again.next(expected)
    played.next(drawn)
    // Each alone, expect takes longer than all the rest.
    if (JSON.stringify(drawn) !== JSON.stringify(expected)) expect(drawn).toEqual(expected)
  }
  expect(played.played).toBe(count)
  expect(played.next(drawn)).toBe(false)
})

test('a trace can be written again in this format, however long it is', async () => {
  const [first, second] = [join(directory, 'c.csv'), join(directory, 'd.csv')]
  await writeTrace(first, { source: new Turns(), keys, operations: 100_000 })
  const trace = await openTrace(first, { recordsAhead: 16 })
  const written = await writeTrace(second, {
    source: new TraceOperations(trace),
    keys: trace.keys,
    operations: Number.POSITIVE_INFINITY,
  })
  expect(written).toBe(100_000)
  expect(await readFile(second, 'utf8')).toBe(await readFile(first, 'utf8'))
})

test('says why it cannot be written', async () => {
  const options = { source: new Turns(), keys, operations: 1 }
  await expect(writeTrace(join(directory, 'none', 'a.csv'), options)).rejects.toThrow(
    /^cannot write the trace .*a.csv: no such file or directory$/,
  )
  await expect(writeTrace('a.csv.zst', options)).rejects.toThrow('name it .csv or .csv.gz')
})

test('can be interrupted', async () => {
  const operations = Number.POSITIVE_INFINITY
  const signal = AbortSignal.abort()
  const written = writeTrace(join(directory, 'e.csv'), {
    source: new Turns(),
    keys,
    operations,
    signal,
  })
  await expect(written).rejects.toThrow(/abort/)
})

// Real threads over one SharedArrayBuffer: each adds to plain words that only the lock protects.
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import { compileSources } from './compile-sources.ts'
import { Lock } from './lock.ts'

const sources = compileSources()
afterAll(() => sources[Symbol.dispose]())

const THREADS = 4
/** Words of the shared memory; the lock has a cache line of its own. */
const COUNTER = 16
const INSIDE = 17
const COLLISIONS = 18
const WORDS = 32

/**
 * Adds to the counter under the lock, again and again, and notes whom it meets inside. Every `holdEvery`-th
 * time it stays inside for a millisecond, so that others give up spinning and sleep.
 */
const ADD_UNDER_LOCK = `
  const { workerData } = require('node:worker_threads')
  const { url, memory, rounds, holdEvery } = workerData
  import(url).then(({ Lock }) => {
    const words = new Int32Array(memory)
    const idle = new Int32Array(new SharedArrayBuffer(4))
    const lock = new Lock(words.subarray(0, 1))
    for (let round = 1; round <= rounds; round++) {
      lock.acquire()
      if (words[${INSIDE}]++ !== 0) words[${COLLISIONS}]++
      const counter = words[${COUNTER}]
      if (round % holdEvery === 0) Atomics.wait(idle, 0, 0, 1)
      words[${COUNTER}] = counter + 1
      words[${INSIDE}]--
      lock.release()
    }
  })
`

async function run(rounds: number, holdEvery: number): Promise<Int32Array> {
  const memory = new SharedArrayBuffer(WORDS * 4)
  const url = sources.url('cache/lock.js')
  const workers = Array.from({ length: THREADS }, () => {
    const workerData = { url, memory, rounds, holdEvery }
    return new Worker(ADD_UNDER_LOCK, { eval: true, workerData })
  })
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise((resolve, reject) => {
          worker.once('exit', resolve)
          worker.once('error', reject)
        }),
    ),
  )
  return new Int32Array(memory)
}

describe('only one thread is inside', () => {
  test.each([
    ['short holds', 200_000, 200_001],
    ['long holds, others asleep', 200, 2],
    ['both', 20_000, 200],
  ])('%s', async (_, rounds, holdEvery) => {
    const words = await run(rounds, holdEvery)
    expect(words[COUNTER]).toBe(THREADS * rounds)
    expect(words[COLLISIONS]).toBe(0)
  })
})

test('all zeros is free, and it is free again after a release', () => {
  const words = new Int32Array(new SharedArrayBuffer(4))
  const lock = new Lock(words)
  lock.acquire()
  expect(words[0]).not.toBe(0)
  lock.release()
  expect(words[0]).toBe(0)
  lock.acquire()
  lock.release()
})

// Real threads over one SharedArrayBuffer: each adds to plain words that only the lock protects. `LOCK_SECONDS` is how
// long each run lasts.
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import { compileSources } from './compile-sources.ts'
import { Lock, LockAbandonedError } from './lock.ts'

const sources = compileSources()
afterAll(() => sources[Symbol.dispose]())

/** Of each run below; longer on request. */
const SECONDS = Number(process.env.LOCK_SECONDS ?? 0.5)
/** Nobody waits longer, on however busy a machine. */
const LONGEST_WAIT_MS = 30_000

/** Words of the shared memory; the lock has a cache line of its own. */
const COUNTER = 16
const INSIDE = 17
const COLLISIONS = 18
const STOP = 19
const READY = 20
/** From here on two for each thread: how often it had the lock, and its longest wait in milliseconds. */
const THREADS_AT = 32
const WORDS = 64

/**
 * Adds to the counter under the lock, again and again, and notes whom it meets inside. Every `holdEvery`-th
 * time it stays inside for a millisecond, so that others give up spinning and sleep. `isPatient`: it looks, as the
 * main thread does, whether the holder is still there.
 */
const ADD_UNDER_LOCK = `
  const { workerData } = require('node:worker_threads')
  const { url, memory, thread, holdEvery, isPatient } = workerData
  import(url).then(({ Lock }) => {
    const words = new Int32Array(memory)
    const idle = new Int32Array(new SharedArrayBuffer(4))
    const lock = new Lock(words.subarray(0, 1))
    if (isPatient) lock.hasEnded = () => false
    let longest = 0
    let rounds = 0
    Atomics.add(words, ${READY}, 1)
    while (Atomics.load(words, ${STOP}) === 0) {
      const asked = performance.now()
      lock.acquire()
      longest = Math.max(longest, performance.now() - asked)
      if (words[${INSIDE}]++ !== 0) words[${COLLISIONS}]++
      const counter = words[${COUNTER}]
      if (++rounds % holdEvery === 0) Atomics.wait(idle, 0, 0, 1)
      words[${COUNTER}] = counter + 1
      words[${INSIDE}]--
      lock.release()
      words[${THREADS_AT} + 2 * thread] = rounds
      words[${THREADS_AT} + 2 * thread + 1] = longest
    }
  })
`

interface Run {
  readonly counter: number
  readonly collisions: number
  /** By thread. */
  readonly rounds: readonly number[]
  readonly longestWaits: readonly number[]
}

async function run(threads: number, holdEvery: number): Promise<Run> {
  const memory = new SharedArrayBuffer(WORDS * 4)
  const words = new Int32Array(memory)
  const url = sources.url('cache/lock.js')
  const workers = Array.from({ length: threads }, (_, thread) => {
    const workerData = { url, memory, thread, holdEvery, isPatient: thread === 0 }
    return new Worker(ADD_UNDER_LOCK, { eval: true, workerData })
  })
  const ends = workers.map(ended)
  const each = Array.from({ length: threads }, (_, thread) => THREADS_AT + 2 * thread)
  await expect.poll(() => Atomics.load(words, READY)).toBe(threads)
  await sleep(SECONDS * 1000)
  // Each has its turn, if only the machine lets it run.
  await expect.poll(() => each.every((at) => Atomics.load(words, at) > 0)).toBe(true)
  Atomics.store(words, STOP, 1)
  // A wake-up that is lost is a thread that never ends.
  await Promise.all(ends)
  return {
    counter: words[COUNTER],
    collisions: words[COLLISIONS],
    rounds: each.map((at) => words[at]),
    longestWaits: each.map((at) => words[at + 1]),
  }
}

function ended(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once('exit', resolve)
    worker.once('error', reject)
  })
}

describe.each([2, 4, 8])(
  '%d threads: one at a time is inside, and nobody waits forever',
  (threads) => {
    test.each([
      ['short holds', Number.MAX_SAFE_INTEGER],
      ['long holds, others asleep', 1],
      ['both', 200],
    ])('%s', { timeout: SECONDS * 1000 + 60_000 }, async (_, holdEvery) => {
      const { counter, collisions, rounds, longestWaits } = await run(threads, holdEvery)
      expect(collisions).toBe(0)
      expect(counter).toBe(rounds.reduce((sum, each) => sum + each, 0))
      expect(Math.max(...longestWaits)).toBeLessThan(LONGEST_WAIT_MS)
      if (process.env.LOCK_SECONDS !== undefined) console.log({ threads, rounds, longestWaits })
    })
  },
)

describe('who would wait forever is told', () => {
  test('when the thread that has it has ended', async () => {
    const memory = new SharedArrayBuffer(4)
    const url = sources.url('cache/lock.js')
    const takeIt = `import(${JSON.stringify(url)}).then(({ Lock }) =>
      new Lock(new Int32Array(require('node:worker_threads').workerData)).acquire())`
    const worker = new Worker(takeIt, { eval: true, workerData: memory })
    const { threadId } = worker
    await ended(worker)
    const lock = new Lock(new Int32Array(memory))
    lock.hasEnded = (thread) => thread === threadId
    const error = new LockAbandonedError(
      threadId,
      `thread ${threadId} has ended while it had the lock`,
    )
    expect(() => lock.acquire()).toThrow(error)
    // And each time again.
    expect(() => lock.acquire()).toThrow(error)
  })

  test('when it has the lock itself', () => {
    const lock = new Lock(new Int32Array(new SharedArrayBuffer(4)))
    lock.acquire()
    expect(() => lock.acquire()).toThrow('this thread has the lock already')
    lock.release()
    lock.acquire()
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

// Real threads over one cache, as the server's workers and its background work are: they do everything to the same keys
// as fast as they can, and every answer is the one that the last writer made right. At intervals the world stands
// still, and everything in the cache's memory is looked at.
//
// HAMMER_SECONDS is how long each run lasts, HAMMER_SEED what it does.
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import { Cache } from './cache.ts'
import { MEGABYTE, makeCacheOptions, START_UNIX_SECONDS, set } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { allocateCacheMemory, type CacheOptions } from './cache-memory.ts'
import { compileSources } from './compile-sources.ts'
import { bytesOf, LEDGER_BYTES, Ledger, nameOf, VALUES } from './hammer-ledger.ts'
import {
  BATCHES,
  CONTROL_WORDS,
  ENDED,
  type HammerData,
  HELD,
  MAX_HELD,
  STANDING,
  STOPPED,
} from './hammer-thread.ts'
import type { ItemRef } from './item.ts'
import { EVICTED, SLABS_MOVED } from './statistics.ts'

const SECONDS = Number(process.env.HAMMER_SECONDS ?? 1)
const SEED = Number(process.env.HAMMER_SEED ?? Date.now() % 1_000_000)
/** Between two looks at everything. */
const INTERVAL_MS = 150
/** A thread that has not stood still by then goes round in circles. */
const STANDSTILL_MS = 60_000
/** However busy the machine is, so much is done. */
const LEAST_BATCHES = 300

const sources = compileSources()
afterAll(() => sources[Symbol.dispose]())

interface Hammering {
  readonly threads: number
  readonly options: Partial<CacheOptions>
  readonly mayForget: boolean
  readonly seconds: number
  readonly withoutLock?: boolean
}

interface Figures {
  readonly batches: number
  readonly looks: number
  readonly evictions: number
  readonly pagesMoved: number
}

/** @throws Error with the first thing that went wrong in any thread, or that was found at a standstill. */
async function hammer(hammering: Hammering): Promise<Figures> {
  const { threads, mayForget, withoutLock = false } = hammering
  const options = makeCacheOptions({
    // Few classes, so that each has pages to spare.
    slabSizesBytes: [256, 1024, 4096],
    slabChunkMaxBytes: 16 * 1024,
    hashPowerInitial: 4,
    trackSizes: true,
    ...hammering.options,
  })
  const memory = allocateCacheMemory(options)
  const cache = new Cache(memory, options)
  cache.clock.start(START_UNIX_SECONDS)
  const ledgerMemory = new SharedArrayBuffer(LEDGER_BYTES)
  const ledger = new Ledger(ledgerMemory, cache, mayForget)
  ledger.begin()
  fill(cache, ledger)
  const evictedBefore = cache.statistics.total(EVICTED)
  const controlMemory = new SharedArrayBuffer(CONTROL_WORDS * 4)
  const control = new Int32Array(controlMemory)
  // They begin together.
  Atomics.store(control, STOPPED, 1)
  let failure: Error | undefined
  const workers = Array.from({ length: threads + 1 }, (_, thread) => {
    const workerData: HammerData = {
      memory,
      options,
      ledger: ledgerMemory,
      control: controlMemory,
      thread,
      work: thread < threads ? 'clients' : 'background',
      mayForget,
      seed: SEED,
      withoutLock,
    }
    const worker = new Worker(new URL(sources.url('cache/hammer-thread.js')), { workerData })
    worker.once('error', (error) => {
      failure ??= error instanceof Error ? error : new Error(String(error))
    })
    return worker
  })
  const standStill = async (): Promise<void> => {
    Atomics.store(control, STOPPED, 1)
    const giveUp = Date.now() + STANDSTILL_MS
    while (Atomics.load(control, STANDING) < workers.length) {
      if (failure !== undefined) throw failure
      if (Date.now() > giveUp) throw new Error('a thread does not stand still')
      await setTimeout(1)
    }
  }
  const goOn = (): void => {
    Atomics.store(control, STOPPED, 0)
    Atomics.notify(control, STOPPED)
  }
  let looks = 0
  try {
    await standStill()
    goOn()
    const end = Date.now() + hammering.seconds * 1000
    while (Date.now() < end || Atomics.load(control, BATCHES) < LEAST_BATCHES) {
      await setTimeout(INTERVAL_MS)
      await standStill()
      look(cache, ledger, control)
      looks++
      goOn()
    }
    return {
      batches: Atomics.load(control, BATCHES),
      looks,
      evictions: cache.statistics.total(EVICTED) - evictedBefore,
      pagesMoved: cache.statistics.get(SLABS_MOVED),
    }
  } finally {
    Atomics.store(control, ENDED, 1)
    goOn()
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

/** Every value is there, as far as there is room. */
function fill(cache: Cache, ledger: Ledger): void {
  for (let value = 0; value < VALUES; value++) {
    const version = ledger.newVersion()
    const item = set(cache, nameOf(value), bytesOf(value, version))
    if (item !== undefined) ledger.stored(value, version, 0)
  }
}

/** Everything in the cache, with what the threads hold of it. */
function look(cache: Cache, ledger: Ledger, control: Int32Array): void {
  const inFlight: ItemRef[] = []
  const pins = new Map<ItemRef, number>()
  for (let at = HELD; at < control.length; at += 2 * MAX_HELD) {
    for (let n = 0; n < MAX_HELD; n++) {
      if (control[at + n] !== 0) inFlight.push(control[at + n])
      const pinned = control[at + MAX_HELD + n]
      if (pinned !== 0) pins.set(pinned, (pins.get(pinned) ?? 0) + 1)
    }
  }
  checkInvariants(cache, { inFlight, pins })
  ledger.checkAll()
  checkInvariants(cache, { inFlight, pins })
}

/** Who asks for a longer run wants to know what it was. */
function report(threads: number, figures: Figures): void {
  if (process.env.HAMMER_SECONDS !== undefined) console.log(threads, 'threads:', figures)
}

const roomy = { memoryLimitBytes: 128 * MEGABYTE }
const tight = { memoryLimitBytes: 4 * MEGABYTE }
const TIMEOUT_MS = 180_000 + SECONDS * 3000

describe(`threads agree on what the cache holds (HAMMER_SEED=${SEED})`, () => {
  test.each([2, 4, 8])(
    '%i threads, exactly, while memory lasts',
    async (threads) => {
      const figures = await hammer({ threads, options: roomy, mayForget: false, seconds: SECONDS })
      expect(figures.evictions).toBe(0)
      report(threads, figures)
    },
    TIMEOUT_MS,
  )

  test.each([2, 4, 8])(
    '%i threads, but for what was evicted',
    async (threads) => {
      const figures = await hammer({ threads, options: tight, mayForget: true, seconds: SECONDS })
      expect(figures.evictions).toBeGreaterThan(0)
      report(threads, figures)
    },
    TIMEOUT_MS,
  )

  test(
    'and it is found out if nobody waits for the lock',
    async () => {
      const hammering = { threads: 4, options: tight, mayForget: true, seconds: 30 }
      await expect(hammer({ ...hammering, withoutLock: true })).rejects.toThrow()
    },
    TIMEOUT_MS,
  )
})

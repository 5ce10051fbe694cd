// For tests only: threads that do everything to one cache, as long as asked, and looks at all of it meanwhile, for which
// the world stands still. Knows where the threads' module is from who asks.
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Cache } from './cache.ts'
import { makeCacheOptions, START_UNIX_SECONDS, set } from './cache-fixture.ts'
import { checkInvariants } from './cache-invariants.ts'
import { allocateCacheMemory, type CacheOptions } from './cache-memory.ts'
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

/** Between two looks at everything: at least, and in times of what the last one took. */
const LEAST_INTERVAL_MS = 150
const INTERVAL_LOOKS = 4
/** A thread that has not stood still by then goes round in circles. */
const STANDSTILL_MS = 60_000
/** However busy the machine is, so much is done; and where memory is full, something is evicted. */
const LEAST_BATCHES = 300

export interface Hammering {
  /** The compiled module of the threads. */
  readonly threadUrl: string
  readonly threads: number
  readonly options: Partial<CacheOptions>
  readonly mayForget: boolean
  readonly seconds: number
  readonly seed: number
  readonly withoutLock?: boolean
}

export interface Figures {
  readonly batches: number
  readonly looks: number
  readonly evictions: number
  readonly pagesMoved: number
}

/** @throws Error with the first thing that went wrong in any thread, or that was found at a standstill. */
export async function hammer(hammering: Hammering): Promise<Figures> {
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
      seed: hammering.seed,
      withoutLock,
    }
    const worker = new Worker(new URL(hammering.threadUrl), { workerData })
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
  const evictions = (): number => cache.statistics.total(EVICTED) - evictedBefore
  let looks = 0
  let lookMs = 0
  try {
    await standStill()
    goOn()
    const end = Date.now() + hammering.seconds * 1000
    const goesOn = (): boolean =>
      Date.now() < end ||
      Atomics.load(control, BATCHES) < LEAST_BATCHES ||
      (mayForget && evictions() === 0)
    while (goesOn()) {
      await setTimeout(Math.max(LEAST_INTERVAL_MS, INTERVAL_LOOKS * lookMs))
      const began = performance.now()
      await standStill()
      look(cache, ledger, control)
      lookMs = performance.now() - began
      looks++
      goOn()
    }
    return {
      batches: Atomics.load(control, BATCHES),
      looks,
      evictions: evictions(),
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
}

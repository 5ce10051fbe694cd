// For tests only: a thread that does everything one can do to a cache which it shares with others, as fast as it can:
// as a worker of the server does, or as its background work. It lets go of the lock between two batches, keeps items
// in flight and pinned across them, and stands still when it is told to, so that somebody can look at everything.
// Long because all that clients and background work do stands here.
import { workerData } from 'node:worker_threads'
import { CHANGED, changeNumber } from './arithmetic.ts'
import { Automover } from './automover.ts'
import { Cache } from './cache.ts'
import { blockOf, keyOf } from './cache-fixture.ts'
import type { CacheMemory, CacheOptions } from './cache-memory.ts'
import { Crawler, requestCrawl, requestSweep } from './crawler.ts'
import {
  bytesOf,
  isRefused,
  Ledger,
  LOGS,
  logName,
  maxLogBytes,
  NUMBERS,
  nameOf,
  numberName,
  VALUES,
} from './hammer-ledger.ts'
import { type ItemRef, STALE, TOKEN_SENT } from './item.ts'
import { Maintainer } from './maintainer.ts'
import { PageMover } from './page-mover.ts'
import { ADD, APPEND, CAS, REPLACE, SET, STORED, StoreRequest, store } from './store.ts'

// Words of the shared memory by which threads are told to stand still.
export const STOPPED = 0
export const STANDING = 1
export const ENDED = 2
/** Batches done by all. */
export const BATCHES = 3
/** From here on, by thread: the items that it holds in flight, then those that it has pinned. */
export const HELD = 16
export const MAX_HELD = 4
export const CONTROL_WORDS = 16 + 2 * MAX_HELD * 16

export interface HammerData {
  readonly memory: CacheMemory
  readonly options: CacheOptions
  readonly ledger: SharedArrayBuffer
  readonly control: SharedArrayBuffer
  /** From 0 on; the last one is the background's. */
  readonly thread: number
  readonly work: 'clients' | 'background'
  readonly mayForget: boolean
  readonly seed: number
  /** The fault to be found: nobody waits for the lock. */
  readonly withoutLock: boolean
}

const OPERATIONS_PER_BATCH = 12
const EXPIRY_SECONDS = 6

interface InFlight {
  readonly item: ItemRef
  readonly value: number
  readonly version: number
  readonly expiry: number
  filled: number
}

interface Pinned {
  readonly item: ItemRef
  readonly value: number
  readonly version: number
}

abstract class Thread {
  protected readonly cache: Cache
  protected readonly ledger: Ledger
  protected readonly control: Int32Array
  protected readonly data: HammerData
  #random: number

  constructor(data: HammerData) {
    this.data = data
    this.cache = new Cache(data.memory, data.options)
    this.ledger = new Ledger(data.ledger, this.cache, data.mayForget)
    this.control = new Int32Array(data.control)
    this.#random = data.seed * 1000 + data.thread
    if (data.withoutLock) {
      this.cache.lock.acquire = () => {}
      this.cache.lock.release = () => {}
    }
  }

  run(): void {
    const control = this.control
    while (Atomics.load(control, ENDED) === 0) {
      this.#standStill()
      this.batch()
      Atomics.add(control, BATCHES, 1)
    }
  }

  protected abstract batch(): void

  #standStill(): void {
    const control = this.control
    if (Atomics.load(control, STOPPED) === 0) return
    Atomics.add(control, STANDING, 1)
    while (Atomics.load(control, STOPPED) === 1) Atomics.wait(control, STOPPED, 1)
    Atomics.sub(control, STANDING, 1)
  }

  /** Mulberry32: a whole number below `end`. */
  protected random(end: number): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), this.#random | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end
  }
}

class ClientsThread extends Thread {
  readonly #request = new StoreRequest()
  readonly #inFlight: InFlight[] = []
  readonly #pinned: Pinned[] = []

  protected override batch(): void {
    const { lock } = this.cache
    lock.acquire()
    const operations = 1 + this.random(OPERATIONS_PER_BATCH)
    for (let n = 0; n < operations; n++) this.#operation()
    this.#note()
    lock.release()
    // As a reply that sends from where the item lies.
    for (const { item, value, version } of this.#pinned) this.ledger.check(item, value, version)
  }

  #operation(): void {
    const value = this.random(VALUES)
    switch (this.random(16)) {
      case 0:
      case 1:
        this.#store(value, SET)
        break
      case 2:
        this.#store(value, ADD)
        break
      case 3:
        this.#store(value, REPLACE)
        break
      case 4:
        this.#store(value, CAS)
        break
      case 5:
        this.#delete(value)
        break
      case 6:
        this.#touch(value)
        break
      case 7:
      case 8:
        this.#count(this.random(NUMBERS))
        break
      case 9:
        this.#join(this.random(LOGS))
        break
      case 10:
        this.#begin(value)
        break
      case 11:
        this.#goOn()
        break
      case 12:
        this.#pin(value)
        break
      case 13:
        this.#unpin()
        break
      case 14:
        this.#mark(value)
        break
      default:
        this.#get(value)
    }
  }

  #get(value: number): void {
    const item = this.ledger.find(value)
    if (item !== 0) this.cache.lru.bump(item)
  }

  #store(value: number, mode: number): void {
    const version = this.ledger.newVersion()
    const expiry = this.#expiry()
    const item = this.#allocate(nameOf(value), bytesOf(value, version).length, expiry)
    if (isRefused(item)) return
    this.#complete({ item, value, version, expiry, filled: 0 }, mode)
  }

  /** The value's rest, then the store. */
  #complete(flying: InFlight, mode: number): void {
    const { cache, ledger } = this
    const { item, value, version, expiry } = flying
    if (!this.#fill(flying, Number.POSITIVE_INFINITY)) {
      cache.free(item)
      return
    }
    const old = ledger.find(value)
    const request = this.#request
    request.reset(mode)
    // Every fourth has been outrun.
    const outrun = this.random(4) === 0
    if (mode === CAS && old !== 0) {
      request.compare = true
      request.compareLow = cache.items.casLow(old) - (outrun ? 1 : 0)
      request.compareHigh = cache.items.casHigh(old)
    }
    const storesOver = (isThere: boolean): boolean =>
      mode === SET || (mode === ADD ? !isThere : isThere && !(mode === CAS && outrun))
    const result = store(cache, item, keyOf(nameOf(value)).hash, request)
    let stores = storesOver(old !== 0)
    // The clock may have ticked since we looked.
    if ((result === STORED) !== stores && ledger.hasExpired(value)) stores = storesOver(false)
    if ((result === STORED) !== stores) {
      throw new Error(`wrong: mode ${mode} of ${nameOf(value)} is answered ${result}`)
    }
    if (stores) ledger.stored(value, version, expiry)
  }

  #delete(value: number): void {
    const item = this.ledger.find(value)
    if (item === 0) return
    this.cache.unlink(item)
    this.ledger.removed(value)
  }

  #touch(value: number): void {
    const item = this.ledger.find(value)
    if (item === 0) return
    const expiry = this.#expiry()
    this.cache.items.setExpiry(item, expiry)
    this.cache.lru.bump(item)
    this.ledger.touched(value, expiry)
  }

  /** As `md I`, and then the first to ask. */
  #mark(value: number): void {
    const item = this.ledger.find(value)
    if (item === 0) return
    const { items } = this.cache
    if ((items.flags(item) & STALE) === 0) {
      items.addFlags(item, STALE)
      items.removeFlags(item, TOKEN_SENT)
      this.cache.renewCas(item)
    } else {
      items.addFlags(item, TOKEN_SENT)
    }
  }

  #count(number: number): void {
    const { cache, ledger } = this
    const key = keyOf(numberName(number))
    const item = ledger.findNumber(number)
    if (item === 0) {
      const fresh = this.#allocate(numberName(number), 1, 0)
      if (isRefused(fresh)) return
      cache.fill(fresh, 0, blockOf('0'), 0, 1)
      cache.link(fresh, key.hash)
      ledger.setNumber(number, 0)
      return
    }
    const count = ledger.number(number)
    const up = count === 0 || this.random(3) > 0
    const result = changeNumber(cache, item, key.hash, up, 1, 0)
    if (result === CHANGED) ledger.setNumber(number, count + (up ? 1 : -1))
  }

  #join(log: number): void {
    const { cache, ledger } = this
    const { thread } = this.data
    const item = ledger.findLog(log)
    if (item !== 0 && cache.items.valueLength(item) > maxLogBytes(log)) {
      cache.unlink(item)
      return
    }
    const record = ledger.record(log, thread)
    const added = this.#allocate(logName(log), record.length, 0)
    if (isRefused(added)) return
    cache.fill(added, 0, blockOf(record), 0, record.length)
    const request = this.#request
    request.reset(APPEND)
    request.vivify = true
    request.vivifyExpiry = 0
    if (store(cache, added, keyOf(logName(log)).hash, request) === STORED) {
      ledger.recorded(log, thread)
    }
  }

  // ---- what lasts longer than a batch

  #begin(value: number): void {
    if (this.#inFlight.length === MAX_HELD) return
    const version = this.ledger.newVersion()
    const expiry = this.#expiry()
    const { length } = bytesOf(value, version)
    const item = this.#allocate(nameOf(value), length, expiry)
    if (isRefused(item)) return
    const flying = { item, value, version, expiry, filled: 0 }
    if (this.#fill(flying, Math.floor(length / 2))) this.#inFlight.push(flying)
    else this.cache.free(item)
  }

  #goOn(): void {
    const flying = this.#inFlight.shift()
    if (flying === undefined) return
    if (this.random(4) === 0) this.cache.free(flying.item)
    else this.#complete(flying, SET)
  }

  #pin(value: number): void {
    if (this.#pinned.length === MAX_HELD) return
    const item = this.ledger.find(value)
    if (item === 0 || !this.cache.hasFreePin(item)) return
    this.cache.pin(item)
    this.#pinned.push({ item, value, version: this.ledger.version(value) })
  }

  #unpin(): void {
    const pinned = this.#pinned.shift()
    if (pinned !== undefined) this.cache.unpin(pinned.item)
  }

  /** Tells who looks at everything what this thread holds. */
  #note(): void {
    const at = HELD + this.data.thread * 2 * MAX_HELD
    for (let n = 0; n < MAX_HELD; n++) {
      this.control[at + n] = this.#inFlight[n]?.item ?? 0
      this.control[at + MAX_HELD + n] = this.#pinned[n]?.item ?? 0
    }
  }

  // ---- items

  #expiry(): number {
    if (this.random(4) > 0) return 0
    return this.cache.clock.expiry(1 + this.random(EXPIRY_SECONDS))
  }

  #allocate(name: string, length: number, expiry: number): ItemRef {
    const { block, length: keyLength } = keyOf(name)
    return this.cache.allocate(block, 0, keyLength, 0, expiry, length, 0)
  }

  #fill(flying: InFlight, wanted: number): boolean {
    const bytes = bytesOf(flying.value, flying.version)
    const until = Math.min(bytes.length, wanted)
    const part = bytes.subarray(flying.filled, until)
    if (!this.cache.fill(flying.item, flying.filled, blockOf(part), 0, part.length)) return false
    flying.filled = until
    return true
  }
}

class BackgroundThread extends Thread {
  readonly #maintainer = new Maintainer(this.cache)
  readonly #crawler = new Crawler(this.cache)
  readonly #mover = new PageMover(this.cache, { patientPasses: this.data.mayForget ? 20 : 1e9 })
  readonly #automover = new Automover(this.cache)
  #seconds = 0

  protected override batch(): void {
    const { cache } = this
    const { lock } = cache
    for (let steps = 0; steps < 20; steps++) this.#mover.run()
    switch (this.random(12)) {
      case 0:
        cache.clock.tick(++this.#seconds)
        break
      case 1:
        this.#maintainer.run()
        break
      case 2:
        for (let steps = 0; steps < 50 && this.#crawler.run(); steps++);
        break
      case 3:
        this.#automover.run()
        break
      case 4:
      case 5:
      case 6:
        lock.acquire()
        cache.pageMoves.ask(this.#someClass(-1), this.#someClass(0), this.data.mayForget)
        lock.release()
        break
      case 7:
        lock.acquire()
        cache.pages.discardReleased()
        lock.release()
        break
      case 8:
        lock.acquire()
        requestCrawl(cache, new Set([this.#someClass(1), this.#someClass(1)]))
        lock.release()
        break
      case 9:
        if (this.random(100) === 0) this.#flush()
        break
      case 10:
        if (this.random(30) === 0) this.#invalidate(`${this.random(3)}:v`)
        break
      default:
        if (this.random(10) === 0) this.#retune()
    }
    // It is work that nobody waits for.
    Atomics.wait(this.control, STOPPED, 0, this.random(2))
  }

  #someClass(from: number): number {
    return from + this.random(this.cache.slabs.largestClass + 1 - from)
  }

  #flush(): void {
    const { cache } = this
    cache.lock.acquire()
    cache.flush(0)
    this.ledger.forget(() => true)
    cache.lock.release()
  }

  #invalidate(prefix: string): void {
    const { cache } = this
    const { block, length } = keyOf(prefix)
    cache.lock.acquire()
    if (!cache.invalidatePrefix(block, 0, length)) throw new Error('wrong: no room for a prefix')
    this.ledger.forget((key) => key.startsWith(prefix))
    if (this.random(3) === 0) requestSweep(cache)
    cache.lock.release()
  }

  #retune(): void {
    const { cache } = this
    const { tuning, lock } = cache
    lock.acquire()
    tuning.segmented = this.random(3) > 0
    tuning.slabAutomove = this.random(3)
    if (this.data.mayForget) {
      const fifths = 4 + this.random(4)
      cache.setMemoryLimit((this.data.options.memoryLimitBytes * fifths) / 5)
    }
    lock.release()
  }
}

const data: HammerData | undefined = workerData
if (data?.memory !== undefined) {
  const thread = data.work === 'clients' ? new ClientsThread(data) : new BackgroundThread(data)
  thread.run()
}

// For tests only: what every key of a cache must hold while several threads use it, in shared memory that the cache's
// own lock guards: so each look at a key under the lock has exactly one right answer, whoever wrote it. Knows keys by
// their numbers and values by their versions.
import { type Cache, NO_MEMORY, TOO_LARGE } from './cache.ts'
import { find, valueOfItem } from './cache-fixture.ts'
import type { ItemRef } from './item.ts'
import { SharedState } from './shared-state.ts'

export const VALUES = 1000
export const NUMBERS = 8
export const LOGS = 8
export const MAX_THREADS = 9

/** A record of a log: who wrote it, and the how manyth it is of that thread. */
const RECORD_BYTES = 12

export const LEDGER_BYTES = 64 * 1024

export class Ledger {
  readonly #cache: Cache
  readonly #mayForget: boolean
  /** Of each value; 0: it isn't there. */
  readonly #versions: Int32Array
  readonly #expiries: Int32Array
  /** How often each number was incremented; -1: it isn't there. */
  readonly #numbers: Int32Array
  /** Records written so far, by log and thread. */
  readonly #records: Int32Array
  readonly #lastVersion: Int32Array

  constructor(buffer: SharedArrayBuffer, cache: Cache, mayForget: boolean) {
    const state = new SharedState(buffer)
    this.#cache = cache
    this.#mayForget = mayForget
    this.#versions = state.int32(VALUES)
    this.#expiries = state.int32(VALUES)
    this.#numbers = state.int32(NUMBERS)
    this.#records = state.int32(LOGS * MAX_THREADS)
    this.#lastVersion = state.int32(1)
  }

  /** For the first one made: nothing is there. */
  begin(): void {
    this.#numbers.fill(-1)
  }

  // ---- values

  /** The item with a value, which is what it must be; 0 if there is none, rightly. */
  find(value: number): ItemRef {
    const { clock } = this.#cache
    // The clock ticks while we look.
    const earliest = clock.now
    const item = find(this.#cache, nameOf(value))
    const latest = clock.now
    const version = this.#versions[value]
    const expiry = this.#expiries[value]
    if (item === 0) {
      const expired = expiry !== 0 && expiry <= latest
      if (version !== 0 && !expired && !this.#mayForget) fail(`${nameOf(value)} is lost`)
      this.#versions[value] = 0
      return 0
    }
    if (version === 0) fail(`${nameOf(value)} is found and should be gone`)
    if (expiry !== 0 && expiry <= earliest) fail(`${nameOf(value)} is found and has expired`)
    this.check(item, value, version)
    return item
  }

  /** Whether an item has the bytes of a version. The lock is not needed for one that is pinned. */
  check(item: ItemRef, value: number, version: number): void {
    if (!valueOfItem(this.#cache, item).equals(bytesOf(value, version))) {
      fail(`${nameOf(value)} does not hold its version ${version}`)
    }
  }

  version(value: number): number {
    return this.#versions[value]
  }

  hasExpired(value: number): boolean {
    const expiry = this.#expiries[value]
    return expiry !== 0 && expiry <= this.#cache.clock.now
  }

  /** A version that no value had before. */
  newVersion(): number {
    return ++this.#lastVersion[0]
  }

  stored(value: number, version: number, expiry: number): void {
    this.#versions[value] = version
    this.#expiries[value] = expiry
  }

  touched(value: number, expiry: number): void {
    this.#expiries[value] = expiry
  }

  removed(value: number): void {
    this.#versions[value] = 0
  }

  // ---- numbers

  findNumber(number: number): ItemRef {
    const item = find(this.#cache, numberName(number))
    const expected = this.#numbers[number]
    if (item === 0) {
      if (expected >= 0 && !this.#mayForget) fail(`${numberName(number)} is lost`)
      this.#numbers[number] = -1
      return 0
    }
    if (expected < 0) fail(`${numberName(number)} is found and should be gone`)
    const actual = valueOfItem(this.#cache, item).toString('latin1')
    if (Number(actual) !== expected) {
      fail(`${numberName(number)} is ${actual}, and was incremented ${expected} times`)
    }
    return item
  }

  setNumber(number: number, count: number): void {
    this.#numbers[number] = count
  }

  number(number: number): number {
    return this.#numbers[number]
  }

  // ---- logs

  /** The item with a log that has all records, in the order of their writers; 0 if it was evicted or isn't begun. */
  findLog(log: number): ItemRef {
    const item = find(this.#cache, logName(log))
    if (item === 0) return 0
    const text = valueOfItem(this.#cache, item).toString('latin1')
    if (text.length % RECORD_BYTES !== 0) fail(`${logName(log)} has half a record`)
    const last = new Map<number, number>()
    for (let at = 0; at < text.length; at += RECORD_BYTES) {
      const match = /^(\d)-(\d{9});$/.exec(text.slice(at, at + RECORD_BYTES))
      if (match === null)
        fail(`${logName(log)} has the record ${text.slice(at, at + RECORD_BYTES)}`)
      const [thread, count] = [Number(match[1]), Number(match[2])]
      const before = last.get(thread)
      if (before !== undefined && count !== before + 1) {
        fail(`${logName(log)} has record ${count} of thread ${thread} after ${before}`)
      }
      last.set(thread, count)
    }
    for (const [thread, count] of last) {
      if (this.#records[log * MAX_THREADS + thread] !== count) {
        fail(`${logName(log)} has lost the last record of thread ${thread}`)
      }
    }
    return item
  }

  /** The next record of a thread for a log. */
  record(log: number, thread: number): Buffer {
    const count = this.#records[log * MAX_THREADS + thread] + 1
    return Buffer.from(`${thread}-${String(count).padStart(9, '0')};`)
  }

  recorded(log: number, thread: number): void {
    this.#records[log * MAX_THREADS + thread]++
  }

  // ---- everything

  /** After a flush, or the invalidation of a prefix. */
  forget(isGone: (key: string) => boolean): void {
    for (let value = 0; value < VALUES; value++) {
      if (isGone(nameOf(value))) this.#versions[value] = 0
    }
    for (let number = 0; number < NUMBERS; number++) {
      if (isGone(numberName(number))) this.#numbers[number] = -1
    }
  }

  /** Looks at every key. */
  checkAll(): void {
    for (let value = 0; value < VALUES; value++) this.find(value)
    for (let number = 0; number < NUMBERS; number++) this.findNumber(number)
    for (let log = 0; log < LOGS; log++) this.findLog(log)
  }
}

export function nameOf(value: number): string {
  return `${value % 3}:value:${value}`
}

export function numberName(number: number): string {
  return `0:number:${number}`
}

/** Past so many bytes a log is begun anew. The first one becomes an item in several chunks. */
export function maxLogBytes(log: number): number {
  return log === 0 ? 20_000 : 1000
}

export function logName(log: number): string {
  return `1:log:${log}`
}

/** The bytes of a version: how many and which follows from the numbers, and they name both. */
export function bytesOf(value: number, version: number): Buffer {
  const text = `${nameOf(value)} version ${version};`
  return Buffer.alloc(lengthOf(value, version), text)
}

/** Mostly short, some large, a few in many chunks. */
function lengthOf(value: number, version: number): number {
  const mixed = Math.imul(version * 31 + value, 0x9e3779b1) >>> 0
  const kind = mixed & 31
  const size = mixed >>> 5
  if (kind === 0) return 64 + (size % 240_000)
  return kind < 8 ? 64 + (size % 12_000) : 32 + (size % 600)
}

export function isRefused(item: ItemRef): boolean {
  return item === NO_MEMORY || item === TOO_LARGE
}

function fail(complaint: string): never {
  throw new Error(`wrong: ${complaint}`)
}

// For tests only: what a cache is, said as simply as can be: a Map from keys to values with an expiry, and what
// storing, counting, flushing and invalidating mean for it. Knows results and modes by their numbers; nothing of
// memory, so that it never forgets anything. That caches do, those who compare it with one tell it.
import {
  ADD,
  APPEND,
  CAS,
  EXISTS,
  NOT_FOUND,
  NOT_STORED,
  PREPEND,
  REPLACE,
  STORED,
} from './store.ts'

export interface Entry {
  readonly value: Buffer
  readonly clientFlags: number
  /** On the cache's clock; 0 is never. */
  expiry: number
  cas: bigint
  /** The client has chosen the CAS unique, or there is none: it doesn't tell when the item was stored. */
  timeless: boolean
  storedAt: number
  stale: boolean
  tokenSent: boolean
  /** An invalidation of its own second may have killed it: the cache may have it or not. */
  doubtful: boolean
}

/** One store, its value complete. */
export interface Storing {
  readonly key: string
  readonly mode: number
  readonly value: Buffer
  readonly clientFlags: number
  readonly expiry: number
  /** The CAS unique to compare with; undefined compares nothing. */
  readonly compare: bigint | undefined
  readonly allowStale: boolean
  readonly givenCas: bigint | undefined
  /** Appending to a missing key makes one that expires then; undefined: it doesn't. */
  readonly vivifyExpiry: number | undefined
}

interface Invalidation {
  readonly prefix: string
  readonly at: number
}

const U64 = 2n ** 64n
const MONTH_SECONDS = 60 * 60 * 24 * 30
const LATEST = 0x7fff_ffff

/** As C's strtoull reads it. */
export function numberIn(value: Buffer): bigint | undefined {
  const digits = /^[ \t-\r]*\+?(\d+)(?:[\0 \t-\r]|$)/.exec(value.toString('latin1', 0, 1000))
  if (digits === null) return undefined
  const number = BigInt(digits[1])
  return number < U64 ? number : undefined
}

export class CacheModel {
  /** What nobody may miss, unless there was no room for it. */
  readonly entries = new Map<string, Entry>()
  readonly #casEnabled: boolean
  now: number
  #epoch: number
  #flushAt: number | undefined
  #flushedAt = 0
  #invalidations: Invalidation[] = []

  constructor(now: number, unixSeconds: number, casEnabled: boolean) {
    this.now = now
    this.#epoch = unixSeconds - now
    this.#casEnabled = casEnabled
  }

  // ---- time

  pass(seconds: number): void {
    this.now += seconds
    this.#bury()
  }

  get unixSeconds(): number {
    return this.#epoch + this.now
  }

  /** The wall clock says something else: time goes on, and never back. */
  setWallClock(unixSeconds: number): void {
    const passed = Math.max(0, unixSeconds - this.unixSeconds)
    this.pass(passed)
  }

  expiry(exptime: number): number {
    if (exptime === 0) return 0
    if (exptime < 0) return 1
    if (exptime <= MONTH_SECONDS) return this.now + exptime
    const seconds = exptime - this.#epoch
    return seconds <= 0 ? 1 : Math.min(seconds, LATEST)
  }

  // ---- storing

  /** What a store must answer, given that there is room. */
  answer({ key, mode, compare, vivifyExpiry }: Storing, allowStale: boolean): number {
    const old = this.entries.get(key)
    if (old === undefined) {
      if (mode === CAS) return NOT_FOUND
      if (mode === REPLACE) return NOT_STORED
      const joins = mode === APPEND || mode === PREPEND
      return joins && vivifyExpiry === undefined ? NOT_STORED : STORED
    }
    if (mode === ADD) return NOT_STORED
    // A unique of 0 is none.
    const given = compare === undefined || compare === 0n ? undefined : compare
    const matches = given !== undefined && given === old.cas
    const isOlder = given !== undefined && allowStale && given < old.cas
    switch (mode) {
      case CAS:
        return matches || isOlder ? STORED : EXISTS
      case APPEND:
      case PREPEND:
        return given === undefined || matches ? STORED : EXISTS
      default:
        return STORED
    }
  }

  /** Stores what is answered STORED; `cas` is the unique that the cache has given it. */
  store(storing: Storing, cas: bigint): void {
    const { key, mode, value, clientFlags, givenCas } = storing
    const old = this.entries.get(key)
    const joins = mode === APPEND || mode === PREPEND
    const entry: Entry = {
      value,
      clientFlags,
      expiry: storing.expiry,
      cas,
      timeless: givenCas !== undefined || !this.#casEnabled,
      storedAt: this.now,
      stale: false,
      tokenSent: false,
      doubtful: false,
    }
    if (old === undefined) {
      if (joins) entry.expiry = storing.vivifyExpiry ?? 0
      this.#put(key, entry)
    } else if (joins) {
      const parts = mode === APPEND ? [old.value, value] : [value, old.value]
      const { clientFlags, expiry } = old
      this.#put(key, { ...entry, value: Buffer.concat(parts), clientFlags, expiry })
    } else if (mode === CAS && storing.compare !== old.cas) {
      const { expiry, tokenSent } = old
      this.#put(key, { ...entry, stale: true, expiry, tokenSent })
    } else {
      this.#put(key, entry)
    }
  }

  /** A number's new text; undefined if it is none. */
  changed(key: string, increment: boolean, delta: bigint): string | undefined {
    const old = this.entries.get(key)
    const number = old === undefined ? undefined : numberIn(old.value)
    if (number === undefined) return undefined
    const sum = increment ? (number + delta) % U64 : number - delta
    return String(sum < 0n ? 0n : sum)
  }

  /** The number under a key was changed: in its place, padded with blanks, or by a new item. */
  change(key: string, text: string, inPlace: boolean, cas: bigint): void {
    const old = this.entries.get(key)
    if (old === undefined) throw new Error(`${key} has no number to change`)
    const fresh = { cas, timeless: !this.#casEnabled }
    if (inPlace) {
      this.#put(key, { ...old, ...fresh, value: Buffer.from(text.padEnd(old.value.length)) })
    } else {
      const value = Buffer.from(text)
      const item = { storedAt: this.now, stale: false, tokenSent: false, doubtful: false }
      this.#put(key, { ...old, ...fresh, ...item, value })
    }
  }

  touch(key: string, expiry: number): void {
    const entry = this.entries.get(key)
    if (entry === undefined) return
    entry.expiry = expiry
    if (this.#isDead(entry)) this.entries.delete(key)
  }

  /** As `md I`: still there, but the next one to ask is to fetch it anew. */
  makeStale(key: string, cas: bigint, isGiven: boolean): void {
    const entry = this.entries.get(key)
    if (entry === undefined) return
    const timeless = isGiven || !this.#casEnabled
    this.#put(key, { ...entry, stale: true, tokenSent: false, cas, timeless })
  }

  #put(key: string, entry: Entry): void {
    const { timeless, storedAt } = entry
    const killed = this.#invalidations.some(({ prefix, at }) => {
      return key.startsWith(prefix) && storedAt <= at
    })
    const put = { ...entry, doubtful: entry.doubtful || (timeless && killed) }
    if (this.#isDead(put)) this.entries.delete(key)
    else this.entries.set(key, put)
  }

  // ---- killing many

  invalidate(prefix: string): void {
    for (const key of [...this.entries.keys()]) {
      if (key.startsWith(prefix)) this.entries.delete(key)
    }
    // What is stored in the second of a flush counts in the second after it.
    const at = this.#flushedAt === this.now ? this.now + 1 : this.now
    this.#invalidations.push({ prefix, at })
  }

  /** Items stored up to the second before `now + delay` die then; now, if there is no delay. */
  flush(delay: number): void {
    if (delay === 0) {
      this.#flushAt = undefined
      this.#flushedAt = this.now
      this.entries.clear()
    } else {
      if (this.#flushAt !== undefined && this.#flushAt <= this.now) this.#flushedAt = this.#flushAt
      const stored = this.#flushedAt === this.now ? this.now + 1 : this.now
      this.#flushAt = Math.max(this.now + delay - 1, stored)
    }
    this.#bury()
  }

  #bury(): void {
    for (const [key, entry] of this.entries) {
      if (this.#isDead(entry)) this.entries.delete(key)
    }
  }

  #isDead({ expiry, storedAt }: Entry): boolean {
    const flushAt = this.#flushAt
    const expired = expiry !== 0 && expiry <= this.now
    return expired || (flushAt !== undefined && flushAt <= this.now && storedAt <= flushAt)
  }
}

import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Cache } from '../cache/cache.ts'
import {
  casOfItem,
  fetch,
  find,
  keyOf,
  MEGABYTE,
  makeCache,
  START_UNIX_SECONDS,
  set,
  textOf,
} from '../cache/cache-fixture.ts'
import { checkInvariants } from '../cache/cache-invariants.ts'
import type { CacheOptions } from '../cache/cache-memory.ts'
import { itemsByHeat } from '../cache/heat-order.ts'
import { STALE } from '../cache/item.ts'
import { createLog } from './log.ts'
import { checkPlaceForSnapshot, leaveSnapshot, takeSnapshot } from './snapshot.ts'
import { writeSnapshot } from './snapshot-writer.ts'

let directory: string
let path: string
let logged: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  path = join(directory, 'snapshot')
  logged = ''
})
afterEach(() => rmSync(directory, { recursive: true }))

const log = createLog({ logLevel: 'info' }, { write: (text: string) => (logged += text) })

function invalidate(cache: Cache, prefix: string): void {
  expect(cache.invalidatePrefix(keyOf(prefix).block, 0, prefix.length)).toBe(true)
}

function leave(cache: Cache): void {
  leaveSnapshot(cache, path, 60, log)
}

/** The next process's cache, so many seconds later. */
function next(options: Partial<CacheOptions> = {}, secondsLater = 0): Cache {
  const cache = makeCache(options)
  cache.clock.start(START_UNIX_SECONDS + secondsLater)
  takeSnapshot(cache, path, log)
  checkInvariants(cache)
  return cache
}

const large = 'large '.repeat(150_000)

/** Larger than a block of the file. */
const huge = 'huge '.repeat(400_000)
const roomy = { maxItemSizeBytes: 4 * MEGABYTE }

describe('a snapshot', () => {
  test('has every item again: value, flags, CAS unique, what the meta protocol knows', () => {
    const before = makeCache(roomy)
    set(before, 'small', 'value', { clientFlags: 7 })
    set(before, 'empty', '')
    set(before, 'large', large)
    set(before, 'huge', huge)
    before.items.addFlags(find(before, 'small'), STALE)
    const uniques = ['small', 'huge'].map((key) => casOfItem(before, find(before, key)))
    leave(before)
    const cache = next(roomy)
    expect(textOf(cache, 'small')).toBe('value')
    expect(textOf(cache, 'empty')).toBe('')
    expect(textOf(cache, 'large')).toBe(large)
    expect(textOf(cache, 'huge')).toBe(huge)
    const small = find(cache, 'small')
    expect(cache.items.clientFlags(small)).toBe(7)
    expect(cache.items.flags(small) & STALE).toBe(STALE)
    expect(['small', 'huge'].map((key) => casOfItem(cache, find(cache, key)))).toEqual(uniques)
    expect(logged).toContain('"items":4')
  })

  test('counts the time between towards expiry, and has nothing that is dead', () => {
    const before = makeCache()
    const { now } = before.clock
    set(before, 'flushed', 'x')
    before.flush(0)
    set(before, 'short', 'x', { expiry: now + 5 })
    set(before, 'long', 'x', { expiry: now + 20 })
    leave(before)
    const cache = next({}, 10)
    expect(find(cache, 'flushed')).toBe(0)
    expect(find(cache, 'short')).toBe(0)
    expect(cache.items.expiry(find(cache, 'long')) - cache.clock.now).toBe(10)
  })

  test('goes on with the CAS uniques', () => {
    const before = makeCache()
    const last = casOfItem(before, set(before, 'a', 'x') ?? 0)
    before.unlink(find(before, 'a'))
    leave(before)
    const cache = next()
    expect(casOfItem(cache, set(cache, 'b', 'x') ?? 0)).toBe(last + 1n)
  })

  test('is under what is invalidated later, also where a client chose the CAS unique', () => {
    const before = makeCache()
    const { items } = before
    items.setGivenCas(set(before, 'user:1', 'x') ?? 0, 9, 9)
    set(before, 'user:2', 'x')
    set(before, 'gone:1', 'x')
    invalidate(before, 'gone:')
    leave(before)
    const cache = next()
    expect(find(cache, 'gone:1')).toBe(0)
    expect(casOfItem(cache, find(cache, 'user:1'))).toBe((9n << 32n) | 9n)
    invalidate(cache, 'user:')
    expect([find(cache, 'user:1'), find(cache, 'user:2')]).toEqual([0, 0])
  })

  test('keeps the order of the lists', () => {
    const before = makeCache()
    for (let n = 0; n < 200; n++) set(before, `key:${n}`, 'x'.repeat(n))
    for (let n = 0; n < 200; n += 7) for (let i = 0; i < 3; i++) fetch(before, `key:${n}`)
    const order = (cache: Cache): string[] =>
      [...itemsByHeat(cache)].map((item) => {
        const at = cache.items.keyAt(item)
        const bytes = cache.items.block(item).bytes.subarray(at, at + cache.items.keyLength(item))
        return Buffer.from(bytes).toString()
      })
    leave(before)
    expect(order(next())).toEqual(order(before))
  })

  test('is read once: what a later process leaves without one is nothing', () => {
    const before = makeCache()
    set(before, 'a', 'x')
    leave(before)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    next()
    expect(existsSync(path)).toBe(false)
    expect(find(next(), 'a')).toBe(0)
  })

  test('that is cut by the time has the hottest items', () => {
    const before = makeCache()
    for (let n = 0; n < 40; n++) set(before, `key:${n}`, 'x'.repeat(100_000))
    let looks = 0
    const written = writeSnapshot(before, path, () => ++looks > 2)
    expect(written.cut).toBe(true)
    const cache = next()
    expect(cache.table.count).toBe(written.items)
    expect(written.items).toBeLessThan(40)
    // The newest ones.
    for (let n = 39; n > 39 - written.items; n--) expect(find(cache, `key:${n}`)).not.toBe(0)
  })

  test('that a killed process was still writing has what is whole of it', () => {
    const before = makeCache()
    for (let n = 0; n < 40; n++) set(before, `key:${n}`, `${n}`.repeat(50_000))
    writeSnapshot(before, `${path}.part`, () => false)
    truncateSync(`${path}.part`, statSync(`${path}.part`).size - 500_000)
    const cache = next()
    expect(cache.table.count).toBeGreaterThan(20)
    expect(cache.table.count).toBeLessThan(40)
    for (const item of cache.table.all()) expect(cache.items.valueLength(item)).toBeGreaterThan(0)
    expect(logged).toMatch(/"level":"warn".*"cut":true.*what is whole/)
    expect(existsSync(`${path}.part`)).toBe(false)
  })

  test('loses a damaged block alone', () => {
    const before = makeCache(roomy)
    for (let n = 0; n < 40; n++) set(before, `key:${n}`, 'x'.repeat(100_000))
    set(before, 'huge', huge)
    leave(before)
    const bytes = readFileSync(path)
    bytes[2_500_000] ^= 1
    bytes[bytes.indexOf('huge huge') + 1000] ^= 1
    writeFileSync(path, bytes)
    const cache = next(roomy)
    expect(logged).toMatch(/"level":"warn".*"damagedBlocks":2/)
    expect(find(cache, 'huge')).toBe(0)
    expect(cache.table.count).toBeGreaterThan(20)
    for (const item of cache.table.all()) {
      const at = cache.items.keyAt(item)
      const bytes = cache.items.block(item).bytes.subarray(at, at + cache.items.keyLength(item))
      expect(textOf(cache, Buffer.from(bytes).toString())).toBe('x'.repeat(100_000))
    }
  })

  test('evicts nothing of itself where there is less room', () => {
    const before = makeCache()
    for (let n = 0; n < 200; n++) set(before, `key:${n}`, 'x'.repeat(100_000))
    leave(before)
    const cache = next({ memoryLimitBytes: 4 * MEGABYTE })
    expect(logged).toMatch(/"withoutRoom":1\d\d/)
    expect(find(cache, 'key:199')).not.toBe(0)
    expect(find(cache, 'key:0')).toBe(0)
  })

  test('is no file of somebody else’s, which stays as it is', () => {
    writeFileSync(path, 'Dear diary')
    expect(() => next()).toThrow(/no snapshot of memshard, and is left as it is/)
    expect(readFileSync(path, 'utf8')).toBe('Dear diary')
  })

  test('needs a place where it can be written', () => {
    expect(() => checkPlaceForSnapshot(join(directory, 'missing', 'snapshot'))).toThrow(
      /can't write a snapshot/,
    )
    expect(() => checkPlaceForSnapshot(path)).not.toThrow()
  })
})

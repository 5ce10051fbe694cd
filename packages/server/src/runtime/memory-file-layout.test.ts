// A memory file that was left once by this version of the layout, kept beside this test: what the server writes must not
// become another without a new version, and it must still find everything in the file of then.
//
// If the bytes differ because they mean something else now: raise LAYOUT_VERSION. If they mean the same, the second test
// has to pass before the file is made anew, with MEMSHARD_WRITE_LAYOUT=1.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Cache } from '../cache/cache.ts'
import {
  casOfItem,
  find,
  MEGABYTE,
  makeCacheOptions,
  START_UNIX_SECONDS,
  set,
  textOf,
} from '../cache/cache-fixture.ts'
import { checkInvariants } from '../cache/cache-invariants.ts'
import { ACTIVE, FETCHED, KEPT_FLAGS, KEY_BINARY, STALE, TOKEN_SENT } from '../cache/item.ts'
import { useNativeMemory } from '../cache/memory.ts'
import { CURR_ITEMS } from '../cache/statistics.ts'
import { hasSystemCalls, loadSystemCalls, type SystemCalls } from '../transport/system-calls.ts'
import { createLog } from './log.ts'
import { type MemoryFile, openMemoryFile } from './memory-file.ts'
import { LAYOUT_VERSION } from './memory-file-header.ts'

const LEFT = new URL(`../../src/runtime/memory-file-layout-${LAYOUT_VERSION}.gz`, import.meta.url)
/** Of the file; behind these bytes there are zeros. */
const KEPT_BYTES = 16 * MEGABYTE

const options = makeCacheOptions({
  memoryLimitBytes: 4 * MEGABYTE,
  prefixLimits: [{ prefix: 'limited:', bytes: 10_000 }],
})
const LARGE = 'large '.repeat(100_000)
const SECONDS = 500
const FLAGS = { FETCHED, ACTIVE, STALE, TOKEN_SENT, KEY_BINARY }

let directory: string
let path: string
let calls: SystemCalls
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  path = join(directory, 'items')
})
afterEach(() => rmSync(directory, { recursive: true }))

function open(): MemoryFile {
  calls = loadSystemCalls()
  useNativeMemory(calls)
  return openMemoryFile(path, options, calls, createLog({ logLevel: 'silent' }), 'one run')
}

/** Something of everything that a file can hold. */
function fill(cache: Cache): void {
  set(cache, 'plain', 'value')
  set(cache, 'flagged', 'value', { clientFlags: 0x12345678 })
  set(cache, 'expiring', 'value', { expiry: cache.clock.now + SECONDS })
  set(cache, 'large', LARGE)
  for (let n = 0; n < 20; n++) set(cache, `limited:${n}`, 'v'.repeat(n))
  for (let n = 0; n < 1_000; n++) set(cache, `key:${n}`, `${n},`.repeat(n % 10))
  for (let n = 0; n < 1_000; n += 7) cache.unlink(find(cache, `key:${n}`))
  for (const [name, flag] of Object.entries(FLAGS)) {
    set(cache, name, 'value')
    cache.items.addFlags(find(cache, name), flag)
  }
}

describe.skipIf(!hasSystemCalls())('the layout', () => {
  test('is that of its version', () => {
    const file = open()
    file.cache.clock.start(START_UNIX_SECONDS)
    fill(file.cache)
    file.stop(true)
    const bytes = readFileSync(path)
    expect(bytes.subarray(KEPT_BYTES).equals(Buffer.alloc(bytes.length - KEPT_BYTES))).toBe(true)
    const now = bytes.subarray(0, KEPT_BYTES)
    if (process.env.MEMSHARD_WRITE_LAYOUT === '1') writeFileSync(LEFT, gzipSync(now, { level: 9 }))
    const then = gunzipSync(readFileSync(LEFT))
    const different = now.equals(then) ? -1 : now.findIndex((byte, at) => byte !== then[at])
    expect(different, 'the first byte that differs; see the top of this test').toBe(-1)
  })

  test('is read as it was left', () => {
    writeFileSync(path, gunzipSync(readFileSync(LEFT)))
    truncateSync(path, (1 + 4 + 64) * MEGABYTE)
    const { cache, earlier, stop } = open()
    if (earlier === undefined) throw new Error('its items are not taken over')
    cache.clock.resume(START_UNIX_SECONDS, earlier)
    checkInvariants(cache)
    expect(textOf(cache, 'plain')).toBe('value')
    expect(casOfItem(cache, find(cache, 'plain'))).toBe(1n)
    expect(textOf(cache, 'flagged')).toBe('value')
    expect(cache.items.clientFlags(find(cache, 'flagged'))).toBe(0x12345678)
    expect(cache.items.expiry(find(cache, 'expiring')) - cache.clock.now).toBe(SECONDS)
    expect(textOf(cache, 'large')).toBe(LARGE)
    for (let n = 0; n < 20; n++) expect(textOf(cache, `limited:${n}`)).toBe('v'.repeat(n))
    for (const [name, flag] of Object.entries(FLAGS)) {
      expect(cache.items.flags(find(cache, name)) & KEPT_FLAGS, name).toBe(flag)
    }
    let count = 4 + 20 + 5
    for (let n = 0; n < 1_000; n++) {
      const expected = n % 7 === 0 ? undefined : `${n},`.repeat(n % 10)
      if (expected !== undefined) count++
      if (textOf(cache, `key:${n}`) !== expected) throw new Error(`key:${n} is another`)
    }
    expect(cache.statistics.get(CURR_ITEMS)).toBe(count)
    stop(false)
  })
})

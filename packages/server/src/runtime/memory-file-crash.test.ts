// A machine that dies under a memory file on a disk: what the process has written since it last waited for the disk is
// there by the page or not, in any mixture. The disk is what the file held when `fsync` was last called.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { find, MEGABYTE, makeCacheOptions, set, textOf } from '../cache/cache-fixture.ts'
import { checkInvariants } from '../cache/cache-invariants.ts'
import { useNativeMemory } from '../cache/memory.ts'
import { hasSystemCalls, LOCK_UN, loadSystemCalls } from '../transport/system-calls.ts'
import { createLog } from './log.ts'
import { openMemoryFile } from './memory-file.ts'

const MEMORY_PAGE_BYTES = 4096
/** Of the file: what describes the items, and all pages that items can be in. */
const WATCHED_BYTES = 4 * MEGABYTE
const KEYS = ['a', 'b', 'c', 'd']

const settings = {
  ours: makeCacheOptions({ memoryLimitBytes: 2 * MEGABYTE, slabSizesBytes: [512] }),
  // As large a file, with items elsewhere in it.
  others: makeCacheOptions({ memoryLimitBytes: 2 * MEGABYTE, slabSizesBytes: [1024] }),
}

const disk = vi.hoisted(() => ({ written: (_fd: number): void => {} }))
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  return { ...fs, fsyncSync: (fd: number) => disk.written(fd) }
})

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

interface Life {
  readonly as: keyof typeof settings
  readonly keys: readonly string[]
  readonly end: 'graceful' | 'stop' | 'kill'
}

const life: fc.Arbitrary<Life> = fc.record({
  as: fc.constantFrom('ours' as const, 'others' as const),
  keys: fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 3 }),
  end: fc.constantFrom('graceful' as const, 'stop' as const, 'kill' as const),
})

/** Which pages of those that differ reach the disk. */
const reached: fc.Arbitrary<(page: number) => boolean> = fc.oneof(
  // What the header says of itself is the most that can go wrong.
  fc.constant((page: number) => page > 0),
  fc.constant((page: number) => page === 0),
  fc.infiniteStream(fc.boolean()).map((choices) => () => choices.next().value === true),
)

describe.skipIf(!hasSystemCalls())('a machine that dies', () => {
  test('leaves all items of the last graceful stop, or none', () => {
    const calls = loadSystemCalls()
    useNativeMemory(calls)
    const log = createLog({ logLevel: 'silent' })
    let recovered = 0
    fc.assert(
      fc.property(fc.array(life, { minLength: 1, maxLength: 4 }), reached, (lives, reaches) => {
        const path = join(directory, 'items')
        rmSync(path, { force: true })
        let durable = new Uint8Array(WATCHED_BYTES)
        disk.written = (fd) => {
          durable = contentOf(fd)
        }
        /** What each key has in the cache, and what all had when it was last stopped gracefully. */
        let values = new Map<string, string>()
        let complete: ReadonlyMap<string, string> = new Map()
        let number = 0
        const live = ({ as, keys, end }: Life, boot: string): void => {
          let lock = -1
          const watched = {
            ...calls,
            flock: (fd: number, operation: number) => {
              lock = fd
              return calls.flock(fd, operation)
            },
          }
          const file = openMemoryFile(path, settings[as], watched, log, boot)
          const { cache, earlier } = file
          if (earlier === undefined) {
            cache.clock.start(1000)
            values = new Map()
          } else cache.clock.resume(1000, earlier)
          checkInvariants(cache)
          if (boot === 'after') {
            // The machine came up again.
            if (earlier !== undefined) recovered++
            const expected = earlier === undefined ? new Map() : complete
            for (const key of KEYS) {
              expect(find(cache, key) === 0 ? undefined : textOf(cache, key)).toBe(
                expected.get(key),
              )
            }
          }
          for (const key of keys) {
            const value = `${key} ${number++}`.repeat(30)
            set(cache, key, value)
            values.set(key, value)
          }
          if (end === 'kill') calls.flock(lock, LOCK_UN)
          else file.stop(end === 'graceful')
          if (end === 'graceful') complete = new Map(values)
        }
        for (const one of lives) live(one, 'before')
        crash(path, durable, reaches)
        live({ as: 'ours', keys: [], end: 'kill' }, 'after')
      }),
      { numRuns: 60 },
    )
    expect(recovered).toBeGreaterThan(0)
  })
})

function contentOf(fd: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(WATCHED_BYTES)
  readSync(fd, bytes, 0, bytes.length, 0)
  return bytes
}

function crash(path: string, durable: Uint8Array, reaches: (page: number) => boolean): void {
  const fd = openSync(path, 'r+')
  const now = contentOf(fd)
  for (let at = 0; at < WATCHED_BYTES; at += MEMORY_PAGE_BYTES) {
    const before = durable.subarray(at, at + MEMORY_PAGE_BYTES)
    if (Buffer.compare(before, now.subarray(at, at + MEMORY_PAGE_BYTES)) === 0) continue
    if (!reaches(at / MEMORY_PAGE_BYTES)) writeSync(fd, before, 0, before.length, at)
  }
  closeSync(fd)
}

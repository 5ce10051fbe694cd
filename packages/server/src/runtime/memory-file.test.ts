import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Cache } from '../cache/cache.ts'
import {
  find,
  MEGABYTE,
  makeCacheOptions,
  START_UNIX_SECONDS,
  set,
  textOf,
} from '../cache/cache-fixture.ts'
import { checkInvariants } from '../cache/cache-invariants.ts'
import type { CacheOptions } from '../cache/cache-memory.ts'
import { useNativeMemory } from '../cache/memory.ts'
import { CURR_BYTES, CURR_ITEMS } from '../cache/statistics.ts'
import { hasSystemCalls, loadSystemCalls, type SystemCalls } from '../transport/system-calls.ts'
import { createLog } from './log.ts'
import { MemoryFileError, openMemoryFile } from './memory-file.ts'

const log = createLog({ logLevel: 'silent' })
const options = makeCacheOptions({ memoryLimitBytes: 4 * MEGABYTE })

let directory: string
let path: string
let calls: SystemCalls

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  path = join(directory, 'items')
  calls = loadSystemCalls()
  useNativeMemory(calls)
})
afterEach(() => rmSync(directory, { recursive: true }))

/** A process's life: opens the file, works on its cache, and perhaps stops gracefully. */
function live(
  work: (cache: Cache, resumed: boolean) => void,
  {
    unixSeconds = START_UNIX_SECONDS,
    saves = true,
    ...changed
  }: Partial<CacheOptions> & { unixSeconds?: number; saves?: boolean } = {},
): void {
  const all = { ...options, ...changed }
  const file = openMemoryFile(path, all, calls, log)
  const cache = new Cache(file.memory, all)
  if (file.earlier === undefined) cache.clock.start(unixSeconds)
  else cache.resume(unixSeconds, file.earlier)
  checkInvariants(cache)
  work(cache, file.earlier !== undefined)
  if (saves) file.save(cache)
  else file.close()
}

// Without system calls there is no memory file, and `-e` is refused.
describe.skipIf(!hasSystemCalls())('the memory file', () => {
  test('has the items again after a graceful stop, large ones too', () => {
    const large = 'large '.repeat(150_000)
    live((cache) => {
      set(cache, 'small', 'value', { clientFlags: 7 })
      set(cache, 'large', large)
      set(cache, 'gone', 'x')
      cache.unlink(find(cache, 'gone'))
    })
    live((cache, resumed) => {
      expect(resumed).toBe(true)
      expect(textOf(cache, 'small')).toBe('value')
      expect(cache.items.clientFlags(find(cache, 'small'))).toBe(7)
      expect(textOf(cache, 'large')).toBe(large)
      expect(find(cache, 'gone')).toBe(0)
      expect(cache.statistics.get(CURR_ITEMS)).toBe(2)
      expect(cache.statistics.get(CURR_BYTES)).toBe(cache.lru.totalBytes)
    })
  })

  test('counts the time between two processes towards expiry', () => {
    live((cache) => {
      set(cache, 'short', 'x', { expiry: cache.clock.now + 5 })
      set(cache, 'long', 'x', { expiry: cache.clock.now + 20 })
    })
    const unixSeconds = START_UNIX_SECONDS + 10
    live(
      (cache) => {
        expect(cache.clock.uptime).toBe(0)
        expect(cache.clock.toUnix(cache.clock.now)).toBe(unixSeconds)
        expect(find(cache, 'short')).toBe(0)
        expect(find(cache, 'long')).not.toBe(0)
      },
      { unixSeconds },
    )
  })

  test('neither revives nor kills items when the wall clock was set back', () => {
    live((cache) => set(cache, 'a', 'x', { expiry: cache.clock.now + 5 }))
    live((cache) => expect(find(cache, 'a')).not.toBe(0), {
      unixSeconds: START_UNIX_SECONDS - 1000,
    })
  })

  test('goes on with the CAS uniques, so that no old one is given again', () => {
    let last = 0
    live((cache) => {
      last = cache.items.casLow(set(cache, 'a', 'x') ?? 0)
    })
    live((cache) => expect(cache.items.casLow(set(cache, 'b', 'x') ?? 0)).toBe(last + 1))
  })

  test('keeps a flush in force', () => {
    live((cache) => {
      set(cache, 'a', 'x')
      cache.flush(0)
    })
    live((cache) => expect(find(cache, 'a')).toBe(0))
  })

  test('holds whatever was stored, with every list and free chunk in order', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 30 }),
      size: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 900_000 })),
      remove: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 30 }), { maxLength: 3 }), (lives) => {
        const expected = new Map<string, string>()
        const checkAll = (cache: Cache): void => {
          for (const [key, value] of expected) {
            // Items may have been evicted; they must not be another's.
            expect([undefined, value]).toContain(textOf(cache, key))
          }
        }
        for (const steps of [...lives, []]) {
          live((cache) => {
            checkAll(cache)
            for (const { key, size, remove } of steps) {
              const item = find(cache, `key:${key}`)
              expected.delete(`key:${key}`)
              if (item !== 0) cache.unlink(item)
              const value = String(key % 10).repeat(size)
              if (!remove && set(cache, `key:${key}`, value) !== undefined) {
                expected.set(`key:${key}`, value)
              }
            }
            checkInvariants(cache)
          })
        }
        rmSync(path)
        rmSync(`${path}.meta`)
      }),
      { numRuns: 30 },
    )
  })
})

describe.skipIf(!hasSystemCalls())('an empty cache is what remains', () => {
  const expectEmpty = (changed: Parameters<typeof live>[1] = {}): void =>
    live((cache, resumed) => {
      expect(resumed).toBe(false)
      expect(find(cache, 'a')).toBe(0)
      expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
      set(cache, 'a', 'x')
      checkInvariants(cache)
    }, changed)

  test('of a process that did not stop gracefully', () => {
    live((cache) => set(cache, 'a', 'x'), { saves: false })
    expectEmpty()
  })

  test('of one that did, but after which another did not', () => {
    live((cache) => set(cache, 'a', 'x'))
    live(() => {}, { saves: false })
    expectEmpty()
  })

  test.each<[string, Partial<CacheOptions>]>([
    ['another memory limit', { memoryLimitBytes: 8 * MEGABYTE }],
    ['another growth factor', { growthFactor: 1.5 }],
    ['another chunk size', { minimumItemSpaceBytes: 64 }],
    ['another largest item', { maxItemSizeBytes: MEGABYTE / 2 }],
    ['CAS turned off', { casEnabled: false }],
  ])('with %s', (_, changed) => {
    live((cache) => set(cache, 'a', 'x'))
    expectEmpty(changed)
  })

  test('when the items were cut off', () => {
    live((cache) => set(cache, 'a', 'x'))
    truncateSync(path, MEGABYTE)
    expectEmpty()
  })

  test('when the metadata belongs to other items', () => {
    live((cache) => set(cache, 'a', 'x'))
    const metadata = readFileSync(`${path}.meta`)
    live((cache) => set(cache, 'b', 'x'))
    writeFileSync(`${path}.meta`, metadata)
    expectEmpty()
  })
})

describe.skipIf(!hasSystemCalls())('it is refused', () => {
  const opening = (): unknown => openMemoryFile(path, options, calls, log)

  test.each([
    ['nothing in it', () => ''],
    ['a line that is no metadata', () => '{"layout":1}\n'],
    ['one byte changed', (saved: Buffer) => saved.fill(1, saved.length - 1)],
    ['its end missing', (saved: Buffer) => saved.subarray(0, saved.length - 100)],
  ])('when the metadata file has %s', (_, damage) => {
    live((cache) => set(cache, 'a', 'x'))
    writeFileSync(`${path}.meta`, damage(readFileSync(`${path}.meta`)))
    expect(opening).toThrow(MemoryFileError)
    expect(opening).toThrow(/remove it/)
  })

  test('while another has it open', () => {
    live(() => expect(opening).toThrow(/in use by another process/))
  })

  test('where no file can be', () => {
    path = join(directory, 'missing', 'items')
    expect(opening).toThrow(/can't open the memory file .*no such file/)
  })
})

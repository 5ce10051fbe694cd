import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
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
import type { CacheOptions } from '../cache/cache-memory.ts'
import { useNativeMemory } from '../cache/memory.ts'
import { CURR_BYTES, CURR_ITEMS } from '../cache/statistics.ts'
import {
  ENOSPC,
  EOPNOTSUPP,
  hasSystemCalls,
  LOCK_UN,
  loadSystemCalls,
  type SystemCalls,
} from '../transport/system-calls.ts'
import { createLog } from './log.ts'
import { MemoryFileError, openMemoryFile } from './memory-file.ts'

const options = makeCacheOptions({ memoryLimitBytes: 4 * MEGABYTE })

let directory: string
let path: string
let calls: SystemCalls
let logged: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'memshard-'))
  path = join(directory, 'items')
  calls = loadSystemCalls()
  useNativeMemory(calls)
  logged = ''
})
afterEach(() => rmSync(directory, { recursive: true }))

const log = createLog({ logLevel: 'info' }, { write: (text: string) => (logged += text) })

/** How a process ends. A killed one is one that does nothing any more: what it held is unlocked by hand. */
type End = 'graceful' | 'stop' | 'kill' | 'failure'

interface Life extends Partial<CacheOptions> {
  readonly unixSeconds?: number
  readonly end?: End
  /** The run of the machine that it falls into. */
  readonly boot?: string
}

/** A process's life: opens the file, works on its cache, and ends. */
function live(work: (cache: Cache, resumed: boolean) => void, life: Life = {}): void {
  const { unixSeconds = START_UNIX_SECONDS, end = 'stop', boot = 'one', ...changed } = life
  const all = { ...options, ...changed }
  let lock = -1
  const watched = {
    ...calls,
    flock: (fd: number, operation: number) => {
      lock = fd
      return calls.flock(fd, operation)
    },
  }
  const file = openMemoryFile(path, all, watched, log, boot)
  const { cache, earlier } = file
  if (earlier === undefined) cache.clock.start(unixSeconds)
  else cache.clock.resume(unixSeconds, earlier)
  checkInvariants(cache)
  work(cache, earlier !== undefined)
  if (end === 'failure') file.discard()
  if (end === 'failure' || end === 'kill') calls.flock(lock, LOCK_UN)
  else file.stop(end === 'graceful')
}

// Without system calls there is no memory file, and `-e` is refused.
describe.skipIf(!hasSystemCalls())('the memory file', () => {
  test.each<End>(['graceful', 'stop', 'kill'])('has the items again after the end: %s', (end) => {
    const large = 'large '.repeat(150_000)
    let cas = 0n
    live(
      (cache) => {
        cas = casOfItem(cache, set(cache, 'small', 'value', { clientFlags: 7 }) ?? 0)
        set(cache, 'large', large)
        set(cache, 'gone', 'x')
        cache.unlink(find(cache, 'gone'))
      },
      { end },
    )
    live((cache, resumed) => {
      expect(resumed).toBe(true)
      expect(textOf(cache, 'small')).toBe('value')
      expect(casOfItem(cache, find(cache, 'small'))).toBe(cas)
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

  test('keeps a flush in force, and one that is still to come', () => {
    const now = START_UNIX_SECONDS
    live(
      (cache) => {
        set(cache, 'a', 'x')
        cache.flush(0)
        set(cache, 'b', 'x')
        cache.flush(cache.clock.now + 5)
      },
      { end: 'kill' },
    )
    const living = (cache: Cache): boolean[] => ['a', 'b'].map((key) => find(cache, key) !== 0)
    live((cache) => expect(living(cache)).toEqual([false, true]), { end: 'kill' })
    live((cache) => expect(living(cache)).toEqual([false, false]), { unixSeconds: now + 6 })
  })

  test('holds whatever was stored, with every list and free chunk in order', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 30 }),
      size: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 900_000 })),
      remove: fc.boolean(),
    })
    const lives = fc.record({
      steps: fc.array(step, { maxLength: 30 }),
      end: fc.constantFrom<End>('graceful', 'stop', 'kill'),
    })
    fc.assert(
      fc.property(fc.array(lives, { maxLength: 3 }), (those) => {
        const expected = new Map<string, string>()
        const checkAll = (cache: Cache): void => {
          for (const [key, value] of expected) {
            // Items may have been evicted; they must not be another's.
            expect([undefined, value]).toContain(textOf(cache, key))
          }
        }
        for (const { steps, end } of [...those, { steps: [], end: 'stop' as const }]) {
          live(
            (cache) => {
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
            },
            { end },
          )
        }
        rmSync(path)
      }),
      { numRuns: 30 },
    )
  })

  test('outlives the machine after a graceful stop', () => {
    live((cache) => set(cache, 'a', 'x'), { end: 'graceful', boot: 'one' })
    live((cache) => expect(textOf(cache, 'a')).toBe('x'), { boot: 'two' })
  })
})

describe.skipIf(!hasSystemCalls())('it is emptied, and says why,', () => {
  const expectEmpty = (reason: string, life: Life = {}): void => {
    logged = ''
    live((cache, resumed) => {
      expect(resumed).toBe(false)
      expect(find(cache, 'a')).toBe(0)
      expect(cache.statistics.get(CURR_ITEMS)).toBe(0)
      set(cache, 'a', 'x')
      checkInvariants(cache)
    }, life)
    expect(logged).toMatch(/"level":"warn".*the cache starts cold/)
    expect(logged).toContain(reason)
    live((cache) => expect(textOf(cache, 'a')).toBe('x'), life)
  }

  test.each<[string, string, Partial<CacheOptions>]>([
    ['another memory limit', '-m', { memoryLimitBytes: 8 * MEGABYTE }],
    ['a smaller one', '-m', { memoryLimitBytes: 2 * MEGABYTE }],
    [
      'a limit for a prefix, for which items have no links',
      '-o prefix_limit',
      { prefixLimits: [{ prefix: 'a', bytes: 1000 }] },
    ],
    ['another growth factor', '-f', { growthFactor: 1.5 }],
    ['another chunk size', '-n', { minimumItemSpaceBytes: 64 }],
    ['another largest item', '-I', { maxItemSizeBytes: MEGABYTE / 2 }],
    ['CAS turned off', '-C', { casEnabled: false }],
  ])('with %s', (_, flag, changed) => {
    live((cache) => set(cache, 'a', 'x'))
    expectEmpty(`other settings (${flag})`, changed)
  })

  test.each<End>(['stop', 'kill'])('when the machine was started anew after the end: %s', (end) => {
    live((cache) => set(cache, 'a', 'x'), { end, boot: 'one' })
    expectEmpty('the machine was started anew', { boot: 'two' })
  })

  test('when it was written to again after it was all on disk', () => {
    live(() => {}, { end: 'graceful', boot: 'one' })
    live((cache) => set(cache, 'a', 'x'), { end: 'kill', boot: 'one' })
    expectEmpty('the machine was started anew', { boot: 'two' })
  })

  /** Changes the file between two processes. */
  const damage = (at: number, bytes: readonly number[]): void => {
    const file = readFileSync(path)
    file.set(bytes, at)
    writeFileSync(path, file)
  }
  const VERSION_AT = 16
  const STATE_AT = 20
  const LAYOUT_AT = 68
  /** Behind the header. */
  const DESCRIPTION_AT = 4096

  test('when its items were cut off', () => {
    live((cache) => set(cache, 'a', 'x'))
    truncateSync(path, MEGABYTE)
    expectEmpty('bytes, and should have')
  })

  test('when its layout is another version’s', () => {
    live((cache) => set(cache, 'a', 'x'))
    damage(VERSION_AT, [99])
    expectEmpty('version 99')
  })

  test.each([
    ['state', STATE_AT, 'header is damaged'],
    ['settings', LAYOUT_AT, 'other settings'],
  ])('when its %s can’t be', (_, at, reason) => {
    live((cache) => set(cache, 'a', 'x'))
    damage(at, [99])
    expectEmpty(reason)
  })

  test('when what describes its pages is damaged', () => {
    live((cache) => set(cache, 'a', 'x'))
    damage(DESCRIPTION_AT + 64, new Array(MEGABYTE / 2).fill(0x55))
    expectEmpty('its table of pages is damaged')
  })

  test('when an item is damaged', () => {
    live((cache) => set(cache, 'a', 'x'.repeat(1000)))
    const at = readFileSync(path).indexOf('a'.concat('x'.repeat(1000)))
    // The length of its value.
    damage(at - 32 + 16, [0xff, 0xff, 0xff, 0x7f])
    expectEmpty('is damaged')
  })

  test('when a thread had failed', () => {
    live((cache) => set(cache, 'a', 'x'), { end: 'failure' })
    live((cache, resumed) => {
      expect(resumed).toBe(false)
      expect(find(cache, 'a')).toBe(0)
    })
  })
})

describe.skipIf(!hasSystemCalls())('it is refused', () => {
  const opening = (): unknown => openMemoryFile(path, options, calls, log)

  test.each([
    ['a short document', 'Dear diary'],
    ['a long one', 'Dear diary\n'.repeat(100_000)],
    ['zeros', '\0'.repeat(MEGABYTE)],
  ])('when it is something else: %s, which stays as it is', (_, text) => {
    writeFileSync(path, text)
    expect(opening).toThrow(MemoryFileError)
    expect(opening).toThrow(/no memory file of memshard, and is left as it is/)
    expect(readFileSync(path, 'latin1')).toBe(text)
  })

  test('beside memcached’s metadata, which stays as well', () => {
    writeFileSync(`${path}.meta`, '')
    expect(opening).toThrow(/must be memcached's/)
    expect([existsSync(path), existsSync(`${path}.meta`)]).toEqual([false, true])
  })

  test('when it is a device or a directory', () => {
    path = '/dev/null'
    expect(opening).toThrow(/no memory file of memshard/)
    path = directory
    expect(opening).toThrow(/can't open the memory file/)
  })

  test('while another has it open', () => {
    live(() => expect(opening).toThrow(/in use by another process/))
  })

  test('where no file can be', () => {
    path = join(directory, 'missing', 'items')
    expect(opening).toThrow(/can't open the memory file .*no such file/)
  })

  test('where there is no room for all of it', () => {
    const full: SystemCalls = { ...calls, posix_fallocate: () => ENOSPC }
    expect(() => openMemoryFile(path, options, full, log)).toThrow(/no room .* 69 MiB/)
    live((_, resumed) => expect(resumed).toBe(false))
  })

  test('not where room can’t be reserved, but with a warning', () => {
    const old: SystemCalls = { ...calls, posix_fallocate: () => EOPNOTSUPP }
    openMemoryFile(path, options, old, log).stop(false)
    expect(logged).toMatch(/"level":"warn".*should the disk run full/)
  })
})

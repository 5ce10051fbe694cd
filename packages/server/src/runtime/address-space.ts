// How many addresses to reserve for items, so that `cache_memlimit` can raise the limit later. Knows the
// system's own limits on addresses; nothing of what they are used for.
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { MAX_MEMORY_BYTES } from '../cache/arena.ts'

/** What the arena needs beside the items, and the system for others: a request above all memory is refused. */
const LEFT_BYTES = 256 * 1024 * 1024

/**
 * Bytes of items to reserve addresses for; at least `memoryLimitBytes`. On Linux addresses that nobody
 * touches cost nothing, so it is as much as the machine has memory, and at most what the arena addresses.
 * Where they do cost something (`ulimit -v`, strict overcommit, other systems) it is the limit itself.
 */
export function reservedItemBytes(memoryLimitBytes: number): number {
  if (process.platform !== 'linux' || addressesAreLimited()) return memoryLimitBytes
  const all = Math.floor((totalmem() - LEFT_BYTES) / 2 ** 20) * 2 ** 20
  return Math.max(memoryLimitBytes, Math.min(all, MAX_MEMORY_BYTES))
}

function addressesAreLimited(): boolean {
  try {
    const unlimited = /^Max address space +unlimited /m.test(
      readFileSync('/proc/self/limits', 'utf8'),
    )
    const overcommit = readFileSync('/proc/sys/vm/overcommit_memory', 'utf8').trim()
    return !unlimited || overcommit === '2'
  } catch {
    return true
  }
}

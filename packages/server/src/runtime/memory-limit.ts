// Whether the cache fits into what the system lets the process have: a container's limit, at which the kernel kills it.
// Knows sizes, nothing of who reports them.
import { arenaBytes } from '../cache/arena.ts'

/** What a full server needs beside its items, as OPERATIONS says: Node.js, our code, and something for each thread. */
const BESIDE_ITEMS_BYTES = 72 * 1024 * 1024
const PER_THREAD_BYTES = 16 * 1024 * 1024
const MIB = 1024 * 1024

export interface MemoryNeeds {
  readonly memoryLimitBytes: number
  readonly threads: number
  /** All of the memory file (`-e`) is memory, from the start: it is on a ram disk. */
  readonly fileInMemory: boolean
}

/** Why the process will be killed as its cache fills, and what to do; undefined if it has room. `allowed` 0: no limit. */
export function tooLittleMemory(
  { memoryLimitBytes, threads, fileInMemory }: MemoryNeeds,
  allowed: number,
): string | undefined {
  if (allowed === 0) return undefined
  const fileBytes = fileInMemory ? arenaBytes(memoryLimitBytes) - memoryLimitBytes : 0
  const beside = BESIDE_ITEMS_BYTES + threads * PER_THREAD_BYTES + fileBytes
  if (memoryLimitBytes + beside <= allowed) return undefined
  const most = Math.floor((allowed - beside) / MIB)
  const remedy = most > 0 ? `give -m ${most} at most, or raise the limit` : 'raise the limit'
  return (
    `the memory limit of this process (${Math.floor(allowed / MIB)} MiB) is less than -m ${Math.round(memoryLimitBytes / MIB)} ` +
    `and what the server itself needs${fileInMemory ? ', with a memory file on a ram disk' : ''}: it will be killed before the cache is full; ${remedy}`
  )
}

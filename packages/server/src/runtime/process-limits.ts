// What the process is allowed to take of the system: open files, core dumps, memory that stays in memory.
// Knows the calls for it and memcached's words for when they fail.
import type { CacheMemory } from '../cache/cache-memory.ts'
import { MemoryBlock } from '../cache/memory.ts'
import { RLIMIT_CORE, RLIMIT_NOFILE, type SystemCalls } from '../transport/system-calls.ts'

/** The process is not allowed what it is to do; the message says what. */
export class LimitError extends Error {
  readonly code = 'ERR_MEMSHARD_LIMIT'
}

const UNLIMITED = 2n ** 64n - 1n

interface Limit {
  readonly soft: bigint
  readonly hard: bigint
}

/**
 * Allows the process as many open files as there are to be connections (`-c`), and `others` besides if it can
 * have them: without those it serves, and stops accepting a little earlier.
 * @throws LimitError if it can't be allowed the connections.
 */
export function allowDescriptors(calls: SystemCalls, connections: number, others: number): void {
  const { soft, hard } = limitOf(calls, RLIMIT_NOFILE)
  const wanted = BigInt(connections + others)
  if (soft >= wanted) return
  if (setLimit(calls, RLIMIT_NOFILE, { soft: wanted, hard: hard > wanted ? hard : wanted })) return
  setLimit(calls, RLIMIT_NOFILE, { soft: hard, hard })
  if (hard < BigInt(connections)) {
    throw new LimitError(
      'failed to set rlimit for open files. Try starting as root or requesting smaller maxconns value.',
    )
  }
}

/**
 * `-r`: lets a crash leave a core file, as large as it may be.
 * @throws LimitError if it would leave none.
 */
export function allowCoreDumps(calls: SystemCalls): void {
  const { hard } = limitOf(calls, RLIMIT_CORE)
  const raised = setLimit(calls, RLIMIT_CORE, { soft: UNLIMITED, hard: UNLIMITED })
  if (!raised) setLimit(calls, RLIMIT_CORE, { soft: hard, hard })
  if (limitOf(calls, RLIMIT_CORE).soft === 0n) {
    throw new LimitError('failed to ensure corefile creation')
  }
}

/**
 * `-k`: keeps the cache's memory from being swapped, as it comes into use. Not the runtime's own, which V8
 * gives back in ways that locked memory does not allow. Returns memcached's warning if it can't be.
 */
export function lockMemory(calls: SystemCalls, memory: CacheMemory): string | undefined {
  for (const part of [memory.state, memory.table, memory.arena]) {
    const address = 'address' in part ? part.address : calls.addressOf(new Uint8Array(part, 0, 1))
    if (calls.lockOnUse(address, part.byteLength) !== 0) {
      return `warning: -k invalid, mlock() failed: ${calls.describeError(calls.errno())}`
    }
  }
  return undefined
}

function limitOf(calls: SystemCalls, resource: number): Limit {
  const limits = new MemoryBlock(new ArrayBuffer(16))
  if (calls.getrlimit(resource, limits.address) < 0) {
    throw new LimitError(`failed to getrlimit: ${calls.describeError(calls.errno())}`)
  }
  return {
    soft: limits.view.getBigUint64(0, true),
    hard: limits.view.getBigUint64(8, true),
  }
}

function setLimit(calls: SystemCalls, resource: number, { soft, hard }: Limit): boolean {
  const limits = new MemoryBlock(new ArrayBuffer(16))
  limits.view.setBigUint64(0, soft, true)
  limits.view.setBigUint64(8, hard, true)
  return calls.setrlimit(resource, limits.address) === 0
}

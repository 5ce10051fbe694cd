// Whether the process may have the addresses (`ulimit -v`) that its threads need: V8 reserves some for each, used or
// not, and ends the process where there are none, with words that tell nobody what to do. Knows nothing of items.
import { readFileSync } from 'node:fs'

/** What the VmPeak of a server grows by with each thread, on Node.js 20: mostly the reserve for compiled code. */
const PER_THREAD_BYTES = 600 * 1024 * 1024
/** Items apart, what is reserved besides: first pages of classes, tables, buffers, the main thread's heap. */
const BESIDE_ITEMS_BYTES = 320 * 1024 * 1024
const STATM_PAGE_BYTES = 4096
const MIB = 1024 * 1024

/** Why the threads can't be started, and what to do; undefined if they can, as far as that is known. */
export function tooFewAddresses(threads: number, memoryLimitBytes: number): string | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const limit = /^Max address space +(\d+) /m.exec(limits)?.[1]
    if (limit === undefined) return undefined
    const [pages] = readFileSync('/proc/self/statm', 'latin1').split(' ')
    return shortage(Number(limit), Number(pages) * STATM_PAGE_BYTES, threads, memoryLimitBytes)
  } catch {
    return undefined
  }
}

function shortage(
  limit: number,
  reserved: number,
  threads: number,
  memoryLimitBytes: number,
): string | undefined {
  const needed = reserved + threads * PER_THREAD_BYTES + memoryLimitBytes + BESIDE_ITEMS_BYTES
  if (needed <= limit) return undefined
  return (
    `the limit on addresses (ulimit -v ${Math.floor(limit / 1024)}) is too low for -t ${threads} and -m ` +
    `${Math.round(memoryLimitBytes / MIB)}, which take some ${Math.ceil(needed / MIB)} MiB of them, used or not: ` +
    `ulimit -v ${Math.ceil(needed / 1024)} or more, or -t less`
  )
}

// The transports that this machine has, so that every one of them is tested where it can be.
import { readFileSync } from 'node:fs'
import { release } from 'node:os'

/** What the io_uring transport needs. A machine with it that forbids io_uring to the process fails the tests. */
const RING_KERNEL = [6, 12]

function hasRings(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  if (major < RING_KERNEL[0] || (major === RING_KERNEL[0] && minor < RING_KERNEL[1])) return false
  try {
    return readFileSync('/proc/sys/kernel/io_uring_disabled', 'utf8').trim() === '0'
  } catch {
    return true
  }
}

/** Those that serve by direct system calls, on as many threads as wanted. */
export const DIRECT_TRANSPORTS: readonly string[] = hasRings() ? ['uring', 'epoll'] : ['epoll']

export const TRANSPORTS: readonly string[] = [...DIRECT_TRANSPORTS, 'node']

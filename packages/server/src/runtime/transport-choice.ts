// Which transport serves: the one that was asked for, or the fastest that this machine has and allows. Knows what
// each needs, not how it works.
import { useNativeMemory } from '../cache/memory.ts'
import { hasSystemCalls, loadSystemCalls, type SystemCalls } from '../transport/system-calls.ts'
import { whyNoRing } from '../transport/uring-ring.ts'
import type { Log } from './log.ts'
import type { Settings } from './settings.ts'
import { StartError } from './start-error.ts'

/** A transport over direct system calls. */
export type DirectTransport = 'uring' | 'epoll'

/**
 * The system calls to serve by, or undefined for the portable transport. With them this thread's memory has
 * addresses from here on. Throws a StartError if what was asked for can't be had.
 */
export function chooseSystemCalls({ transport }: Settings, log: Log): SystemCalls | undefined {
  if (transport === 'node') return undefined
  const calls = loadCalls(log)
  if (calls !== undefined) return calls
  if (transport !== 'auto') throw unavailable(transport, 'it needs Linux on x64 or arm64')
  log.info('neither io_uring nor epoll is to be had here: serving through node:net, on one thread')
  return undefined
}

/**
 * Which of those over system calls serves. To be asked as the user who serves: a system may allow io_uring to the
 * privileged alone. Throws a StartError if what was asked for can't be had.
 */
export function chooseDirectTransport(
  { transport }: Settings,
  calls: SystemCalls,
  log: Log,
): DirectTransport {
  if (transport === 'epoll') return 'epoll'
  const obstacle = whyNoRing(calls)
  if (obstacle === undefined) return 'uring'
  if (transport === 'uring') {
    throw unavailable(transport, `it needs Linux 6.12 or later that allows io_uring (${obstacle})`)
  }
  log.info(`io_uring is not to be had here (${obstacle}): serving by epoll`)
  return 'epoll'
}

function unavailable(transport: string, reason: string): StartError {
  return new StartError(
    `--transport ${transport} can't be had: ${reason}; leave it out to use what this machine has`,
  )
}

function loadCalls(log: Log): SystemCalls | undefined {
  try {
    if (!hasSystemCalls()) return undefined
    const calls = loadSystemCalls()
    useNativeMemory(calls)
    return calls
  } catch (error) {
    log.debug({ err: error }, 'no direct system calls')
    return undefined
  }
}

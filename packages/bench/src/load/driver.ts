// What moves bytes between the tape and a server, behind one interface: the epoll driver where the
// machine has it, node:net elsewhere. Knows nothing of requests; closed-loop.ts decides what is sent.
import type { ServerAddress } from './address.ts'
import type { ClosedLoop } from './closed-loop.ts'
import { openEpollDriver } from './epoll-driver.ts'
import { systemCallsAvailable } from './linux.ts'
import { openNodeDriver } from './node-driver.ts'

export interface LoadDriver extends Disposable {
  readonly kind: DriverKind
  /**
   * Plays the loop until the time is over, the loop has nothing left to do, or the signal is
   * aborted. May be called again to go on where it stopped.
   */
  run(milliseconds: number, signal: AbortSignal): Promise<void>
}

export type DriverKind = 'epoll' | 'node'
export type DriverChoice = DriverKind | 'auto'

/** A rate of requests, whether the server keeps up or not. */
export interface Pace {
  readonly requestsPerSecond: number
  /**
   * Look at the clock all the time, which takes a whole core, instead of sleeping until a request is
   * due, which makes it up to a tenth of a millisecond late.
   */
  readonly spin: boolean
}

/**
 * Connects everything. `auto` takes epoll where it can; only epoll can keep a pace. Throws a BenchError
 * where it can't connect.
 */
export async function openDriver(
  choice: DriverChoice,
  address: ServerAddress,
  loop: ClosedLoop,
  pace: Pace | undefined,
): Promise<LoadDriver> {
  const possible = pace !== undefined || (await systemCallsAvailable()) ? 'epoll' : 'node'
  const kind = choice === 'auto' ? possible : choice
  return kind === 'epoll'
    ? openEpollDriver(address, loop, pace?.spin ?? false)
    : openNodeDriver(address, loop)
}

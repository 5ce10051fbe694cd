// What moves bytes between callers and servers, behind one interface: the epoll driver where the machine
// has it, node:net elsewhere and for TLS. Knows nothing of requests; load-loop.ts decides what is sent.
import type { ServerAddress } from './address.ts'
import { openEpollDriver } from './epoll-driver.ts'
import { systemCallsAvailable } from './linux.ts'
import type { LoadLoop } from './load-loop.ts'
import { openNodeDriver } from './node-driver.ts'
import type { Arrivals } from './schedule.ts'
import type { TlsSettings } from './tls.ts'

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

export interface DriverOptions {
  readonly choice: DriverChoice
  /** Every caller has a connection to each. */
  readonly servers: readonly ServerAddress[]
  readonly tls: TlsSettings | undefined
  /**
   * With a timetable: look at the clock all the time, which takes a whole core, instead of sleeping until a
   * request is due, which makes it up to a tenth of a millisecond late.
   */
  readonly spin: boolean
}

/** A rate of requests, whether the server keeps up or not. */
export interface Pace {
  readonly requestsPerSecond: number
  readonly arrivals: Arrivals
  /** See {@link DriverOptions}. */
  readonly spin: boolean
}

/** Connects everything. `auto` takes epoll where it can. Throws a BenchError where it can't connect. */
export async function openDriver(options: DriverOptions, loop: LoadLoop): Promise<LoadDriver> {
  const possible = !options.tls && (await systemCallsAvailable()) ? 'epoll' : 'node'
  const kind = options.choice === 'auto' ? possible : options.choice
  return kind === 'epoll' ? openEpollDriver(options, loop) : openNodeDriver(options, loop)
}

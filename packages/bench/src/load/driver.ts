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

/** Connects everything. `auto` takes epoll where it can. Throws a BenchError where it can't connect. */
export async function openDriver(
  choice: DriverChoice,
  address: ServerAddress,
  loop: ClosedLoop,
): Promise<LoadDriver> {
  const kind = choice === 'auto' ? ((await systemCallsAvailable()) ? 'epoll' : 'node') : choice
  return kind === 'epoll' ? openEpollDriver(address, loop) : openNodeDriver(address, loop)
}

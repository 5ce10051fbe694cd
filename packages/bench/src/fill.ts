// Stores the keys of a workload over one connection, so that a get has something to hit.
// Knows nothing of what is measured afterwards.
import { BenchError } from './errors.ts'
import type { ServerAddress } from './load/address.ts'
import { ClosedLoop } from './load/closed-loop.ts'
import { type DriverChoice, openDriver } from './load/driver.ts'
import { LatencyRecorder } from './measure/latency.ts'
import { Tally } from './workload/tally.ts'
import { recordFill } from './workload/tape.ts'
import type { Workload } from './workload/workload.ts'

export interface FillOptions {
  readonly address: ServerAddress
  readonly workload: Workload
  readonly driver: DriverChoice
  /** Keys below this one are stored already. */
  readonly firstKey?: number
  readonly tally?: Tally
  readonly latency?: LatencyRecorder
  /** Asked after about every 16 MB; true ends the fill. */
  readonly enough?: () => Promise<boolean>
}

/** For one tape of the fill, which is about 16 MB. */
const FILL_DEADLINE_MS = 60_000

/** Stores every key once. Throws a {@link BenchError} when the server refuses one. */
export async function fill(options: FillOptions, signal: AbortSignal): Promise<void> {
  const { address, workload, firstKey, enough } = options
  const { tally = new Tally(), latency = new LatencyRecorder() } = options
  for (const tape of recordFill(workload, firstKey)) {
    const loop = new ClosedLoop({ tape, tally, latency, mayMiss: false, requests: tape.length })
    using driver = await openDriver(options.driver, address, loop, undefined)
    await driver.run(FILL_DEADLINE_MS, signal)
    if (signal.aborted) return
    if (tally.errors > 0 || !loop.finished) {
      const reason = [...tally.complaints].join('; ') || 'it stopped answering'
      throw new BenchError(
        'CANNOT_FILL',
        `the server stored ${tally.sets} of ${workload.keys} keys: ${reason}`,
      )
    }
    if (await enough?.()) return
  }
}

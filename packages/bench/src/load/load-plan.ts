// All that a thread must know to make its part of a load, as data that can be handed to it.
// Knows nothing of how it is done.
import type { Workload } from '../workload/workload.ts'
import type { ServerAddress } from './address.ts'
import type { DriverChoice, Pace } from './driver.ts'
import type { TlsSettings } from './tls.ts'

export interface LoadPlan {
  /** With numeric hosts. A key has its home on one of them. */
  readonly servers: readonly ServerAddress[]
  readonly tls: TlsSettings | undefined
  readonly workload: Workload
  /** The thread's part of the workload's connections. */
  readonly connections: number
  readonly driver: DriverChoice
  /** The thread's part of the rate. */
  readonly pace: Pace | undefined
  /** Whether a key without a value is an outcome like another, or an error. */
  readonly mayMiss: boolean
  readonly thread: number
  readonly threads: number
  /** What each key must hold, where it is verified: the memory of a ValueLedger, which threads share. */
  readonly ledger: SharedArrayBuffer | undefined
}

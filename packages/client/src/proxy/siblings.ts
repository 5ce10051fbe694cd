// The other processes of a proxy that is several, as one of them sees them. Knows no process.
import type { ProxySnapshot } from './snapshot.ts'

export interface Siblings {
  /** Of the process that signals go to. */
  readonly pid: number
  /** What the others have counted: of those that answer soon. */
  snapshots(): Promise<readonly ProxySnapshot[]>
  /** Has them count anew. */
  reset(): Promise<void>
}

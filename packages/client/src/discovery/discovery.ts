// What tells a client which nodes there are. Knows nothing of pools and connections: a discovery says
// what it has found, and whoever follows it keeps the last good list when it finds nothing.
import type { NodeSpec } from '../node/address.ts'

/** What a discovery is given while it is followed. */
export interface DiscoveryContext {
  /** Aborts when nobody follows any more. */
  readonly signal: AbortSignal
  /**
   * Resolves after about so many milliseconds (give or take a tenth, so that many clients don't ask at
   * once), earlier when there is reason to look again: a node failed, or `wake` was called. Rejects when
   * `signal` aborts. Keeps no process alive.
   */
  pause(milliseconds: number): Promise<void>
  /** Ends the present pause, or else the next one. */
  wake(): void
  /** Reports a failure after which the discovery goes on by itself. */
  report(error: unknown): void
}

/**
 * A source of nodes. It needs no error handling of its own: when it throws, the error is reported, the
 * last list stays, and it is watched anew after a while.
 *
 *     const mine: Discovery = {
 *       async *watch({ pause }) {
 *         for (;;) {
 *           yield await askSomebody()
 *           await pause(30_000)
 *         }
 *       },
 *     }
 */
export interface Discovery {
  /** Whole lists, the first as soon as possible. A list that is empty or wrong counts as a failure. */
  watch(context: DiscoveryContext): AsyncIterable<readonly NodeSpec[]>
}

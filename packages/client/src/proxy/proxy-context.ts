// What a session needs of the proxy that it is a client of.
import type { Gatekeeper } from './guarded-conversation.ts'
import type { ProxyStatistics } from './proxy-statistics.ts'
import type { RequestLimits } from './request-parser.ts'
import type { Round } from './round.ts'
import type { RoutingTable } from './routing-table.ts'

export interface ProxyContext extends Gatekeeper {
  /** Clients that come now have to log in. */
  readonly loginRequired: boolean
  readonly limits: RequestLimits
  readonly round: Round
  readonly statistics: ProxyStatistics
  /** Those of now: they change with the configuration. */
  readonly routes: RoutingTable
  /** Whether clients may empty all nodes. */
  readonly allowFlush: boolean
  /** Empties every node that a route leads to. Resolves to what went wrong. */
  flushAll(delay: number | undefined): Promise<readonly string[]>
  /** The answer to `stats`, or to `stats <what>`. */
  report(what: string): string | Promise<string>
}

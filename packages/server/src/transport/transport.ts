// What every transport is: bytes between sockets and the engine, in one thread. Knows no command.
import type { Clock } from '../cache/clock.ts'
import type { ConnectionDescription } from '../protocol/context.ts'
import type { Engine } from '../protocol/engine.ts'
import type { ConnectionCounts } from './connection-counts.ts'
import type { ConnectionEvents } from './connection-events.ts'

export interface Transport {
  /** Serves until stopped; done when its connections are closed. */
  run(): Promise<void> | void
  /** Every connection and listener of the process, by descriptor; `asking` is the one that wants to know. */
  describeConnections(asking: number): Iterable<ConnectionDescription>
}

/** What a transport is given to work with. */
export interface TransportContext {
  readonly engine: Engine
  readonly counts: ConnectionCounts
  readonly connectionEvents: ConnectionEvents
  readonly clock: Clock
  /** `-o idle_timeout`: after how long a silent connection is closed; 0: never. */
  readonly idleTimeoutSeconds: number
  /** `-o read_buf_mem_limit`: bytes of input and answers that a thread keeps for all its connections. */
  readonly maxKeptBytes: number
  /** Number of this thread among those that serve, from 0. */
  readonly thread: number
}

/** The state of the connection whose `stats conns` is answered, in memcached's words. */
export const EXECUTING = 'conn_parse_cmd'

/** Bytes read from a socket at a time. */
export const INPUT_BYTES = 64 * 1024

/** What a connection over `-c` is told (memcached's words). */
export const TOO_MANY_CONNECTIONS = 'ERROR Too many open connections\r\n'

/** After a graceful stop, how long clients have to take the answers they asked for. */
export const DRAIN_MS = 5_000

// The options of memcache-client as those of a client. Knows no command.
import { ArgumentError } from '../errors.ts'
import type { TlsOptions } from '../node/tls.ts'
import type { ClientOptions } from '../options.ts'
import type { Compressor } from './memcache-client-values.ts'

export interface SingleServer {
  /** `host:port`. */
  readonly server: string
  /** Means nothing: one connection carries any number of calls. */
  readonly maxConnections?: number
}

export interface SeveralServers {
  readonly servers: readonly SingleServer[]
  readonly config?: {
    /** Milliseconds before a server that is down is tried again. */
    readonly retryFailedServerInterval?: number
    /** Milliseconds between later tries, at most. */
    readonly failedServerOutTime?: number
    /** Means nothing: none is ever left out for good. */
    readonly keepLastServer?: boolean
  }
}

export interface MemcacheClientOptions {
  /** Several have the keys by a ring; memcache-client asks any of them. */
  readonly server: string | SingleServer | SeveralServers
  /** Seconds that items live which don't say how long. Default 60. */
  readonly lifetime?: number
  /** Milliseconds for a call. Default 5000. */
  readonly cmdTimeout?: number
  /** Milliseconds for a connection. Default, and with 0: as `cmdTimeout`. */
  readonly connectTimeout?: number
  /** For `compress: true`. */
  readonly compressor?: Compressor
  readonly tls?: TlsOptions
  /** Means nothing: what a node stores it says so. */
  readonly ignoreNotStored?: boolean
  /** Means nothing. */
  readonly noDelay?: boolean
  /** Means nothing. */
  readonly keepAlive?: number | false
  /** Means nothing. */
  readonly keepDangleSocket?: boolean
  /** Means nothing. */
  readonly dangleSocketWaitTimeout?: number
  /** Means nothing: see the events of `.client`. */
  readonly logger?: unknown
  /** Means nothing. */
  readonly Promise?: unknown
}

const DEFAULT_TIMEOUT_MS = 5000
const PROBE_MIN_MS = 250
const PROBE_MAX_MS = 10_000

/** @throws ArgumentError when an option can't be honoured. */
export function clientOptionsOf(options: MemcacheClientOptions): Omit<ClientOptions, 'codec'> {
  const { server, cmdTimeout = DEFAULT_TIMEOUT_MS, connectTimeout, tls } = options
  if (!server) throw new ArgumentError('Must provide options.server')
  const nodes = nodesOf(server)
  const config = typeof server === 'object' && 'servers' in server ? server.config : undefined
  const min = config?.retryFailedServerInterval ?? PROBE_MIN_MS
  const max = config?.failedServerOutTime ?? PROBE_MAX_MS
  return {
    nodes,
    timeout: cmdTimeout,
    connectTimeout: connectTimeout || cmdTimeout,
    probe: { min, max: Math.max(min, max) },
    onNodeDown: nodes.length > 1 ? 'rehash' : 'error',
    ...(tls === undefined ? {} : { tls }),
  }
}

function nodesOf(server: MemcacheClientOptions['server']): readonly string[] {
  if (typeof server === 'string') return [server]
  if ('servers' in server) return server.servers.map(({ server }) => server)
  return [server.server]
}

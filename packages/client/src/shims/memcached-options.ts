// The options of the npm package `memcached` as those of a client: what each becomes, which have nothing to say here, and
// which are refused because they can't be honoured. Knows no command.
import { ArgumentError } from '../errors.ts'
import type { NodeOptions, NodeSpec } from '../node/address.ts'
import type { Credentials } from '../node/login.ts'
import type { TlsOptions } from '../node/tls.ts'
import type { ClientOptions } from '../options.ts'

/** `host:port`, several of them, or each with its weight. */
export type Locations = string | readonly string[] | Readonly<Record<string, number>>

/** As the package has them. What is marked so is taken and means nothing: one connection carries any number of calls. */
export interface MemcachedOptions {
  /** UTF-16 units; longer keys are sent as their MD5. Default 250. */
  maxKeySize?: number
  /** Bytes. Default 1,048,576. */
  maxValue?: number
  /** Means nothing, as in the package. */
  maxExpiration?: number
  /** Calls without an answer per node; more are errors. Default 10,000. */
  maxQueueSize?: number
  /** Only `md5`. */
  algorithm?: string
  /** Only `ketama`. */
  compatibility?: string
  /** The same: the package takes both spellings. */
  compatiblity?: string
  /** Milliseconds for a connection, and for a call. Default 5000. */
  timeout?: number
  /** Failures in a row after which a node is dead. Default 5. */
  failures?: number
  /** Milliseconds before a dead node is tried again. Default 250. */
  retry?: number
  /** Milliseconds between later tries at most. Default 10,000. */
  reconnect?: number
  /** The keys of a dead node go to the others until it is back. Default false: calls for them are errors. */
  remove?: boolean
  /** With `remove`: they go to these instead, where nothing lives longer than ten seconds. */
  failOverServers?: readonly string[]
  /** False: longer keys are errors. Default true. */
  keyCompression?: boolean
  namespace?: string
  /** Of ours: encrypts the connections. */
  tls?: TlsOptions
  /** Of ours: logs in on every connection. */
  auth?: Credentials
  /** Only false: the package leaves copies in their places that no later `set` updates. */
  redundancy?: false | number
  /** Only false. */
  debug?: boolean
  /** Means nothing. */
  poolSize?: number
  /** Means nothing. */
  retries?: number
  /** Means nothing. */
  factor?: number
  /** Means nothing. */
  minTimeout?: number
  /** Means nothing. */
  maxTimeout?: number
  /** Means nothing. */
  randomize?: boolean
  /** Means nothing. */
  failuresTimeout?: number
  /** Means nothing. */
  idle?: number
}

const KNOWN: Readonly<Record<keyof MemcachedOptions | 'activeQueries', true>> = {
  activeQueries: true,
  algorithm: true,
  auth: true,
  compatibility: true,
  compatiblity: true,
  debug: true,
  factor: true,
  failOverServers: true,
  failures: true,
  failuresTimeout: true,
  idle: true,
  keyCompression: true,
  maxExpiration: true,
  maxKeySize: true,
  maxQueueSize: true,
  maxTimeout: true,
  maxValue: true,
  minTimeout: true,
  namespace: true,
  poolSize: true,
  randomize: true,
  reconnect: true,
  redundancy: true,
  remove: true,
  retries: true,
  retry: true,
  timeout: true,
  tls: true,
}

const DEFAULT_LOCATION = 'localhost:11211'
const DEFAULT_TIMEOUT_MS = 5000
const PROBE_MIN_MS = 250
const PROBE_MAX_MS = 10_000
const TIMER_MAX_MS = 2 ** 31 - 1

/** @throws ArgumentError when an option can't be honoured. */
export function clientOptionsOf(
  locations: Locations | undefined,
  options: MemcachedOptions,
): Omit<ClientOptions, 'codec' | 'keyForm'> {
  refuseWhatCannotBe(options)
  const { timeout = DEFAULT_TIMEOUT_MS, maxQueueSize = 0 } = options
  const min = Math.min(options.retry ?? PROBE_MIN_MS, TIMER_MAX_MS)
  const max = Math.min(options.reconnect ?? PROBE_MAX_MS, TIMER_MAX_MS)
  return {
    nodes: nodesOf(locations),
    compat: 'memcached',
    timeout,
    connectTimeout: timeout,
    failures: options.failures ?? 5,
    probe: { min, max: Math.max(min, max) },
    onNodeDown: onNodeDown(options),
    ...(maxQueueSize > 0 ? { maxInflight: maxQueueSize } : {}),
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.auth === undefined ? {} : { auth: options.auth }),
  }
}

function refuseWhatCannotBe(options: MemcachedOptions): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(KNOWN, name)) {
      throw new ArgumentError(`memcached has no option ${name}: leave it out`)
    }
  }
  const { algorithm = 'md5', redundancy = false, debug = false } = options
  if (algorithm !== 'md5') {
    throw new ArgumentError(`algorithm is ${algorithm}: only md5 places keys here`)
  }
  const compatibility = options.compatibility ?? options.compatiblity ?? 'ketama'
  if (compatibility !== 'ketama') {
    throw new ArgumentError(`compatibility is ${compatibility}: only ketama places keys here`)
  }
  if (redundancy !== false && redundancy !== 0) {
    throw new ArgumentError(
      "redundancy leaves copies that no later set updates: leave it out; a client of ours has 'replicas' for hot keys",
    )
  }
  if (debug !== false) {
    throw new ArgumentError(
      "debug prints nothing here: leave it out, and subscribe to the diagnostics channel 'memshard:command'",
    )
  }
}

function onNodeDown({ remove = false, failOverServers = [] }: MemcachedOptions) {
  if (!remove) return 'error'
  return failOverServers.length === 0 ? 'rehash' : { gutter: failOverServers }
}

function nodesOf(locations: Locations | undefined): readonly NodeSpec[] {
  if (locations === undefined || typeof locations === 'string') {
    return [locations || DEFAULT_LOCATION]
  }
  if (Array.isArray(locations)) return locations.length === 0 ? [DEFAULT_LOCATION] : locations
  return Object.entries(locations as Readonly<Record<string, number>>).map(weighted)
}

function weighted([location, weight]: [string, number]): NodeOptions {
  if (location.startsWith('/')) return { path: location, weight }
  const [, host = location, port = '11211'] = /^(.+):(\d+)$/.exec(location) ?? []
  return { host: host.replace(/^\[(.+)\]$/, '$1'), port: Number(port), weight }
}

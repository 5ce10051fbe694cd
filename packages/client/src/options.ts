// What callers may ask for and what they get back: the types of the public methods, and the defaults.
// Knows no call and no connection.
import { milliseconds, positiveInteger, type Ttl } from './arguments.ts'
import type { Codec } from './codec/codec.ts'
import { type CompressionOptions, compressionOf } from './codec/compression.ts'
import { type Value, valueCodec } from './codec/value-codec.ts'
import type { Discovery } from './discovery/discovery.ts'
import { ArgumentError, type DiscoveryError, type MemshardError } from './errors.ts'
import type { GutterOptions } from './gutter.ts'
import { type NodeSpec, parseNode } from './node/address.ts'
import type { Counts } from './node/counters.ts'
import { LatencyPercentiles } from './node/latency.ts'
import { type Credentials, loginCommand } from './node/login.ts'
import type { NodeState } from './node/node.ts'
import { parseTls, type TlsOptions } from './node/tls.ts'
import type { PoolOptions } from './pool.ts'
import type { Naming } from './ring/naming.ts'
import type { Placement, PlacementOptions } from './ring/placement.ts'
import type { KeyOptions } from './wire/key-form.ts'
import type { ItemFacts } from './wire/meta-operations.ts'

/**
 * What happens to the keys of an ejected node until it returns.
 * - `miss`: reads find nothing and writes store nothing, at once. As long as no node at all has been connected
 *   to, and for one that refuses the login, as `error`: that is no outage.
 * - `rehash`: they belong to the other nodes. When it returns, it may still hold values from before.
 * - `error`: calls reject with NodeDownError, at once.
 * - `gutter`: they belong to these nodes, which have nothing else to do; what is stored there lives `ttl`
 *   seconds at most (default 10). With all of these down too, as `miss`.
 */
export type OnNodeDown =
  | 'miss'
  | 'rehash'
  | 'error'
  | { readonly gutter: readonly NodeSpec[]; readonly ttl?: number }

export interface ClientOptions<V = Value> extends PlacementOptions, KeyOptions {
  /**
   * The pool, or what finds it. The names matter (see NodeOptions.name); the order does for `jump` and modula
   * only. Until a discovery has found nodes, calls wait, as long as their deadlines allow.
   */
  readonly nodes: readonly NodeSpec[] | Discovery
  /** Milliseconds from a call to its result or error, connecting and queueing included. Default 250. */
  readonly timeout?: number
  /** Milliseconds for establishing a connection, and for a probe. Default 500. */
  readonly connectTimeout?: number
  /** Consecutive failures (lost or refused connections, deadlines) that eject a node. Default 3. */
  readonly failures?: number
  /** Milliseconds between probes of an ejected node, doubling, with jitter. Default 250 to 10,000. */
  readonly probe?: { readonly min?: number; readonly max?: number }
  /** What happens to the keys of an ejected node. Default `miss`. */
  readonly onNodeDown?: OnNodeDown
  /**
   * On how many nodes a key (as it is sent, with its namespace) is: more than 1 for keys that are read more often
   * than one node can bear. Must be the same in all clients. Default: on 1.
   */
  readonly replicas?: (key: string) => number
  /** Calls without an answer per node, beyond which calls reject with OverloadError. Default 10,000. */
  readonly maxInflight?: number
  /** Bytes per node that the kernel has not taken, beyond which calls do the same. Default 64 MiB. */
  readonly maxQueuedBytes?: number
  /** Connections per node at most, opened as they are needed. Default 1: see the README before more. */
  readonly connections?: number
  /** Keep a histogram of each node's latencies for `metrics()`; 50 ns per call. Default false. */
  readonly latencies?: boolean
  /** Encrypts the connections to all nodes on TCP that don't say otherwise. Default false. */
  readonly tls?: TlsOptions
  /**
   * `binary` is for nodes that speak nothing else, as memcached with SASL (`-S`) does; what only the meta protocol
   * can say (getEntry, invalidate, fetch, ...) rejects with ArgumentError then. Default `meta`.
   */
  readonly protocol?: 'meta' | 'binary'
  /** Logs in on every connection: against an authfile (memcached's `-Y`), or with `binary` by SASL PLAIN (`-S`). */
  readonly auth?: Credentials
  /** How values become bytes. Default `valueCodec`. */
  readonly codec?: Codec<V>
  /** Stores large values compressed, if that makes them smaller. Default: off. Reading them needs no option. */
  readonly compression?: CompressionOptions
}

export interface CallOptions {
  /** Milliseconds, instead of the client's. */
  readonly timeout?: number
  /** Rejects the call with the signal's reason. What was sent may still be carried out. */
  readonly signal?: AbortSignal
  /** On how many nodes the key is, instead of what the client's `replicas` says. */
  readonly replicas?: number
}

export interface WriteOptions extends CallOptions {
  /** Default: never expires. */
  readonly ttl?: Ttl
}

export interface EntryOptions extends CallOptions {
  /** Sets the time to live of what is found. */
  readonly ttl?: Ttl
  /** False: being fetched does not keep the item from eviction, nor counts as an access. Default true. */
  readonly bump?: boolean
  /**
   * What is missing is made, as an empty placeholder that lives so long. This caller has `won`, and is the one to
   * store a value in its place; all others find it `taken`.
   */
  readonly vivify?: Ttl
  /** This caller has `won` if fewer seconds than this are left to live, and nobody has won before. */
  readonly recache?: number
}

export interface SetOptions extends WriteOptions {
  /** The token of what is stored, instead of the node's next one (memcached 1.6.19 or newer). */
  readonly newCas?: CasToken
}

export interface CasOptions extends SetOptions {
  /** An older version than what is there is stored all the same, and marked as stale. Default false: `conflict`. */
  readonly staleIfOlder?: boolean
}

export interface AppendOptions extends CallOptions {
  /** Creates a missing item, with this time to live (memcached 1.6.19 or newer). Default: it stays missing. */
  readonly vivify?: Ttl
}

export interface DeleteOptions extends CallOptions {
  /** Only this version of the item. */
  readonly cas?: CasToken
}

export interface InvalidateOptions extends DeleteOptions {
  /** How long the stale value may still be served. Default: as long as it had to live. */
  readonly staleFor?: Ttl
}

export interface MetaOptions extends CallOptions {
  /** What `ms` stores. */
  readonly data?: Uint8Array | string
}

export interface CounterOptions extends CallOptions {
  /** Creates a missing counter with this value, which is then the result. Default: it stays missing. */
  readonly initial?: number | bigint
  /** For a counter that is created. */
  readonly ttl?: Ttl
}

/** Names one version of an item. Comes from `gets`, goes to `cas`, means nothing else. */
export type CasToken = bigint

/** What `gets` gives. */
export interface Entry<T> {
  readonly value: T
  readonly cas: CasToken
}

/** An item with all that its node knows of it. */
export interface ItemEntry<T> extends ItemFacts {
  /** Undefined for the placeholder of a value that is still being made. */
  readonly value: T | undefined
}

/** `conflict`: the item has changed since. `missing`: it is gone. */
export type CasResult = 'stored' | 'conflict' | 'missing'

/** A node, how it is, and what happened on it since it joined the pool. */
export interface NodeMetrics extends NodeInfo, Counts {}

/** A node and how it is, at the moment of asking. */
export interface NodeInfo {
  /** What it is called on the ring. */
  readonly name: string
  readonly host: string
  readonly port: number
  /** Of a unix socket; empty for TCP. */
  readonly path: string
  readonly weight: number
  readonly state: NodeState
  /** Calls without an answer. */
  readonly inflight: number
}

/** Who came and who went. A name at a new address is among both. */
export interface NodesChange {
  readonly joined: readonly NodeInfo[]
  readonly left: readonly NodeInfo[]
}

/** What the client emits. None of these needs a listener. */
export interface ClientEvents {
  /** A connection is established. */
  connect: [node: NodeInfo]
  /** A connection was lost or refused. */
  disconnect: [node: NodeInfo, error: MemshardError]
  /** A node has failed too often and gets no more calls. */
  eject: [node: NodeInfo, error: MemshardError]
  /** An ejected node answered a probe and is used again. */
  return: [node: NodeInfo]
  /** `fetch` loaded a value without the cache, or could not store it. */
  bypass: [key: string, error: Error]
  /** A loader of `fetch` failed while an older value was served. */
  refreshFailed: [key: string, error: Error]
  /** The pool has changed. */
  nodes: [change: NodesChange]
  /** The discovery found nothing this time; the nodes stay as they were. */
  discoveryError: [error: DiscoveryError]
}

export const DEFAULT_TIMEOUT_MS = 250
/** Long enough to spare the database, too short for a value to be there when a node fails the next time. */
const GUTTER_TTL_SECONDS = 10
/** A connection on which answers are late counts as dead after this many timeouts without a byte. */
const SILENT_TIMEOUTS = 4

/** @throws ArgumentError when an option makes no sense. */
export function poolOptions<V>(
  options: ClientOptions<V>,
  { distribution, naming }: Placement,
): PoolOptions {
  const { onNodeDown = 'miss' } = options
  const binary = isBinary(options.protocol)
  const probeMin = milliseconds('probe.min', options.probe?.min ?? 250)
  return {
    distribution,
    onNodeDown: typeof onNodeDown === 'string' ? onNodeDown : 'miss',
    gutter: typeof onNodeDown === 'string' ? undefined : gutterOptions(onNodeDown, naming),
    latencies: options.latencies ? () => new LatencyPercentiles() : undefined,
    connectTimeout: milliseconds('connectTimeout', options.connectTimeout ?? 500),
    silence: (options.timeout ?? DEFAULT_TIMEOUT_MS) * SILENT_TIMEOUTS,
    failures: positiveInteger('failures', options.failures ?? 3),
    probeMin,
    probeMax: Math.max(probeMin, milliseconds('probe.max', options.probe?.max ?? 10_000)),
    maxInflight: positiveInteger('maxInflight', options.maxInflight ?? 10_000),
    maxQueuedBytes: positiveInteger('maxQueuedBytes', options.maxQueuedBytes ?? 64 * 1024 * 1024),
    connections: positiveInteger('connections', options.connections ?? 1),
    tls: parseTls(options.tls ?? false),
    binary,
    relays: false,
    login: options.auth && loginCommand(options.auth, binary),
  }
}

/** @throws ArgumentError when the codec cannot do what is asked for. */
export function codecOf<V>(options: ClientOptions<V>): Codec<unknown> {
  const codec = (options.codec ?? valueCodec) as Codec<unknown>
  if (options.compression === undefined) return codec
  const compression = compressionOf(options.compression)
  if (codec.compressing === undefined) {
    throw new ArgumentError('this codec has no compression: leave one of the two options out')
  }
  return codec.compressing(compression)
}

function isBinary(protocol: 'meta' | 'binary' = 'meta'): boolean {
  if (protocol === 'meta' || protocol === 'binary') return protocol === 'binary'
  throw new ArgumentError(`protocol is ${String(protocol)}: give 'meta' or 'binary'`)
}

function gutterOptions(
  { gutter, ttl = GUTTER_TTL_SECONDS }: Exclude<OnNodeDown, string>,
  naming: Naming,
): GutterOptions {
  return {
    addresses: gutter.map((spec) => parseNode(spec, naming)),
    ttl: positiveInteger('onNodeDown.ttl', ttl),
  }
}

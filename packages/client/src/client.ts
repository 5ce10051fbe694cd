// The public face: one method per command, over a pool of nodes. Turns arguments into calls and hands
// them to the pool. Knows no byte of the protocol and nothing of sockets.
import { EventEmitter, setMaxListeners } from 'node:events'
import { bytesOrText, expiry, milliseconds, type Ttl, unsigned64 } from './arguments.ts'
import type { Codec } from './codec/codec.ts'
import type { Value } from './codec/value-codec.ts'
import type { Discovery } from './discovery/discovery.ts'
import { Follower } from './discovery/follower.ts'
import { EncodingCalls, unencodable } from './encoding-calls.ts'
import { ArgumentError, DiscoveryError } from './errors.ts'
import { type FetchOptions, fetchPlan, type Loader } from './fetch/fetch-options.ts'
import { Fetcher } from './fetch/fetcher.ts'
import {
  appendFlags,
  casFlags,
  deleteFlags,
  entryFlags,
  invalidateFlags,
  verbatimFlags,
} from './meta-flags.ts'
import { type NodeSpec, parseNode } from './node/address.ts'
import { Batch } from './node/batch.ts'
import { Call } from './node/call.ts'
import type { Node } from './node/node.ts'
import {
  type AppendOptions,
  type CallOptions,
  type CasOptions,
  type CasResult,
  type CasToken,
  type ClientEvents,
  type ClientOptions,
  type CounterOptions,
  codecOf,
  DEFAULT_TIMEOUT_MS,
  type DeleteOptions,
  type Entry,
  type EntryOptions,
  type InvalidateOptions,
  type ItemEntry,
  type MetaOptions,
  type NodeInfo,
  poolOptions,
  type WriteOptions,
} from './options.ts'
import { Pool, type PoolEvent } from './pool.ts'
import type { Naming } from './ring/naming.ts'
import { placementOf } from './ring/placement.ts'
import type { Operation } from './wire/command.ts'
import { BINARY_KEY, keyByteLength } from './wire/key.ts'
import { type Key, KeyForm } from './wire/key-form.ts'
import type { MetaAnswer, MetaCommand } from './wire/meta-operations.ts'
import * as metaOperations from './wire/meta-operations.ts'
import * as operations from './wire/operations.ts'

/**
 * A pool of memcached nodes as one keyspace. Connects when it is first used.
 * A miss is `undefined` (or `false`); a failure rejects with a MemshardError.
 */
export class Client<V = Value> extends EventEmitter<ClientEvents> implements AsyncDisposable {
  readonly #pool: Pool
  readonly #codec: Codec<unknown>
  readonly #fetcher = new Fetcher<V>(this, {
    bypassed: (key, error) => this.emit('bypass', key, error),
    refreshFailed: (key, error) => this.emit('refreshFailed', key, error),
  })
  readonly #timeout: number
  readonly #naming: Naming
  readonly #follower: Follower | undefined
  readonly #encoding: EncodingCalls
  readonly #keys: KeyForm
  /** It shares the sockets of the client that it is a namespace of. */
  readonly #isView: boolean

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: ClientOptions<V>)
  /** @internal */
  constructor(client: Client<V>, namespace: string)
  constructor(source: ClientOptions<V> | Client<V>, namespace = '') {
    super()
    this.#isView = source instanceof Client
    if (source instanceof Client) {
      this.#keys = source.#keys.within(namespace)
      this.#codec = source.#codec
      this.#timeout = source.#timeout
      this.#naming = source.#naming
      this.#pool = source.#pool
      this.#encoding = source.#encoding
      this.#follower = source.#follower
      return
    }
    const options = source
    this.#keys = new KeyForm(options)
    this.#codec = codecOf(options)
    this.#timeout = milliseconds('timeout', options.timeout ?? DEFAULT_TIMEOUT_MS)
    const { distribution, naming } = placementOf(options)
    this.#naming = naming
    const forPool = poolOptions(options, distribution)
    this.#pool = new Pool(forPool, (event) => this.#announce(event))
    this.#encoding = new EncodingCalls(forPool.maxInflight, (call) => this.#pool.dispatch(call))
    const { nodes } = options
    if ('watch' in nodes) this.#follower = this.#follow(nodes)
    else void this.#setNodes(nodes)
  }

  /** The nodes and how they are; none until a discovery has found the first. */
  get nodes(): readonly NodeInfo[] {
    return this.#pool.nodes.map(infoOf)
  }

  /**
   * Changes the pool, for every call from now on. A node that stays (by its name) keeps its connection,
   * a name at another address is connected there, and one that has left answers what it was asked.
   * Resolves when those that left are closed.
   * @throws ArgumentError when the list is empty, has a name twice or something that is no node; then
   * nothing has changed. Also when the nodes of this client are a discovery's.
   */
  async setNodes(nodes: readonly NodeSpec[]): Promise<void> {
    if (this.#follower !== undefined) {
      throw new ArgumentError('the nodes of this client are those that its discovery finds')
    }
    await this.#setNodes(nodes)
  }

  /** The node that a key lives on now; undefined when all are ejected, or none is known yet. */
  locate(key: Key): NodeInfo | undefined {
    const call = this.#call(operations.get, key)
    checkKey(call)
    const node = this.#pool.locate(call.routingKey)
    return node && infoOf(node)
  }

  /**
   * The share of the keys that each node is responsible for now, by its name; 0 for one whose keys others
   * have taken over.
   */
  shares(): Map<string, number> {
    return this.#pool.shares()
  }

  /**
   * This client for the keys in a namespace, which is put in front of them (behind the client's own). It costs next
   * to nothing: sockets and limits are this client's, who alone emits events, and whose `close` closes them.
   * @throws ArgumentError when no key can begin so.
   */
  namespace(namespace: string): Client<V> {
    return new Client(this, namespace)
  }

  get<T = V>(key: Key, options?: CallOptions): Promise<T | undefined> {
    return this.#issue(this.#call(operations.get, key), options)
  }

  /** The value with the token that `cas` needs. */
  gets<T = V>(key: Key, options?: CallOptions): Promise<Entry<T> | undefined> {
    return this.#issue(this.#call(operations.gets, key), options)
  }

  /** `get` that also sets the time to live. */
  getAndTouch<T = V>(key: Key, ttl: Ttl, options?: CallOptions): Promise<T | undefined> {
    return this.#issue(this.#call(operations.getAndTouch, key), options, ttl)
  }

  /**
   * The item with all that its node knows of it: version, time left to live, last access, stale or not. Options make
   * it touch what it finds, make what it doesn't, or win the right to make the value anew.
   */
  getEntry<T = V>(key: Key, options: EntryOptions = {}): Promise<ItemEntry<T> | undefined> {
    const wins = options.vivify !== undefined || options.recache !== undefined
    const operation = wins ? metaOperations.getEntryToMake : metaOperations.getEntry
    return this.#issueWith(entryFlags, options, this.#call(operation, key))
  }

  /**
   * The items that exist, by key, from all their nodes at once.
   * @throws PartialError when keys failed; it has those that did not, and the error of each that did.
   */
  getMulti<T = V>(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, T>>
  getMulti<T = V>(keys: Iterable<Key>, options?: CallOptions): Promise<Map<Key, T>>
  getMulti<T = V>(keys: Iterable<Key>, options?: CallOptions): Promise<Map<Key, T>> {
    const unique = [...new Set(keys)]
    const calls: Call[] = []
    for (const key of unique) calls.push(this.#call(operations.get, key))
    return this.#gatherByKey(unique, calls, options)
  }

  /** Stores the value. False only when the node is down and `onNodeDown` is `miss`. */
  set(key: Key, value: V, options?: WriteOptions): Promise<boolean> {
    return this.#store(this.#call(operations.set, key), value, options)
  }

  /** Stores the value unless the key exists; false when it does. */
  add(key: Key, value: V, options?: WriteOptions): Promise<boolean> {
    return this.#store(this.#call(operations.add, key), value, options)
  }

  /** Stores the value if the key exists; false when it doesn't. */
  replace(key: Key, value: V, options?: WriteOptions): Promise<boolean> {
    return this.#store(this.#call(operations.replace, key), value, options)
  }

  /** Stores the value if the item is still the version that `gets` saw. */
  cas(key: Key, value: V, token: CasToken, options?: CasOptions): Promise<CasResult> {
    const call = this.#call(operations.cas, key)
    call.operand = token
    if (options !== undefined) call.metaFlags = casFlags(options)
    return this.#store(call, value, options)
  }

  /** Adds to the end of an item, keeping its flags and time to live; false when there is none. */
  append(key: Key, data: Uint8Array | string, options?: AppendOptions): Promise<boolean> {
    return this.#extend(this.#call(operations.append, key), data, options)
  }

  /** Adds to the beginning of an item, keeping its flags and time to live; false when there is none. */
  prepend(key: Key, data: Uint8Array | string, options?: AppendOptions): Promise<boolean> {
    return this.#extend(this.#call(operations.prepend, key), data, options)
  }

  /** False when there was nothing to delete, or not in this version. */
  delete(key: Key, options?: DeleteOptions): Promise<boolean> {
    if (options?.cas === undefined) return this.#issue(this.#call(operations.remove, key), options)
    return this.#issueWith(deleteFlags, options, this.#call(operations.removeVersion, key))
  }

  /**
   * Marks an item as stale instead of deleting it: `getEntry` and `fetch` still find it, and the first of them is told
   * to make it anew. False when there is none.
   */
  invalidate(key: Key, options: InvalidateOptions = {}): Promise<boolean> {
    return this.#issueWith(invalidateFlags, options, this.#call(operations.invalidate, key))
  }

  /**
   * Stores all of them, on all their nodes at once; by key, whether it was stored, as `set` says it.
   * @throws PartialError when some failed.
   */
  setMulti(
    entries: Iterable<readonly [key: string, value: V]>,
    options?: WriteOptions,
  ): Promise<Map<string, boolean>>
  setMulti(
    entries: Iterable<readonly [key: Key, value: V]>,
    options?: WriteOptions,
  ): Promise<Map<Key, boolean>>
  setMulti(
    entries: Iterable<readonly [key: Key, value: V]>,
    options?: WriteOptions,
  ): Promise<Map<Key, boolean>> {
    const values = new Map(entries)
    const calls: Call[] = []
    try {
      const ttl = options?.ttl === undefined ? undefined : expiry(options.ttl)
      for (const [key, value] of values) {
        const call = this.#call(operations.set, key)
        this.#encode(call, value)
        call.ttl = ttl
        calls.push(call)
      }
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#gatherByKey([...values.keys()], calls, options)
  }

  /** By key, whether there was something to delete. @throws PartialError when some failed. */
  deleteMulti(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, boolean>>
  deleteMulti(keys: Iterable<Key>, options?: CallOptions): Promise<Map<Key, boolean>>
  deleteMulti(keys: Iterable<Key>, options?: CallOptions): Promise<Map<Key, boolean>> {
    const unique = [...new Set(keys)]
    const calls = unique.map((key) => this.#call(operations.remove, key))
    return this.#gatherByKey(unique, calls, options)
  }

  /**
   * Any command of the meta protocol as it is written, for what has no call of its own: `meta('mg', key, ['v', 't'])`.
   * The key is placed as any other; what comes back is not decoded.
   */
  meta(
    command: MetaCommand,
    key: Key,
    flags: readonly string[] = [],
    options?: MetaOptions,
  ): Promise<MetaAnswer> {
    try {
      const operation = metaOperations.verbatimOperations[command]
      if (operation === undefined) throw new ArgumentError('meta takes mg, ms, md or ma')
      const call = this.#call(operation, key)
      call.metaFlags = verbatimFlags(flags)
      if (options?.data !== undefined) call.data = bytesOrText('data', options.data)
      return this.#issue(call, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Adds to a counter, an item whose bytes are a decimal number; it wraps at 2^64.
   * The new value: a number, or a bigint beyond 2^53-1; undefined when there is no such item.
   */
  incr(
    key: Key,
    by: number | bigint = 1,
    options?: CounterOptions,
  ): Promise<number | bigint | undefined> {
    return this.#count(this.#call(operations.incr, key), by, options)
  }

  /** Subtracts from a counter, which stops at 0. Otherwise as `incr`. */
  decr(
    key: Key,
    by: number | bigint = 1,
    options?: CounterOptions,
  ): Promise<number | bigint | undefined> {
    return this.#count(this.#call(operations.decr, key), by, options)
  }

  /** Sets the time to live; false when there is no such item. */
  touch(key: Key, ttl: Ttl, options?: CallOptions): Promise<boolean> {
    return this.#issue(this.#call(operations.touch, key), options, ttl)
  }

  /**
   * The value from the cache, or else from `loader`, which of all callers on all machines one runs; it is stored for
   * `ttl` seconds (0: for ever). Who asks meanwhile waits, or gets the old value (`staleFor`). When the cache fails
   * the loader's value is given all the same: the `bypass` event tells. Rejects with what the loader throws.
   */
  fetch<T = V>(
    key: string,
    ttl: number,
    loader: Loader<T>,
    options: FetchOptions = {},
  ): Promise<T | undefined> {
    try {
      const plan = fetchPlan(ttl, options)
      // What is in the cache is what the caller says it is, as with every `get`.
      const load = loader as unknown as Loader<V>
      return this.#fetcher.fetch(key, plan, load, options.signal) as Promise<T | undefined>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Empties every node. @throws PartialError when some failed. */
  async flush(options?: CallOptions): Promise<void> {
    await this.#askEveryNode(operations.flush, options)
  }

  /**
   * The statistics of every node, by its name: the general ones, or `settings`, `items`, `slabs`, ...
   * @throws PartialError when some failed.
   */
  stats(kind = '', options?: CallOptions): Promise<Map<string, Map<string, string>>> {
    if (!/^[\w ]{0,80}$/.test(kind)) {
      return Promise.reject(new ArgumentError('stats takes words, like "slabs"'))
    }
    return this.#askEveryNode(operations.stats, options, kind)
  }

  /** The version of every node, by its name. @throws PartialError when some failed. */
  version(options?: CallOptions): Promise<Map<string, string>> {
    return this.#askEveryNode(operations.version, options)
  }

  /**
   * Waits for the calls under way, which their deadlines bound, and closes all connections. Of a `namespace`, nothing:
   * close the client.
   */
  async close(): Promise<void> {
    if (this.#isView) return
    this.#follower?.stop()
    if (this.#encoding.size > 0) await this.#encoding.drained()
    await this.#pool.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #call(operation: Operation, key: Key): Call {
    if (typeof key === 'string' && this.#keys.isPlain) return new Call(operation, key, this.#codec)
    const { text, isBinary, routingKey } = this.#keys.sent(key)
    const call = new Call(operation, text, this.#codec)
    call.routingKey = routingKey
    if (isBinary) call.keyBytes = BINARY_KEY
    return call
  }

  /** Sends the call and returns its promise: whatever is wrong with it is a rejection. */
  #issue<T>(call: Call, options: CallOptions | undefined, ttl?: Ttl): Promise<T> {
    const promise = call.promise() as Promise<T>
    try {
      checkKey(call)
      if (ttl !== undefined) call.ttl = expiry(ttl)
      const now = performance.now()
      call.issuedAt = now
      call.deadline = now + this.#timeoutOf(options)
      if (options?.signal !== undefined) observe(options.signal, call)
      if (!call.settled) this.#dispatch(call)
    } catch (error) {
      call.reject(error)
    }
    return promise
  }

  #dispatch(call: Call): void {
    if (call.encoding === undefined && this.#encoding.size === 0) this.#pool.dispatch(call)
    else this.#encoding.take(call)
  }

  /** The same with what the options say in letters of the meta protocol. */
  #issueWith<T, O extends CallOptions>(
    flagsOf: (options: O) => string,
    options: O,
    call: Call,
  ): Promise<T> {
    try {
      call.metaFlags = flagsOf(options)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#issue(call, options)
  }

  #encode(call: Call, value: V): void {
    try {
      const encoded = this.#codec.encode(value)
      if (encoded instanceof Promise) {
        call.encoding = encoded
        // Whoever takes the call is told; if it is never sent, nobody need be.
        encoded.catch(() => {})
      } else call.carry(encoded)
    } catch (cause) {
      throw unencodable(call.key, cause)
    }
  }

  #store<T>(call: Call, value: V, options: WriteOptions | undefined): Promise<T> {
    try {
      this.#encode(call, value)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#issue(call, options, options?.ttl)
  }

  #extend<T>(
    call: Call,
    data: Uint8Array | string,
    options: AppendOptions | undefined,
  ): Promise<T> {
    try {
      call.data = bytesOrText(call.operation.name, data)
      if (options !== undefined) call.metaFlags = appendFlags(options)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#issue(call, options)
  }

  #count<T>(call: Call, by: number | bigint, options: CounterOptions | undefined): Promise<T> {
    try {
      call.operand = unsigned64('by', by)
      if (options?.initial !== undefined) call.initial = unsigned64('initial', options.initial)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#issue(call, options, options?.ttl)
  }

  /** The results have the callers' keys, whatever was sent for them. */
  #gatherByKey<T>(
    keys: readonly Key[],
    calls: readonly Call[],
    options: CallOptions | undefined,
  ): Promise<Map<Key, T>> {
    const label = (call: Call, place: number): Key => {
      checkKey(call)
      return keys[place]!
    }
    return this.#gather(calls, options, label, this.#dispatchCall)
  }

  readonly #dispatchCall = (call: Call): void => this.#dispatch(call)

  /** Sends many calls whose results belong together. `label` names each result and may throw. */
  #gather<T, L>(
    calls: readonly Call[],
    options: CallOptions | undefined,
    label: (call: Call, place: number) => L,
    dispatch: (call: Call, place: number) => void,
  ): Promise<Map<L, T>> {
    const batch = new Batch<T, L>(calls.length)
    const signal = options?.signal
    try {
      signal?.throwIfAborted()
      const now = performance.now()
      const deadline = now + this.#timeoutOf(options)
      // All of them are checked before the first is sent.
      for (let place = 0; place < calls.length; place++) {
        const call = calls[place]!
        call.reportTo(batch as Batch<unknown, unknown>, label(call, place))
        call.issuedAt = now
        call.deadline = deadline
      }
    } catch (error) {
      return Promise.reject(error)
    }
    for (let place = 0; place < calls.length; place++) dispatch(calls[place]!, place)
    if (signal === undefined) return batch.promise
    return whileObserving(signal, calls, batch.promise)
  }

  #askEveryNode<T>(
    operation: Operation,
    options: CallOptions | undefined,
    argument = '',
  ): Promise<Map<string, T>> {
    const { nodes } = this.#pool
    if (nodes.length === 0) return this.#whenNodesAreKnown(operation, options, argument)
    const calls = nodes.map(() => this.#call(operation, ''))
    for (const call of calls) call.data = argument
    return this.#gather(
      calls,
      options,
      (_, place) => nodes[place]!.name,
      (call, place) => this.#pool.dispatchTo(nodes[place]!, call),
    )
  }

  async #whenNodesAreKnown<T>(
    operation: Operation,
    options: CallOptions | undefined,
    argument: string,
  ): Promise<Map<string, T>> {
    const call = this.#call(operation, '')
    const known = call.promise()
    call.issuedAt = performance.now()
    call.deadline = call.issuedAt + this.#timeoutOf(options)
    if (options?.signal !== undefined) observe(options.signal, call)
    if (!call.settled) this.#pool.awaitNodes(call)
    await known
    const timeout = Math.max(1, call.deadline - performance.now())
    return this.#askEveryNode(operation, { ...options, timeout }, argument)
  }

  #setNodes(nodes: readonly NodeSpec[]): Promise<void> {
    return this.#pool.setNodes(nodes.map((spec) => parseNode(spec, this.#naming)))
  }

  #follow(discovery: Discovery): Follower {
    const follower = new Follower(discovery, {
      found: (nodes) => void this.#setNodes(nodes),
      failed: (cause) => {
        const error = discoveryFailed(cause)
        this.#pool.failedToFind(error)
        process.nextTick(() => this.emit('discoveryError', error))
      },
    })
    // Not in here: listeners are added after the constructor.
    process.nextTick(() => follower.start())
    return follower
  }

  #timeoutOf(options: CallOptions | undefined): number {
    const timeout = options?.timeout
    return timeout === undefined ? this.#timeout : milliseconds('timeout', timeout)
  }

  // Told outside of the pool's own doing: what a listener throws or calls must not cut in there.
  #announce(event: PoolEvent): void {
    if (event.type === 'nodes') {
      const change = { joined: event.joined.map(infoOf), left: event.left.map(infoOf) }
      process.nextTick(() => this.emit('nodes', change))
      return
    }
    if ('error' in event) this.#follower?.hint()
    const node = infoOf(event.node)
    process.nextTick(() => {
      if ('error' in event) this.emit(event.type, node, event.error)
      else this.emit(event.type, node)
    })
  }
}

function infoOf(node: Node): NodeInfo {
  const { name, host, port, path, weight } = node.address
  return { name, host, port, path, weight, state: node.state, inflight: node.inflight }
}

function discoveryFailed(cause: unknown): DiscoveryError {
  if (cause instanceof DiscoveryError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DiscoveryError(`the discovery found no nodes: ${reason}`, { cause })
}

/** @throws KeyError when the key cannot be sent. */
function checkKey(call: Call): void {
  const bytes = keyByteLength(call.key)
  if (call.keyBytes !== BINARY_KEY) call.keyBytes = bytes
}

/** Many calls of one request share its signal, which is no leak. */
function allowManyListeners(signal: AbortSignal): void {
  setMaxListeners(0, signal)
}

function observe(signal: AbortSignal, call: Call): void {
  if (signal.aborted) {
    call.reject(signal.reason)
    return
  }
  allowManyListeners(signal)
  call.listenTo(signal)
}

async function whileObserving<T>(
  signal: AbortSignal,
  calls: readonly Call[],
  results: Promise<T>,
): Promise<T> {
  allowManyListeners(signal)
  let abort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(signal.reason)
      for (const call of calls) call.reject(signal.reason)
    }
  })
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([results, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

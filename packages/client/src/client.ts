// The public face: one method per command, over a pool of nodes. Says which operation a command is, and tells its
// listeners what happens to the nodes. Knows no byte of the protocol and nothing of sockets. It is long because the
// commands are many, each with its contract: all else is elsewhere.
import { EventEmitter } from 'node:events'
import { bytesOrText, milliseconds, type Ttl, unsigned64 } from './arguments.ts'
import { CallIssuer } from './call-issuer.ts'
import type { Value } from './codec/value-codec.ts'
import type { Discovery } from './discovery/discovery.ts'
import { Follower } from './discovery/follower.ts'
import { EncodingCalls } from './encoding-calls.ts'
import { ArgumentError, DiscoveryError } from './errors.ts'
import { type FetchOptions, fetchPlan, type Loader } from './fetch/fetch-options.ts'
import { Fetcher } from './fetch/fetcher.ts'
import { type ListedItem, type ListingOptions, listItems } from './listing/key-listing.ts'
import { casFlags, deleteFlags, entryFlags, invalidateFlags, verbatimFlags } from './meta-flags.ts'
import { type NodeSpec, parseNode } from './node/address.ts'
import type { Node } from './node/node.ts'
import { infoOf } from './node-info.ts'
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
  type NodeMetrics,
  poolOptions,
  type SetOptions,
  type WriteOptions,
} from './options.ts'
import { Pool, type PoolEvent } from './pool.ts'
import { Replicas } from './replicas.ts'
import type { Naming } from './ring/naming.ts'
import { placementOf } from './ring/placement.ts'
import { type Key, KeyForm } from './wire/key-form.ts'
import type { MetaAnswer, MetaCommand, MetaFlag } from './wire/meta-operations.ts'
import * as metaOperations from './wire/meta-operations.ts'
import * as operations from './wire/operations.ts'

/**
 * A pool of memcached nodes as one keyspace. Connects when it is first used.
 * A miss is `undefined` (or `false`); a failure rejects with a MemshardError.
 */
export class Client<V = Value> extends EventEmitter<ClientEvents> implements AsyncDisposable {
  readonly #pool: Pool
  readonly #calls: CallIssuer
  readonly #fetcher = new Fetcher<V>(this, {
    bypassed: (key, error) => this.emit('bypass', key, error),
    refreshFailed: (key, error) => this.emit('refreshFailed', key, error),
  })
  readonly #naming: Naming
  readonly #follower: Follower | undefined
  readonly #encoding: EncodingCalls
  /** The client whose sockets it shares, being a namespace of it; or else itself. */
  readonly #origin: Client<V>

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: ClientOptions<V>)
  /** @internal */
  constructor(client: Client<V>, namespace: string)
  constructor(source: ClientOptions<V> | Client<V>, namespace = '') {
    super()
    this.#origin = source instanceof Client ? source.#origin : this
    if (source instanceof Client) {
      this.#calls = source.#calls.within(namespace)
      this.#naming = source.#naming
      this.#pool = source.#pool
      this.#encoding = source.#encoding
      this.#follower = source.#follower
      return
    }
    const options = source
    const placement = placementOf(options)
    this.#naming = placement.naming
    const forPool = poolOptions(options, placement)
    this.#pool = new Pool(forPool, (event) => this.#announce(event))
    const replicas = new Replicas(this.#pool, options.replicas)
    this.#encoding = new EncodingCalls(forPool.maxInflight, (call) => replicas.dispatch(call))
    this.#calls = new CallIssuer({
      client: this,
      pool: this.#pool,
      replicas,
      codec: codecOf(options),
      keys: new KeyForm(options),
      timeout: milliseconds('timeout', options.timeout ?? DEFAULT_TIMEOUT_MS),
      encoding: this.#encoding,
    })
    const { nodes } = options
    if ('watch' in nodes) this.#follower = this.#follow(nodes)
    else void this.#setNodes(nodes)
  }

  /** The nodes and how they are, then those of the gutter. None until a discovery has found the first. */
  get nodes(): readonly NodeInfo[] {
    return [...this.#pool.nodes, ...this.#pool.gutter].map(infoOf)
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
    const node = this.#pool.locate(this.#calls.routingKeyOf(key))
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

  /** The value; undefined is a miss. Its type is what you say it is. */
  get<T = V>(key: Key, options?: CallOptions): Promise<T | undefined> {
    return this.#calls.issue(this.#calls.create(operations.get, key), options)
  }

  /** The value with the token that `cas` needs. */
  gets<T = V>(key: Key, options?: CallOptions): Promise<Entry<T> | undefined> {
    return this.#calls.issue(this.#calls.create(operations.gets, key), options)
  }

  /** `get` that also sets the time to live. */
  getAndTouch<T = V>(key: Key, ttl: Ttl, options?: CallOptions): Promise<T | undefined> {
    return this.#calls.issue(this.#calls.create(operations.getAndTouch, key), options, ttl)
  }

  /** `gets` that also sets the time to live. */
  gats<T = V>(key: Key, ttl: Ttl, options?: CallOptions): Promise<Entry<T> | undefined> {
    return this.#calls.issue(this.#calls.create(operations.gats, key), options, ttl)
  }

  /**
   * The item with all that its node knows of it: version, time left to live, last access, stale or not. Options make
   * it touch what it finds, make what it doesn't, or win the right to make the value anew.
   */
  getEntry<T = V>(key: Key, options: EntryOptions = {}): Promise<ItemEntry<T> | undefined> {
    const wins = options.vivify !== undefined || options.recache !== undefined
    const operation = wins ? metaOperations.getEntryToMake : metaOperations.getEntry
    return this.#calls.issueWith(entryFlags, options, this.#calls.create(operation, key))
  }

  /**
   * The items that exist, by key, from all their nodes at once.
   * @throws PartialError when keys failed; it has those that did not, and the error of each that did.
   */
  getMulti<T = V>(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, T>>
  getMulti<T = V>(keys: Iterable<Key>, options?: CallOptions): Promise<Map<Key, T>>
  getMulti<T = V>(keys: Iterable<Key>, options?: CallOptions): Promise<Map<Key, T>> {
    return this.#calls.issueMulti(operations.get, keys, options)
  }

  /** Stores the value. False only when the node is down and `onNodeDown` makes that a miss. */
  set(key: Key, value: V, options?: SetOptions): Promise<boolean> {
    return this.#calls.store(this.#calls.create(operations.set, key), value, options)
  }

  /** Stores the value unless the key exists; false when it does. */
  add(key: Key, value: V, options?: SetOptions): Promise<boolean> {
    return this.#calls.store(this.#calls.create(operations.add, key), value, options)
  }

  /** Stores the value if the key exists; false when it doesn't. */
  replace(key: Key, value: V, options?: SetOptions): Promise<boolean> {
    return this.#calls.store(this.#calls.create(operations.replace, key), value, options)
  }

  /** Stores the value if the item is still the version that `gets` saw. */
  cas(key: Key, value: V, token: CasToken, options?: CasOptions): Promise<CasResult> {
    const call = this.#calls.create(operations.cas, key)
    try {
      call.operand = unsigned64('token', token)
      if (options !== undefined) call.metaFlags = casFlags(options)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#calls.store(call, value, options)
  }

  /** Adds to the end of an item, keeping its flags and time to live; false when there is none. */
  append(key: Key, data: Uint8Array | string, options?: AppendOptions): Promise<boolean> {
    return this.#calls.extend(this.#calls.create(operations.append, key), data, options)
  }

  /** Adds to the beginning of an item, keeping its flags and time to live; false when there is none. */
  prepend(key: Key, data: Uint8Array | string, options?: AppendOptions): Promise<boolean> {
    return this.#calls.extend(this.#calls.create(operations.prepend, key), data, options)
  }

  /** False when there was nothing to delete, or not in this version. */
  delete(key: Key, options?: DeleteOptions): Promise<boolean> {
    if (options?.cas === undefined)
      return this.#calls.issue(this.#calls.create(operations.remove, key), options)
    return this.#calls.issueWith(
      deleteFlags,
      options,
      this.#calls.create(operations.removeVersion, key),
    )
  }

  /**
   * Marks an item as stale instead of deleting it: `getEntry` and `fetch` still find it, and the first of them is told
   * to make it anew. False when there is none.
   */
  invalidate(key: Key, options: InvalidateOptions = {}): Promise<boolean> {
    return this.#calls.issueWith(
      invalidateFlags,
      options,
      this.#calls.create(operations.invalidate, key),
    )
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
    return this.#calls.storeMulti(operations.set, entries, options)
  }

  /** By key, whether there was something to delete. @throws PartialError when some failed. */
  deleteMulti(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, boolean>>
  deleteMulti(keys: Iterable<Key>, options?: CallOptions): Promise<Map<Key, boolean>>
  deleteMulti(keys: Iterable<Key>, options?: CallOptions): Promise<Map<Key, boolean>> {
    return this.#calls.issueMulti(operations.remove, keys, options)
  }

  /**
   * Any command of the meta protocol as it is written, for what has no call of its own: `meta('mg', key, ['v', 't'])`.
   * The key is placed as any other; what comes back is not decoded.
   */
  meta<C extends MetaCommand>(
    command: C,
    key: Key,
    flags: readonly MetaFlag<C>[] = [],
    options?: MetaOptions,
  ): Promise<MetaAnswer> {
    try {
      const operation = metaOperations.verbatimOperations[command]
      if (operation === undefined) throw new ArgumentError('meta takes mg, ms, md or ma')
      const call = this.#calls.create(operation, key)
      call.metaFlags = verbatimFlags(flags)
      if (options?.data !== undefined) call.data = bytesOrText('data', options.data)
      return this.#calls.issue(call, options)
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
    return this.#calls.count(this.#calls.create(operations.incr, key), by, options)
  }

  /** Subtracts from a counter, which stops at 0. Otherwise as `incr`. */
  decr(
    key: Key,
    by: number | bigint = 1,
    options?: CounterOptions,
  ): Promise<number | bigint | undefined> {
    return this.#calls.count(this.#calls.create(operations.decr, key), by, options)
  }

  /** Sets the time to live; false when there is no such item. */
  touch(key: Key, ttl: Ttl, options?: CallOptions): Promise<boolean> {
    return this.#calls.issue(this.#calls.create(operations.touch, key), options, ttl)
  }

  /**
   * The value from the cache, or else from `loader`, which of all callers on all machines one runs; it is stored for
   * `ttl` seconds (0: for ever). Who asks meanwhile waits, or gets the old value (`staleFor`). When the cache fails
   * the loader's value is given all the same: the `bypass` event tells. Rejects with what the loader throws.
   */
  fetch<T = V, Previous = T>(
    key: string,
    ttl: number,
    loader: Loader<T, Previous>,
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
    await this.#calls.askEveryNode(operations.flush, options)
  }

  /**
   * Everything stored so far whose key begins so is a miss from now on, on every node and in no time, however much it is; of
   * a `namespace` that may be all (`''`). For nodes of memshard: memcached has nothing like it. Long keys that are hashed are
   * not found by their beginning.
   * @throws PartialError when some failed. @throws KeyError when no key can begin so.
   */
  async invalidatePrefix(prefix: string, options?: CallOptions): Promise<void> {
    const sent = this.#calls.prefixOf(prefix)
    await this.#calls.askEveryNode(operations.invalidatePrefix, options, sent)
  }

  /**
   * Every key that begins so, from all nodes one after the other, in no order: those that calls would find. One that is
   * there all the time comes once, unless the nodes change meanwhile; others may come or not. Bytes that are no text come
   * as bytes, and long keys that were hashed don't. Each node is asked over a connection of its own, which ends with the loop.
   * @throws PartialError at the end, when nodes failed or are down, whatever `onNodeDown` is. KeyError when no key can begin so.
   */
  async *keys(prefix = '', options: ListingOptions = {}): AsyncGenerator<Key, void, undefined> {
    for await (const { key } of this.items(prefix, options)) yield key
  }

  /** The same, with what each node tells of the item: its size, time left to live and last access; not its value. */
  items(prefix = '', options: ListingOptions = {}): AsyncGenerator<ListedItem, void, undefined> {
    return listItems(this.#pool, this.#calls, prefix, options)
  }

  /**
   * The statistics of every node, by its name: the general ones, or `settings`, `items`, `slabs`, ...
   * @throws PartialError when some failed.
   */
  stats(kind = '', options?: CallOptions): Promise<Map<string, Map<string, string>>> {
    if (!/^[\w ]{0,80}$/.test(kind)) {
      return Promise.reject(new ArgumentError('stats takes words, like "slabs"'))
    }
    return this.#calls.askEveryNode(operations.stats, options, kind)
  }

  /**
   * What this client has seen of each node of the pool and its gutter, by its name: calls, hits, misses, errors, bytes. As of now,
   * and counted since the node joined; asks no node.
   */
  metrics(): Map<string, NodeMetrics> {
    const metrics = (node: Node): NodeMetrics => ({ ...infoOf(node), ...node.counters.counts() })
    return new Map(
      [...this.#pool.nodes, ...this.#pool.gutter].map((node) => [node.name, metrics(node)]),
    )
  }

  /** The version of every node, by its name. @throws PartialError when some failed. */
  version(options?: CallOptions): Promise<Map<string, string>> {
    return this.#calls.askEveryNode(operations.version, options)
  }

  /**
   * Waits for the calls under way, which their deadlines bound, and closes all connections. Of a `namespace`, nothing:
   * close the client.
   */
  async close(): Promise<void> {
    if (this.#origin !== this) return
    this.#follower?.stop()
    if (this.#encoding.size > 0) await this.#encoding.drained()
    await this.#pool.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
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

function discoveryFailed(cause: unknown): DiscoveryError {
  if (cause instanceof DiscoveryError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DiscoveryError(`the discovery found no nodes: ${reason}`, { cause })
}

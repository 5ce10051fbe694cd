// Makes the calls of one or many commands and sends them on their way: key, value, deadline and signal of each, and
// the promise of its caller. What is wrong with any of them is a rejection. Knows no command and no connection.
import { observe, whileObserving } from './abort-signals.ts'
import {
  bytesOrText,
  expiry,
  milliseconds,
  positiveInteger,
  type Ttl,
  unsigned64,
} from './arguments.ts'
import type { Codec } from './codec/codec.ts'
import { type EncodingCalls, unencodable } from './encoding-calls.ts'
import { appendFlags, newCasFlag } from './meta-flags.ts'
import { Batch } from './node/batch.ts'
import { Call, type CallReceiver } from './node/call.ts'
import { infoOf } from './node-info.ts'
import type {
  AppendOptions,
  CallOptions,
  CounterOptions,
  NodeInfo,
  SetOptions,
  WriteOptions,
} from './options.ts'
import type { Pool } from './pool.ts'
import type { Replicas } from './replicas.ts'
import { CommandMessage, commands } from './tracing.ts'
import type { Operation } from './wire/command.ts'
import { BINARY_KEY, keyByteLength } from './wire/key.ts'
import type { Key, KeyForm } from './wire/key-form.ts'

export interface CallIssuerParts {
  /** Whose calls they are, as those are told who trace them. */
  readonly client: object
  readonly pool: Pool
  readonly replicas: Replicas
  readonly codec: Codec<unknown>
  readonly keys: KeyForm
  /** Milliseconds, for calls without one of their own. */
  readonly timeout: number
  /** Those whose values take time to be encoded. */
  readonly encoding: EncodingCalls
}

export class CallIssuer {
  readonly #parts: CallIssuerParts
  readonly #pool: Pool
  readonly #replicas: Replicas
  readonly #codec: Codec<unknown>
  readonly #keys: KeyForm
  readonly #timeout: number
  readonly #encoding: EncodingCalls

  constructor(parts: CallIssuerParts) {
    this.#parts = parts
    this.#pool = parts.pool
    this.#replicas = parts.replicas
    this.#codec = parts.codec
    this.#keys = parts.keys
    this.#timeout = parts.timeout
    this.#encoding = parts.encoding
  }

  /** For the keys in a namespace; with the same pool and limits. @throws ArgumentError when no key can begin so. */
  within(namespace: string): CallIssuer {
    return new CallIssuer({ ...this.#parts, keys: this.#keys.within(namespace) })
  }

  /** A call that has yet to be issued. */
  create(operation: Operation, key: Key): Call {
    if (typeof key === 'string' && this.#keys.isPlain) return new Call(operation, key, this.#codec)
    const { text, isBinary, routingKey } = this.#keys.sent(key)
    const call = new Call(operation, text, this.#codec)
    call.routingKey = routingKey
    if (isBinary) call.keyBytes = BINARY_KEY
    return call
  }

  /** What decides on which node a key lives. @throws KeyError when the key cannot be sent. */
  routingKeyOf(key: Key): string {
    const { text, routingKey } = this.#keys.sent(key)
    keyByteLength(text)
    return routingKey
  }

  get keys(): KeyForm {
    return this.#keys
  }

  /** What keys that begin so begin with on the nodes. @throws KeyError when no key can. */
  prefixOf(prefix: string): string {
    return this.#keys.prefix(prefix)
  }

  /** Sends the call and returns its promise: whatever is wrong with it is a rejection. */
  issue<T>(call: Call, options: CallOptions | undefined, ttl?: Ttl): Promise<T> {
    if (!commands.hasSubscribers) return this.#issue(call, options, ttl)
    const node = this.#pool.locate(call.routingKey)
    const message = this.#message(call, 0, node && infoOf(node))
    return commands.tracePromise(() => this.#issue<T>(call, options, ttl), message)
  }

  #issue<T>(call: Call, options: CallOptions | undefined, ttl: Ttl | undefined): Promise<T> {
    const promise = call.promise() as Promise<T>
    try {
      checkKey(call)
      if (ttl !== undefined) call.ttl = expiry(ttl)
      const now = performance.now()
      call.issuedAt = now
      call.deadline = now + this.#timeoutOf(options)
      if (options?.signal !== undefined) observe(options.signal, call)
      if (options?.replicas !== undefined) {
        call.replicas = positiveInteger('replicas', options.replicas)
      }
      if (!call.settled) this.#dispatch(call)
    } catch (error) {
      call.reject(error)
    }
    return promise
  }

  /** The same with what the options say in letters of the meta protocol. */
  issueWith<T, O extends CallOptions>(
    flagsOf: (options: O) => string,
    options: O,
    call: Call,
  ): Promise<T> {
    try {
      call.metaFlags = flagsOf(options)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.issue(call, options)
  }

  /** The same with this value, encoded, as its data. */
  store<T>(call: Call, value: unknown, options: SetOptions | undefined): Promise<T> {
    try {
      if (options?.newCas !== undefined)
        call.metaFlags += newCasFlag(call.metaFlags, options.newCas)
      this.#encode(call, value)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.issue(call, options, options?.ttl)
  }

  /** The same with this data as it is. */
  extend<T>(call: Call, data: Uint8Array | string, options: AppendOptions | undefined): Promise<T> {
    try {
      call.data = bytesOrText(call.operation.name, data)
      if (options !== undefined) call.metaFlags = appendFlags(options)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.issue(call, options)
  }

  /** The same with a number to count by. */
  count<T>(call: Call, by: number | bigint, options: CounterOptions | undefined): Promise<T> {
    try {
      call.operand = unsigned64('by', by)
      if (options?.initial !== undefined) call.initial = unsigned64('initial', options.initial)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.issue(call, options, options?.ttl)
  }

  /** One such call for each of the keys. */
  issueMulti<T>(
    operation: Operation,
    keys: Iterable<Key>,
    options: CallOptions | undefined,
  ): Promise<Map<Key, T>> {
    const unique = [...new Set(keys)]
    const calls: Call[] = []
    for (const key of unique) calls.push(this.create(operation, key))
    return this.#gatherByKey(unique, calls, options)
  }

  /** One such call for each of the entries. */
  storeMulti<T>(
    operation: Operation,
    entries: Iterable<readonly [key: Key, value: unknown]>,
    options: WriteOptions | undefined,
  ): Promise<Map<Key, T>> {
    const values = new Map(entries)
    const calls: Call[] = []
    try {
      const ttl = options?.ttl === undefined ? undefined : expiry(options.ttl)
      for (const [key, value] of values) {
        const call = this.create(operation, key)
        this.#encode(call, value)
        call.ttl = ttl
        calls.push(call)
      }
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#gatherByKey([...values.keys()], calls, options)
  }

  /** One call to each node; the results by the nodes' names. */
  askEveryNode<T>(
    operation: Operation,
    options: CallOptions | undefined,
    argument = '',
  ): Promise<Map<string, T>> {
    const nodes = [...this.#pool.nodes, ...this.#pool.gutter]
    if (this.#pool.nodes.length === 0) return this.#whenNodesAreKnown(operation, options, argument)
    const calls = nodes.map(() => this.create(operation, ''))
    for (const call of calls) call.data = argument
    return this.#gather(
      calls,
      options,
      (_, place) => nodes[place]!.name,
      (call, place) => this.#pool.dispatchTo(nodes[place]!, call),
    )
  }

  #encode(call: Call, value: unknown): void {
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

  #dispatch(call: Call): void {
    if (call.encoding === undefined && this.#encoding.size === 0) this.#replicas.dispatch(call)
    else this.#encoding.take(call)
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
    const [first] = calls
    const issue = (): Promise<Map<L, T>> => this.#issueTogether(calls, options, label, dispatch)
    if (first === undefined || !commands.hasSubscribers) return issue()
    return commands.tracePromise(issue, this.#message(first, calls.length, undefined))
  }

  #issueTogether<T, L>(
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
      if (options?.replicas !== undefined) {
        const replicas = positiveInteger('replicas', options.replicas)
        for (const call of calls) call.replicas = replicas
      }
      // All of them are checked before the first is sent.
      for (let place = 0; place < calls.length; place++) {
        const call = calls[place]!
        call.reportTo(batch as CallReceiver, label(call, place))
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

  #message(
    { operation, key }: Call,
    batchSize: number,
    node: NodeInfo | undefined,
  ): CommandMessage {
    const { client } = this.#parts
    return new CommandMessage(client, operation, batchSize === 0 ? key : '', batchSize, node)
  }

  async #whenNodesAreKnown<T>(
    operation: Operation,
    options: CallOptions | undefined,
    argument: string,
  ): Promise<Map<string, T>> {
    const deadline = performance.now() + this.#timeoutOf(options)
    await this.nodesAreKnown(operation, options)
    const timeout = Math.max(1, deadline - performance.now())
    return this.askEveryNode(operation, { ...options, timeout }, argument)
  }

  /** Resolves when there is a first list of nodes. `operation` is what they are wanted for. */
  async nodesAreKnown(operation: Operation, options: CallOptions | undefined): Promise<void> {
    const call = this.create(operation, '')
    const known = call.promise()
    call.issuedAt = performance.now()
    call.deadline = call.issuedAt + this.#timeoutOf(options)
    if (options?.signal !== undefined) observe(options.signal, call)
    if (!call.settled) this.#pool.awaitNodes(call)
    await known
  }

  #timeoutOf(options: CallOptions | undefined): number {
    const timeout = options?.timeout
    return timeout === undefined ? this.#timeout : milliseconds('timeout', timeout)
  }
}

/** @throws KeyError when the key cannot be sent. */
function checkKey(call: Call): void {
  const bytes = keyByteLength(call.key)
  if (call.keyBytes !== BINARY_KEY) call.keyBytes = bytes
}

// The channels through which Node's diagnostics see every command: `tracing:memshard:command:start`, `:end`,
// `:asyncStart`, `:asyncEnd` and `:error`, as `diagnostics_channel.tracingChannel` has them. Publishes nothing
// when nobody listens. Knows no collector.
import { tracingChannel } from 'node:diagnostics_channel'
import { PartialError } from './errors.ts'
import type { NodeInfo } from './options.ts'
import type { Operation } from './wire/command.ts'

export const COMMAND_CHANNEL = 'memshard:command'

/** What the channels `memshard:command` carry: one object for all events of a call. */
export class CommandMessage {
  /** The Client. Of a `namespace`, the one that it was made of. */
  readonly client: object
  /** As in `client.metrics()`: `get`, `set`, `getEntry`, ...; of a `getMulti` `get`. */
  readonly operation: string
  /** As it is sent; '' for commands to many keys, or to all nodes. */
  readonly key: string
  /** How many keys (or nodes) the call is for; 0 if it takes only one. */
  readonly batchSize: number
  /** Where the key lived when the call was made; undefined for many, or when it is not known. */
  readonly node: NodeInfo | undefined
  /** What the caller gets. */
  readonly result?: unknown
  /** What it rejects with. */
  readonly error?: unknown
  readonly #found: Operation['found']

  constructor(
    client: object,
    operation: Operation,
    key: string,
    batchSize: number,
    node: NodeInfo | undefined,
  ) {
    this.client = client
    this.operation = operation.name
    this.key = key
    this.batchSize = batchSize
    this.node = node
    this.#found = operation.found
  }

  /** Of a retrieval that has ended: how many values it found. Undefined of other commands. */
  get hits(): number | undefined {
    if (this.#found === undefined) return undefined
    if (this.batchSize > 0) return this.#values?.size ?? 0
    return this.error === undefined && this.#found(this.result) ? 1 : 0
  }

  /** And how many it did not find; what failed is neither. */
  get misses(): number | undefined {
    if (this.#found === undefined) return undefined
    if (this.batchSize === 0) return this.error === undefined && !this.#found(this.result) ? 1 : 0
    const { error } = this
    if (error === undefined) return this.batchSize - (this.#values?.size ?? 0)
    if (!(error instanceof PartialError)) return 0
    return this.batchSize - error.values.size - error.failed.size
  }

  get #values(): ReadonlyMap<unknown, unknown> | undefined {
    if (this.error instanceof PartialError) return this.error.values
    return this.result instanceof Map ? this.result : undefined
  }
}

export const commands = tracingChannel<unknown, CommandMessage>(COMMAND_CHANNEL)

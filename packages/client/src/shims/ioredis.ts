// Stands in for ioredis where Redis is a cache: the commands that memcached can do honestly, with promises or callbacks; all
// others say what to do instead. Knows ioredis' interface, and not ioredis.

import { hash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { Client } from '../client.ts'
import type { Encoded, PlainCodec, RawValue } from '../codec/codec.ts'
import { bytesCodec } from '../codec/value-codec.ts'
import { ArgumentError } from '../errors.ts'
import type { ClientOptions } from '../options.ts'
import { KEY_MAX_BYTES } from '../wire/key.ts'
import { HASH_MARK, type KeyAsSent } from '../wire/key-form.ts'
import type { RedisKey, RedisValue } from './ioredis-arguments.ts'
import { RedisCommands } from './ioredis-commands.ts'
import { type CommandName, Pipeline, type PipelineResult } from './ioredis-pipeline.ts'
import { refuseOn, UnsupportedCommandError } from './ioredis-refusals.ts'

export {
  type Pipeline,
  type PipelineResult,
  type RedisKey,
  type RedisValue,
  UnsupportedCommandError,
}

/** A client's own, but for what says how values and keys are written. */
export interface RedisOptions
  extends Omit<
    ClientOptions,
    'codec' | 'compression' | 'keyForm' | 'longKeys' | 'namespace' | 'protocol' | 'routeByNamespace'
  > {
  /** What all keys begin with. */
  readonly keyPrefix?: string
}

type Callback<R> = (error: Error | null, result?: R) => void
type Callable<F> = F extends (...args: infer A) => Promise<infer R>
  ? {
      (...args: A): Promise<R>
      (...args: [...A, Callback<R>]): Promise<R>
    }
  : never
type Commands = { readonly [Name in CommandName]: Callable<RedisCommands[Name]> }

/** As ioredis emits them. `error` needs no listener here. */
export interface RedisEvents {
  connect: []
  ready: []
  error: [error: Error]
  close: []
  end: []
}

// Its commands are put on the prototype below, as they are on that of ioredis.
const WithCommands = EventEmitter as unknown as new () => EventEmitter<RedisEvents> & Commands

export class Redis extends WithCommands {
  /** The client beneath, for all that Redis can't do: same nodes, same keys, with bytes as values. */
  readonly client: Client<Uint8Array | string>
  readonly #commands: RedisCommands

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: RedisOptions) {
    super()
    const { keyPrefix = '', ...others } = checked(options)
    this.client = new Client({
      ...others,
      codec: TEXT,
      namespace: keyPrefix,
      keyForm: (key) => keyAsSent(key, keyPrefix),
    })
    this.#commands = new RedisCommands(this.client, () => this.#flush(keyPrefix))
    this.client.on('connect', () => {
      this.emit('connect')
      this.emit('ready')
    })
    this.client.on('disconnect', () => this.emit('close'))
    this.client.on('eject', (_, error) => {
      if (this.listenerCount('error') > 0) this.emit('error', error)
    })
  }

  /** Commands that are sent together, in their order for each key; `exec` sends them. It isn't atomic. */
  pipeline(commands?: readonly (readonly [string, ...unknown[]])[]): Pipeline {
    return new Pipeline(this.#commands, commands)
  }

  /** There is nothing to wait for: connections are opened as they are needed. */
  async connect(): Promise<void> {}

  /** Closes the connections when what is under way is done. */
  async quit(): Promise<'OK'> {
    await this.client.close()
    this.emit('end')
    return 'OK'
  }

  disconnect(): void {
    void this.quit()
  }

  async #flush(keyPrefix: string): Promise<void> {
    if (keyPrefix !== '') return this.client.invalidatePrefix('')
    throw new UnsupportedCommandError(
      'flushdb',
      'without a keyPrefix it would empty nodes that others use; .client.flush() does',
    )
  }

  /** Puts a command of ours on the prototypes. */
  static define(name: CommandName): void {
    Pipeline.define(name)
    Object.defineProperty(Redis.prototype, name, {
      value(this: Redis, ...args: unknown[]): Promise<unknown> {
        const callback =
          typeof args.at(-1) === 'function' ? (args.pop() as Callback<unknown>) : null
        const command = this.#commands[name] as (...args: unknown[]) => Promise<unknown>
        const result = command.apply(this.#commands, args)
        if (callback === null) return result
        result.then(
          (value) => process.nextTick(callback, null, value),
          (error) => process.nextTick(callback, error),
        )
        return result
      },
    })
  }
}

refuseOn(Redis.prototype)
for (const name of Object.getOwnPropertyNames(RedisCommands.prototype)) {
  if (name !== 'constructor') Redis.define(name as CommandName)
}

/** Text and bytes as they are, whoever wrote them. */
const TEXT: PlainCodec<Uint8Array | string> = {
  encode: (value: Uint8Array | string): Encoded => bytesCodec.encode(value),
  decode: (raw: RawValue): Buffer => raw.bytes(),
}

const UNUSUAL = /[\0-\x20\x7f]/

/** A key of Redis may be any text; what memcached doesn't take is hashed, behind the prefix. */
function keyAsSent(key: string, prefix: string): KeyAsSent {
  const own = key.slice(prefix.length)
  const isTaken =
    key !== '' &&
    Buffer.byteLength(key) <= KEY_MAX_BYTES &&
    !UNUSUAL.test(own) &&
    !own.startsWith(HASH_MARK) &&
    key.isWellFormed()
  const sent = isTaken ? key : prefix + HASH_MARK + hash('sha256', own, 'hex')
  return { sent, placedBy: sent }
}

function checked(options: unknown): RedisOptions {
  if (typeof options === 'object' && options !== null && 'nodes' in options) {
    return options as RedisOptions
  }
  throw new ArgumentError(
    "ioredis is given a Redis, and this is for nodes of memcached: new Redis({ nodes: ['host:11211'] })",
  )
}

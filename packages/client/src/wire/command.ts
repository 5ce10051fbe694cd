// What a command is made of, before it is bytes: filled in by the client, written by its operation.
// Knows no promise, no deadline and no connection.
import type { Codec } from '../codec/codec.ts'
import type { Answer } from './answer.ts'
import type { CommandWriter } from './command-writer.ts'

export interface Command {
  readonly operation: Operation
  /** Empty for commands about a whole node. */
  readonly key: string
  /** The key's length in UTF-8. */
  keyBytes: number
  /** The bytes to store; the argument of `stats`. */
  data: Uint8Array | string
  /** The client flags to store with `data`. */
  flags: number
  /** As memcached takes it: seconds up to 30 days, beyond that Unix time; undefined: not sent. */
  ttl: number | undefined
  /** The cas token of a `cas`, the amount of an `incr` or `decr`. */
  operand: number | bigint
  /** What a missing counter starts with; undefined: it stays missing. */
  initial: number | bigint | undefined
  /** Further flags of the meta protocol, in its own letters and at most 100 bytes; '' for none. */
  metaFlags: string
  codec: Codec<unknown>
  /** What has been read of an answer of many lines. */
  lines: Map<string, string> | undefined
}

/** The answer goes on in further lines. */
export const MORE = Symbol('more')
/** Not the answer to this command, which has found nothing, but to one behind it. */
export const NEXT = Symbol('next')
/** This cannot be the answer to this command. */
export const UNEXPECTED = Symbol('unexpected')

export interface Operation {
  readonly name: string
  /** Carrying it out twice leaves the cache as once would, so it may be sent again when its fate is unknown. */
  readonly idempotent: boolean
  /** The command is followed by a value: refused halfway, the rest of it could be read as commands. */
  readonly hasValue: boolean
  /** What a caller gets instead of an answer when a down node counts as empty. */
  readonly missed: unknown
  /**
   * With copies of an item on several nodes: `any` of them will do, `every` one is to be asked alike, or the
   * key's `home` alone. Otherwise home is asked, and the copies are out of date.
   */
  readonly copies?: 'any' | 'every' | 'home'
  /** Of those that retrieve a value: whether this result is one. */
  readonly found?: (result: unknown) => boolean
  /** Reads answers as they are relayed, those that refuse the command too. */
  readonly relayed?: true
  /** Commands of this kind share a line, up to so many keys: one list, which one `END` ends. */
  readonly listed?: number
  write(command: Command, writer: CommandWriter): void
  /** The result for the caller or a promise of it, or MORE, or UNEXPECTED. May throw what the codec throws. */
  read(command: Command, answer: Answer): unknown
}

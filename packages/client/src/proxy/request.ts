// What a client of the proxy asks, as the parser fills it in: one object for all requests of a connection, so whoever
// reads it keeps nothing of it but the value. Knows neither bytes on their way nor nodes.
import type { Operation } from '../wire/command.ts'
import { relayed } from '../wire/relayed-operations.ts'

/**
 * - `get`: a retrieval of one key.
 * - `list`: of many, which the parser hands out one by one.
 * - `keyed`: one command about one key.
 * - `refused`: a value too large for any node: what it would have replaced goes, then `text` is answered.
 * - `text`: is answered at once, by this text.
 * - `quit`: nothing more is read.
 */
export type RequestKind = 'get' | 'list' | 'keyed' | 'refused' | 'text' | 'stats' | 'flush' | 'quit'

export const NO_DATA: Buffer = Buffer.alloc(0)

export class Request {
  kind: RequestKind = 'text'
  operation: Operation = relayed.get
  /** In Latin-1: a character for each byte. */
  key = ''
  /** Every character of the key is ASCII. */
  isAscii = true
  flags = 0
  ttl: number | undefined = undefined
  operand: number | bigint = 0
  /** Of a meta command, all but `q`. */
  metaFlags = ''
  /** The value with its line end, in memory of its own. */
  data = NO_DATA
  /** `noreply`, or `q`. */
  quiet = false
  /** The answer, or the argument of `stats`. */
  text = ''
}

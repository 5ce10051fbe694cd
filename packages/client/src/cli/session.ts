// What a command works with: the pool, the output, and what else the command line said. Knows no command.
import type { Client } from '../client.ts'
import type { Codec } from '../codec/codec.ts'
import { type Value, valueCodec } from '../codec/value-codec.ts'
import { CodecError } from '../errors.ts'
import type { NodeAddress } from '../node/address.ts'
import type { Output } from './output.ts'
import type { Surroundings } from './surroundings.ts'

export interface Session {
  readonly client: Client
  readonly nodes: readonly NodeAddress[]
  /** A client of one node alone. */
  readonly clientOf: (node: NodeAddress) => Client
  readonly output: Output
  /** Milliseconds. */
  readonly timeout: number
  readonly surroundings: Surroundings
}

/** What a command does, once the pool and the output are there. Resolves to the exit code. */
export type Run = (session: Session) => Promise<number>

/** As the client's own, but what another client has encoded in its way is shown as it is. */
export const tolerantCodec: Codec<Value> = {
  encode: (value) => valueCodec.encode(value),
  decode(raw, flags) {
    try {
      return valueCodec.decode(raw, flags)
    } catch (error) {
      if (error instanceof CodecError || error instanceof SyntaxError) return raw.bytes()
      throw error
    }
  },
}

// Turns (`-R`): a connection that has asked for much lets others go first. It keeps the buffers as they are, its
// input and the reply it has begun, and the thread takes others: so nothing is copied, and all it has asked for is
// still answered with one send. Knows buffers; who executes is the transport.
import { type MemoryBlock, permanentBlock } from '../cache/memory.ts'
import type { Engine } from '../protocol/engine.ts'
import { REPLY_BYTES, Reply } from '../protocol/reply.ts'
import type { EpollConnection } from './epoll-connection.ts'
import { INPUT_BYTES } from './transport.ts'

/** Connections that can be between two turns. Further ones end in one turn what they have begun. */
const MAX_YIELDED = 16

export class Turns {
  /** What the thread reads into. */
  input = permanentBlock(INPUT_BYTES)
  readonly #engine: Engine
  /** Who goes on after the others, in order. */
  readonly #yielded: EpollConnection[] = []
  readonly #inputs: MemoryBlock[] = []
  readonly #replies: Reply[] = []

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** How many wait for their next turn. */
  get waiting(): number {
    return this.#yielded.length
  }

  get hasRoom(): boolean {
    return this.#yielded.length < MAX_YIELDED
  }

  /** Ends a turn: `from`..`end` of `block` is still to be executed, and the engine's reply is its. */
  yield(connection: EpollConnection, block: MemoryBlock, from: number, end: number): void {
    connection.turnFrom = from
    connection.turnEnd = end
    connection.turnReply = this.#engine.reply
    this.#engine.reply = this.#replies.pop() ?? new Reply(permanentBlock(REPLY_BYTES))
    if (block === this.input) {
      connection.turnInput = block
      this.input = this.#inputs.pop() ?? permanentBlock(INPUT_BYTES)
    }
    this.#yielded.push(connection)
  }

  /** Begins the next one's turn, its buffers being the thread's again; undefined if it has gone meanwhile. */
  next(): EpollConnection | undefined {
    const connection = this.#yielded.shift()
    if (connection?.turnReply === undefined) return undefined
    const { turnInput, turnReply } = connection
    this.#replies.push(this.#engine.reply)
    this.#engine.reply = turnReply
    connection.turnReply = undefined
    if (turnInput !== undefined) {
      this.#inputs.push(this.input)
      this.input = turnInput
      connection.turnInput = undefined
    }
    return connection
  }

  /** The connection is closed. */
  drop(connection: EpollConnection): void {
    const { turnInput, turnReply } = connection
    if (turnReply === undefined) return
    connection.turnReply = undefined
    connection.turnInput = undefined
    this.#engine.release(turnReply)
    this.#replies.push(turnReply)
    if (turnInput !== undefined) this.#inputs.push(turnInput)
  }
}

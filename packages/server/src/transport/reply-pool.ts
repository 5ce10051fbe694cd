// Replies for clients that don't take their answers at once, of one thread. Knows the layout of replies, no client.
import type { Engine } from '../protocol/engine.ts'
import { REPLY_BYTES, Reply } from '../protocol/reply.ts'
import { BlockPool } from './block-pool.ts'

export class ReplyPool {
  readonly #engine: Engine
  readonly #kept: number
  readonly #free: Reply[] = []
  readonly #blocks = new BlockPool(REPLY_BYTES, 0)

  /** So many free replies keep their memory. */
  constructor(engine: Engine, kept: number) {
    this.#engine = engine
    this.#kept = kept
  }

  /** An empty reply. */
  take(): Reply {
    return this.#free.pop() ?? new Reply(this.#blocks.take())
  }

  /** Nobody needs the reply any more, nor what it names of the arena. */
  give(reply: Reply): void {
    this.#engine.release(reply)
    if (this.#free.length < this.#kept) this.#free.push(reply)
    else this.#blocks.give(reply.block)
  }
}

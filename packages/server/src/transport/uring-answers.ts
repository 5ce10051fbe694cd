// Where a round's answers lie until it is known what became of them: short ones one after the other in blocks, those
// that are sent from the arena in replies of their own. What was handed to the kernel in one round can be written
// again at the end of the next. Knows rounds, no connection and no ring.
import { permanentBlock } from '../cache/memory.ts'
import type { Engine } from '../protocol/engine.ts'
import { REPLY_BYTES, Reply } from '../protocol/reply.ts'
import { ReplyPool } from './reply-pool.ts'

const BLOCK_BYTES = 4 * REPLY_BYTES
/** Blocks that a round fills; with more to say, what doesn't fit is to be sent at once. */
const MAX_BLOCKS = 8
/** Replies kept for reuse. */
const POOL_SIZE = 256

export class UringAnswers {
  readonly #engine: Engine
  readonly #freeBlocks: Reply[] = []
  /** The last round's blocks, and this one's; into the last of these the engine writes. */
  #lastBlocks: Reply[] = []
  #blocks: Reply[] = []
  readonly #pool: ReplyPool
  #lastReplies: Reply[] = []
  #replies: Reply[] = []

  constructor(engine: Engine) {
    this.#engine = engine
    this.#pool = new ReplyPool(engine, POOL_SIZE)
    this.next()
  }

  /** Gives the engine a further block. */
  next(): void {
    const block = this.#freeBlocks.pop() ?? new Reply(permanentBlock(BLOCK_BYTES))
    this.#blocks.push(block)
    this.#engine.reply = block
  }

  /** The round has filled as many blocks as it may. */
  get many(): boolean {
    return this.#blocks.length > MAX_BLOCKS
  }

  /** An empty reply, for one connection. */
  emptyReply(): Reply {
    return this.#pool.take()
  }

  /** Nobody needs the reply any more. */
  reuse(reply: Reply): void {
    this.#pool.give(reply)
  }

  /** The reply is needed until this round's outcomes are known. */
  await(reply: Reply): void {
    this.#replies.push(reply)
  }

  /** The reply, of this round or the last, is needed for longer: whoever has it gives it to `reuse`. */
  takeBack(reply: Reply): void {
    const replies = this.#replies.includes(reply) ? this.#replies : this.#lastReplies
    replies.splice(replies.indexOf(reply), 1)
  }

  /** The last round's outcomes are known, and what its sends didn't take is copied or taken back. */
  endRound(): void {
    // Emptied by `pop`: an array keeps its memory then.
    const blocks = this.#lastBlocks
    for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
      block.clear()
      this.#freeBlocks.push(block)
    }
    this.#lastBlocks = this.#blocks
    this.#blocks = blocks
    this.next()
    const replies = this.#lastReplies
    for (let reply = replies.pop(); reply !== undefined; reply = replies.pop()) this.reuse(reply)
    this.#lastReplies = this.#replies
    this.#replies = replies
  }
}

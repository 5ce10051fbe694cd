// A caller that plays a tape: its requests were made before the clock started, so that a batch is a range of
// the tape's bytes. Knows no sockets and no clock.
import type { Caller, Conversation } from '../load/conversation.ts'
import { AnswerReader, type AnswerReaderOptions } from '../workload/answer-reader.ts'
import type { Tape } from '../workload/tape.ts'

/** Where on the tape one of so many callers begins: evenly spread, and at the beginning of a batch. */
export function firstRequestOf(tape: Tape, caller: number, callers: number): number {
  const { depth } = tape.workload
  const batches = tape.length / depth
  return Math.floor((caller * batches) / callers) * depth
}

export class TapeCaller implements Caller {
  readonly conversations: readonly [TapeConversation]

  constructor(options: AnswerReaderOptions) {
    this.conversations = [new TapeConversation(options)]
  }

  /** A batch does not cross the end of the tape. */
  begin(count: number): number {
    return this.conversations[0].begin(count)
  }
}

class TapeConversation implements Conversation {
  readonly output: Uint8Array
  unsentFrom = 0
  unsentTo = 0
  outstanding = 0
  readonly #tape: Tape
  readonly #reader: AnswerReader
  /** The request on the tape that is sent next. */
  #next: number

  constructor(options: AnswerReaderOptions) {
    this.#tape = options.tape
    this.output = options.tape.requests
    this.#reader = new AnswerReader(options)
    this.#next = options.firstRequest
  }

  get answered(): Uint32Array {
    return this.#reader.answered
  }

  get broken(): string | undefined {
    return this.#reader.broken
  }

  begin(count: number): number {
    const { requestStart, length } = this.#tape
    const made = Math.min(count, length - this.#next)
    this.unsentFrom = requestStart[this.#next]!
    this.unsentTo = requestStart[this.#next + made]!
    this.outstanding = made
    this.#next += made
    if (this.#next === length) this.#next = 0
    return made
  }

  read(bytes: Uint8Array, length: number): number {
    const completed = this.#reader.read(bytes, length, this.outstanding)
    this.outstanding -= completed
    return completed
  }
}

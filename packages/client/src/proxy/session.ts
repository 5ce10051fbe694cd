// One client of the proxy, from its connecting to its end: reads requests as long as there is room for their answers, and
// sends these in order. A client that doesn't read is not read from; one that vanishes leaves its
// calls to be answered into nothing. Knows no protocol and no pool.
import type { Socket } from 'node:net'
import { receiving } from './accepted-socket.ts'
import { AnswerQueue } from './answer-queue.ts'
import { beginConversation, type Conversation } from './conversation.ts'
import type { ProxyContext } from './proxy-context.ts'

/** Answers under way for one client, at most; of a list each key is one. */
const MAX_PENDING = 512
/** As many may always be, however large their values. */
const MIN_PENDING = 8
/** What the answers under way may take together, going by the largest of the recent ones. */
const PENDING_BYTES = 8 * 1024 * 1024
/** Bytes that the client has not taken, beyond which nothing more is read from it. */
const UNSENT_MAX_BYTES = 1024 * 1024

/** What a client has to close its side when everything is said. */
const LINGER_MS = 500

export class Session {
  readonly #socket: Socket
  readonly #context: ProxyContext
  readonly #onClose: (session: Session) => void
  readonly #answers: AnswerQueue
  /** Undefined until the first byte has told the protocol. */
  #conversation: Conversation | undefined
  /** Will be flushed at the end of the round. */
  #isWaiting = false
  #isPaused = false
  /** The client will send nothing more, or nothing that is read; it still gets its answers. */
  #isEnding = false
  #isClosed = false

  constructor(accepted: Socket, context: ProxyContext, onClose: (session: Session) => void) {
    const socket = receiving(accepted, (chunk, length) => this.#read(chunk, length))
    this.#socket = socket
    this.#context = context
    this.#onClose = onClose
    this.#answers = new AnswerQueue(context.statistics, () => this.#schedule())
    socket.setNoDelay(true)
    socket.once('end', () => this.#finish())
    socket.on('drain', () => this.#schedule())
    // Whatever it was, the client is gone.
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#closed())
  }

  /** Ends when the requests that have come whole are answered. */
  end(): void {
    this.#finish()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** To be called at the end of a round: sends what was answered, and goes on where it was held up. */
  flush(): void {
    this.#isWaiting = false
    if (this.#isClosed) return
    const { output } = this.#answers
    if (output.length > 0) {
      this.#context.statistics.bytesWritten += output.length
      output.flush(this.#socket)
    }
    if (this.#isPaused && this.#hasRoom()) {
      this.#work()
      if (!this.#isBlocked()) {
        this.#isPaused = false
        this.#socket.resume()
      }
    }
    if (this.#isEnding) this.#endWhenAnswered()
  }

  #endWhenAnswered(): void {
    if (this.#hasRoom()) this.#work()
    if (this.#answers.length > 0 || !this.#hasRoom()) return
    this.#answers.output.flush(this.#socket)
    this.#socket.end()
    // Not at once: what the client still sends would reset the connection, and its last answers with it.
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref()
  }

  #schedule(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#context.round.add(this)
  }

  #read(chunk: Buffer, length: number): void {
    if (this.#isEnding) return
    this.#context.statistics.bytesRead += length
    this.#conversation ??= beginConversation(chunk[0]!, this.#context, this.#answers)
    this.#conversation.feed(chunk, length)
    this.#work()
    this.#conversation.keep()
    if (this.#isBlocked() && !this.#isPaused) {
      this.#isPaused = true
      this.#socket.pause()
    }
  }

  /** Executes what has come, as far as there is room for answers. */
  #work(): void {
    const conversation = this.#conversation
    if (conversation === undefined) return
    while (this.#hasRoom()) {
      if (conversation.step()) continue
      if (conversation.isOver) this.#finish()
      return
    }
  }

  #hasRoom(): boolean {
    const { length, answerBytes, keptBytes, output } = this.#answers
    if (length >= MAX_PENDING) return false
    if (length >= MIN_PENDING && length * answerBytes > PENDING_BYTES) return false
    return output.length + keptBytes + this.#socket.writableLength <= UNSENT_MAX_BYTES
  }

  /** There is more to do than there is room for. */
  #isBlocked(): boolean {
    return !this.#hasRoom()
  }

  #finish(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#schedule()
  }

  #closed(): void {
    this.#isClosed = true
    this.#conversation?.close()
    this.#answers.close()
    this.#onClose(this)
  }
}

// One client of the proxy, from its connecting to its end: reads requests as long as there is room for their answers,
// asks the routes, and sends answers in order. A client that doesn't read is not read from; one that vanishes leaves its
// calls to be answered into nothing. Knows no pool and no ring.
import type { Socket } from 'node:net'
import { Call } from '../node/call.ts'
import { relayed } from '../wire/relayed-operations.ts'
import { AnswerQueue, type KeyList } from './answer-queue.ts'
import { deletionOf } from './copies.ts'
import { NO_CODEC } from './no-codec.ts'
import type { ProxyContext } from './proxy-context.ts'
import * as replies from './replies.ts'
import { RequestParser } from './request-parser.ts'

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
  readonly #parser: RequestParser
  readonly #answers: AnswerQueue
  /** The list of keys that is being asked for. */
  #list: KeyList | undefined
  /** Will be flushed at the end of the round. */
  #isWaiting = false
  #isPaused = false
  /** The client will send nothing more, or nothing that is read; it still gets its answers. */
  #isEnding = false
  #isClosed = false

  constructor(socket: Socket, context: ProxyContext, onClose: (session: Session) => void) {
    this.#socket = socket
    this.#context = context
    this.#onClose = onClose
    this.#parser = new RequestParser(context.limits)
    this.#answers = new AnswerQueue(context.statistics, () => this.#schedule())
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#read(chunk))
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
    if (this.#answers.length > 0 || this.#list !== undefined || !this.#hasRoom()) return
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

  #read(chunk: Buffer): void {
    if (this.#isEnding) return
    this.#context.statistics.bytesRead += chunk.length
    this.#parser.feed(chunk, chunk.length)
    this.#work()
    if (this.#isBlocked() && !this.#isPaused) {
      this.#isPaused = true
      this.#socket.pause()
    }
  }

  /** Executes what has come, as far as there is room for answers. */
  #work(): void {
    const parser = this.#parser
    while (this.#hasRoom()) {
      if (this.#list !== undefined) this.#askNextKey(this.#list)
      else if (parser.next()) this.#execute()
      else {
        if (parser.broken) this.#finish()
        return
      }
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

  #execute(): void {
    const { request } = this.#parser
    const answers = this.#answers
    switch (request.kind) {
      case 'get':
        this.#dispatch(answers.expect('value', request.operation, false, request.key, ''))
        return
      case 'list':
        this.#list = { failure: '' }
        return
      case 'keyed':
      case 'refused':
        this.#ask()
        return
      case 'text':
        answers.say(request.text)
        return
      case 'stats': {
        const what = request.text
        answers.report(() => this.#context.report(what))
        return
      }
      case 'flush':
        this.#flushAll(request.ttl, request.quiet)
        return
      case 'quit':
        this.#finish()
    }
  }

  #askNextKey(list: KeyList): void {
    const parser = this.#parser
    if (parser.nextKey()) {
      const { operation, key } = parser.request
      this.#dispatch(this.#answers.expect('part', operation, false, key, '', list))
    } else {
      this.#list = undefined
      this.#answers.endList(list)
    }
  }

  #ask(): void {
    const { kind, operation, quiet, key, metaFlags, text } = this.#parser.request
    const answer = this.#answers.expect('line', operation, quiet, key, metaFlags)
    if (kind === 'keyed') {
      this.#dispatch(answer)
      return
    }
    // The old value must not be taken for the one that could not be stored.
    const refuse = (): void => answer.fail(text)
    const removal = deletionOf(this.#call())
    const route = this.#context.routes.find(key)
    if (route === undefined) refuse()
    else route.ask(removal, { resolved: refuse, rejected: refuse })
  }

  #dispatch(answer: ReturnType<AnswerQueue['expect']>): void {
    this.#context.statistics.count(answer.operation)
    const route = this.#context.routes.find(answer.key)
    if (route === undefined) answer.fail(NO_ROUTE)
    else route.ask(this.#call(), answer)
  }

  /** The request as a call. */
  #call(): Call {
    const { request } = this.#parser
    const call = new Call(request.operation, request.key, NO_CODEC)
    if (!request.isAscii) call.routingKey = Buffer.from(request.key, 'latin1').toString()
    call.flags = request.flags
    call.ttl = request.ttl
    call.operand = request.operand
    call.metaFlags = request.metaFlags
    call.data = request.data
    return call
  }

  #flushAll(delay: number | undefined, quiet: boolean): void {
    const { allowFlush, statistics } = this.#context
    statistics.flushes++
    const answer = this.#answers.expect('line', relayed.delete, quiet, '', '')
    if (!allowFlush) {
      answer.fail(replies.FLUSH_NOT_ALLOWED)
      return
    }
    this.#context.flushAll(delay).then(([failure]) => {
      answer.fail(failure === undefined ? replies.OK : replies.serverError(failure))
    })
  }

  #finish(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#schedule()
  }

  #closed(): void {
    this.#isClosed = true
    this.#parser.close()
    this.#answers.close()
    this.#onClose(this)
  }
}

const NO_ROUTE = 'SERVER_ERROR no route for this key: give the proxy a default one\r\n'

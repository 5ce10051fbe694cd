// A conversation in the text protocols, classic and meta: asks the routes for what the client asks, and answers itself what
// is the proxy's own business. Knows requests and answers; no socket.
import { Call } from '../node/call.ts'
import { relayed } from '../wire/relayed-operations.ts'
import type { AnswerQueue } from './answer-queue.ts'
import type { Conversation } from './conversation.ts'
import { deletionOf } from './copies.ts'
import { NO_CODEC } from './no-codec.ts'
import type { ProxyContext } from './proxy-context.ts'
import * as replies from './replies.ts'
import { RequestParser } from './request-parser.ts'
import { type AnswerForm, type KeyList, TextAnswer } from './text-answer.ts'

export class TextConversation implements Conversation {
  readonly #context: ProxyContext
  readonly #answers: AnswerQueue
  readonly #parser: RequestParser
  /** The list of keys that is being asked for. */
  #list: KeyList | undefined

  constructor(context: ProxyContext, answers: AnswerQueue) {
    this.#context = context
    this.#answers = answers
    this.#parser = new RequestParser(context.limits)
  }

  get isOver(): boolean {
    return this.#parser.broken
  }

  feed(chunk: Buffer, length: number): void {
    this.#parser.feed(chunk, length)
  }

  step(): boolean {
    if (this.#list !== undefined) this.#askNextKey(this.#list)
    else if (this.#parser.next()) this.#execute()
    else return false
    return true
  }

  keep(): void {
    this.#parser.keep()
  }

  close(): void {
    this.#parser.close()
  }

  #execute(): void {
    const { request } = this.#parser
    const answers = this.#answers
    switch (request.kind) {
      case 'get':
        this.#dispatch(this.#expect('value'))
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
        // The parser reads nothing more.
        return
    }
  }

  #askNextKey(list: KeyList): void {
    const parser = this.#parser
    if (parser.nextKey()) {
      this.#dispatch(this.#expect('part', list))
    } else {
      this.#list = undefined
      this.#answers.report(() => list.failure || replies.END)
    }
  }

  #ask(): void {
    const { kind, key, text } = this.#parser.request
    const answer = this.#expect('line')
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

  #dispatch(answer: TextAnswer): void {
    this.#context.statistics.count(answer.operation)
    const route = this.#context.routes.find(answer.key)
    if (route === undefined) answer.fail(replies.serverError(replies.NO_ROUTE))
    else route.ask(this.#call(), answer)
  }

  /** A place for the answer to the request. */
  #expect(form: AnswerForm, list?: KeyList): TextAnswer {
    return this.#answers.add(new TextAnswer(this.#answers, form, this.#parser.request, list))
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
    const asked = { operation: relayed.delete, quiet, key: '', metaFlags: '' }
    const answer = this.#answers.add(new TextAnswer(this.#answers, 'line', asked))
    if (!allowFlush) {
      answer.fail(replies.FLUSH_NOT_ALLOWED)
      return
    }
    this.#context.flushAll(delay).then(([failure]) => {
      answer.fail(failure === undefined ? replies.OK : replies.serverError(failure))
    })
  }
}

// How the text protocols tell what came of a request: the bytes of the node where there are any, memcached's words where
// there are none, and nothing where the client has asked not to be told. Knows no socket and no node.
import type { CallReceiver } from '../node/call.ts'
import { Status } from '../wire/answer.ts'
import type { Operation } from '../wire/command.ts'
import type { RelayedAnswer } from '../wire/relayed-answer.ts'
import { NOT_CARRIED_OUT, relayed } from '../wire/relayed-operations.ts'
import { type AnswerQueue, type Forgiving, QueuedAnswer } from './answer-queue.ts'
import * as replies from './replies.ts'

/** How an outcome is told: by a line, by a value and `END`, or by a value among others. */
export type AnswerForm = 'line' | 'value' | 'part'

/** What the keys of one `get` have in common. */
export interface KeyList {
  /** The line that takes the place of `END` when a key could not be asked for; '' when all could. */
  failure: string
}

export interface Asked {
  readonly operation: Operation
  /** `noreply`, or `q`. */
  readonly quiet: boolean
  readonly key: string
  readonly metaFlags: string
}

export class TextAnswer extends QueuedAnswer implements CallReceiver {
  readonly operation: Operation
  readonly key: string
  readonly #queue: AnswerQueue
  readonly #form: AnswerForm
  readonly #list: KeyList | undefined
  readonly #quiet: boolean
  /** Some come back with a miss. */
  readonly #metaFlags: string

  constructor(queue: AnswerQueue, form: AnswerForm, asked: Asked, list?: KeyList) {
    super()
    this.operation = asked.operation
    this.key = asked.key
    this.#queue = queue
    this.#form = form
    this.#list = list
    this.#quiet = asked.quiet
    this.#metaFlags = asked.metaFlags
  }

  resolved(_: unknown, result: unknown): void {
    if (result === undefined) {
      this.#queue.outcomes.misses++
      this.#queue.give(this, this.#miss())
    } else if (result === NOT_CARRIED_OUT) this.fail(NODE_DOWN)
    else this.#relay(result as RelayedAnswer)
  }

  rejected(label: unknown, error: unknown): void {
    const isRead = this.operation.missed === undefined
    if (isRead && (label as Forgiving | undefined)?.forgives(error)) {
      this.#queue.outcomes.forgiven++
      this.#queue.give(this, this.#miss())
    } else this.fail(replies.serverError(error instanceof Error ? error.message : String(error)))
  }

  /** Answers with this line, which most often says what went wrong. */
  fail(line: string): void {
    if (this.#list === undefined) this.#queue.give(this, this.#hidesAll ? '' : line)
    else {
      if (this.#list.failure === '') this.#list.failure = line
      this.#queue.give(this, '')
    }
  }

  #relay(answer: RelayedAnswer): void {
    const { status } = answer
    const { found } = this.operation
    if (found !== undefined) {
      if (found(answer)) this.#queue.outcomes.hits++
      else if (status < Status.error) this.#queue.outcomes.misses++
    }
    if (this.#list !== undefined && status >= Status.error) this.fail(`${answer.line}\r\n`)
    else if (this.#hides(status)) this.#queue.give(this, '')
    else {
      const isWhole = this.#form === 'value' && status === Status.value
      this.#queue.relay(this, answer, isWhole ? replies.END : '')
    }
  }

  /** Whether the client has asked not to be told of this outcome. */
  #hides(status: number): boolean {
    if (!this.#quiet) return false
    if (this.#hidesAll) return true
    if (this.operation === relayed.mg) return status === Status.miss
    if (status === Status.value) return this.operation === relayed.ma
    return status === Status.done
  }

  get #hidesAll(): boolean {
    return this.#quiet && this.operation.name[0] !== 'm'
  }

  #miss(): string {
    if (this.#form === 'value') return replies.END
    if (this.#form === 'part' || this.#quiet) return ''
    return replies.MISS + echo(this.key, this.#metaFlags) + replies.CRLF
  }
}

const NODE_DOWN = `SERVER_ERROR ${replies.NODE_DOWN}\r\n`

/** What a miss has of a command's flags: the key if it was asked for, an opaque, and that the key is base64. */
function echo(key: string, metaFlags: string): string {
  if (metaFlags === '') return ''
  let text = ''
  for (const flag of metaFlags.split(' ')) {
    if (flag[0] === 'k') text += ` k${key}`
    else if (flag[0] === 'O' || flag[0] === 'b') text += ` ${flag}`
  }
  return text
}

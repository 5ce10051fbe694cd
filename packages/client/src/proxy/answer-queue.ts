// The answers to one client, in the order in which it asked, whatever the order in which they come: what is first goes
// out at once, what is early is kept. Knows the forms in which the protocol tells an outcome; no socket and no node.
import type { CallReceiver } from '../node/call.ts'
import { Status } from '../wire/answer.ts'
import type { Operation } from '../wire/command.ts'
import type { RelayedAnswer } from '../wire/relayed-answer.ts'
import { NOT_CARRIED_OUT, relayed } from '../wire/relayed-operations.ts'
import { OutputBuffer } from './output-buffer.ts'
import * as replies from './replies.ts'

/** How an outcome is told: by a line, by a value and `END`, by a value among others, or as the end of these. */
export type AnswerForm = 'line' | 'value' | 'part' | 'end'

/** What the keys of one `get` have in common. */
export interface KeyList {
  /** The line that takes the place of `END` when a key could not be asked for; '' when all could. */
  failure: string
}

/** What came of reads. */
export interface Outcomes {
  hits: number
  misses: number
  /** Failures that were told as misses. */
  forgiven: number
}

/** Says which failures a client is told as a miss. */
export interface Forgiving {
  forgives(error: unknown): boolean
}

/** The place of one answer. */
export class PendingAnswer implements CallReceiver {
  next: PendingAnswer | undefined = undefined
  isReady = false
  /** The answer that had to be kept, or what makes it when it is its turn; '' for none. */
  kept: Buffer | string | (() => string) = ''
  readonly form: AnswerForm
  readonly operation: Operation
  readonly list: KeyList | undefined
  /** The client doesn't want to know (`noreply`), or only the unexpected (`q`). */
  readonly quiet: boolean
  /** Of a meta command: its key and flags, some of which come back with a miss. */
  readonly key: string
  readonly metaFlags: string
  readonly #queue: AnswerQueue

  constructor(
    queue: AnswerQueue,
    form: AnswerForm,
    operation: Operation,
    quiet: boolean,
    key: string,
    metaFlags: string,
    list: KeyList | undefined,
  ) {
    this.#queue = queue
    this.form = form
    this.operation = operation
    this.quiet = quiet
    this.key = key
    this.metaFlags = metaFlags
    this.list = list
  }

  resolved(_: unknown, result: unknown): void {
    if (result === undefined) {
      this.#queue.outcomes.misses++
      this.#queue.tell(this, this.#miss())
    } else if (result === NOT_CARRIED_OUT) this.fail(NODE_DOWN)
    else this.#queue.relay(this, result as RelayedAnswer)
  }

  rejected(label: unknown, error: unknown): void {
    const isRead = this.operation.missed === undefined
    if (isRead && (label as Forgiving | undefined)?.forgives(error)) {
      this.#queue.outcomes.forgiven++
      this.#queue.tell(this, this.#miss())
    } else this.fail(replies.serverError(error instanceof Error ? error.message : String(error)))
  }

  /** Answers with this line, which says what went wrong. */
  fail(line: string): void {
    if (this.list !== undefined) {
      if (this.list.failure === '') this.list.failure = line
      this.#queue.tell(this, '')
    } else this.#queue.tell(this, this.#hidesAll ? '' : line)
  }

  /** Whether the client has asked not to be told of this outcome. */
  hides({ status }: RelayedAnswer): boolean {
    if (!this.quiet) return false
    if (this.#hidesAll) return true
    if (this.operation === relayed.mg) return status === Status.miss
    if (status === Status.value) return this.operation === relayed.ma
    return status === Status.done
  }

  get #hidesAll(): boolean {
    return this.quiet && this.operation.name[0] !== 'm'
  }

  #miss(): string {
    if (this.form === 'value') return replies.END
    if (this.form === 'part') return ''
    return this.quiet ? '' : replies.MISS + echo(this.key, this.metaFlags) + replies.CRLF
  }
}

const NODE_DOWN = 'SERVER_ERROR the node of this key is down, nothing was changed\r\n'

/** What an answer is taken for as long as none has come. */
const UNKNOWN_ANSWER_BYTES = 64 * 1024

export class AnswerQueue {
  readonly output = new OutputBuffer()
  /** Answers that are waited for, or wait behind one that is. */
  length = 0
  /** Bytes of answers that came early. */
  keptBytes = 0
  /** What the largest of the recent answers took, in bytes: what the next ones may take. */
  answerBytes = UNKNOWN_ANSWER_BYTES
  readonly outcomes: Outcomes
  readonly #onProgress: () => void
  #first: PendingAnswer | undefined
  #last: PendingAnswer | undefined
  #closed = false

  /** `onProgress` is told whenever something was added to the output, or the queue became shorter. */
  constructor(outcomes: Outcomes, onProgress: () => void) {
    this.outcomes = outcomes
    this.#onProgress = onProgress
  }

  /** Keeps a place for an answer that will come. */
  expect(
    form: AnswerForm,
    operation: Operation,
    quiet: boolean,
    key: string,
    metaFlags: string,
    list: KeyList | undefined = undefined,
  ): PendingAnswer {
    const answer = new PendingAnswer(this, form, operation, quiet, key, metaFlags, list)
    if (this.#last === undefined) this.#first = answer
    else this.#last.next = answer
    this.#last = answer
    this.length++
    return answer
  }

  /** An answer that is known already. */
  say(text: string): void {
    if (text === '') return
    if (this.length === 0) {
      this.output.text(text)
      this.#onProgress()
    } else this.tell(this.expect('line', relayed.set, false, '', ''), text)
  }

  /** An answer that is made when it is its turn: it tells what has come of the requests before it. */
  report(make: () => string): void {
    const answer = this.expect('line', relayed.set, false, '', '')
    answer.kept = make
    answer.isReady = true
    if (answer === this.#first) this.#advance()
  }

  /** The end of the values of a list, which says what has failed of it. */
  endList(list: KeyList): void {
    const answer = this.expect('end', relayed.get, false, '', '', list)
    answer.isReady = true
    if (answer === this.#first) this.#advance()
  }

  /** Answers in words. */
  tell(answer: PendingAnswer, text: string): void {
    if (this.#closed) return
    if (answer === this.#first) {
      this.output.text(text)
      this.#remove()
      this.#advance()
    } else {
      answer.kept = text
      answer.isReady = true
    }
  }

  /** Answers with what a node has sent. */
  relay(answer: PendingAnswer, relayed: RelayedAnswer): void {
    if (this.#closed) return
    const { lineSource, lineStart, pieceEnd, detachedValue, status } = relayed
    if (answer.list !== undefined && status >= Status.error) {
      answer.fail(lineSource.toString('latin1', lineStart, pieceEnd))
      return
    }
    const { found } = answer.operation
    if (found !== undefined) {
      if (found(relayed)) this.outcomes.hits++
      else if (status < Status.error) this.outcomes.misses++
    }
    const bytes = pieceEnd - lineStart + (detachedValue?.length ?? 0)
    this.answerBytes = Math.max(bytes, this.answerBytes - (this.answerBytes >> 4))
    if (answer.hides(relayed)) {
      this.tell(answer, '')
      return
    }
    const ending = answer.form === 'value' && status === Status.value ? replies.END : ''
    if (answer === this.#first) {
      this.output.copy(lineSource, lineStart, pieceEnd)
      if (detachedValue !== undefined) this.output.take(detachedValue)
      if (ending !== '') this.output.text(ending)
      this.#remove()
      this.#advance()
      return
    }
    const kept = Buffer.allocUnsafe(bytes + ending.length)
    lineSource.copy(kept, 0, lineStart, pieceEnd)
    detachedValue?.copy(kept, pieceEnd - lineStart)
    kept.write(ending, bytes, 'latin1')
    answer.kept = kept
    answer.isReady = true
    this.keptBytes += kept.length
  }

  /** Nobody is there to be answered any more. */
  close(): void {
    this.#closed = true
    this.#first = undefined
    this.#last = undefined
    this.length = 0
    this.keptBytes = 0
  }

  #remove(): void {
    this.#first = this.#first!.next
    if (this.#first === undefined) this.#last = undefined
    this.length--
  }

  /** Puts out what was ready and is first now. */
  #advance(): void {
    let first = this.#first
    while (first?.isReady) {
      const { kept } = first
      if (first.form === 'end') this.output.text(first.list!.failure || replies.END)
      else if (typeof kept === 'string') this.output.text(kept)
      else if (typeof kept === 'function') this.output.text(kept())
      else {
        this.keptBytes -= kept.length
        this.output.take(kept)
      }
      this.#remove()
      first = this.#first
    }
    this.#onProgress()
  }
}

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

// The answers to one client, in the order in which it asked, whatever the order in which they come: what is first goes
// out at once, what is early is kept. Knows no protocol, no socket and no node.
import type { RelayedAnswer } from '../wire/relayed-answer.ts'
import { OutputBuffer } from './output-buffer.ts'

/** The place of one answer. */
export class QueuedAnswer {
  next: QueuedAnswer | undefined = undefined
  isReady = false
  /** The answer that had to be kept, text in Latin-1, or what makes it when it is its turn; '' for none. */
  kept: Buffer | string | (() => string | Promise<string>) = ''
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

/** What an answer is taken for as long as none has come: an item as large as most nodes allow. */
const UNKNOWN_ANSWER_BYTES = 1024 * 1024

export class AnswerQueue {
  readonly output = new OutputBuffer()
  readonly outcomes: Outcomes
  /** Answers that are waited for, or wait behind one that is. */
  length = 0
  /** Bytes of answers that came early. */
  keptBytes = 0
  /** What the largest of the recent answers took, in bytes: what the next ones may take. */
  answerBytes = UNKNOWN_ANSWER_BYTES
  readonly #onProgress: () => void
  #first: QueuedAnswer | undefined
  #last: QueuedAnswer | undefined
  #closed = false

  /** `onProgress` is told whenever something was added to the output, or the queue became shorter. */
  constructor(outcomes: Outcomes, onProgress: () => void) {
    this.outcomes = outcomes
    this.#onProgress = onProgress
  }

  /** Keeps a place for an answer that will be given. */
  add<A extends QueuedAnswer>(answer: A): A {
    if (this.#last === undefined) this.#first = answer
    else this.#last.next = answer
    this.#last = answer
    this.length++
    return answer
  }

  /** An answer that is known already. */
  say(text: string): void {
    if (text === '') return
    if (this.length > 0) this.give(this.add(new QueuedAnswer()), text)
    else {
      this.output.text(text)
      this.#onProgress()
    }
  }

  /** An answer that is made when it is its turn: it may tell what has come of the requests before it. */
  report(make: () => string | Promise<string>): void {
    const answer = this.add(new QueuedAnswer())
    answer.kept = make
    answer.isReady = true
    if (answer === this.#first) this.#advance()
  }

  /** Bytes that nobody will change, or text in Latin-1. */
  give(answer: QueuedAnswer, content: Buffer | string): void {
    if (this.#closed) return
    if (answer === this.#first) {
      this.#put(content)
      this.#remove()
      this.#advance()
    } else {
      answer.kept = content
      answer.isReady = true
      if (typeof content !== 'string') this.keptBytes += content.length
    }
  }

  /** What a node has sent, and something behind it. */
  relay(answer: QueuedAnswer, relayed: RelayedAnswer, ending: string): void {
    if (this.#closed) return
    const { lineSource, lineStart, pieceEnd, detachedValue } = relayed
    this.measure(pieceEnd - lineStart + (detachedValue?.length ?? 0))
    if (answer === this.#first) {
      this.output.copy(lineSource, lineStart, pieceEnd)
      if (detachedValue !== undefined) this.output.take(detachedValue)
      if (ending !== '') this.output.text(ending)
      this.#remove()
      this.#advance()
      return
    }
    const piece = pieceEnd - lineStart
    const bytes = piece + (detachedValue?.length ?? 0)
    const kept = Buffer.allocUnsafe(bytes + ending.length)
    lineSource.copy(kept, 0, lineStart, pieceEnd)
    detachedValue?.copy(kept, piece)
    kept.write(ending, bytes, 'latin1')
    this.give(answer, kept)
  }

  /** Notes how large an answer was. */
  measure(bytes: number): void {
    this.answerBytes = Math.max(bytes, this.answerBytes - (this.answerBytes >> 4))
  }

  /** Nobody is there to be answered any more. */
  close(): void {
    this.#closed = true
    this.#first = undefined
    this.#last = undefined
    this.length = 0
    this.keptBytes = 0
  }

  #put(content: Buffer | string): void {
    if (typeof content === 'string') this.output.text(content)
    else this.output.take(content)
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
      if (typeof kept === 'function') {
        const text = kept()
        if (typeof text !== 'string') {
          const asking = first
          asking.isReady = false
          void text.then((told) => this.give(asking, told))
          break
        }
        this.output.text(text)
      } else {
        if (typeof kept !== 'string') this.keptBytes -= kept.length
        this.#put(kept)
      }
      this.#remove()
      first = this.#first
    }
    this.#onProgress()
  }
}

// Questions and answers between two processes of one proxy, over Node's channel between them. Knows what may be asked;
// whoever is asked knows the answer.
import type { ListenAddress } from '../listener.ts'
import type { ProxySnapshot } from '../snapshot.ts'

/** Where a worker listens. */
export interface Places {
  readonly addresses: readonly ListenAddress[]
  readonly adminAddress: string | undefined
}

/** Every question, with its answer. */
export interface Answers {
  // Of the primary process to a worker.
  /** What it has counted, it alone. */
  snapshot: ProxySnapshot
  /** To read the file again. The answer is why it can't be taken; '' when it is. */
  reload: string
  /** To count anew. */
  reset: null
  /** To answer what was asked, and to end. */
  end: null
  // Of a worker to the primary process.
  /** What the others have counted. */
  others: readonly ProxySnapshot[]
  /** Has the others count anew. */
  resetOthers: null
}

export type Question = keyof Answers

export type Answering = {
  readonly [Q in Question]?: () => Answers[Q] | Promise<Answers[Q]>
}

export type Message =
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  /** Of a worker: where it listens, or why it can't. */
  | { readonly kind: 'started'; readonly places: Places }
  | { readonly kind: 'failed'; readonly reason: string }

export class Channel {
  readonly #send: (message: Message) => void
  readonly #answering: Answering
  readonly #waiting = new Map<number, (answer: unknown) => void>()
  #id = 0

  constructor(send: (message: Message) => void, answering: Answering) {
    this.#send = send
    this.#answering = answering
  }

  /** Resolves to undefined when the other process ends, or is silent for so long. */
  ask<Q extends Question>(question: Q, milliseconds?: number): Promise<Answers[Q] | undefined> {
    const id = ++this.#id
    return new Promise((resolve) => {
      const timer =
        milliseconds === undefined ? undefined : setTimeout(() => settle(undefined), milliseconds)
      const settle = (answer: unknown): void => {
        clearTimeout(timer)
        this.#waiting.delete(id)
        resolve(answer as Answers[Q] | undefined)
      }
      this.#waiting.set(id, settle)
      this.#send({ kind: 'question', id, question })
    })
  }

  /** To be called with what the other process sends. */
  async heard(message: Message): Promise<void> {
    if (message.kind === 'answer') this.#waiting.get(message.id)?.(message.answer)
    if (message.kind !== 'question') return
    const { id, question } = message
    this.#send({ kind: 'answer', id, answer: await this.#answering[question]?.() })
  }

  /** The other process has ended. */
  ended(): void {
    for (const settle of this.#waiting.values()) settle(undefined)
  }
}

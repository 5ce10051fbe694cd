// The origin as the rest of the application sees it: what pages are made of, slowly. Knows its thread; no cache.
import { Worker } from 'node:worker_threads'
import type { Answer, Ask, Question } from './orders.ts'
import type { Answered, Asked } from './origin-thread.ts'

/** An answer, and what it has cost. */
export interface Told<Q extends Question> {
  readonly answer: Answer<Q>
  /** Milliseconds of the origin's work. */
  readonly ms: number
}

interface Waiting {
  readonly resolve: (told: Told<Question>) => void
  readonly reject: (error: Error) => void
}

/** Questions without an answer at most: beyond it is busy. */
const MAX_WAITING = 200

export class OriginBusyError extends Error {
  readonly code = 'ERR_ORIGIN_BUSY'
}

export class Origin implements AsyncDisposable {
  readonly #thread = new Worker(new URL('./origin-thread.js', import.meta.url))
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #failure: Error | undefined

  constructor() {
    this.#thread.on('message', ({ id, answer, ms }: Answered) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      waiting?.resolve({ answer: answer as Answer<Question>, ms })
    })
    this.#thread.on('error', (error) => this.#fail(error))
    this.#thread.on('exit', () => this.#fail(new Error('the origin has ended')))
  }

  /** @throws OriginBusyError when too many wait already. */
  ask<Q extends Question>(question: Q, ask: Ask<Q>): Promise<Told<Q>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#waiting.size >= MAX_WAITING) {
      return Promise.reject(new OriginBusyError('the origin has too much to do: try again soon'))
    }
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
      this.#thread.postMessage({ id, question, ask } satisfies Asked)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.values()) reject(this.#failure)
    this.#waiting.clear()
  }
}

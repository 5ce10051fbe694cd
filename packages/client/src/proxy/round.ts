// Sends what clients are answered once in a round of the event loop: when everything that was ready has been read, so
// that each client's answers leave in one write. Knows nothing of what is sent.

export interface Flushed {
  flush(): void
}

export class Round {
  #waiting: Flushed[] = []

  /** To be called once until `flush` is. */
  add(flushed: Flushed): void {
    if (this.#waiting.push(flushed) === 1) setImmediate(this.#run)
  }

  readonly #run = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    for (const flushed of waiting) flushed.flush()
  }
}

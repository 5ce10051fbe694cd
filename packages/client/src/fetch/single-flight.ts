// One run for all who ask for the same thing at the same time in this process. Who gives up leaves the others what
// they wait for; when all have given up, the run is told to stop. Knows nothing of caches.

interface Flight<T> {
  readonly result: Promise<T>
  readonly controller: AbortController
  /** Who waits; those without a signal can't give up. */
  callers: number
}

export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>()

  /** How many runs are under way. */
  get size(): number {
    return this.#flights.size
  }

  /** Joins the run for this key, or begins it. Rejects with the signal's reason when that aborts first. */
  run(key: string, begin: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const flight = this.#flights.get(key) ?? this.#begin(key, begin)
    flight.callers++
    return signal === undefined ? flight.result : this.#orAborted(key, flight, signal)
  }

  #begin(key: string, begin: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController()
    const result = begin(controller.signal).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    })
    // When all have given up, nobody hears how it ended.
    result.catch(() => {})
    const flight: Flight<T> = { result, controller, callers: 0 }
    this.#flights.set(key, flight)
    return flight
  }

  #orAborted(key: string, flight: Flight<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        reject(signal.reason)
        if (--flight.callers > 0) return
        // Who comes now must not join what is being stopped.
        if (this.#flights.get(key) === flight) this.#flights.delete(key)
        flight.controller.abort(signal.reason)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      flight.result.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
    })
  }
}

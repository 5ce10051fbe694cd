// Follows a discovery: hands on its lists, reports its failures, and watches anew after each, later and
// later. Knows neither what a list is used for nor where it comes from.
import type { NodeSpec } from '../node/address.ts'
import type { Discovery, DiscoveryContext } from './discovery.ts'

export interface FollowerOwner {
  /** May throw when the list makes no sense, which is then a failure of the discovery. */
  found(nodes: readonly NodeSpec[]): void
  failed(error: unknown): void
}

const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 30_000
/** Failing nodes make a discovery look again, but not more often than this. */
const HINT_SPACING_MS = 1_000

export class Follower {
  readonly #discovery: Discovery
  readonly #owner: FollowerOwner
  readonly #stop = new AbortController()
  #failures = 0
  #woken = false
  #endPause: (() => void) | undefined
  #pausedAt = Number.NEGATIVE_INFINITY
  #hintTimer: NodeJS.Timeout | undefined

  constructor(discovery: Discovery, owner: FollowerOwner) {
    this.#discovery = discovery
    this.#owner = owner
  }

  start(): void {
    void this.#follow()
  }

  stop(): void {
    clearTimeout(this.#hintTimer)
    this.#stop.abort()
  }

  /** Something suggests that the last list is out of date. */
  hint(): void {
    if (this.#hintTimer !== undefined || this.#stop.signal.aborted) return
    const wait = this.#pausedAt + HINT_SPACING_MS - performance.now()
    if (wait <= 0) this.#wake()
    else {
      this.#hintTimer = setTimeout(() => {
        this.#hintTimer = undefined
        this.#wake()
      }, wait).unref()
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop
    const context: DiscoveryContext = {
      signal,
      pause: this.#pause,
      wake: this.#wake,
      report: (error) => {
        if (!signal.aborted) this.#owner.failed(error)
      },
    }
    while (!signal.aborted) {
      try {
        for await (const nodes of this.#discovery.watch(context)) {
          if (signal.aborted) return
          this.#take(nodes)
        }
        // It has said all that it will ever say.
        return
      } catch (error) {
        if (signal.aborted) return
        this.#owner.failed(error)
      }
      const delay = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures)
      if (delay < RETRY_MAX_MS) this.#failures++
      await this.#pause(delay * (0.5 + Math.random())).catch(() => {})
    }
  }

  #take(nodes: readonly NodeSpec[]): void {
    try {
      this.#owner.found(nodes)
      this.#failures = 0
    } catch (error) {
      this.#owner.failed(error)
    }
  }

  readonly #wake = (): void => {
    if (this.#endPause === undefined) this.#woken = true
    else this.#endPause()
  }

  readonly #pause = (milliseconds: number): Promise<void> => {
    const { signal } = this.#stop
    this.#pausedAt = performance.now()
    if (signal.aborted) return Promise.reject(signal.reason)
    // Who begins a pause has no more use for the one before.
    this.#endPause?.()
    if (this.#woken) {
      this.#woken = false
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        this.#endPause = undefined
        if (signal.aborted) reject(signal.reason)
        else resolve()
      }
      const timer = setTimeout(end, milliseconds * (0.9 + 0.2 * Math.random())).unref()
      signal.addEventListener('abort', end)
      this.#endPause = end
    })
  }
}

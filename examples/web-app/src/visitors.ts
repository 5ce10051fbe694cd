// Visitors that aren't there: they look at one page after the other as browsers do, so that there is something to see.
// Bounded in number, in rate and in time. Knows addresses; no page.
import { setTimeout as sleep } from 'node:timers/promises'

const VISITORS = 3
const PAUSE_MS = 120
const PATIENCE_MS = 10_000
/** Then they leave by themselves. */
const STAY_MS = 3 * 60_000

export class Visitors implements AsyncDisposable {
  readonly #paths: readonly string[]
  #leaving: AbortController | undefined
  #left: Promise<unknown> = Promise.resolve()

  /** The first paths are looked at the most. */
  constructor(paths: readonly string[]) {
    this.#paths = paths
  }

  get here(): boolean {
    return this.#leaving !== undefined
  }

  /** `origin` is where the pages are, like `http://127.0.0.1:8080`. */
  come(origin: string): void {
    if (this.#leaving !== undefined) return
    const leaving = new AbortController()
    const stay = setTimeout(() => void this.leave(), STAY_MS)
    leaving.signal.addEventListener('abort', () => clearTimeout(stay))
    this.#leaving = leaving
    this.#left = Promise.all(
      Array.from({ length: VISITORS }, () => this.#visit(origin, leaving.signal)),
    )
  }

  async leave(): Promise<void> {
    this.#leaving?.abort()
    this.#leaving = undefined
    await this.#left
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  async #visit(origin: string, leaving: AbortSignal): Promise<void> {
    let cookie = ''
    while (!leaving.aborted) {
      try {
        const path = this.#paths[Math.floor(this.#paths.length * Math.random() ** 2)]!
        const answer = await fetch(origin + path, {
          headers: cookie === '' ? {} : { cookie },
          signal: AbortSignal.any([leaving, AbortSignal.timeout(PATIENCE_MS)]),
        })
        await answer.arrayBuffer()
        cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie
      } catch {
        // The page says what has failed; a visitor tries again.
      }
      await sleep(PAUSE_MS * (0.5 + Math.random()), undefined, { signal: leaving }).catch(() => {})
    }
  }
}

// The live view as server-sent events: each browser gets it twice a second. Knows the stream; not what is in it.
import type { ServerResponse } from 'node:http'

const PERIOD_MS = 500
const MAX_LISTENERS = 24
/** Of one listener that doesn't read. */
const MAX_UNSENT_BYTES = 256 * 1024

export class LiveStream implements Disposable {
  readonly #listeners = new Set<ServerResponse>()
  readonly #view: () => unknown
  #timer: NodeJS.Timeout | undefined

  constructor(view: () => unknown) {
    this.#view = view
  }

  get hasRoom(): boolean {
    return this.#listeners.size < MAX_LISTENERS
  }

  add(response: ServerResponse): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    this.#listeners.add(response)
    response.once('close', () => this.#remove(response))
    response.on('error', () => this.#remove(response))
    this.#timer ??= setInterval(() => this.send(), PERIOD_MS)
    this.send()
  }

  /** At once, as when a node was killed. */
  send(): void {
    const event = `data: ${JSON.stringify(this.#view())}\n\n`
    for (const listener of this.#listeners) {
      if (listener.writableLength > MAX_UNSENT_BYTES) listener.destroy()
      else listener.write(event)
    }
  }

  [Symbol.dispose](): void {
    for (const listener of this.#listeners) listener.end()
    clearInterval(this.#timer)
  }

  #remove(listener: ServerResponse): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

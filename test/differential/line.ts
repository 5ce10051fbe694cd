// One connection to one server, kept for many sessions: bytes out in pieces, answers in until a fence, or
// until the server closes. Knows no command.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Endpoint } from '../wire.ts'

/** Longer than a busy machine may keep a server waiting. */
const DEADLINE_MS = 20_000

export interface Heard {
  readonly text: string
  /** The server has closed the connection. */
  readonly closed: boolean
  /** Nothing further came in time. */
  readonly silent: boolean
}

export class Line {
  readonly #socket: Socket
  #heard = ''
  #ended = false
  #fences = 0
  #changed: () => void = () => {}

  static async connect(endpoint: Endpoint): Promise<Line> {
    const socket =
      'path' in endpoint ? connect(endpoint.path) : connect(endpoint.port, endpoint.host)
    socket.setNoDelay(true)
    await once(socket, 'connect')
    return new Line(socket)
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    const end = (): void => {
      this.#ended = true
      this.#changed()
    }
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#heard += text
      this.#changed()
    })
    socket.on('end', end).on('close', end)
    // A reset is an end too: what had come before it is there.
    socket.on('error', end)
  }

  /** No longer of use. */
  get over(): boolean {
    return this.#ended
  }

  /** A mark that this connection has not seen yet. */
  nextMark(): string {
    this.#fences = (this.#fences + 1) % 100_000
    return `${this.#fences + 1}`
  }

  /** Sends the pieces one by one, and hears until the text ends as told or the server closes. */
  async ask(pieces: readonly Buffer[], ending: string | undefined): Promise<Heard> {
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) await new Promise(setImmediate)
      if (this.#ended) break
      this.#socket.write(piece)
    }
    const complete = await this.#until(
      () => this.#ended || (ending !== undefined && this.#heard.endsWith(ending)),
    )
    const text = this.#heard
    this.#heard = ''
    return { text, closed: this.#ended, silent: !complete }
  }

  close(): void {
    this.#ended = true
    this.#socket.destroy()
  }

  #until(reached: () => boolean): Promise<boolean> {
    if (reached()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), DEADLINE_MS)
      this.#changed = () => {
        if (!reached()) return
        clearTimeout(timer)
        this.#changed = () => {}
        resolve(true)
      }
    })
  }
}

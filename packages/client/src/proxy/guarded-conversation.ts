// A conversation with a client that has to log in first: until then its bytes are read by a login, and afterwards by the
// conversation proper. Knows neither protocol.
import type { Conversation } from './conversation.ts'

/** Who says who may come in. */
export interface Gatekeeper {
  logIn(user: Buffer, password: Buffer): boolean
}

/** Reads what a client sends before it is known. */
export interface Login {
  /** Nothing further is read from this client. */
  readonly isOver: boolean
  readonly isDone: boolean
  /** Takes the next message at the beginning of `bytes`, and returns how long it was; 0 when that needs more bytes. */
  take(bytes: Buffer): number
}

/** Wrong passwords, after which a client has to connect anew. */
export const MAX_FAILED_LOGINS = 16

export class GuardedConversation implements Conversation {
  readonly #begin: () => Conversation
  #login: Login | undefined
  #conversation: Conversation | undefined
  /** What has come and is not read, while the client logs in. */
  #input: Buffer = Buffer.alloc(0)

  constructor(login: Login, begin: () => Conversation) {
    this.#login = login
    this.#begin = begin
  }

  get isOver(): boolean {
    return (this.#login ?? this.#conversation)!.isOver
  }

  feed(chunk: Buffer, length: number): void {
    if (this.#conversation !== undefined) this.#conversation.feed(chunk, length)
    else this.#input = Buffer.concat([this.#input, chunk.subarray(0, length)])
  }

  step(): boolean {
    return this.#conversation?.step() ?? this.#logIn(this.#login!)
  }

  keep(): void {
    // While the client logs in, what came is a copy already.
    this.#conversation?.keep()
  }

  close(): void {
    this.#input = Buffer.alloc(0)
    this.#conversation?.close()
  }

  #logIn(login: Login): boolean {
    if (login.isOver) return false
    const taken = login.take(this.#input)
    this.#input = this.#input.subarray(taken)
    if (login.isDone) {
      this.#login = undefined
      this.#conversation = this.#begin()
      this.#conversation.feed(this.#input, this.#input.length)
      this.#input = Buffer.alloc(0)
    }
    return taken > 0
  }
}

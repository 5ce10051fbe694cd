// Sessions as items of a cache, for the stores of web frameworks: what they are called, how long they live and how they
// are written. Knows no framework; its callbacks are those that all of them have in common.
import type { Client } from '../client.ts'
import { ArgumentError } from '../errors.ts'

export interface SessionStoreOptions {
  /** Whose sockets it uses. It stays yours to close. */
  readonly client: Pick<Client, 'namespace'>
  /** What the keys of sessions begin with. Default `sess:`. */
  readonly prefix?: string
  /** Seconds that a session lives whose cookie doesn't say how long it does. Default a day. */
  readonly ttl?: number
  /**
   * What a request feels when the cache fails. `error`: the framework is told, which makes it a 500. `no session`: it goes on
   * without one, as if the cache had lost it, and `onError` is told; what was put into a session meanwhile is lost. Ending
   * sessions stays an error all the same, for one that was to be ended may be there again. Default `error`.
   */
  readonly onFailure?: 'error' | 'no session'
  /** Told of failures that requests don't feel. */
  readonly onError?: (error: Error) => void
}

/** What is known of a session besides what the application keeps in it. */
export interface SessionWithCookie {
  readonly cookie?:
    | { readonly expires?: Date | string | null | boolean; readonly maxAge?: number | null }
    | undefined
}

type Callback<T> = (error: Error | null, result?: T) => void

const DAY_SECONDS = 24 * 60 * 60

export class SessionItems<S extends SessionWithCookie> {
  readonly #items: ReturnType<Client['namespace']>
  readonly #ttl: number
  readonly #isLenient: boolean
  readonly #onError: ((error: Error) => void) | undefined

  constructor(options: SessionStoreOptions) {
    const { client, prefix = 'sess:', ttl = DAY_SECONDS, onFailure = 'error', onError } = options
    if (!(ttl > 0)) throw new ArgumentError(`ttl is ${String(ttl)}: give seconds above 0`)
    if (onFailure !== 'error' && onFailure !== 'no session') {
      throw new ArgumentError(`onFailure is ${String(onFailure)}: give 'error' or 'no session'`)
    }
    this.#items = client.namespace(prefix)
    this.#ttl = ttl
    this.#isLenient = onFailure === 'no session'
    this.#onError = onError
  }

  get(id: string, callback: Callback<S | null>): void {
    answer(this.#passedOver(this.#read(id), null), callback)
  }

  set(id: string, session: S, callback?: Callback<void>): void {
    answer(this.#passedOver(this.#write(id, session), undefined), callback)
  }

  destroy(id: string, callback?: Callback<void>): void {
    answer(this.#delete(id), callback)
  }

  /** Makes the session live on without writing it, so that nothing is lost that others have written meanwhile. */
  touch(id: string, session: S, callback?: Callback<void>): void {
    answer(this.#passedOver(this.#touch(id, this.#secondsLeft(session)), undefined), callback)
  }

  /** Ends all sessions in no time. Only nodes of memshard can: others refuse, which is the error then. */
  clear(callback?: Callback<void>): void {
    answer(this.#items.invalidatePrefix(''), callback)
  }

  /** The result, or where failures are passed over `instead` of one. */
  #passedOver<T>(result: Promise<T>, instead: T): Promise<T> {
    if (!this.#isLenient) return result
    return result.catch((error) => {
      this.#onError?.(error)
      return instead
    })
  }

  async #read(id: string): Promise<S | null> {
    const text = await this.#items.get<string>(id)
    return text === undefined ? null : JSON.parse(text)
  }

  async #write(id: string, session: S): Promise<void> {
    const ttl = this.#secondsLeft(session)
    if (ttl > 0) await this.#items.set(id, JSON.stringify(session), { ttl })
    else await this.#delete(id)
  }

  async #touch(id: string, ttl: number): Promise<void> {
    if (ttl > 0) await this.#items.touch(id, ttl)
    else await this.#delete(id)
  }

  async #delete(id: string): Promise<void> {
    await this.#items.delete(id)
  }

  /** Until the cookie expires; 0 or less when it has. */
  #secondsLeft({ cookie }: S): number {
    const { expires, maxAge } = cookie ?? {}
    if (typeof maxAge === 'number') return maxAge / 1000
    if (expires instanceof Date || typeof expires === 'string') {
      return (new Date(expires).getTime() - Date.now()) / 1000
    }
    return this.#ttl
  }
}

/** Not within the promise: what a callback throws is no rejection of ours. */
function answer<T>(promise: Promise<T>, callback: Callback<T> = () => {}): void {
  promise.then(
    (result) => process.nextTick(callback, null, result),
    (error) => process.nextTick(callback, error),
  )
}

// Sessions of express-session, and of what takes its stores (connect, NestJS, ...), in the cache. Knows its Store.
import { type SessionData, Store } from 'express-session'
import { SessionItems, type SessionStoreOptions } from './session-items.ts'

export type { SessionStoreOptions }

/**
 * A store for express-session: `session({ store: new MemshardStore({ client }), ... })`. A session that the cache has evicted,
 * or whose node is down, is none: its user logs in again. It has no `all` and no `length`, because a cache doesn't know them.
 */
export class MemshardStore extends Store {
  readonly #sessions: SessionItems<SessionData>

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: SessionStoreOptions) {
    super()
    this.#sessions = new SessionItems(options)
  }

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    this.#sessions.get(id, callback)
  }

  override set(id: string, session: SessionData, callback?: (error?: unknown) => void): void {
    this.#sessions.set(id, session, callback)
  }

  override destroy(id: string, callback?: (error?: unknown) => void): void {
    this.#sessions.destroy(id, callback)
  }

  /** By the command for it, which overwrites nothing. */
  override touch(id: string, session: SessionData, callback?: (error?: unknown) => void): void {
    this.#sessions.touch(id, session, callback)
  }

  /** Ends all sessions, in no time. An error where the nodes are not memshard's, which can't. */
  override clear(callback?: (error?: unknown) => void): void {
    this.#sessions.clear(callback)
  }
}

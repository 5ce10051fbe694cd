// Sessions of @fastify/session in the cache. Knows what it asks of a store.
import { EventEmitter } from 'node:events'
import type { FastifySessionObject, SessionStore } from '@fastify/session'
import { SessionItems, type SessionStoreOptions } from './session-items.ts'

export type { SessionStoreOptions }

/** A store for @fastify/session: `app.register(session, { store: new MemshardStore({ client: app.cache }), ... })`. */
export class MemshardStore extends EventEmitter implements SessionStore {
  readonly #sessions: SessionItems<FastifySessionObject>

  /** @throws ArgumentError when an option makes no sense. */
  constructor(options: SessionStoreOptions) {
    super()
    this.#sessions = new SessionItems(options)
  }

  get(id: string, callback: Parameters<SessionStore['get']>[1]): void {
    this.#sessions.get(id, callback)
  }

  set(id: string, session: FastifySessionObject, callback: (error?: unknown) => void): void {
    this.#sessions.set(id, session, callback)
  }

  destroy(id: string, callback: (error?: unknown) => void): void {
    this.#sessions.destroy(id, callback)
  }
}

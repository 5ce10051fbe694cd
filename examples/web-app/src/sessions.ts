// A visitor's session, which lives in the cache and nowhere else: what it has, and what is said of one that was lost.
// Knows @fastify/session's requests and where a session lives.
import type { Session } from 'fastify'

declare module 'fastify' {
  interface Session {
    visits?: number
    /** Slugs of plants. */
    basket?: readonly string[]
  }
}

export const SESSION_COOKIE = 'nursery-session'
export const SESSION_PREFIX = 'sess:'
export const SESSION_SECONDS = 30 * 60
const MAX_BASKET = 99
/** What @fastify/session makes, before the dot and its signature. */
const SESSION_ID = /^([\w-]{16,64})\./

/** The key of the session that a request's cookie names, whether there is one or not. */
export function sessionKeyOf(cookie: string | undefined): string | undefined {
  const id = SESSION_ID.exec(cookie ?? '')?.[1]
  return id === undefined ? undefined : SESSION_PREFIX + id
}

/** Counts a visit. Returns true for the first. */
export function countVisit(session: Session): boolean {
  const isNew = session.visits === undefined
  session.visits = (session.visits ?? 0) + 1
  return isNew
}

export function putIntoBasket(session: Session, slug: string): void {
  session.basket = [...(session.basket ?? []), slug].slice(-MAX_BASKET)
}

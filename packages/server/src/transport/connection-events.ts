// Tells watchers of connections that come and go. Knows what there is to say of a connection; the system
// calls that find it out are peer-address.ts's.
import type { Cache } from '../cache/cache.ts'
import { CONNECTION_EVENTS } from '../cache/event-log.ts'

/** The other end of a connection. */
export interface PeerAddress {
  /** In words; `unix` for a unix socket, and where it can't be found out any more (memcached's word). */
  readonly address: string
  readonly port: number
  /** OVER_UNIX_SOCKET, OVER_TCP or OVER_UDP. */
  readonly over: number
}

export class ConnectionEvents {
  readonly #cache: Cache

  constructor(cache: Cache) {
    this.#cache = cache
  }

  /** Only then need the address be found out. */
  get watched(): boolean {
    return this.#cache.events.watched(CONNECTION_EVENTS)
  }

  opened(descriptor: number, { address, port, over }: PeerAddress): void {
    const { lock, events } = this.#cache
    lock.acquire()
    events.connectionOpened(address, port, over, descriptor)
    lock.release()
  }

  closed(descriptor: number, { address, port, over }: PeerAddress, reason: number): void {
    const { lock, events } = this.#cache
    lock.acquire()
    events.connectionClosed(address, port, over, descriptor, reason)
    lock.release()
  }
}

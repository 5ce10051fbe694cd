// Tells watchers and the server's log of connections that come, go and fail. Knows what there is to say of a
// connection; the system calls that find it out are peer-address.ts's.
import type { Cache } from '../cache/cache.ts'
import {
  CLOSED_BY_ERROR,
  CLOSED_NORMALLY,
  CONNECTION_EVENTS,
  LOGINS_FAILED,
  TROUBLES,
  type Trouble,
} from '../cache/event-log.ts'
import type { Connection } from '../protocol/connection.ts'

/** The other end of a connection. */
export interface PeerAddress {
  /** In words; `unix` for a unix socket, and where it can't be found out any more (memcached's word). */
  readonly address: string
  readonly port: number
  /** OVER_UNIX_SOCKET, OVER_TCP or OVER_UDP. */
  readonly over: number
}

/** Why a connection is closed. */
export interface Ending {
  readonly reason: number
  /** What went wrong, of a connection of ours that is closed by an error; undefined: that is of no interest. */
  readonly trouble: Trouble | undefined
}

export class ConnectionEvents {
  readonly #cache: Cache

  constructor(cache: Cache) {
    this.#cache = cache
  }

  /** Only then need the address be found out. */
  get watched(): boolean {
    return this.#cache.events.watched(CONNECTION_EVENTS | TROUBLES)
  }

  opened(descriptor: number, { address, port, over }: PeerAddress): void {
    const { lock, events } = this.#cache
    lock.acquire()
    events.connectionOpened(address, port, over, descriptor)
    lock.release()
  }

  closed(
    descriptor: number,
    { address, port, over }: PeerAddress,
    { reason, trouble }: Ending,
  ): void {
    const { lock, events } = this.#cache
    lock.acquire()
    events.connectionClosed(address, port, over, descriptor, reason)
    if (trouble !== undefined) {
      events.connectionFailed(address, port, over, descriptor, trouble, '')
    }
    lock.release()
  }

  /** It is refused, or will be closed by somebody else. */
  failed(
    descriptor: number,
    { address, port, over }: PeerAddress,
    trouble: Trouble,
    detail = '',
  ): void {
    const { lock, events } = this.#cache
    lock.acquire()
    events.connectionFailed(address, port, over, descriptor, trouble, detail)
    lock.release()
  }
}

/** How a connection ends: who only ends his own half after a wrong password has failed too. */
export function endingOf({ closeReason: reason, trouble, failedLogins }: Connection): Ending {
  if (reason === CLOSED_BY_ERROR) return { reason, trouble }
  const guessed = reason === CLOSED_NORMALLY && failedLogins > 0
  return { reason, trouble: guessed ? LOGINS_FAILED : undefined }
}

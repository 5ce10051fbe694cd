// Lets connections in and out for one thread: accepts, gives each to the thread whose turn it is, and keeps the
// books when one is closed. Knows limits and listeners; what is served is not its business.
import { TOO_MANY_CONNECTIONS as OVER_LIMIT } from '../cache/event-log.ts'
import { permanentBlock } from '../cache/memory.ts'
import type { AcceptGate } from './accept-gate.ts'
import { RUNNING } from './connection-counts.ts'
import type { Ending, PeerAddress } from './connection-events.ts'
import { type ConnectionTable, NEW } from './connection-table.ts'
import type { EpollControl } from './epoll-control.ts'
import { peerAddress } from './peer-address.ts'
import {
  EMFILE,
  ENFILE,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  type SystemCalls,
} from './system-calls.ts'
import { TOO_MANY_CONNECTIONS, type TransportContext } from './transport.ts'

export interface AcceptorOptions {
  readonly calls: SystemCalls
  /** The epoll set of every thread, in the order of their numbers. */
  readonly epolls: readonly number[]
  readonly table: ConnectionTable
  readonly gate: AcceptGate
  /** `-o maxconns_fast`: a connection too many is refused; else it waits. */
  readonly rejectOverLimit: boolean
  /** Who comes by a listener of TLS, and how many threads serve them; undefined: there is none. */
  readonly secure: SecureThreads | undefined
}

/** The threads that serve TLS, which are others: Node's sockets need its event loop. */
export interface SecureThreads {
  readonly threads: number
  /** Which of the listeners are theirs. */
  readonly listeners: readonly boolean[]
  /** A descriptor that is in no epoll set. */
  readonly handOver: (thread: number, fd: number, listener: number) => void
}

/** Connections accepted before others get their turn. */
const ACCEPTS_PER_ROUND = 64

export class Acceptor {
  readonly #context: TransportContext
  readonly #options: AcceptorOptions
  readonly #control: EpollControl
  readonly #refusal = permanentBlock(TOO_MANY_CONNECTIONS.length)

  constructor(context: TransportContext, options: AcceptorOptions, control: EpollControl) {
    this.#context = context
    this.#options = options
    this.#control = control
    this.#refusal.bytes.set(Buffer.from(TOO_MANY_CONNECTIONS, 'latin1'))
  }

  /** Takes who waits at the listener with this number. */
  accept(listener: number, number: number): void {
    const { calls, epolls, gate, rejectOverLimit, secure, table } = this.#options
    const handedOver = secure?.listeners[number] === true
    const { counts, clock, connectionEvents, thread: own } = this.#context
    // A listener can come back through the gate while the thread is about to end.
    if (counts.stopState !== RUNNING) this.#control.change(epolls[own], EPOLL_CTL_DEL, listener, 0)
    for (let i = 0; i < ACCEPTS_PER_ROUND && counts.stopState === RUNNING; i++) {
      if (!rejectOverLimit && !counts.reserve()) {
        gate.closeForLimit(listener)
        return
      }
      const fd = calls.accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC)
      if (fd < 0) {
        const errno = calls.errno()
        if (!rejectOverLimit) this.#giveBackPlace()
        // The connection stays in the backlog; with the gate open we would be woken for it at once, forever.
        if (errno === EMFILE || errno === ENFILE) gate.closeForDescriptors()
        return
      }
      if (!rejectOverLimit) counts.opened()
      else if (!counts.open()) {
        this.#refuse(fd)
        continue
      }
      const thread = handedOver
        ? epolls.length + counts.nextSecureThread(secure.threads)
        : counts.nextThread(epolls.length)
      table.open(fd, NEW, clock.now, thread, number)
      // Before the first request, which is another thread's.
      if (connectionEvents.watched) connectionEvents.opened(fd, peerAddress(calls, fd))
      if (handedOver) secure.handOver(thread, fd, number)
      else this.#control.change(epolls[thread], EPOLL_CTL_ADD, fd, EPOLLIN)
    }
  }

  /** Closes a connection, which takes its descriptor out of the epoll set. */
  close(fd: number, ending: Ending, peer?: PeerAddress): void {
    this.closing(fd, ending, peer)
    this.#options.calls.close(fd)
    this.makeRoom()
  }

  /**
   * Notes that a connection is about to be closed: before, for the number may be reused at once. `peer` is where it
   * came from, if that is known.
   */
  closing(fd: number, ending: Ending, peer?: PeerAddress): void {
    const { connectionEvents, counts } = this.#context
    const { calls, table } = this.#options
    if (connectionEvents.watched) {
      // What ends because the server does, has not failed.
      const trouble = counts.stopState === RUNNING ? ending.trouble : undefined
      const { reason } = ending
      connectionEvents.closed(fd, peer ?? peerAddress(calls, fd), { reason, trouble })
    }
    table.close(fd)
    counts.close()
  }

  #giveBackPlace(): void {
    this.#context.counts.close()
    this.makeRoom()
  }

  /** Somebody may be waiting for the place, or for the descriptor, of one that was closed. */
  makeRoom(): void {
    if (!this.#context.counts.accepting) this.#options.gate.reopen()
  }

  #refuse(fd: number): void {
    const { calls } = this.#options
    const { connectionEvents } = this.#context
    if (connectionEvents.watched) {
      connectionEvents.failed(fd, peerAddress(calls, fd), OVER_LIMIT)
    }
    calls.send(fd, this.#refusal.address, TOO_MANY_CONNECTIONS.length, MSG_NOSIGNAL)
    calls.close(fd)
  }
}

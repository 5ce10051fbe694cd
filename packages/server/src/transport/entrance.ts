// What comes to a thread through its epoll set besides the requests of its connections: who wants to connect,
// datagrams, the wake-up. Knows listeners and sockets; connections are the transport's.
import type { Arena } from '../cache/arena.ts'
import type { BindingProtocol } from '../protocol/binding-protocol.ts'
import type { Acceptor, AcceptorOptions } from './acceptor.ts'
import { type ConnectionTable, DATAGRAMS } from './connection-table.ts'
import type { EpollControl } from './epoll-control.ts'
import { EpollDatagramSocket } from './epoll-datagrams.ts'
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLEXCLUSIVE,
  EPOLLIN,
  EPOLLOUT,
  type SystemCalls,
} from './system-calls.ts'
import type { TransportContext } from './transport.ts'

export interface EntranceOptions {
  readonly calls: SystemCalls
  readonly arena: Arena
  readonly table: ConnectionTable
  /** The epoll set of every thread, in the order of their numbers. */
  readonly epolls: readonly number[]
  /** The listening sockets, which all threads share. */
  readonly listeners: readonly number[]
  /** What each of them speaks, if not what all do. */
  readonly bindings: readonly (BindingProtocol | undefined)[]
  /** The UDP sockets of this thread alone. */
  readonly datagramSockets: readonly DatagramSocket[]
  /** Becomes readable when the threads are to look at the stop word. */
  readonly wake: number
}

/** What a transport over direct system calls is given beside its context. */
export interface DirectOptions extends AcceptorOptions, EntranceOptions {
  /** Takes over the descriptor of a client who watches: it is in no epoll set any more. */
  readonly handOver: (slot: number, fd: number) => void
}

/** A bound UDP socket, which one thread serves. */
export interface DatagramSocket {
  readonly fd: number
  readonly port: number
}

export class Entrance {
  readonly #context: TransportContext
  readonly #options: EntranceOptions
  readonly #acceptor: Acceptor
  readonly #epollControl: EpollControl
  readonly #epoll: number
  readonly #datagramSockets: readonly EpollDatagramSocket[]

  constructor(
    context: TransportContext,
    options: EntranceOptions,
    acceptor: Acceptor,
    control: EpollControl,
  ) {
    this.#context = context
    this.#options = options
    this.#acceptor = acceptor
    this.#epollControl = control
    this.#epoll = options.epolls[context.thread]
    this.#datagramSockets = options.datagramSockets.map(
      ({ fd, port }) =>
        new EpollDatagramSocket(fd, port, options.calls, options.arena, context.engine),
    )
  }

  open(): void {
    const { counts, clock, thread } = this.#context
    this.#control(EPOLL_CTL_ADD, this.#options.wake, EPOLLIN)
    for (const fd of this.#options.listeners) {
      this.#control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE)
    }
    for (const { fd } of this.#datagramSockets) {
      counts.openListener()
      this.#options.table.open(fd, DATAGRAMS, clock.now, thread)
      this.#control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE)
    }
  }

  close(): void {
    for (const socket of this.#datagramSockets) {
      this.#control(EPOLL_CTL_DEL, socket.fd, 0)
      socket.close()
      this.#context.counts.close()
    }
    for (const fd of this.#options.listeners) this.#control(EPOLL_CTL_DEL, fd, 0)
    this.#control(EPOLL_CTL_DEL, this.#options.wake, 0)
  }

  /** Serves a descriptor of the set that has something; false if it is a connection's. */
  serve(fd: number): boolean {
    // Who is woken looks at the stop word.
    if (fd === this.#options.wake) return true
    const listener = this.#options.listeners.indexOf(fd)
    if (listener >= 0) {
      this.#acceptor.accept(fd, listener)
      return true
    }
    const socket = this.#datagramSockets.find((candidate) => candidate.fd === fd)
    if (socket !== undefined) this.#datagrams(socket)
    return socket !== undefined
  }

  /** What a connection's listener speaks, if not what all do. */
  bindingOf(connection: number): BindingProtocol | undefined {
    return this.#options.bindings[this.#options.table.listenerOf(connection)]
  }

  #datagrams(socket: EpollDatagramSocket): void {
    const { waits } = socket
    socket.ready()
    this.#options.table.note(socket.fd, DATAGRAMS, this.#context.clock.now)
    if (socket.waits === waits) return
    // An exclusive entry can't be modified, only replaced.
    this.#control(EPOLL_CTL_DEL, socket.fd, 0)
    this.#control(EPOLL_CTL_ADD, socket.fd, socket.waits ? EPOLLOUT : EPOLLIN | EPOLLEXCLUSIVE)
  }

  #control(operation: number, fd: number, events: number): void {
    this.#epollControl.change(this.#epoll, operation, fd, events)
  }
}

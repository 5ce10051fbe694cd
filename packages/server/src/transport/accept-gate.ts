// Stops and resumes accepting for all threads: when there are as many connections as `-c` allows and the next
// is to wait (`-o no_maxconns_fast`), or when the process has no descriptor left. Knows epoll sets and
// listeners; who is served is not its business.
import { permanentBlock } from '../cache/memory.ts'
import { type ConnectionCounts, RUNNING } from './connection-counts.ts'
import { EpollControl } from './epoll-control.ts'
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLEXCLUSIVE,
  EPOLLIN,
  POLLIN,
  type SystemCalls,
} from './system-calls.ts'

export interface AcceptGateOptions {
  /** The listening sockets, which all threads share. */
  readonly listeners: readonly number[]
  /** The epoll set of every thread. */
  readonly epolls: readonly number[]
  /** `-b`: how many may wait to be accepted. */
  readonly backlog: number
}

export class AcceptGate {
  readonly #calls: SystemCalls
  readonly #counts: ConnectionCounts
  readonly #options: AcceptGateOptions
  readonly #control: EpollControl
  readonly #poll = permanentBlock(8)

  constructor(calls: SystemCalls, counts: ConnectionCounts, options: AcceptGateOptions) {
    this.#calls = calls
    this.#counts = counts
    this.#options = options
    this.#control = new EpollControl(calls)
  }

  /** Every place is taken: stops until a connection closes, if there is one that waits at the listener. */
  closeForLimit(listener: number): void {
    // All threads hear of a connection; the one that came last may have found it accepted already.
    this.#poll.view.setInt32(0, listener, true)
    this.#poll.view.setInt32(4, POLLIN, true)
    if (this.#calls.poll(this.#poll.address, 1, 0) < 1) return
    this.closeForDescriptors()
    // One may have closed before it could see that somebody waits for it.
    this.reopen()
  }

  /** No descriptor is left: stops until a connection closes, or somebody tries again. */
  closeForDescriptors(): void {
    if (!this.#counts.beginStopAccepting()) return
    this.#forEachListener(EPOLL_CTL_DEL, 0)
    this.#counts.stoppedAccepting()
  }

  /** Accepts again if it was stopped and there is room. */
  reopen(): void {
    const counts = this.#counts
    if (counts.accepting || counts.full || counts.stopState !== RUNNING) return
    if (!counts.beginAccepting()) return
    this.#forEachListener(EPOLL_CTL_ADD, this.#options.backlog)
    counts.resumedAccepting()
  }

  /** As memcached does, a closed gate lets nobody into the queue either. */
  #forEachListener(operation: number, backlog: number): void {
    for (const listener of this.#options.listeners) {
      for (const epoll of this.#options.epolls) {
        this.#control.change(epoll, operation, listener, EPOLLIN | EPOLLEXCLUSIVE)
      }
      this.#calls.listen(listener, backlog)
    }
  }
}

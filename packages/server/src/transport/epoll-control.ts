// epoll_ctl(2), with the structure it takes. Knows the layout, and nothing of who is waited for.
import { permanentBlock } from '../cache/memory.ts'
import type { SystemCalls } from './system-calls.ts'

/** `struct epoll_event` is packed on x64 only. */
export const EVENT_BYTES = process.arch === 'x64' ? 12 : 16
export const EVENT_FD = process.arch === 'x64' ? 4 : 8

export class EpollControl {
  readonly #calls: SystemCalls
  readonly #event = permanentBlock(16)

  constructor(calls: SystemCalls) {
    this.#calls = calls
  }

  /** Adds, modifies or removes a descriptor of an epoll set, which may be another thread's. */
  change(epoll: number, operation: number, fd: number, events: number): void {
    this.#event.view.setUint32(0, events, true)
    this.#event.view.setInt32(EVENT_FD, fd, true)
    this.#calls.epoll_ctl(epoll, operation, fd, this.#event.address)
  }
}

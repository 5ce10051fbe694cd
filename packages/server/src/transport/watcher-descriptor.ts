// A watcher's socket as the epoll transport hands it over: a file descriptor that is in no thread's epoll
// set any more. Knows system calls, no lines.
import { MemoryBlock } from '../cache/memory.ts'
import { EAGAIN, EINTR, MSG_NOSIGNAL, type SystemCalls } from './system-calls.ts'
import type { WatcherSocket } from './watcher.ts'

const INPUT_BYTES = 4096

/** Called before and after the descriptor is closed. */
export interface OnClose {
  closing(): void
  closed(): void
}

export class WatcherDescriptor implements WatcherSocket {
  readonly #calls: SystemCalls
  readonly #fd: number
  readonly #onClose: OnClose
  readonly #input = new MemoryBlock(new ArrayBuffer(INPUT_BYTES))

  constructor(calls: SystemCalls, fd: number, onClose: OnClose) {
    this.#calls = calls
    this.#fd = fd
    this.#onClose = onClose
  }

  send(block: MemoryBlock, from: number, length: number): number {
    const sent = this.#calls.send(this.#fd, block.address + from, length, MSG_NOSIGNAL)
    if (sent >= 0) return sent
    return this.#mayTryAgain() ? 0 : -1
  }

  ignoreInput(): boolean {
    const received = this.#calls.recv(this.#fd, this.#input.address, INPUT_BYTES, 0)
    return received > 0 || (received < 0 && this.#mayTryAgain())
  }

  close(): void {
    this.#onClose.closing()
    this.#calls.close(this.#fd)
    this.#onClose.closed()
  }

  #mayTryAgain(): boolean {
    const errno = this.#calls.errno()
    return errno === EAGAIN || errno === EINTR
  }
}

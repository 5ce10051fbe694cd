// Sends replies by direct system calls until a socket takes no more. Knows the layout of replies, no connection.
import type { Arena } from '../cache/arena.ts'
import type { Reply } from '../protocol/reply.ts'
import { Gather } from './gather.ts'
import { EAGAIN, EINTR, MSG_NOSIGNAL, type SystemCalls } from './system-calls.ts'

export class Outgoing {
  readonly #calls: SystemCalls
  readonly #gather: Gather

  constructor(calls: SystemCalls, arena: Arena) {
    this.#calls = calls
    this.#gather = new Gather(calls, arena)
  }

  /** Sends the answer from byte `from` on. Returns the bytes sent in all, or -1 if the socket is broken. */
  send(fd: number, reply: Reply, from: number): number {
    const calls = this.#calls
    const total = reply.totalBytes
    let sent = from
    while (sent < total) {
      const written =
        reply.spanCount === 0
          ? calls.send(fd, reply.block.address + reply.start + sent, total - sent, MSG_NOSIGNAL)
          : this.#gather.send(fd, reply, sent)
      if (written >= 0) {
        sent += written
        continue
      }
      const errno = calls.errno()
      if (errno === EAGAIN) break
      if (errno !== EINTR) return -1
    }
    return sent
  }
}

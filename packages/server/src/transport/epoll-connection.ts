// What the epoll transport knows of a client besides: what it is woken for, and its turn. Makes no system call.
import type { MemoryBlock } from '../cache/memory.ts'
import type { Reply } from '../protocol/reply.ts'
import { StreamConnection } from './stream-connection.ts'
import { EPOLLIN } from './system-calls.ts'

export class EpollConnection extends StreamConnection {
  /** The event it is to be woken for. */
  awaited = EPOLLIN
  /** While others have their turn: the reply begun, and what is still to be executed. */
  turnReply: Reply | undefined
  turnInput: MemoryBlock | undefined
  turnFrom = 0
  turnEnd = 0

  override get idle(): boolean {
    return this.turnReply === undefined && super.idle
  }
}

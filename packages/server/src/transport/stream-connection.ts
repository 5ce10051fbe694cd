// One client of a transport of ours: what came from it and could not be executed yet, and what it has not
// taken yet. Makes no system call.
import type { MemoryBlock } from '../cache/memory.ts'
import { Connection } from '../protocol/connection.ts'
import type { Reply } from '../protocol/reply.ts'
import type { RequestSample } from '../protocol/request-samples.ts'
import type { PeerAddress } from './connection-events.ts'
import { activityOf, WRITING } from './connection-table.ts'

export class StreamConnection {
  readonly fd: number
  readonly protocol: Connection
  /** The input from the first byte not consumed, if there is any, and where in the block it begins. */
  pending: MemoryBlock | undefined
  pendingFrom = 0
  pendingLength = 0
  /** A reply of which the socket has taken only `sent` bytes; nothing is read until it has all. */
  reply: Reply | undefined
  sent = 0
  /** While others have their turn: how long what it has sent has waited, if that is measured. */
  sample: RequestSample | undefined
  /** Where it comes from, if somebody watched when it was first seen: a reset connection doesn't say. */
  peer: PeerAddress | undefined

  constructor(fd: number) {
    this.fd = fd
    this.protocol = new Connection(fd)
  }

  /** Nothing is half done in either direction. */
  get idle(): boolean {
    return (
      this.reply === undefined &&
      this.pendingLength === 0 &&
      this.protocol.item === 0 &&
      !this.protocol.busy
    )
  }

  /** It has something to send: the rest of a reply, or the next part of a long answer. */
  get sending(): boolean {
    return this.reply !== undefined || this.protocol.busy
  }

  /** What it waits for, as the connection table has it. */
  get activity(): number {
    return this.sending ? WRITING : activityOf(this.protocol)
  }
}

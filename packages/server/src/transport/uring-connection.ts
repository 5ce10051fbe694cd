// What the io_uring transport knows of a client besides: which of its requests to the kernel are under way.
// Makes no system call.
import type { Reply } from '../protocol/reply.ts'
import { StreamConnection } from './stream-connection.ts'

export class UringConnection extends StreamConnection {
  /** The kernel receives for it, until an outcome says that it no longer does. */
  receiving = false
  /** It was asked to stop. */
  receptionCancelled = false
  /** It is to say when the socket takes more. */
  polling = false
  /** The client has said its last. */
  ended = false
  /** To be closed, or handed over, as soon as nothing is under way. */
  leaving = false
  /** It has more to do when the others have had their turn. */
  waiting = false

  /** The round in which an answer of it was last handed to the kernel, and which bytes these are. */
  sentInRound = 0
  sentReply: Reply | undefined
  sentFrom = 0
  sentLength = 0
}

// What a client and the proxy say to each other, in one protocol or the other: the first byte tells which. Who has to log
// in does that first. Knows no socket.
import type { AnswerQueue } from './answer-queue.ts'
import { BinaryConversation } from './binary-conversation.ts'
import { BinaryLogin } from './binary-login.ts'
import { REQUEST_MAGIC } from './binary-packets.ts'
import { GuardedConversation } from './guarded-conversation.ts'
import type { ProxyContext } from './proxy-context.ts'
import { TextConversation } from './text-conversation.ts'
import { TextLogin } from './text-login.ts'

export interface Conversation {
  /** Nothing further is read from this client. */
  readonly isOver: boolean
  /** Takes `chunk[0..length)`, which must not be changed until `keep` is called. */
  feed(chunk: Buffer, length: number): void
  /** Takes the next request, or a part of one; false when that needs more bytes, or it is over. */
  step(): boolean
  /** Copies what is not taken yet. */
  keep(): void
  /** Lets go of what is half read. */
  close(): void
}

export function beginConversation(
  first: number,
  context: ProxyContext,
  answers: AnswerQueue,
): Conversation {
  const isBinary = first === REQUEST_MAGIC
  const begin = (): Conversation =>
    isBinary ? new BinaryConversation(context, answers) : new TextConversation(context, answers)
  if (!context.loginRequired) return begin()
  const login = isBinary ? new BinaryLogin(context, answers) : new TextLogin(context, answers)
  return new GuardedConversation(login, begin)
}

// A reply as one buffer, for sockets that need it for long. Knows the layout of replies, no socket.
import type { Arena } from '../cache/arena.ts'
import { copyBytes, MemoryBlock } from '../cache/memory.ts'
import type { Reply } from '../protocol/reply.ts'

/** A buffer of its own with all that the reply, or the text, says. */
export function copyOfMessage(message: Reply | MemoryBlock, arena: Arena): Buffer {
  if (message instanceof MemoryBlock) return Buffer.from(message.bytes)
  // Most answers: a short copy out of Node's pool.
  if (message.spanCount === 0) return Buffer.from(message.block.bytes.subarray(0, message.length))
  const copy = Buffer.allocUnsafeSlow(message.totalBytes)
  const target = new MemoryBlock(copy.buffer)
  let from = 0
  let to = 0
  const take = (end: number): void => {
    copyBytes(message.block, from, target, to, end - from)
    to += end - from
    from = end
  }
  for (let i = 0; i < message.spanCount; i++) {
    take(message.spanAt[i])
    const length = message.spanLength[i]
    const source = arena.blockOf(message.spanChunk[i])
    copyBytes(source, message.spanOffset[i], target, to, length)
    to += length
  }
  take(message.length)
  return copy
}

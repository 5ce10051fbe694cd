// A reply as one buffer, or part by part, for sockets that need it for long. Knows the layout of replies, no socket.
import type { Arena } from '../cache/arena.ts'
import { copyBytes, MemoryBlock } from '../cache/memory.ts'
import type { Reply } from '../protocol/reply.ts'

/** A buffer of its own with all that the reply, or the text, says. */
export function copyOfMessage(message: Reply | MemoryBlock, arena: Arena): Buffer {
  if (message instanceof MemoryBlock) return Buffer.from(message.bytes)
  // Most answers: a short copy out of Node's pool.
  if (message.spanCount === 0) return Buffer.from(message.block.bytes.subarray(0, message.length))
  const copy = Buffer.allocUnsafeSlow(message.totalBytes)
  copyPart(message, arena, 0, new MemoryBlock(copy.buffer))
  return copy
}

/** Fills the target with what the reply, the only one in its block, says from there on. Returns how much it was. */
export function copyPart(reply: Reply, arena: Arena, from: number, target: MemoryBlock): number {
  // Of all pieces before the one that is looked at.
  let before = 0
  let copied = 0
  const take = (source: MemoryBlock, at: number, length: number): void => {
    const skipped = Math.max(0, from - before)
    const taken = Math.min(length - skipped, target.size - copied)
    if (taken > 0) {
      copyBytes(source, at + skipped, target, copied, taken)
      copied += taken
    }
    before += length
  }
  let written = 0
  for (let i = 0; i < reply.spanCount && copied < target.size; i++) {
    take(reply.block, written, reply.spanAt[i] - written)
    written = reply.spanAt[i]
    take(arena.blockOf(reply.spanChunk[i]), reply.spanOffset[i], reply.spanLength[i])
  }
  take(reply.block, written, reply.length - written)
  return copied
}

// Finds the end of a line, four bytes at a time. Knows only the byte it looks for.
import type { MemoryBlock } from '../cache/memory.ts'

/** A line may be this long, or longer if it arrives whole (memcached). */
export const MAX_WAITING_LINE_BYTES = 2048

const LF = 10
const LF_IN_EVERY_BYTE = 0x0a0a0a0a

/** The position of the first LF in `at`..`end`, or `end`. */
export function findLineEnd(block: MemoryBlock, at: number, end: number): number {
  const view = block.view
  let i = at
  for (; i + 4 <= end; i += 4) {
    // A byte of `word` is 0 where there is an LF; the sum below then has its high bit set (Mycroft, 1987).
    const word = view.getInt32(i, true) ^ LF_IN_EVERY_BYTE
    if (((word - 0x01010101) & ~word & 0x80808080) !== 0) break
  }
  while (i < end && view.getUint8(i) !== LF) i++
  return i
}

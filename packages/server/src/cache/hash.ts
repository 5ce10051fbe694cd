// The hash of a key: MurmurHash3 x86 32-bit (Austin Appleby, public domain), memcached's default.
// Knows nothing of the table.
import type { MemoryBlock } from './memory.ts'

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** Hashes `length` bytes at `at`; a signed 32-bit number. */
export function hashKey(block: MemoryBlock, at: number, length: number): number {
  const view = block.view
  let hash = 0
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let word = Math.imul(view.getInt32(at + i, true), C1)
    word = Math.imul((word << 15) | (word >>> 17), C2)
    hash ^= word
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  if (i < length) {
    let tail = 0
    for (let last = length - 1; last >= i; last--) tail = (tail << 8) | view.getUint8(at + last)
    tail = Math.imul(tail, C1)
    hash ^= Math.imul((tail << 15) | (tail >>> 17), C2)
  }
  hash ^= length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

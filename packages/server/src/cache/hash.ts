// The hash of a key: MurmurHash3 x86 32-bit (Austin Appleby, public domain), memcached's default.
// Knows nothing of the table.
import type { MemoryBlock } from './memory.ts'

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** Hashes `length` bytes at `at`; a signed 32-bit number. */
export function hashKey(block: MemoryBlock, at: number, length: number): number {
  const view = block.view
  const wholeWords = (at + (length & ~3)) | 0
  let hash = 0
  for (let i = at; i < wholeWords; i = (i + 4) | 0) hash = addWord(hash, view.getInt32(i, true))
  let tail = 0
  for (let i = at + length - 1; i >= wholeWords; i--) tail = (tail << 8) | view.getUint8(i)
  return finishHash(hash, tail, length)
}

/** The hash is taken in steps by who reads the key anyway: from 0, each whole word of it. */
export function addWord(hash: number, word: number): number {
  const mixed = hash ^ mix(word)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** The last step: the bytes after the last whole word, in a word of zeros, and the key's length. */
export function finishHash(words: number, tail: number, length: number): number {
  let hash = words ^ mix(tail) ^ length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function mix(word: number): number {
  const product = Math.imul(word, C1)
  return Math.imul((product << 15) | (product >>> 17), C2)
}

// Unsigned 64-bit decimal numbers as pairs of 32-bit words: what incr, CAS uniques and statistics need
// without making BigInts. Knows digits and words only.
import type { MemoryBlock } from './memory.ts'

const WORD = 0x1_0000_0000
/** Digits are produced five at a time: a remainder below 1e5 times 2^32 stays an exact double. */
const GROUP = 100_000
const GROUP_DIGITS = 5
/** Digits of 2^64 - 1. */
export const MAX_U64_DIGITS = 20

const ZERO = 48

/**
 * The result of the last parse: `parsed[0]` is low, `parsed[1]` high. Reused, so read it at once. The words are
 * signed: V8 makes an object of a number from 2^31 on wherever it is passed on.
 */
export const parsed = new Int32Array(2)

/** Parses digits only, all of them; false if there is none, something else, or more than 64 bits. */
export function parseU64(block: MemoryBlock, at: number, end: number): boolean {
  const view = block.view
  if (at >= end) return false
  let low = 0
  let high = 0
  for (let i = at; i < end; i++) {
    const digit = view.getUint8(i) - ZERO
    if (digit < 0 || digit > 9) return false
    low = low * 10 + digit
    const carry = Math.floor(low / WORD)
    low -= carry * WORD
    high = high * 10 + carry
    if (high >= WORD) return false
  }
  parsed[0] = low
  parsed[1] = high
  return true
}

/** Writes a number below 2^32 (given signed or unsigned) in decimal; returns the position after it. */
export function writeU32(block: MemoryBlock, at: number, value: number): number {
  const view = block.view
  let rest = value >>> 0
  let digits = 1
  for (let bound = 10; rest >= bound && digits < 10; bound *= 10) digits++
  for (let i = at + digits - 1; i >= at; i--) {
    const quotient = (rest / 10) >>> 0
    view.setUint8(i, ZERO + (rest - quotient * 10))
    rest = quotient
  }
  return at + digits
}

/** Writes a 64-bit number, given as words of any sign, in decimal; returns the position after it. */
export function writeU64(
  block: MemoryBlock,
  at: number,
  lowWord: number,
  highWord: number,
): number {
  let high = highWord >>> 0
  if (high === 0) return writeU32(block, at, lowWord)
  let low = lowWord >>> 0
  const view = block.view
  // From the right into a place that fits the longest, then moved to where the number begins.
  const end = at + MAX_U64_DIGITS
  let start = end
  while (high !== 0 || low !== 0) {
    const highQuotient = Math.floor(high / GROUP)
    const rest = (high - highQuotient * GROUP) * WORD + low
    const lowQuotient = Math.floor(rest / GROUP)
    let group = rest - lowQuotient * GROUP
    high = highQuotient
    low = lowQuotient
    for (let i = 0; i < GROUP_DIGITS; i++) {
      const quotient = (group / 10) >>> 0
      view.setUint8(--start, ZERO + (group - quotient * 10))
      group = quotient
    }
  }
  while (view.getUint8(start) === ZERO) start++
  block.bytes.copyWithin(at, start, end)
  return at + end - start
}

// The numbers on a command line, each with memcached's rules for it. Knows digits; what is wrong with a
// number is for the caller to say.
import { parsed, parseU64 } from '../cache/decimal.ts'
import type { MemoryBlock } from '../cache/memory.ts'

const ZERO = 48
const MINUS = 45
const PLUS = 43
const MAX_U32 = 0xffff_ffff
const MAX_I32 = 0x7fff_ffff
const MIN_I32 = -0x8000_0000

/** What the parsers return for something else than their number. */
export const NOT_A_NUMBER = Number.NaN

/** Digits only, below 2^32. */
export function parseU32(block: MemoryBlock, at: number, end: number): number {
  return parseDigits(block, at, end, MAX_U32)
}

/** Digits with at most a minus before them, 32 bits signed. */
export function parseI32(block: MemoryBlock, at: number, end: number): number {
  if (at < end && block.bytes[at] === MINUS) return -parseDigits(block, at + 1, end, MAX_I32 + 1)
  return parseDigits(block, at, end, MAX_I32)
}

/** As C's strtoul for the flags of classic storage commands: a plus is fine, 64 bits are cut to 32, signed. */
export function parseClassicFlags(block: MemoryBlock, at: number, end: number): number {
  const start = at < end && block.bytes[at] === PLUS ? at + 1 : at
  return parseU64(block, start, end) ? parsed[0] : NOT_A_NUMBER
}

/** As C's strtol for the expiry time of classic storage commands, cut to 32 bits, signed. */
export function parseClassicExptime(block: MemoryBlock, at: number, end: number): number {
  const first = at < end ? block.bytes[at] : 0
  const start = first === PLUS || first === MINUS ? at + 1 : at
  if (!parseU64(block, start, end)) return NOT_A_NUMBER
  // A long holds one more negative number than positive ones.
  const lowest = first === MINUS && parsed[1] === MIN_I32 && parsed[0] === 0
  if (parsed[1] < 0 && !lowest) return NOT_A_NUMBER
  return (first === MINUS ? -parsed[0] : parsed[0]) | 0
}

function parseDigits(block: MemoryBlock, at: number, end: number, max: number): number {
  if (at >= end) return NOT_A_NUMBER
  let value = 0
  for (let i = at; i < end; i++) {
    const digit = block.bytes[i] - ZERO
    if (digit < 0 || digit > 9) return NOT_A_NUMBER
    value = value * 10 + digit
    if (value > max) return NOT_A_NUMBER
  }
  return value
}

// Splits a command line at its spaces. Knows nothing of commands.
import type { MemoryBlock } from '../cache/memory.ts'

/** Tokens beyond this are not looked at, as in memcached (MCMC_PARSER_MAX_TOKENS - 1). */
const MAX_TOKENS = 23

const SPACE = 32

/** The tokens of one line; reused for every line. */
export class Tokens {
  block: MemoryBlock
  count = 0
  /** The line begins with a space. */
  indented = false
  readonly start = new Int32Array(MAX_TOKENS)
  readonly end = new Int32Array(MAX_TOKENS)

  constructor(block: MemoryBlock) {
    this.block = block
  }

  /** Splits the bytes from `at` to `end`, the line end left out. */
  split(block: MemoryBlock, at: number, end: number): void {
    this.block = block
    const bytes = block.bytes
    let count = 0
    let i = at
    while (i < end && count < MAX_TOKENS) {
      while (i < end && bytes[i] === SPACE) i++
      if (i === end) break
      this.start[count] = i
      while (i < end && bytes[i] !== SPACE) i++
      this.end[count++] = i
    }
    this.count = count
    this.indented = count > 0 && this.start[0] > at
  }

  length(token: number): number {
    return this.end[token] - this.start[token]
  }

  /** The first byte of a token. */
  first(token: number): number {
    return this.block.bytes[this.start[token]]
  }

  is(token: number, text: Uint8Array): boolean {
    if (token >= this.count || this.length(token) !== text.length) return false
    const at = this.start[token]
    for (let i = 0; i < text.length; i++) {
      if (this.block.bytes[at + i] !== text[i]) return false
    }
    return true
  }

  /** Whether the token is not longer than the text and begins it, as memcached compares subcommands. */
  abbreviates(token: number, text: Uint8Array): boolean {
    const length = this.length(token)
    if (token >= this.count || length > text.length) return false
    const at = this.start[token]
    for (let i = 0; i < length; i++) {
      if (this.block.bytes[at + i] !== text[i]) return false
    }
    return true
  }

  /** The token as a string; not for the hot path. */
  text(token: number): string {
    return Buffer.from(this.block.bytes.subarray(this.start[token], this.end[token])).toString(
      'latin1',
    )
  }
}

/** A word to compare tokens with. */
export function word(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

// Reads one `-o prefix_limit=SIZE:PREFIX`. Knows what can be a limit; not how it is kept.
import { MAX_KEY_BYTES } from '../cache/item.ts'
import { MAX_PREFIX_LIMITS, type PrefixLimit } from '../cache/prefix-limits.ts'
import { CommandLineError, EX_USAGE } from './option-values.ts'

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/**
 * The limits with one more. The size comes first, because a prefix may have colons of its own.
 * @throws CommandLineError that says what is wrong with it.
 */
export function withPrefixLimit(
  limits: readonly PrefixLimit[],
  value: string,
  what: string,
): readonly PrefixLimit[] {
  const [, digits, unit, text] = /^(\d+)([kmg]?):(.*)$/is.exec(value) ?? []
  const bytes = Number(digits) * (UNITS[unit?.toLowerCase()] ?? 1)
  // Keys are bytes: what is not ASCII stands for the bytes of its UTF-8.
  const prefix = Buffer.from(text ?? '').toString('latin1')
  if (!Number.isSafeInteger(bytes) || bytes === 0 || prefix === '') {
    throw usage(`${what} must be a size and a prefix, as 64m:session:, not "${value}".`)
  }
  if (prefix.length > MAX_KEY_BYTES || hasBlank(prefix)) {
    throw usage(`${what} must have a prefix of 1 to ${MAX_KEY_BYTES} bytes without blanks.`)
  }
  if (limits.some((other) => other.prefix === prefix)) {
    throw usage(`${what} is given twice for the prefix "${text}".`)
  }
  if (limits.length === MAX_PREFIX_LIMITS) {
    throw usage(`${what} can be given for ${MAX_PREFIX_LIMITS} prefixes at most.`)
  }
  return [...limits, { prefix, bytes }]
}

function hasBlank(prefix: string): boolean {
  return [...prefix].some((character) => character <= ' ')
}

function usage(message: string): CommandLineError {
  return new CommandLineError(message, EX_USAGE)
}

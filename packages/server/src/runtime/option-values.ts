// Reads the values that users give to flags, and says what is wrong with them. Stricter than memcached,
// whose atoi takes `-m 1g` for one megabyte. Knows no flag by name.

/** sysexits(3): the command was used wrongly. memcached's exit code for what it calls usage. */
export const EX_USAGE = 64
/** memcached's exit code for a value out of its range. */
export const EXIT_FAILURE = 1

const INT32_MAX = 2 ** 31 - 1
export const UINT32_MAX = 2 ** 32 - 1

/** The user asked for what can't be; the message is for the user to read. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError'
  readonly code = 'ERR_COMMAND_LINE'
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT_FAILURE) {
    super(message)
    this.exitCode = exitCode
  }
}

export interface WholeNumberRange {
  readonly min: number
  /** Default: what memcached's `int` holds. */
  readonly max?: number
  /** Default: `EXIT_FAILURE`. */
  readonly exitCode?: number
}

/** `what` names the setting and its flag, as the sentence about it should: `Threads (-t)`. */
export function wholeNumber(what: string, value: string, range: WholeNumberRange): number {
  const { min, max = INT32_MAX, exitCode } = range
  const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return number
  const bounds = range.max === undefined ? `of at least ${min}` : `from ${min} to ${max}`
  throw new CommandLineError(
    `${what} must be a whole number ${bounds}, not "${value}".`,
    exitCode ?? EXIT_FAILURE,
  )
}

/** A number greater than `above`, and at most `atMost` where that is given. */
export function decimalAbove(what: string, value: string, above: number, atMost?: number): number {
  const number = /^\d*\.?\d+$|^\d+\.$/.test(value) ? Number(value) : Number.NaN
  if (number > above && number <= (atMost ?? Number.MAX_VALUE)) return number
  const bounds = atMost === undefined ? '' : ` and at most ${atMost}`
  throw new CommandLineError(
    `${what} must be a number greater than ${above}${bounds}, not "${value}".`,
  )
}

/** Bytes, or KiB with the suffix `k`, or MiB with `m`. */
export function byteSize(what: string, value: string): number {
  const match = /^(\d+)([km]?)$/i.exec(value)
  if (match === null) {
    throw new CommandLineError(
      `${what} must be a number of bytes, or one with the suffix k or m, not "${value}".`,
      EX_USAGE,
    )
  }
  const unit = { '': 1, k: 1024, m: 1024 * 1024 }[match[2].toLowerCase()] ?? 1
  return Number(match[1]) * unit
}

/** A path or a name: anything but nothing. */
export function nonEmpty(what: string, value: string): string {
  if (value !== '') return value
  throw new CommandLineError(`${what} must not be empty.`, EX_USAGE)
}

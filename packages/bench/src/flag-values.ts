// Reads the values of flags, for all the bench's commands: numbers, sizes, times.
// Knows no flag.
import { InvalidArgumentError } from 'commander'
import { BenchError } from './errors.ts'

export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (Number.isSafeInteger(number) && number >= minimum) return number
    throw new InvalidArgumentError(`It takes a whole number from ${minimum}.`)
  }
}

export function byteCount(text: string): number {
  const match = /^(\d+)([km]?)$/i.exec(text)
  const unit = { '': 1, k: 1024, m: 1024 * 1024 }[match?.[2]?.toLowerCase() ?? ''] ?? 1
  if (match) return Number(match[1]) * unit
  throw new InvalidArgumentError('It takes a number of bytes, as 100, 10k or 1m.')
}

/** In milliseconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text)
  const unit = { ms: 1, s: 1_000, m: 60_000 }[match?.[2] ?? ''] ?? 1
  if (match) return Number(match[1]) * unit
  throw new InvalidArgumentError('It takes a time with its unit, as 500ms, 5s or 2m.')
}

/** Lets commander name the flag in front of what a parser complains about. */
export function usage<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text)
    } catch (error) {
      if (error instanceof BenchError) throw new InvalidArgumentError(`${error.message}.`)
      throw error
    }
  }
}

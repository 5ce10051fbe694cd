// Checks what callers pass and brings it into the form memcached takes. Every refusal is an
// ArgumentError that says what is accepted. Knows no call and no node.
import { ArgumentError } from './errors.ts'

/** Whole seconds from now (0: never expires; fractions are rounded up), or a moment. */
export type Ttl = number | Date

/** memcached takes longer times for Unix times. */
const RELATIVE_MAX_SECONDS = 30 * 24 * 60 * 60
const UINT64_MAX = 2n ** 64n - 1n
const TIMER_MAX_MS = 2 ** 31 - 1

/** As memcached takes it: seconds up to 30 days, Unix time beyond, negative for already expired. */
export function expiry(ttl: Ttl): number {
  if (ttl instanceof Date) {
    const seconds = Math.ceil(ttl.getTime() / 1000)
    if (Number.isNaN(seconds)) throw new ArgumentError('ttl is an invalid Date')
    // A moment in the first 30 days of 1970 would be read as seconds from now.
    return seconds > RELATIVE_MAX_SECONDS ? seconds : -1
  }
  if (typeof ttl !== 'number' || !(Math.abs(ttl) < Number.MAX_SAFE_INTEGER)) {
    throw new ArgumentError(`ttl is ${String(ttl)}: give seconds, 0 for ever, or a Date`)
  }
  if (ttl < 0) return -1
  const seconds = Math.ceil(ttl)
  return seconds > RELATIVE_MAX_SECONDS ? Math.floor(Date.now() / 1000) + seconds : seconds
}

export function milliseconds(name: string, value: number): number {
  if (value > 0 && value <= TIMER_MAX_MS) return value
  throw new ArgumentError(`${name} is ${String(value)}: give milliseconds above 0`)
}

export function positiveInteger(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new ArgumentError(`${name} is ${String(value)}: give a whole number above 0`)
}

/** What can be sent as it is. */
export function bytesOrText(name: string, data: Uint8Array | string): Uint8Array | string {
  if (typeof data === 'string' || data instanceof Uint8Array) return data
  throw new ArgumentError(`${name}: give a string or bytes, not ${typeof data}`)
}

/** memcached's flags have 32 bits. */
export function unsigned32(name: string, value: number): number {
  if (value >>> 0 === value) return value
  throw new ArgumentError(`${name} is ${String(value)}: give a whole number from 0 to 2^32-1`)
}

/** The counters of memcached are unsigned and have 64 bits. */
export function unsigned64(name: string, value: number | bigint): number | bigint {
  if (typeof value === 'number' ? Number.isSafeInteger(value) && value >= 0 : isUint64(value)) {
    return value
  }
  throw new ArgumentError(
    `${name} is ${String(value)}: give a whole number from 0 to 2^64-1, as a bigint beyond 2^53-1`,
  )
}

function isUint64(value: unknown): boolean {
  return typeof value === 'bigint' && value >= 0n && value <= UINT64_MAX
}

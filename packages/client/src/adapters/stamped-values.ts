// Values with the generation they were stored in and the moment they expire, to the millisecond: memcached knows seconds alone.
// In front of text and bytes, which stay what they are. Knows no framework and no client.
import type { Value } from '../codec/value-codec.ts'

const END_OF_STAMP = 0x3a
/** More than any generation and moment have. */
const STAMP_MAX_LENGTH = 40

/** `deadline` in milliseconds of Unix time; undefined: never. */
export function stamped(value: Value, generation: string, deadline: number | undefined): Value {
  const stamp = `${generation}${deadline === undefined ? '' : Math.ceil(deadline).toString(36)}:`
  if (typeof value === 'string') return stamp + value
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.from(stamp), value])
  return [stamp, value]
}

/** What was stamped; undefined if in another generation, if it has expired, or if that isn't what it is. */
export function unstamped(stored: unknown, generation: string, now: number): unknown {
  if (typeof stored === 'string') {
    const end = stored.indexOf(':')
    const isValue = end >= 0 && isPresent(stored.slice(0, end), generation, now)
    return isValue ? stored.slice(end + 1) : undefined
  }
  if (stored instanceof Uint8Array) {
    const end = stored.subarray(0, STAMP_MAX_LENGTH + 1).indexOf(END_OF_STAMP)
    if (end < 0) return undefined
    const stamp = Buffer.from(stored.buffer, stored.byteOffset, end).toString()
    return isPresent(stamp, generation, now) ? stored.subarray(end + 1) : undefined
  }
  if (!Array.isArray(stored) || typeof stored[0] !== 'string') return undefined
  return isPresent(stored[0].slice(0, -1), generation, now) ? stored[1] : undefined
}

function isPresent(stamp: string, generation: string, now: number): boolean {
  if (stamp.length > STAMP_MAX_LENGTH || !stamp.startsWith(generation)) return false
  const deadline = stamp.slice(generation.length)
  return deadline === '' || Number.parseInt(deadline, 36) >= now
}

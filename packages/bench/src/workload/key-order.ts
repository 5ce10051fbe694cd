// Fixed orders of all keys, so that neither the popular keys nor a scan are the keys that were stored first.
// Knows nothing of how often a place is asked for.

/** The keys by their popularity, and as a scan goes through them: neighbours lie so far apart, of the whole. */
export const BY_POPULARITY = 0.618
export const BY_SCAN = 0.755

/** Places times steps below this are whole numbers that a double holds exactly. */
const STEP_MAX = 2 ** 21 - 1

/**
 * The key at each place, from 0 up to `count`, at most 2^32: every key at one place. Neighbours lie `spread`,
 * from 0 to 1, of all the keys apart, or of two million if there are more.
 */
export function keyOrder(count: number, spread: number): (place: number) => number {
  // A step that shares no divisor with the count comes to all keys before it comes to the first again.
  let step = Math.max(1, Math.floor(Math.min(count, STEP_MAX) * spread))
  while (greatestCommonDivisor(step, count) > 1) step--
  const first = Math.floor(count * spread)
  return (place) => {
    const way = place * step + first
    // Cheaper than %, and exact: the quotient is below 2^21 + 1, so that a double tells it from the next whole number.
    return way - Math.floor(way / count) * count
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

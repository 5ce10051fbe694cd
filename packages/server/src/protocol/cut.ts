// For tests only: cuts what a client sends into the pieces in which it may arrive. Knows no protocol.
import fc from 'fast-check'

/** The pieces of a session, cut at these shares of its length. */
export function cut(session: Buffer, shares: readonly number[]): Buffer[] {
  const cuts = shares.map((share) => Math.floor(share * session.length)).sort((a, b) => a - b)
  return [0, ...cuts].map((from, i) => session.subarray(from, cuts[i] ?? session.length))
}

/** Where a session may be cut, at up to 50 places. */
export const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), {
  maxLength: 50,
  size: 'max',
})

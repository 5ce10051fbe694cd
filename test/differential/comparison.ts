// Whether two servers have answered the same. CAS uniques must correspond one to one and in the same order
// throughout a session; times may differ by a tick. Knows no server.
import { ANSWERS, type Answers } from './answers.ts'
import { type Changed, FENCES, type Protocol, type Step } from './session.ts'

export type Side = 'theirs' | 'ours'
export type Both<T> = Readonly<Record<Side, T>>

/**
 * How far apart the same time may be told: the clocks tick at different moments, and on a busy machine one
 * server may wait for its turn. Times that mean something else are further apart.
 */
const CLOCK_TOLERANCE_SECONDS = 15

interface Pair extends Both<bigint> {
  readonly key: string | undefined
}

/** The CAS uniques of a session, as each server counts them. */
export class CasPairs {
  readonly #pairs: Pair[] = []

  /** Whether the two numbers can be the same unique; if so it is remembered. */
  match(theirs: string, ours: string, key: string | undefined): boolean {
    if (theirs === '0' || ours === '0') return theirs === ours
    const pair: Pair = { theirs: BigInt(theirs), ours: BigInt(ours), key }
    for (const known of this.#pairs) {
      if (order(known.theirs, pair.theirs) !== order(known.ours, pair.ours)) return false
    }
    this.#pairs.push(pair)
    return true
  }

  /** What a server has given the key, the latest, or with `age` 1 the one before. */
  latest(side: Side, key: string, age: number): string {
    const pairs = this.#pairs
    const own = pairs.filter((pair) => pair.key === key)
    const distinct = (own.length > 0 ? own : pairs).map((pair) => pair[side])
    const sorted = [...new Set(distinct)].sort(order)
    return String(sorted.at(-1 - age) ?? sorted[0] ?? 1)
  }
}

function order(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What differs, in a sentence; undefined if nothing does. */
export function difference(
  protocol: Protocol,
  step: Step,
  answers: Both<string>,
  pairs: CasPairs,
): string | undefined {
  let { theirs, ours } = answers
  for (const [i, { changed }] of step.commands.entries()) {
    if (changed === undefined) continue
    const own = takeOut(protocol, i, { theirs, ours }, changed)
    if (typeof own === 'string') return own
    theirs = own.theirs
    ours = own.ours
  }
  const read = ANSWERS[protocol]
  return differenceOf(read(theirs), read(ours), pairs)
}

/** Checks the answer that is known to differ, and leaves the rest to be compared. */
function takeOut(
  protocol: Protocol,
  index: number,
  answers: Both<string>,
  { was, is }: Changed,
): Both<string> | string {
  const before = FENCES[protocol].answer(`a${index}`)
  const after = FENCES[protocol].answer(`b${index}`)
  const rest = { ...answers }
  for (const [side, expected] of [
    ['theirs', was],
    ['ours', is],
  ] as const) {
    const text = answers[side]
    const from = text.indexOf(before)
    const to = text.indexOf(after, from)
    if (from < 0 || to < 0) return `the fences around command ${index} are missing on ${side}`
    const got = text.slice(from + before.length, to)
    if (got !== expected) {
      return `${side}: ${JSON.stringify(got)}, where ${JSON.stringify(expected)} is expected`
    }
    rest[side] = text.slice(0, from) + text.slice(to + after.length)
  }
  return rest
}

function differenceOf(theirs: Answers, ours: Answers, pairs: CasPairs): string | undefined {
  if (theirs.shape !== ours.shape) return 'the answers differ'
  for (const [i, { value, key }] of theirs.cas.entries()) {
    const other = ours.cas[i]?.value ?? ''
    if (!pairs.match(value, other, key)) {
      return `CAS unique ${other} of ours does not correspond to ${value}`
    }
  }
  for (const [i, time] of theirs.times.entries()) {
    const other = ours.times[i] ?? Number.NaN
    if (!(Math.abs(time - other) <= CLOCK_TOLERANCE_SECONDS)) {
      return `${other} seconds, where theirs are ${time}`
    }
  }
  return undefined
}

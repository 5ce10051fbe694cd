// Many sessions, at once where they don't disturb each other, each from a seed of its own; and after every
// round the servers' counters. Knows how to find a session that fails again and make it small.
import fc from 'fast-check'
import type { Endpoint } from '../wire.ts'
import { statistics, Wire } from '../wire.ts'
import type { Both, Side } from './comparison.ts'
import { type Outcome, Player } from './player.ts'
import type { Session } from './session.ts'
import { type Kind, sessions } from './sessions.ts'

export interface CampaignOptions {
  readonly peers: Both<Endpoint> & { readonly maxItemBytes: number }
  readonly kind: Kind
  readonly seed: number
  readonly sessions: number
  /** The number of the first session; those before are skipped. */
  readonly from?: number
  /** Stops when this many milliseconds have passed. */
  readonly milliseconds?: number
  /** Told after every round. */
  readonly progress?: (sofar: Counts) => void
}

export interface Counts {
  sessions: number
  steps: number
  commands: number
  answerBytes: number
  readonly byKind: Map<string, number>
}

export interface Failure {
  /** Play it again with `--only` this. */
  readonly session: number
  readonly outcome: Outcome
  /** How often making it smaller has succeeded; undefined if it didn't fail a second time. */
  readonly shrinks: number | undefined
}

export interface Result {
  readonly counts: Counts
  readonly seconds: number
  readonly failure: Failure | undefined
}

/** Sessions between two looks at the counters. */
const ROUND = 1_000
const AT_ONCE = 24
const SHRINKING_MS = 60_000

/** What must have grown by the same on both servers. */
const COUNTERS = [
  ...['cmd_get', 'cmd_set', 'cmd_flush', 'cmd_touch', 'cmd_meta', 'get_hits', 'get_misses'],
  ...['delete_misses', 'delete_hits', 'incr_misses', 'incr_hits', 'decr_misses', 'decr_hits'],
  ...['cas_misses', 'cas_hits', 'cas_badval', 'touch_hits', 'touch_misses', 'store_too_large'],
  ...['store_no_memory', 'curr_items', 'total_items'],
] as const

export async function campaign(options: CampaignOptions): Promise<Result> {
  const player = new Player(options.peers)
  const begun = performance.now()
  const counts: Counts = { sessions: 0, steps: 0, commands: 0, answerBytes: 0, byKind: new Map() }
  const end = (options.from ?? 0) + options.sessions
  let failure: Failure | undefined
  await useUpFirstCas(options.peers)
  try {
    for (let from = options.from ?? 0; from < end && failure === undefined; from += ROUND) {
      if (performance.now() - begun > (options.milliseconds ?? Number.POSITIVE_INFINITY)) break
      const numbers = Array.from({ length: Math.min(ROUND, end - from) }, (_, i) => from + i)
      failure = await round(options, player, numbers, counts)
      options.progress?.(counts)
    }
  } finally {
    player.close()
  }
  return { counts, seconds: (performance.now() - begun) / 1000, failure }
}

/** The session of that number. */
export function sessionOf(kind: Kind, seed: number, number: number): Session {
  const [session] = fc.sample(sessions(kind), { seed: seedOf(seed, number), numRuns: 1 })
  if (session === undefined) throw new Error('nothing was generated')
  return session
}

function seedOf(seed: number, number: number): number {
  return (Math.imul(seed, 0x9e37_79b1) + number) | 0
}

let prefixes = 0

/** Keys of two sessions, or of one session played twice, are never the same. */
function nextPrefix(): string {
  return `${(++prefixes).toString(36)}.`
}

async function round(
  options: CampaignOptions,
  player: Player,
  numbers: readonly number[],
  counts: Counts,
): Promise<Failure | undefined> {
  const before = await counters(options.peers)
  const alone: number[] = []
  const queue = [...numbers].reverse()
  let failed: Failed | undefined
  const play = async (number: number, session: Session): Promise<void> => {
    const outcome = await player.play(session, nextPrefix())
    count(counts, session, outcome)
    if (outcome.difference !== undefined) failed ??= { number, outcome }
  }
  const worker = async (): Promise<void> => {
    for (;;) {
      const number = queue.pop()
      if (number === undefined || failed !== undefined) return
      const session = sessionOf(options.kind, options.seed, number)
      if (session.exclusive) alone.push(number)
      else await play(number, session)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  for (const number of alone) {
    if (failed !== undefined) break
    await play(number, sessionOf(options.kind, options.seed, number))
    await cancelFlush(options.peers)
  }
  if (failed !== undefined) {
    return reduce(options, failed, (session) => playAlone(options, player, session))
  }
  const differs = differenceOfCounters(before, await counters(options.peers))
  if (differs === undefined) return undefined
  return suspect(options, player, numbers, differs)
}

function count(counts: Counts, session: Session, outcome: Outcome): void {
  counts.sessions++
  counts.steps += outcome.exchanges.length
  for (const { answers } of outcome.exchanges) counts.answerBytes += answers.theirs.text.length
  for (const step of session.steps) {
    counts.commands += step.commands.length
    for (const { kind } of step.commands) {
      counts.byKind.set(kind, (counts.byKind.get(kind) ?? 0) + 1)
    }
  }
}

interface Failed {
  readonly number: number
  readonly outcome: Outcome
}

/** Plays the failed session again alone, and ever smaller ones that fail too. */
async function reduce(
  options: CampaignOptions,
  failed: Failed,
  play: (session: Session) => Promise<Outcome>,
): Promise<Failure> {
  const session = failed.number
  let smallest: Outcome | undefined
  const run = await fc.check(
    fc.asyncProperty(sessions(options.kind), async (smaller) => {
      const outcome = await play(smaller)
      if (outcome.difference === undefined) return true
      smallest = outcome
      return false
    }),
    { seed: seedOf(options.seed, session), numRuns: 1, interruptAfterTimeLimit: SHRINKING_MS },
  )
  return smallest === undefined
    ? { session, outcome: failed.outcome, shrinks: undefined }
    : { session, outcome: smallest, shrinks: run.numShrinks }
}

async function playAlone(
  options: CampaignOptions,
  player: Player,
  session: Session,
): Promise<Outcome> {
  const outcome = await player.play(session, nextPrefix())
  if (session.exclusive) await cancelFlush(options.peers)
  return outcome
}

/** Compares the counters too, for which the servers must have nothing else to do. */
async function playCounted(
  options: CampaignOptions,
  player: Player,
  session: Session,
): Promise<Outcome> {
  const before = await counters(options.peers)
  const outcome = await playAlone(options, player, session)
  if (outcome.difference !== undefined) return outcome
  const difference = differenceOfCounters(before, await counters(options.peers))
  return { ...outcome, difference }
}

/** A round's counters differ: finds the session that makes them. */
async function suspect(
  options: CampaignOptions,
  player: Player,
  numbers: readonly number[],
  differs: string,
): Promise<Failure> {
  const play = (session: Session): Promise<Outcome> => playCounted(options, player, session)
  for (const number of numbers) {
    const outcome = await play(sessionOf(options.kind, options.seed, number))
    if (outcome.difference !== undefined) return reduce(options, { number, outcome }, play)
  }
  const outcome = { difference: `in the round from here: ${differs}`, exchanges: [] }
  return { session: numbers[0] ?? 0, outcome, shrinks: undefined }
}

type Counters = Both<ReadonlyMap<string, string>>

async function counters({ theirs, ours }: Both<Endpoint>): Promise<Counters> {
  const [a, b] = await Promise.all([statistics(theirs), statistics(ours)])
  return { theirs: a, ours: b }
}

function differenceOfCounters(before: Counters, after: Counters): string | undefined {
  const growth = (side: Side, name: string): number =>
    Number(after[side].get(name)) - Number(before[side].get(name))
  const different = COUNTERS.filter((name) => growth('theirs', name) !== growth('ours', name))
  if (different.length === 0) return undefined
  return different
    .map((name) => `${name} grew by ${growth('theirs', name)}, ours by ${growth('ours', name)}`)
    .join('; ')
}

/** So that no item has the CAS unique 1, which requests give where they know none. */
async function useUpFirstCas({ theirs, ours }: Both<Endpoint>): Promise<void> {
  for (const endpoint of [theirs, ours]) {
    await using wire = await Wire.connect(endpoint)
    await wire.ask('set first 0 0 1\r\nx\r\nset first 0 0 1\r\nx\r\ndelete first\r\n')
  }
}

/** A delayed flush must not outlive its session. */
async function cancelFlush(endpoints: Both<Endpoint>): Promise<void> {
  for (const endpoint of [endpoints.theirs, endpoints.ours]) {
    await using wire = await Wire.connect(endpoint)
    await wire.ask('flush_all\r\n')
  }
}

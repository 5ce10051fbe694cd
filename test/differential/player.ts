// Plays a session to both servers at once, step by step, and compares. Knows how bytes are sent and when an
// answer is complete; what the commands are is the session's.
import type { Endpoint } from '../wire.ts'
import { type Both, CasPairs, difference, type Side } from './comparison.ts'
import { endState } from './end-state.ts'
import { type Heard, Line } from './line.ts'
import {
  endsConnection,
  FENCES,
  keyBytes,
  type Protocol,
  renderStep,
  type Session,
  type Step,
  type Surroundings,
} from './session.ts'

export interface Settings extends Both<Endpoint> {
  /** `-I`. */
  readonly maxItemBytes: number
}

/** What was sent and answered in one step, for whoever reads a failure. */
export interface Exchange {
  readonly connection: number
  readonly protocol: Protocol
  readonly pieces: Both<readonly Buffer[]>
  readonly answers: Both<Heard>
}

export interface Outcome {
  /** What differed, in the last of the exchanges; undefined if nothing did. */
  readonly difference: string | undefined
  readonly exchanges: readonly Exchange[]
}

/** What memcached adds to a value when it measures it against `-I`: header, CAS unique, NUL and CRLF. */
const OVERHEAD_BYTES = 48 + 8 + 1 + 2
const CLIENT_FLAGS_BYTES = 4

type Pool = Record<Protocol, Line[]>

export class Player {
  readonly #settings: Settings
  readonly #pools: Both<Pool> = {
    theirs: { text: [], binary: [] },
    ours: { text: [], binary: [] },
  }

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Plays the session under keys that begin with the prefix, and takes away what it has stored. */
  async play(session: Session, prefix: string): Promise<Outcome> {
    const pairs = new CasPairs()
    const exchanges: Exchange[] = []
    const lines = session.connections.map((): Partial<Record<Side, Line>> => ({}))
    const around = {
      theirs: this.#surroundings('theirs', session, prefix, pairs),
      ours: this.#surroundings('ours', session, prefix, pairs),
    }
    let differs: string | undefined
    for (const step of [...session.steps, endState(session)]) {
      const { connection } = step
      const protocol = session.connections[connection] ?? 'text'
      const line = lines[connection] ?? {}
      const both = await this.#both(async (side) => {
        const open = await this.#open(line, side, protocol)
        return ask(open, step, protocol, around[side])
      })
      const answers = { theirs: both.theirs.heard, ours: both.ours.heard }
      const pieces = { theirs: both.theirs.pieces, ours: both.ours.pieces }
      exchanges.push({ connection, protocol, pieces, answers })
      differs =
        differenceOfEnds(answers) ??
        difference(protocol, step, { theirs: answers.theirs.text, ours: answers.ours.text }, pairs)
      if (differs !== undefined) break
    }
    for (const [i, line] of lines.entries()) {
      this.#giveBack(line, session.connections[i] ?? 'text', differs !== undefined)
    }
    return { difference: differs, exchanges }
  }

  close(): void {
    for (const pool of Object.values(this.#pools)) {
      for (const lines of Object.values(pool)) for (const line of lines) line.close()
    }
  }

  async #both<T>(act: (side: Side) => Promise<T>): Promise<Both<T>> {
    const [theirs, ours] = await Promise.all([act('theirs'), act('ours')])
    return { theirs, ours }
  }

  async #open(line: Partial<Record<Side, Line>>, side: Side, protocol: Protocol): Promise<Line> {
    const known = line[side]
    if (known !== undefined && !known.over) return known
    let open = this.#pools[side][protocol].pop()
    if (open === undefined || open.over) open = await Line.connect(this.#settings[side])
    line[side] = open
    return open
  }

  #giveBack(line: Partial<Record<Side, Line>>, protocol: Protocol, spoilt: boolean): void {
    for (const side of ['theirs', 'ours'] as const) {
      const open = line[side]
      if (open === undefined) continue
      if (spoilt || open.over) open.close()
      else this.#pools[side][protocol].push(open)
    }
  }

  #surroundings(side: Side, session: Session, prefix: string, pairs: CasPairs): Surroundings {
    const key = (slot: number): string => keyBytes(session, prefix, slot)
    const { maxItemBytes } = this.#settings
    return {
      key,
      cas: (slot, age) => pairs.latest(side, key(slot), age),
      longestValue: (slot, withFlags) =>
        maxItemBytes - OVERHEAD_BYTES - (withFlags ? CLIENT_FLAGS_BYTES : 0) - key(slot).length,
    }
  }
}

interface Asked {
  readonly pieces: readonly Buffer[]
  readonly heard: Heard
}

async function ask(
  line: Line,
  step: Step,
  protocol: Protocol,
  surroundings: Surroundings,
): Promise<Asked> {
  const bytes = renderStep(step.commands, surroundings, FENCES[protocol])
  if (endsConnection(step)) {
    // Its last command goes in one piece: what came after the end would be answered with a reset.
    const before = renderStep(step.commands.slice(0, -1), surroundings, FENCES[protocol])
    const pieces = cut(Buffer.from(bytes, 'latin1'), before.length, step.cuts)
    return { pieces, heard: await line.ask(pieces, undefined) }
  }
  const mark = line.nextMark()
  const fence = FENCES[protocol].request(mark)
  const ending = FENCES[protocol].answer(mark)
  const pieces = cut(Buffer.from(bytes + fence, 'latin1'), bytes.length + fence.length, step.cuts)
  const heard = await line.ask(pieces, ending)
  if (!heard.text.endsWith(ending)) return { pieces, heard }
  return { pieces, heard: { ...heard, text: heard.text.slice(0, -ending.length) } }
}

/** Cuts the bytes at the places within the first so many of them. */
function cut(bytes: Buffer, divisible: number, places: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  let at = 0
  for (const place of places) {
    const next = Math.floor((divisible * place) / 10_000)
    if (next > at) pieces.push(bytes.subarray(at, next))
    at = Math.max(at, next)
  }
  if (at < bytes.length) pieces.push(bytes.subarray(at))
  return pieces
}

function differenceOfEnds({ theirs, ours }: Both<Heard>): string | undefined {
  if (theirs.silent !== ours.silent) {
    return theirs.silent ? 'only ours has answered' : 'ours has not answered'
  }
  if (theirs.closed !== ours.closed) {
    return theirs.closed ? 'ours has not closed the connection' : 'ours has closed the connection'
  }
  return undefined
}

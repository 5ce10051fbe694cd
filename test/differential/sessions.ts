// Random sessions: some connections that share a few keys, and what is said over them. Knows commands only as
// words to choose from.
import fc from 'fast-check'
import { changedCommand } from './accepted-differences.ts'
import { binaryCommand, binaryFlush, lastBinaryCommand } from './binary-commands.ts'
import { classicCommand, delayedFlush, flush, lastClassicCommand } from './classic-commands.ts'
import { metaCommand } from './meta-commands.ts'
import type { Command, Protocol, Session, Step } from './session.ts'
import { keys } from './vocabulary.ts'

export const KINDS = ['text', 'binary', 'mixed'] as const
export type Kind = (typeof KINDS)[number]

const COMMANDS: Readonly<Record<Protocol, fc.Arbitrary<Command>>> = {
  text: fc.oneof(
    { weight: 10, arbitrary: classicCommand },
    { weight: 10, arbitrary: metaCommand },
    { weight: 1, arbitrary: changedCommand },
  ),
  binary: binaryCommand,
}

const LAST: Readonly<Record<Protocol, fc.Arbitrary<Command>>> = {
  text: lastClassicCommand,
  binary: lastBinaryCommand,
}

const FLUSH: Readonly<Record<Protocol, fc.Arbitrary<Command>>> = {
  text: flush,
  binary: binaryFlush,
}

const cuts: fc.Arbitrary<number[]> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<number[]>([]) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.nat(10_000), { minLength: 1, maxLength: 4 })
      .map((places) => places.toSorted((a, b) => a - b)),
  },
)

function step(connection: number, protocol: Protocol, flushes: boolean): fc.Arbitrary<Step> {
  const usual = COMMANDS[protocol]
  const command = flushes
    ? fc.oneof({ weight: 8, arbitrary: usual }, { weight: 1, arbitrary: FLUSH[protocol] })
    : usual
  const ending = fc.oneof(
    { weight: 19, arbitrary: fc.constant<Command[]>([]) },
    { weight: 1, arbitrary: LAST[protocol].map((last) => [last]) },
  )
  return fc
    .tuple(fc.array(command, { minLength: 1, maxLength: 10, size: 'max' }), ending, cuts)
    .map(([commands, last, places]) => ({
      connection,
      commands: [...commands, ...last],
      cuts: places,
    }))
}

const PROTOCOLS: Readonly<Record<Kind, readonly (readonly Protocol[])[]>> = {
  text: [['text'], ['text', 'text'], ['text', 'text', 'text']],
  binary: [['binary'], ['binary', 'binary']],
  mixed: [
    ['text', 'binary'],
    ['binary', 'text'],
    ['text', 'binary', 'text'],
  ],
}

/** One session in twenty flushes, and has the servers for itself. */
export function sessions(kind: Kind): fc.Arbitrary<Session> {
  return fc
    .tuple(fc.constantFrom(...PROTOCOLS[kind]), keys, fc.nat(19))
    .chain(([connections, names, dice]) => {
      const exclusive = dice === 0
      const any = fc.oneof(
        ...connections.map((protocol, connection) => step(connection, protocol, exclusive)),
      )
      const steps = fc.array(any, { minLength: 1, maxLength: 6, size: 'max' })
      const first =
        exclusive && connections[0] === 'text'
          ? fc.oneof(
              fc.constant<Step[]>([]),
              delayedFlush.map((command) => [{ connection: 0, commands: [command], cuts: [] }]),
            )
          : fc.constant<Step[]>([])
      return fc.tuple(first, steps).map(([before, after]) => ({
        connections,
        keys: names,
        steps: [...before, ...after],
        exclusive,
      }))
    })
}

// The flags of meta commands, as random lists. Knows what each flag carries, not which command heeds it.
import fc from 'fast-check'
import type { Surroundings } from './session.ts'
import { clientFlags, delta, expiry, opaque, recacheTime, word } from './vocabulary.ts'

/** A flag may depend on the session, as a CAS unique does. */
export interface Flag {
  readonly letter: string
  write(surroundings: Surroundings, slot: number): string
}

export type Flags = readonly Flag[]

export function plain(text: string): Flag {
  return { letter: text.charAt(0), write: () => text }
}

export function has(flags: Flags, letter: string): boolean {
  return flags.some((flag) => flag.letter === letter)
}

export function without(flags: Flags, letter: string): Flags {
  return flags.filter((flag) => flag.letter !== letter)
}

function withArgument(letter: string, argument: fc.Arbitrary<string>): fc.Arbitrary<Flag> {
  return argument.map((text) => plain(letter + text))
}

/** The key's CAS unique, an old one, or one that no item has. */
const compare: fc.Arbitrary<Flag> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(learnt(0)) },
  { weight: 3, arbitrary: fc.constant(learnt(1)) },
  {
    weight: 1,
    arbitrary: withArgument('C', word('0', '1', '1000000000000000', '18446744073709551615')),
  },
)

function learnt(age: number): Flag {
  return { letter: 'C', write: (at, slot) => `C${at.cas(slot, age)}` }
}

const FLAG: Readonly<Record<string, fc.Arbitrary<Flag>>> = {
  C: compare,
  D: withArgument('D', delta),
  F: withArgument('F', clientFlags),
  J: withArgument('J', delta),
  M: withArgument('M', word('I', 'D', '+', '-')),
  N: withArgument('N', expiry),
  O: withArgument('O', opaque),
  R: withArgument('R', recacheTime),
  T: withArgument('T', expiry),
}

/** Some of the letters, in any order; what is written twice comes more often, and is there once. */
export function some(letters: string, rarely: string): fc.Arbitrary<Flags> {
  return fc
    .tuple(
      fc.shuffledSubarray([...letters], { maxLength: 6 }),
      fc.oneof(
        { weight: 8, arbitrary: fc.constant<string[]>([]) },
        { weight: 1, arbitrary: fc.shuffledSubarray([...rarely], { maxLength: 2 }) },
      ),
    )
    .chain(([often, seldom]) =>
      fc.tuple(
        ...[...new Set([...often, ...seldom])].map(
          (name) => FLAG[name] ?? fc.constant(plain(name)),
        ),
      ),
    )
}

// How a command line is written down: with which spaces and which line end. Knows no command.
import fc from 'fast-check'

export interface Style {
  readonly gap: string
  readonly tail: string
  readonly end: string
}

export const style: fc.Arbitrary<Style> = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ gap: ' ', tail: '', end: '\r\n' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      gap: fc.constantFrom(' ', '  ', '     '),
      tail: fc.constantFrom('', ' ', '   '),
      end: fc.constantFrom('\r\n', '\n'),
    }),
  },
)

/** The line of these tokens; empty ones are left out. */
export function write(tokens: readonly string[], { gap, tail, end }: Style): string {
  return tokens.filter((token) => token !== '').join(gap) + tail + end
}

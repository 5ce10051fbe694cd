// The differences between memcached 1.6.18, which we can run, and 1.6.45, which we match, or which we have
// chosen: all of them. Those whose answers don't depend on the cache are sent, and both answers are checked
// byte for byte; the others are not generated.
import fc from 'fast-check'
import type { Command, Surroundings } from './session.ts'
import { LONG_KEY, word } from './vocabulary.ts'

const ERROR = 'ERROR\r\n'
const BAD_FORMAT = 'CLIENT_ERROR bad command line format\r\n'
const INVALID_OR_DUPLICATE = 'CLIENT_ERROR invalid or duplicate flag\r\n'

interface Difference {
  readonly why: string
  /** Requests, and the answers of 1.6.18 and of ours. */
  readonly cases: readonly (readonly [request: string, was: string, is: string])[]
}

const STORAGE_WITH_BAD_LINE = [
  'set a x 0 3',
  'set a -1 0 3',
  'add a 1x 0 3',
  'replace a 18446744073709551616 0 3',
  'append a 0 x 3',
  'prepend a 0 9223372036854775808 3',
  'set a 0 -9223372036854775809 3',
  'cas a 0 0 3 x',
  'cas a 0 0 3 18446744073709551616',
  'cas a x 0 3 1',
] as const

const MANY_FLAGS = 'c f h k l s t v q u O1 T1 N1 R1 C1 P L I F1 J1'

export const CHANGED_ANSWERS: readonly Difference[] = [
  {
    why: 'commands without all their arguments are malformed, not unknown (1.6.40)',
    cases: [
      ...['mg', 'ms', 'md', 'ma', 'get', 'gets', 'gat', 'gats', 'delete', 'incr', 'incr a'],
      ...['decr a', 'touch', 'touch a', 'set', 'set a', 'set a 0 0', 'cas a 0 0 1', 'append a 0'],
      ...['verbosity', 'add  a ', 'touch a  '],
    ].map((line) => [`${line}\r\n`, ERROR, BAD_FORMAT] as const),
  },
  {
    why: 'lines of less than four bytes are malformed, not unknown (1.6.40)',
    cases: ['\r\n', '\n', 'x\r\n', ' \n', ' \r\n', 'mg\n'].map(
      (line) => [line, ERROR, BAD_FORMAT] as const,
    ),
  },
  {
    why: 'the shortest line has four bytes (1.6.40)',
    cases: [['mn\n', 'MN\r\n', BAD_FORMAT]],
  },
  {
    why: 'gat without a key is malformed (1.6.40)',
    cases: [
      ['gat 10\r\n', 'END\r\n', BAD_FORMAT],
      ['gats 0\r\n', 'END\r\n', BAD_FORMAT],
    ],
  },
  {
    why: 'a line that begins with a space is no command (1.6.40)',
    cases: [
      [' mn\r\n', 'MN\r\n', ERROR],
      ['   verbosity 0\r\n', 'OK\r\n', ERROR],
    ],
  },
  {
    why: 'the value of a refused storage command is swallowed (1.6.40)',
    cases: STORAGE_WITH_BAD_LINE.flatMap((line) =>
      ['abc', 'x y'].flatMap((data) => [
        [`${line}\r\n${data}\r\n`, BAD_FORMAT + ERROR, BAD_FORMAT] as const,
        [`${line} noreply\r\n${data}\r\n`, ERROR, ''] as const,
      ]),
    ),
  },
  {
    why: 'noreply is not read before <bytes> (1.6.40)',
    cases: [
      ['set a 0 0 x noreply\r\n', '', BAD_FORMAT],
      ['set a 0 0 -1 noreply\r\n', '', BAD_FORMAT],
      ['cas a 0 0 2147483646 1 noreply\r\n', '', BAD_FORMAT],
    ],
  },
  {
    why: 'flags of meta commands begin with a letter or a digit (1.6.40)',
    cases: [
      ['mg a !\r\n', 'CLIENT_ERROR invalid flag\r\n', BAD_FORMAT],
      ['mg a v +1\r\n', 'CLIENT_ERROR invalid flag\r\n', BAD_FORMAT],
      ['mg a \x80\r\n', 'CLIENT_ERROR duplicate flag\r\n', BAD_FORMAT],
      ['ms a 3 k !\r\nabc\r\n', 'CLIENT_ERROR invalid flag\r\n', BAD_FORMAT],
      ['ma a !\r\n', INVALID_OR_DUPLICATE, BAD_FORMAT],
      ['md a !\r\n', INVALID_OR_DUPLICATE, BAD_FORMAT],
    ],
  },
  {
    why: 'md tells which error it is (1.6.40)',
    cases: [
      ['md a k k\r\n', INVALID_OR_DUPLICATE, 'CLIENT_ERROR duplicate flag\r\n'],
      ['md a q z\r\n', INVALID_OR_DUPLICATE, 'CLIENT_ERROR invalid flag\r\n'],
      ['md a Tx\r\n', INVALID_OR_DUPLICATE, 'CLIENT_ERROR bad token in command line format\r\n'],
      ['md a C q\r\n', INVALID_OR_DUPLICATE, 'CLIENT_ERROR bad token in command line format\r\n'],
      ['md a b\r\n', INVALID_OR_DUPLICATE, 'CLIENT_ERROR error decoding key\r\n'],
      ['md a Fx\r\n', INVALID_OR_DUPLICATE, BAD_FORMAT],
      ['md a Tx Jx\r\n', INVALID_OR_DUPLICATE, 'CLIENT_ERROR invalid numeric initial value\r\n'],
    ],
  },
  {
    why: 'M takes its first letter, and none is an invalid one (1.6.40)',
    cases: [
      [
        'ms a 2 M\r\nab\r\n',
        'CLIENT_ERROR incorrect length for M token\r\n',
        'CLIENT_ERROR invalid mode for ms M token\r\n',
      ],
      ['ma a M\r\n', INVALID_OR_DUPLICATE, 'CLIENT_ERROR invalid mode for ma M token\r\n'],
    ],
  },
  {
    why: 'too many flags are said to be so in other words, and a value with them is swallowed (1.6.40)',
    cases: [
      [
        `md a ${MANY_FLAGS}\r\n`,
        'CLIENT_ERROR options flags too long\r\n',
        'CLIENT_ERROR options flags are too long\r\n',
      ],
      [`ma a ${MANY_FLAGS}\r\n`, 'CLIENT_ERROR options flags too long\r\n', INVALID_OR_DUPLICATE],
      [
        `ms a 3 ${MANY_FLAGS}\r\nabc\r\n`,
        `CLIENT_ERROR options flags too long\r\n${ERROR}`,
        'CLIENT_ERROR options flags are too long\r\n',
      ],
    ],
  },
  {
    why: 'other texts (1.6.40)',
    cases: [
      ['shutdown\r\n', 'ERROR: shutdown not enabled\r\n', 'SERVER_ERROR: shutdown not enabled\r\n'],
      ['version\r\n', 'VERSION 1.6.18\r\n', 'VERSION 1.6.45\r\n'],
    ],
  },
]

/** What is never sent, because what it does differs and not only what is answered. */
export const NOT_GENERATED: readonly (readonly [what: string, why: string])[] = [
  ['mg C; ms s, E, N with MA or MP; md x, E; ma E', 'flags of 1.6.20 to 1.6.40'],
  ['ms with M and more than one letter', '1.6.40: the first one counts'],
  ['exactly 20 tokens in a meta command', 'one more is allowed since 1.6.40'],
  ['more arguments than a command has', 'ERROR in 1.6.18, ignored since 1.6.40'],
  ['a delete with an argument that is neither 0 nor noreply', 'ignored since 1.6.40'],
  ['a key with a NUL in a text command', 'it ended the line before 1.6.40'],
  ['a line that begins with a space and changes something', 'no command since 1.6.40'],
  ['bget; stats with a part of a word', 'gone, and come, with 1.6.40'],
  ['numbers beyond 32 bits for touch, gat, bytes and the flags T, N, R and F', 'cut before 1.6.40'],
  ['signs before deltas, CAS uniques and lengths', 'C allowed them before 1.6.40'],
  ['mg or ma with b and N', '1.6.18 forgets that the key of what it makes came in base64'],
  ['ma with q and N', '1.6.18 does not hide what it has made'],
  [
    'ma with T, unless D0',
    '1.6.18 gives the time to the old item if the number needs a larger one',
  ],
  ['mg or ma with too long an opaque', 'ours refuses before it does anything, not half-way'],
  ['flush_all with a delay after one without', 'memcached revives what the first one has killed'],
  ['flush_all with a time that is past', 'ours flushes at once (docs/PROTOCOL.md)'],
  ['incr of what is 2^63 or more already', 'memcached looks for a minus sign in the memory behind'],
  ['values that are blanks alone', 'incr of memcached takes the number that it finds behind them'],
  ['incr and decr behind a fetch whose answer is queued', 'the number is then not padded in place'],
  ['binary expiry times of 68 years from now', 'ours counts no further: t tells less'],
  ['stats and other reports', 'they have tests of their own'],
]

const constant: fc.Arbitrary<Command> = fc.constantFrom(
  ...CHANGED_ANSWERS.flatMap(({ cases }) =>
    cases.map(
      ([request, was, is]): Command => ({
        kind: 'changed answer',
        protocol: 'text',
        render: () => request,
        changed: { was, is },
      }),
    ),
  ),
)

/** The value of a storage command with too long a key is swallowed (1.6.40). */
const longKey: fc.Arbitrary<Command> = fc
  .tuple(word('set', 'add', 'replace', 'append', 'prepend', 'cas', 'ms'), word('', 'noreply'))
  .map(([verb, noreply]) => {
    const quiet = noreply !== '' && verb !== 'ms'
    const rest = `${verb === 'ms' ? '' : '0 0 '}3${verb === 'cas' ? ' 1' : ''}`
    return {
      kind: 'changed answer',
      protocol: 'text',
      render: (at: Surroundings) =>
        `${verb} ${at.key(LONG_KEY)} ${rest}${quiet ? ' noreply' : ''}\r\nabc\r\n`,
      changed: quiet ? { was: ERROR, is: '' } : { was: BAD_FORMAT + ERROR, is: BAD_FORMAT },
    }
  })

export const changedCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: constant },
  { weight: 1, arbitrary: longKey },
)

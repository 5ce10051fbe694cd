// The words that random commands are made of: keys, numbers at their limits, values. Chosen few, so that
// commands meet. Knows no command.
import fc from 'fast-check'
import { LONG_KEY, type Surroundings } from './session.ts'

/** The slot of a session's keys that only base64 and the binary protocol can carry. */
export const BINARY_SLOT = 4

const KEY_BYTES = '\t\x01\x07\x1f\x7f\x80\xa0\xff\r!"#$%&\'()*+,./:;<=>?@[]^_`{|}~aZ09'

export const keys: fc.Arbitrary<(string | undefined)[]> = fc.tuple(
  fc.constant('a'),
  fc.constant('n'),
  fc.constantFrom('b', 'bb', 'noreply', '0', 'a'.repeat(99)),
  fc.oneof(
    fc.constant(undefined),
    fc.string({ unit: fc.constantFrom(...KEY_BYTES), minLength: 1, maxLength: 6 }).map(solid),
  ),
  fc.oneof(
    fc.constantFrom('\n', ' ', '\0', '\rx\n', ' c5', '\xff\xfe'),
    fc.string({ unit: fc.constantFrom('\0', ' ', '\n', '\x80', 'k', '='), maxLength: 6 }),
    fc.constant('z'.repeat(170)),
  ),
)

/** A trailing CR would be the line's end. */
function solid(key: string): string {
  return `${key}.`
}

export const textSlot: fc.Arbitrary<number> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.constant(2) },
  { weight: 2, arbitrary: fc.constant(3) },
)

export const anySlot: fc.Arbitrary<number> = fc.oneof(
  { weight: 5, arbitrary: textSlot },
  { weight: 1, arbitrary: fc.constant(BINARY_SLOT) },
)

export { LONG_KEY }

/** One of the words, the first ones as often as they are written. */
export function word(...words: string[]): fc.Arbitrary<string> {
  return fc.constantFrom(...words)
}

/**
 * Expiry times that are certain: never, in the past, or so far away that no two of them meet while a session
 * runs. As numbers of 32 bits, which is what most commands take.
 */
export const expiry: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: word('0') },
  {
    weight: 3,
    arbitrary: word('100', '1000', '100000', '2592000', '2000000000', '2147483647'),
  },
  { weight: 2, arbitrary: word('-1', '-2147483648', '2592001', '1000000000') },
)

/** What storage commands take beyond, as C's strtol does: cut to 32 bits. */
export const wideExpiry: fc.Arbitrary<string> = fc.oneof(
  { weight: 12, arbitrary: expiry },
  {
    weight: 1,
    arbitrary: word(
      '+100',
      '2147483648',
      '4294967295',
      '4294967296',
      '-2147483649',
      '9223372036854775807',
      '-9223372036854775808',
    ),
  },
)

/** Between the times above: whether a TTL is below one of these is certain. */
export const recacheTime: fc.Arbitrary<string> = word('0', '-1', '30', '500', '50000', '1000000')

export const clientFlags: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: word('0') },
  { weight: 2, arbitrary: word('1', '5', '65536', '2147483648', '4294967295') },
)

export const wideClientFlags: fc.Arbitrary<string> = fc.oneof(
  { weight: 12, arbitrary: clientFlags },
  { weight: 1, arbitrary: word('+3', '4294967296', '4294967299', '18446744073709551615') },
)

/** Small enough for what `numbers` below says. */
export const delta: fc.Arbitrary<string> = word(
  ...['1', '1', '0', '9', '10', '90', '1000', '4294967295', '4294967296'],
)

/** What decr may take as well: it stops at 0. */
export const largeDelta: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: delta },
  { weight: 1, arbitrary: word('9223372036854775808', '18446744073709551615') },
)

/** The largest number, and deltas of incr and decr that leave less than 2^63 of it. */
export const LARGEST = '18446744073709551615'
export const wrapping: fc.Arbitrary<readonly [increment: boolean, delta: string]> = fc.oneof(
  word('1', '5', '9223372036854775807').map((text) => [true, text] as const),
  word('18446744073709551615', '18446744073709551614', '9223372036854775808').map(
    (text) => [false, text] as const,
  ),
)

/** Not numbers, for both servers. */
export const noNumber: fc.Arbitrary<string> = word('x', '1x', '0x1', '1.5', '18446744073709551616')

export const opaque: fc.Arbitrary<string> = word('1', '', 'abc', '0'.repeat(31))

/** A value, which may depend on how much fits under a key. */
export type Value = (surroundings: Surroundings, slot: number, withFlags: boolean) => string

/**
 * No number of 2^63 and more is left in the cache: behind it memcached looks for a minus sign in whatever
 * memory follows (safe_strtoull), so its next answer would depend on what happens to lie there. For the
 * same reason no value is blanks alone.
 */
const NUMBERS = [
  ...['0', '1', '5', '9', '10', '99', '100', '4294967295', '4294967296', '9007199254740993'],
  ...['9000000000000000000', '18446744073709551616', '99999999999999999999', ' 7', '7 ', '+7'],
  ...['007', '7x', 'x7', '7\r', '7\t', '7\0', '7\0x', '7\r\n8', '+', '++7', '0x10', '1e3'],
  ...['\n7', '\v7\f'],
]

function constantValue(text: string): Value {
  return () => text
}

const numericValue: fc.Arbitrary<Value> = fc.oneof(
  { weight: 3, arbitrary: word('1', '9', '10', '100', '4294967295').map(constantValue) },
  { weight: 2, arbitrary: word(...NUMBERS).map(constantValue) },
)

const textValue: fc.Arbitrary<Value> = fc.oneof(
  word(
    '',
    'x',
    'abc',
    '\r\nx',
    'x\n',
    'END\r\n',
    'get a\r\n',
    'VALUE a 0 1\r\nx\r\n',
    '\0\xff\r',
  ).map(constantValue),
  fc.integer({ min: 0, max: 200 }).map(longText),
)

/** Around what is copied and what is sent from the cache's memory, around chunks, around the limit. */
const longValue: fc.Arbitrary<Value> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(-1, 0, 1, 40, -2000, -4100).map(nearLimit) },
  { weight: 1, arbitrary: fc.constantFrom(3000, 4000, 4033, 4096).map(longText) },
  // Numbers, the last of them in chunks, and those are none.
  {
    weight: 1,
    arbitrary: fc.constantFrom(100, 3000, 4000, 4096).map((length) => () => '7'.padEnd(length)),
  },
)

function nearLimit(beyond: number): Value {
  return (surroundings, slot, withFlags) =>
    filler(surroundings.longestValue(slot, withFlags) + beyond)
}

function longText(length: number): Value {
  return () => filler(length)
}

const FILLER = Array.from({ length: 1_100 }, (_, i) => `${i}\0`.padStart(8, 'abcdefgh')).join('')

function filler(length: number): string {
  return length <= FILLER.length
    ? FILLER.slice(0, length)
    : FILLER.repeat(Math.ceil(length / FILLER.length)).slice(0, length)
}

export const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 10, arbitrary: numericValue },
  { weight: 8, arbitrary: textValue },
  { weight: 1, arbitrary: longValue },
)

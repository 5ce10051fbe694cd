// Random meta commands, valid and invalid, that memcached 1.6.18 and 1.6.45 answer alike.
import fc from 'fast-check'
import { type Flags, has, plain, some, without } from './meta-flags.ts'
import type { Command, Surroundings } from './session.ts'
import { style, write } from './text-line.ts'
import { anySlot, BINARY_SLOT, LARGEST, LONG_KEY, value, word, wrapping } from './vocabulary.ts'

const PLAIN = { gap: ' ', tail: '', end: '\r\n' }

interface Key {
  readonly slot: number
  readonly encoded: boolean
}

const key: fc.Arbitrary<Key> = fc
  .tuple(anySlot, fc.nat(9))
  .map(([slot, dice]) => ({ slot, encoded: slot === BINARY_SLOT || dice === 0 }))

/** The longest key that base64 can carry. */
export const MAX_ENCODED_KEY_BYTES = 187

function tokens(
  verb: string,
  sent: Key,
  flags: Flags,
  at: Surroundings,
  length?: number,
): string[] {
  const written = flags.map((flag) => flag.write(at, sent.slot))
  let name = at.key(sent.slot)
  if (sent.encoded && name.length <= MAX_ENCODED_KEY_BYTES) {
    name = Buffer.from(name, 'latin1').toString('base64')
    written.splice(written.length >> 1, 0, 'b')
  }
  return [verb, name, length === undefined ? '' : String(length), ...written]
}

/** An item that 1.6.18 makes itself forgets that its key came in base64; 1.6.45's does not. */
function vivifiesEncoded(sent: Key, flags: Flags): boolean {
  return sent.encoded && has(flags, 'N')
}

const metaGet: fc.Arbitrary<Command> = fc
  .tuple(key, some('vvkcfsthlqOTNRu', 'PLIFDJM'), style)
  .filter(([sent, flags]) => !vivifiesEncoded(sent, flags))
  .map(([sent, flags, how]) => ({
    kind: 'mg',
    protocol: 'text' as const,
    render: (at: Surroundings) => write(tokens('mg', sent, flags, at), how),
  }))

const mode: fc.Arbitrary<string> = word('', '', '', '', '', '', '', 'MS', 'ME', 'MA', 'MP', 'MR')

const metaSet: fc.Arbitrary<Command> = fc
  .tuple(key, some('kkccCIOTFq', 'PLDJNvftlhu'), mode, value, style)
  .map(([sent, flags, store, text, how]) => {
    // Only since 1.6.20 do append and prepend make what is not there.
    const joins = store === 'MA' || store === 'MP'
    const all = [...(store === '' ? [] : [plain(store)]), ...(joins ? without(flags, 'N') : flags)]
    return {
      kind: 'ms',
      protocol: 'text' as const,
      render: (at: Surroundings) => {
        const withFlags = all.some((flag) => /^F[^0]/.test(flag.write(at, sent.slot)))
        const data = text(at, sent.slot, withFlags)
        return `${write(tokens('ms', sent, all, at, data.length), how)}${data}\r\n`
      },
    }
  })

const metaDelete: fc.Arbitrary<Command> = fc
  .tuple(key, some('kOqICTI', 'PLFDJvcfsthlu'), style)
  .map(([sent, flags, how]) => ({
    kind: 'md',
    protocol: 'text' as const,
    render: (at: Surroundings) => write(tokens('md', sent, flags, at), how),
  }))

/**
 * After a flush of what is queued, as incr. 1.6.18 does not hide what it has made when it is told `q`; and
 * it gives the time of `T` to the old item when the number needs a larger one, so nothing is added then.
 */
const metaArithmetic: fc.Arbitrary<Command> = fc
  .tuple(key, some('vvkctqOTNJDMC', 'PLFsfhlu'), style)
  .filter(([sent, flags]) => !vivifiesEncoded(sent, flags))
  .filter(([, flags]) => !(has(flags, 'N') && has(flags, 'q')))
  .map(([sent, flags, how]) => ({
    kind: 'ma',
    protocol: 'text' as const,
    render: (at: Surroundings) => {
      const all = has(flags, 'T') ? [...without(flags, 'D'), plain('D0')] : flags
      return `mn\r\n${write(tokens('ma', sent, all, at), how)}`
    },
  }))

/** As the classic one. */
const wrap: fc.Arbitrary<Command> = fc
  .tuple(wrapping, key, word('v', 't', 'q'), style)
  .map(([[increment, amount], sent, flag, how]) => ({
    kind: 'wrap',
    protocol: 'text' as const,
    render: (at: Surroundings) => {
      const flags = [increment ? 'MI' : 'MD', `D${amount}`, flag].map(plain)
      return `${write(tokens('ms', sent, [], at, 21), PLAIN)}${LARGEST}\0\r\nmn\r\n${write(tokens('ma', sent, flags, at), how)}`
    },
  }))

const metaDebug: fc.Arbitrary<Command> = fc.tuple(key, style).map(([sent, how]) => ({
  kind: 'me',
  protocol: 'text' as const,
  render: (at: Surroundings) => write(tokens('me', sent, [], at), how),
}))

/** Base64 that is none, or not the shortest way to write its key. */
const BASE64 = ['a', 'ab=', 'abc', '====', 'A===', '!!!!', 'YQ', 'YW=', 'YQ==YQ==', 'Y!Q==', 'YR==']

const badFlags: fc.Arbitrary<string[]> = fc.oneof(
  word('v v', 'k k', 'q q', 'O1 O2', 'T0 T0', 'c O1 c', 'v  q v').map((text) => [text]),
  word('z', 'Q', 'y', 'Z', 'H', 'w').map((text) => [text]),
  word(
    'Tx',
    'T',
    'T1x',
    'Nx',
    'N',
    'Rx',
    'R',
    'Cx',
    'C',
    'C1x',
    'Jx',
    'Dx',
    'D',
    'Fx',
    'F',
    'F-1',
    'J-1',
    'D-1',
    'C-1',
  ).map((text) => [text]),
  fc.tuple(
    word('Tx', 'Cx', 'Jx', 'Fx', 'Dx', 'Nx'),
    word('Fy', 'Cy', 'Jy', 'Ty', 'Dy', 'Ry', 'z', 'k', 'q'),
  ),
)

const invalid: fc.Arbitrary<Command> = fc.oneof(
  fc
    .tuple(word('mg', 'ms', 'ma'), anySlot, badFlags, word('', 'q', 'k'), word('', 'abc'))
    .map(([verb, slot, flags, more, text]) => ({
      kind: 'invalid flags',
      protocol: 'text' as const,
      render: (at: Surroundings) => {
        const sent = { slot, encoded: slot === BINARY_SLOT }
        const all = [...flags, ...(flags.includes(more) ? [] : [more])].map(plain)
        return verb === 'ms'
          ? `${write(tokens(verb, sent, all, at, text.length), PLAIN)}${text}\r\n`
          : write(tokens(verb, sent, all, at), PLAIN)
      },
    })),
  fc.tuple(word('mg', 'md', 'ma'), word('', 'v', 'k')).map(([verb, flag]) => ({
    kind: 'long key',
    protocol: 'text' as const,
    render: (at: Surroundings) => write([verb, at.key(LONG_KEY), flag], PLAIN),
  })),
  fc.tuple(word(...BASE64), word('', 'k', 'v')).map(([text, flag]) => ({
    kind: 'base64',
    protocol: 'text' as const,
    render: () => write(['mg', text, 'b', flag], PLAIN),
  })),
  // What is stored so is dead at once, and gone when somebody looks for it.
  fc.tuple(word(...BASE64), word('', 'k'), word('', 'abc')).map(([text, flag, data]) => ({
    kind: 'base64',
    protocol: 'text' as const,
    render: () =>
      `${write(['ms', text, String(data.length), 'T-1', 'b', flag], PLAIN)}${data}\r\nmg YQ== b q\r\n`,
  })),
  fc
    .tuple(anySlot, word('MX', 'Me', 'M1'), word('', 'q'), word('', 'abc'))
    .map(([slot, flag, quiet, text]) => ({
      kind: 'invalid mode',
      protocol: 'text' as const,
      render: (at: Surroundings) => {
        const sent = { slot, encoded: slot === BINARY_SLOT }
        return `${write(tokens('ms', sent, [flag, quiet].map(plain), at, text.length), PLAIN)}${text}\r\n`
      },
    })),
  fc.tuple(anySlot, word('MX', 'Mi', 'Md', 'M1'), word('', 'q')).map(([slot, flag, quiet]) => ({
    kind: 'invalid mode',
    protocol: 'text' as const,
    render: (at: Surroundings) => {
      const sent = { slot, encoded: slot === BINARY_SLOT }
      return write(tokens('ma', sent, [flag, quiet].map(plain), at), PLAIN)
    },
  })),
  word('x', '-1', '1x', '2147483646', '').map((length) => ({
    kind: 'invalid length',
    protocol: 'text' as const,
    render: () => write(['ms', 'a', length], PLAIN),
  })),
  fc
    .tuple(anySlot, word('', 'q'), word('abcd\r\n', '\nversion?\r\n', '\r?mn\r\n'))
    .map(([slot, quiet, rest]) => ({
      kind: 'bad data chunk',
      protocol: 'text' as const,
      render: (at: Surroundings) => {
        const sent = { slot, encoded: slot === BINARY_SLOT }
        return `${write(tokens('ms', sent, [quiet].map(plain), at, 3), PLAIN)}abc${rest}`
      },
    })),
  fc.tuple(word('ms', 'md'), word('', 'k')).map(([verb, flag]) => ({
    kind: 'long opaque',
    protocol: 'text' as const,
    render: () =>
      verb === 'ms'
        ? `${write([verb, 'a', '3', flag, `O${'o'.repeat(32)}`], PLAIN)}abc\r\n`
        : write([verb, 'a', flag, `O${'o'.repeat(32)}`], PLAIN),
  })),
)

export const metaCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 9, arbitrary: metaGet },
  { weight: 8, arbitrary: metaSet },
  { weight: 4, arbitrary: metaDelete },
  { weight: 5, arbitrary: metaArithmetic },
  { weight: 1, arbitrary: wrap },
  { weight: 1, arbitrary: metaDebug },
  { weight: 2, arbitrary: invalid },
)

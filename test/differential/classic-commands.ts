// Random classic text commands, valid and invalid, that memcached 1.6.18 and 1.6.45 answer alike.
import fc from 'fast-check'
import type { Command, Surroundings } from './session.ts'
import { type Style, style, write } from './text-line.ts'
import {
  clientFlags,
  delta,
  expiry,
  LARGEST,
  LONG_KEY,
  largeDelta,
  noNumber,
  textSlot,
  type Value,
  value,
  wideClientFlags,
  wideExpiry,
  word,
  wrapping,
} from './vocabulary.ts'

const noreply: fc.Arbitrary<string> = fc.oneof(
  { weight: 7, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constant('noreply') },
)

type Tokens = (surroundings: Surroundings) => readonly string[]

function command(kind: string, tokens: Tokens, how: Style): Command {
  return {
    kind,
    protocol: 'text',
    render: (surroundings) => write(tokens(surroundings), how),
  }
}

const PLAIN: Style = { gap: ' ', tail: '', end: '\r\n' }

function storage(
  kind: string,
  slot: number,
  tokens: (surroundings: Surroundings, length: number) => readonly string[],
  how: Style,
  text: Value,
  withFlags: boolean,
): Command {
  return {
    kind,
    protocol: 'text',
    render: (surroundings) => {
      const data = text(surroundings, slot, withFlags)
      return `${write(tokens(surroundings, data.length), how)}${data}\r\n`
    },
  }
}

const store: fc.Arbitrary<Command> = fc
  .tuple(
    word('set', 'set', 'set', 'add', 'replace', 'append', 'prepend'),
    textSlot,
    wideClientFlags,
    wideExpiry,
    value,
    noreply,
    style,
  )
  .map(([verb, slot, flags, exptime, text, quiet, how]) =>
    storage(
      verb,
      slot,
      (at, length) => [verb, at.key(slot), flags, exptime, String(length), quiet],
      how,
      text,
      // 2^32 is cut to 0.
      flags !== '0' && flags !== '4294967296',
    ),
  )

/** The key's CAS unique, an old one, or one that no item has. */
const unique = (slot: number): fc.Arbitrary<(surroundings: Surroundings) => string> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant((at: Surroundings) => at.cas(slot, 0)) },
    { weight: 2, arbitrary: fc.constant((at: Surroundings) => at.cas(slot, 1)) },
    {
      weight: 1,
      arbitrary: word('0', '1', '1000000000000000', '18446744073709551615').map(
        (text) => () => text,
      ),
    },
  )

const compareAndSwap: fc.Arbitrary<Command> = textSlot.chain((slot) =>
  fc
    .tuple(unique(slot), clientFlags, expiry, value, noreply, style)
    .map(([cas, flags, exptime, text, quiet, how]) =>
      storage(
        'cas',
        slot,
        (at, length) => ['cas', at.key(slot), flags, exptime, String(length), cas(at), quiet],
        how,
        text,
        flags !== '0',
      ),
    ),
)

/** What is announced is not what comes: what follows the announced bytes is no CRLF, or is a command. */
const badChunk: fc.Arbitrary<Command> = fc
  .tuple(
    word('set', 'add', 'append'),
    textSlot,
    fc.integer({ min: 0, max: 20 }),
    word('abcd\r\n', '\nversion?\r\n', '\r mn\r\n', 'xxmn\r\n', '\n\rgeto\r\n'),
    noreply,
  )
  .map(([verb, slot, length, rest, quiet]) => ({
    kind: 'bad data chunk',
    protocol: 'text' as const,
    render: (at: Surroundings) =>
      `${write([verb, at.key(slot), '0', '0', String(length), quiet], PLAIN)}${'b'.repeat(length)}${rest}`,
  }))

const manySlots: fc.Arbitrary<number[]> = fc.oneof(
  { weight: 3, arbitrary: textSlot.map((slot) => [slot]) },
  { weight: 3, arbitrary: fc.array(textSlot, { minLength: 2, maxLength: 5, size: 'max' }) },
  // More than memcached's tokens are.
  { weight: 1, arbitrary: fc.array(fc.constantFrom(0, 1, 2), { minLength: 20, maxLength: 50 }) },
)

const retrieval: fc.Arbitrary<Command> = fc
  .tuple(word('get', 'gets', 'gets'), manySlots, style)
  .map(([verb, slots, how]) =>
    command(verb, (at) => [verb, ...slots.map((slot) => at.key(slot))], how),
  )

const touchingRetrieval: fc.Arbitrary<Command> = fc
  .tuple(word('gat', 'gats'), expiry, fc.array(textSlot, { minLength: 1, maxLength: 4 }), style)
  .map(([verb, exptime, slots, how]) =>
    command(verb, (at) => [verb, exptime, ...slots.map((slot) => at.key(slot))], how),
  )

const deletion: fc.Arbitrary<Command> = fc
  .tuple(textSlot, word('', '', '', '0'), noreply, style)
  .map(([slot, zero, quiet, how]) =>
    command('delete', (at) => ['delete', at.key(slot), zero, quiet], how),
  )

const touch: fc.Arbitrary<Command> = fc
  .tuple(textSlot, expiry, noreply, style)
  .map(([slot, exptime, quiet, how]) =>
    command('touch', (at) => ['touch', at.key(slot), exptime, quiet], how),
  )

/**
 * After a flush of what is queued: memcached changes a number in place, padded with spaces, unless an answer
 * that is still queued refers to the item.
 */
const arithmetic: fc.Arbitrary<Command> = fc
  .tuple(
    fc.oneof(
      delta.map((amount) => ['incr', amount] as const),
      largeDelta.map((amount) => ['decr', amount] as const),
    ),
    textSlot,
    noreply,
    style,
  )
  .map(([[verb, amount], slot, quiet, how]) => ({
    kind: verb,
    protocol: 'text' as const,
    render: (at: Surroundings) => `mn\r\n${write([verb, at.key(slot), amount, quiet], how)}`,
  }))

/** The NUL ends memcached's search for a minus sign. */
const wrap: fc.Arbitrary<Command> = fc
  .tuple(wrapping, textSlot, style)
  .map(([[increment, amount], slot, how]) => ({
    kind: 'wrap',
    protocol: 'text' as const,
    render: (at: Surroundings) =>
      `${write(['set', at.key(slot), '0', '0', '21'], PLAIN)}${LARGEST}\0\r\nmn\r\n` +
      write([increment ? 'incr' : 'decr', at.key(slot), amount], how),
  }))

const INVALID_LINES = [
  ...['foo', 'FOO bar', 'Set a 0 0 1', 'gett a', 'mx a', 'stats nonsense', 'verbosity x'],
  ...['flush_all x', 'flush_all x noreply', 'flush_all 1x', 'verbosity 1x noreply', 'noreply'],
  ...['get\ta', 'mn\tx', 'set a 0 0 -1', 'set a 0 0 x', 'set a 0 0 2147483647'],
  ...['set a 0 0 2147483646', 'append a 0 0 1x', 'cas a 0 0 x 1', 'cas a 0 0 -1 1'],
] as const

/** Lines that are answered with an error whatever is in the cache. */
const invalid: fc.Arbitrary<Command> = fc.oneof(
  word(...INVALID_LINES).map((line) => ({
    kind: 'invalid line',
    protocol: 'text' as const,
    render: () => `${line}\r\n`,
  })),
  fc
    .tuple(word('incr', 'decr'), textSlot, noNumber, noreply, style)
    .map(([verb, slot, amount, quiet, how]) =>
      command('invalid number', (at) => [verb, at.key(slot), amount, quiet], how),
    ),
  fc
    .tuple(word('touch'), textSlot, noNumber, noreply, style)
    .map(([verb, slot, amount, quiet, how]) =>
      command('invalid number', (at) => [verb, at.key(slot), amount, quiet], how),
    ),
  fc
    .tuple(word('gat', 'gats'), noNumber, textSlot, style)
    .map(([verb, exptime, slot, how]) =>
      command('invalid number', (at) => [verb, exptime, at.key(slot)], how),
    ),
  fc
    .tuple(word('delete', 'incr', 'touch'), word('0', '1'), noreply, style)
    .map(([verb, argument, quiet, how]) =>
      command(
        'long key',
        (at) => [verb, at.key(LONG_KEY), verb === 'delete' ? '' : argument, quiet],
        how,
      ),
    ),
  // It takes back what is queued of earlier commands' answers too, so that must have gone before.
  fc
    .tuple(word('get', 'gets', 'gat 0'), textSlot, textSlot, style)
    .map(([verb, before, after, how]) => ({
      kind: 'long key',
      protocol: 'text' as const,
      render: (at: Surroundings) =>
        `mn\r\n${write([verb, at.key(before), at.key(LONG_KEY), at.key(after)], how)}`,
    })),
)

const others: fc.Arbitrary<Command> = fc
  .tuple(word('mn', 'mn x', 'verbosity 0', 'verbosity 0 noreply', 'verbosity 0 x'))
  .map(([line]) => ({ kind: line, protocol: 'text' as const, render: () => `${line}\r\n` }))

export const classicCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: store },
  { weight: 5, arbitrary: compareAndSwap },
  { weight: 8, arbitrary: retrieval },
  { weight: 2, arbitrary: touchingRetrieval },
  { weight: 3, arbitrary: deletion },
  { weight: 2, arbitrary: touch },
  { weight: 7, arbitrary: arithmetic },
  { weight: 1, arbitrary: wrap },
  { weight: 1, arbitrary: badChunk },
  { weight: 2, arbitrary: invalid },
  { weight: 1, arbitrary: others },
)

/** What ends a connection: asked for, or deserved. Queued answers are lost, so they must have gone before. */
export const lastClassicCommand: fc.Arbitrary<Command> = fc.constantFrom(
  ...(
    [
      ['quit', 'quit\r\n'],
      ['quit', 'quit now\r\nget a\r\nset a 0 0 1\r\nx\r\nmn\r\n'],
      ['http', 'mn\r\nGET / HTTP/1.1\r\n'],
      ['endless line', `mn\r\n${'x'.repeat(2100)}`],
      ['endless line', `mn\r\nset ${'x'.repeat(2100)}`],
    ] as const
  ).map(([kind, bytes]): Command => ({ kind, protocol: 'text', render: () => bytes, ends: true })),
)

export const flush: fc.Arbitrary<Command> = fc
  .tuple(word('flush_all', 'flush_all 0', 'flush_all -1'), noreply, style)
  .map(([line, quiet, how]) => command('flush_all', () => [line, quiet], how))

/**
 * Long after the session. Only before the first immediate flush of a session: afterwards memcached lets what
 * that one has killed live again.
 */
export const delayedFlush: fc.Arbitrary<Command> = fc
  .tuple(word('flush_all 100000', 'flush_all 2000000000'), noreply, style)
  .map(([line, quiet, how]) => command('flush_all later', () => [line, quiet], how))

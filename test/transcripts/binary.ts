// Transcripts of the binary protocol: every opcode with its quiet twin, every status with its text, and
// what can be wrong with a request.
import { longWord, OPCODES, type Opcode, words } from '../packets.ts'
import {
  answer,
  type BinaryTranscript,
  type Expected,
  type Request,
  request,
} from './binary-transcript.ts'

const NOT_FOUND = { status: 1, value: 'Not found' }
const EXISTS = { status: 2, value: 'Data exists for key.' }
const TOO_LARGE = { status: 3, value: 'Too large.' }
const INVALID = { status: 4, value: 'Invalid arguments' }
const NOT_STORED = { status: 5, value: 'Not stored.' }
const NO_NUMBER = { status: 6, value: 'Non-numeric server-side value for incr or decr' }
const UNKNOWN = { status: 0x81, value: 'Unknown command' }

/** One byte less than `-I`'s default of a megabyte: never fits, because of the item's header. */
const MEGABYTE = 1024 * 1024
/** memcached's own measure: header 48, CAS 8, key 1 with NUL 1, CRLF 2. */
const LARGEST = 'v'.repeat(MEGABYTE - 60)
const ALL_ONES = 0xffff_ffff

const NO_FLAGS = words(0)

/** set, add, replace and their quiet twins. */
const store = (
  name: Opcode,
  key: string,
  value: string,
  { flags = 0, expiry = 0, ...rest }: Partial<Request> & { flags?: number; expiry?: number } = {},
): Request => request(name, { key, value, extras: words(flags, expiry), ...rest })

const set = (key: string, value: string): Request => store('set', key, value)
const get = (key: string): Request => request('get', { key })

/** incr, decr and their quiet twins. */
const count = (
  name: Opcode,
  key: string,
  delta: bigint,
  {
    initial = 0n,
    expiry = 0,
    ...rest
  }: Partial<Request> & { initial?: bigint; expiry?: number } = {},
): Request =>
  request(name, {
    key,
    extras: Buffer.concat([longWord(delta), longWord(initial), words(expiry)]),
    ...rest,
  })

const hit = (name: Opcode, value: string, cas: string, fields: Partial<Expected> = {}): Expected =>
  answer(name, { value, cas, extras: NO_FLAGS, ...fields })

const number = (name: Opcode, value: bigint, cas: string): Expected =>
  answer(name, { value: longWord(value).toString('latin1'), cas })

export const BINARY: readonly BinaryTranscript[] = [
  {
    title: 'set answers with the CAS unique that get finds, and get with the flags',
    exchanges: [
      [
        [store('set', 'a', 'abc', { flags: 0xdeadbeef, opaque: 7 })],
        [answer('set', { cas: 'a', opaque: 7 })],
      ],
      [[get('a')], [hit('get', 'abc', 'a', { extras: words(0xdeadbeef) })]],
      [[set('empty', '')], [answer('set', { cas: 'empty' })]],
      [[get('empty')], [hit('get', '', 'empty')]],
      [[get('nope')], [answer('get', NOT_FOUND)]],
    ],
  },
  {
    title: 'keys and values of any bytes',
    exchanges: [
      [[set('get a\r\n \0\xff', '\r\n\0\x80\xffEND\r\n')], [answer('set', { cas: 'a' })]],
      [
        [request('getk', { key: 'get a\r\n \0\xff' })],
        [hit('getk', '\r\n\0\x80\xffEND\r\n', 'a', { key: 'get a\r\n \0\xff' })],
      ],
      [[set('k'.repeat(250), 'x')], [answer('set', { cas: 'k' })]],
      [[get('k'.repeat(250))], [hit('get', 'x', 'k')]],
    ],
  },
  {
    title: 'getk answers with the key, also when there is no item',
    exchanges: [
      [[set('a', 'x')], [answer('set', { cas: 'a' })]],
      [[request('getk', { key: 'a' })], [hit('getk', 'x', 'a', { key: 'a' })]],
      [[request('getk', { key: 'nope' })], [answer('getk', { status: 1, key: 'nope' })]],
    ],
  },
  {
    title: 'quiet gets are silent about misses',
    exchanges: [
      [[set('a', 'x')], [answer('set', { cas: 'a' })]],
      [
        [
          request('getq', { key: 'nope', opaque: 1 }),
          request('getq', { key: 'a', opaque: 2 }),
          request('getkq', { key: 'nope', opaque: 3 }),
          request('getkq', { key: 'a', opaque: 4 }),
          request('gatq', { key: 'nope', extras: words(0), opaque: 5 }),
          request('gatq', { key: 'a', extras: words(0), opaque: 6 }),
          request('gatkq', { key: 'nope', extras: words(0), opaque: 7 }),
          request('gatkq', { key: 'a', extras: words(0), opaque: 8 }),
          request('noop', { opaque: 9 }),
        ],
        [
          hit('getq', 'x', 'a', { opaque: 2 }),
          hit('getkq', 'x', 'a', { opaque: 4, key: 'a' }),
          hit('gatq', 'x', 'a', { opaque: 6 }),
          hit('gatkq', 'x', 'a', { opaque: 8, key: 'a' }),
          answer('noop', { opaque: 9 }),
        ],
      ],
    ],
  },
  {
    title: 'touch answers with the flags alone; gat and gatk as get and getk',
    exchanges: [
      [[store('set', 'a', 'abc', { flags: 5 })], [answer('set', { cas: 'a' })]],
      [
        [request('touch', { key: 'a', extras: words(100) })],
        [answer('touch', { cas: 'a', extras: words(5) })],
      ],
      [
        [request('gat', { key: 'a', extras: words(0) })],
        [hit('gat', 'abc', 'a', { extras: words(5) })],
      ],
      [
        [request('gatk', { key: 'a', extras: words(0) })],
        [hit('gatk', 'abc', 'a', { extras: words(5), key: 'a' })],
      ],
      [[request('touch', { key: 'nope', extras: words(0) })], [answer('touch', NOT_FOUND)]],
      [[request('gat', { key: 'nope', extras: words(0) })], [answer('gat', NOT_FOUND)]],
      [
        [request('gatk', { key: 'nope', extras: words(0) })],
        [answer('gatk', { status: 1, key: 'nope' })],
      ],
    ],
  },
  {
    title: 'an expiry time in the past, and the latest there is',
    exchanges: [
      [[store('set', 'past', 'x', { expiry: 2_592_001 })], [answer('set', { cas: 'past' })]],
      [[get('past')], [answer('get', NOT_FOUND)]],
      [[store('set', 'latest', 'x', { expiry: ALL_ONES })], [answer('set', { cas: 'latest' })]],
      [[get('latest')], [hit('get', 'x', 'latest')]],
      [[request('gat', { key: 'latest', extras: words(2_592_001) })], [hit('gat', 'x', 'latest')]],
      [[get('latest')], [answer('get', NOT_FOUND)]],
    ],
  },
  {
    title: 'add and replace',
    exchanges: [
      [[store('replace', 'a', 'x')], [answer('replace', NOT_FOUND)]],
      [[store('add', 'a', 'y')], [answer('add', { cas: 'y' })]],
      [[store('add', 'a', 'z')], [answer('add', EXISTS)]],
      [[store('replace', 'a', 'r', { flags: 3 })], [answer('replace', { cas: 'r' })]],
      [[get('a')], [hit('get', 'r', 'r', { extras: words(3) })]],
    ],
  },
  {
    title: 'append and prepend keep the flags',
    exchanges: [
      [[request('append', { key: 'a', value: 'x' })], [answer('append', NOT_STORED)]],
      [[request('prepend', { key: 'a', value: 'x' })], [answer('prepend', NOT_STORED)]],
      [[store('set', 'a', 'b', { flags: 9 })], [answer('set', { cas: 'b' })]],
      [[request('append', { key: 'a', value: 'c' })], [answer('append', { cas: 'bc' })]],
      [[request('prepend', { key: 'a', value: 'a' })], [answer('prepend', { cas: 'abc' })]],
      [[get('a')], [hit('get', 'abc', 'abc', { extras: words(9) })]],
    ],
  },
  {
    title: 'with a CAS unique, all of them store only over the item that has it',
    exchanges: [
      [[store('set', 'a', 'x', { cas: 5n })], [answer('set', NOT_FOUND)]],
      [[store('add', 'a', 'x', { cas: 5n })], [answer('add', NOT_FOUND)]],
      [[store('replace', 'a', 'x', { cas: 5n })], [answer('replace', NOT_FOUND)]],
      [[request('append', { key: 'a', value: 'x', cas: 5n })], [answer('append', NOT_STORED)]],
      [[set('a', '1')], [answer('set', { cas: 'first' })]],
      [[store('set', 'a', 'x', { cas: 2n ** 63n })], [answer('set', EXISTS)]],
      [[store('set', 'a', '2', { cas: 'first' })], [answer('set', { cas: 'second' })]],
      [[store('set', 'a', 'x', { cas: 'first' })], [answer('set', EXISTS)]],
      [[store('add', 'a', '3', { cas: 'second' })], [answer('add', { cas: 'third' })]],
      [[store('replace', 'a', '4', { cas: 'third' })], [answer('replace', { cas: 'fourth' })]],
      [[request('append', { key: 'a', value: 'x', cas: 'third' })], [answer('append', EXISTS)]],
      [[request('prepend', { key: 'a', value: 'x', cas: 'third' })], [answer('prepend', EXISTS)]],
      [
        [request('append', { key: 'a', value: '5', cas: 'fourth' })],
        [answer('append', { cas: 'fifth' })],
      ],
      [[get('a')], [hit('get', '45', 'fifth')]],
    ],
  },
  {
    title: 'delete',
    exchanges: [
      [[request('delete', { key: 'a' })], [answer('delete', NOT_FOUND)]],
      [[set('a', 'x')], [answer('set', { cas: 'a' })]],
      [[request('delete', { key: 'a', cas: 2n ** 40n })], [answer('delete', EXISTS)]],
      [[request('delete', { key: 'a', cas: 'a' })], [answer('delete')]],
      [[get('a')], [answer('get', NOT_FOUND)]],
      [
        [set('a', 'x'), request('delete', { key: 'a' })],
        [answer('set', { cas: 'again' }), answer('delete')],
      ],
    ],
  },
  {
    title: 'quiet mutations are silent about success, and tell every error',
    exchanges: [
      [
        [
          store('setq', 'a', 'x'),
          store('addq', 'b', 'x'),
          store('addq', 'b', 'y', { opaque: 1 }),
          store('replaceq', 'b', 'z'),
          store('replaceq', 'nope', 'z', { opaque: 2 }),
          request('appendq', { key: 'b', value: '+' }),
          request('appendq', { key: 'nope', value: '+', opaque: 3 }),
          request('prependq', { key: 'b', value: '-' }),
          request('prependq', { key: 'nope', value: '-', opaque: 4 }),
          request('deleteq', { key: 'a' }),
          request('deleteq', { key: 'a', opaque: 5 }),
          count('incrq', 'n', 1n, { initial: 5n }),
          count('incrq', 'n', 3n),
          count('decrq', 'n', 2n),
          count('decrq', 'nope', 2n, { expiry: ALL_ONES, opaque: 6 }),
          count('incrq', 'b', 2n, { opaque: 7 }),
          store('setq', 'b', 'x', { cas: 2n ** 50n, opaque: 8 }),
        ],
        [
          answer('addq', { ...EXISTS, opaque: 1 }),
          answer('replaceq', { ...NOT_FOUND, opaque: 2 }),
          answer('appendq', { ...NOT_STORED, opaque: 3 }),
          answer('prependq', { ...NOT_STORED, opaque: 4 }),
          answer('deleteq', { ...NOT_FOUND, opaque: 5 }),
          answer('decrq', { ...NOT_FOUND, opaque: 6 }),
          answer('incrq', { ...NO_NUMBER, opaque: 7 }),
          answer('setq', { ...EXISTS, opaque: 8 }),
        ],
      ],
      [[get('b')], [hit('get', '-z+', 'b')]],
      [[get('n')], [hit('get', '6', 'n')]],
    ],
  },
  {
    title: 'incr and decr create the number, unless its expiry is all ones',
    exchanges: [
      [[count('incr', 'n', 1n, { expiry: ALL_ONES })], [answer('incr', NOT_FOUND)]],
      [[count('decr', 'n', 1n, { expiry: ALL_ONES })], [answer('decr', NOT_FOUND)]],
      [[count('incr', 'n', 1n, { initial: 41n })], [number('incr', 41n, 'first')]],
      [[count('incr', 'n', 1n, { initial: 7n })], [number('incr', 42n, 'second')]],
      [[get('n')], [hit('get', '42', 'second')]],
      [[count('decr', 'n', 100n)], [number('decr', 0n, 'third')]],
      [[get('n')], [hit('get', '0 ', 'third')]],
      [
        [count('decr', 'd', 1n, { initial: 2n ** 64n - 1n })],
        [number('decr', 2n ** 64n - 1n, 'd')],
      ],
      [[count('incr', 'd', 2n)], [number('incr', 1n, 'd2')]],
      [
        [count('incr', 'late', 0n, { initial: 3n, expiry: 2_592_001 })],
        [number('incr', 3n, 'late')],
      ],
      [[count('incr', 'late', 0n, { expiry: ALL_ONES })], [answer('incr', NOT_FOUND)]],
    ],
  },
  {
    title: 'incr past 32 bits and to more digits',
    exchanges: [
      [[store('set', 'n', '9', { flags: 4 })], [answer('set', { cas: 'a' })]],
      [[count('incr', 'n', 2n ** 33n)], [number('incr', 2n ** 33n + 9n, 'b')]],
      [[get('n')], [hit('get', '8589934601', 'b', { extras: words(4) })]],
      [[count('incr', 'n', 2n ** 63n)], [number('incr', 2n ** 63n + 2n ** 33n + 9n, 'c')]],
    ],
  },
  {
    title: 'incr and decr of what is no number, and with a CAS unique',
    exchanges: [
      [
        [set('text', 'abc'), set('empty', ''), set('n', '5')],
        [
          answer('set', { cas: 'text' }),
          answer('set', { cas: 'empty' }),
          answer('set', { cas: 'n' }),
        ],
      ],
      [[count('incr', 'text', 1n)], [answer('incr', NO_NUMBER)]],
      [[count('decr', 'empty', 1n)], [answer('decr', NO_NUMBER)]],
      [[count('incr', 'text', 1n, { cas: 2n ** 40n })], [answer('incr', EXISTS)]],
      [[count('incr', 'empty', 1n, { cas: 2n ** 40n })], [answer('incr', NO_NUMBER)]],
      [[count('incr', 'n', 1n, { cas: 2n ** 40n })], [answer('incr', EXISTS)]],
      [[count('incr', 'n', 1n, { cas: 'n' })], [number('incr', 6n, 'n2')]],
      [[count('incr', 'created', 1n, { cas: 77n })], [number('incr', 0n, 'created')]],
    ],
  },
  {
    title: 'a value that is too large is dropped as it arrives, and the old one with it',
    exchanges: [
      [
        [set('a', 'x'), store('add', 'b', 'x')],
        [answer('set', { cas: 'a' }), answer('add', { cas: 'b' })],
      ],
      [[set('a', LARGEST)], [answer('set', { cas: 'large' })]],
      [[get('a')], [hit('get', LARGEST, 'large')]],
      [[set('a', `${LARGEST}v`)], [answer('set', TOO_LARGE)]],
      [[get('a')], [answer('get', NOT_FOUND)]],
      [[store('replace', 'b', 'v'.repeat(MEGABYTE))], [answer('replace', TOO_LARGE)]],
      [
        [request('append', { key: 'b', value: 'v'.repeat(MEGABYTE) })],
        [answer('append', TOO_LARGE)],
      ],
      [[request('append', { key: 'b', value: LARGEST })], [answer('append', NOT_STORED)]],
      [[store('setq', 'c', 'v'.repeat(MEGABYTE))], [answer('setq', TOO_LARGE)]],
      [[get('b')], [hit('get', 'x', 'b')]],
    ],
  },
  {
    title: 'a value of more than 2 GiB is refused, and what follows is the next request',
    exchanges: [
      [[set('a', 'x')], [answer('set', { cas: 'a' })]],
      [
        [
          request('set', { key: 'a', extras: words(0, 0), bodyLength: ALL_ONES }),
          request('version'),
        ],
        [answer('set', TOO_LARGE), answer('version', { value: '{version}' })],
      ],
      [[get('a')], [answer('get', NOT_FOUND)]],
      [[request('append', { key: 'b', bodyLength: 0x8000_0001 })], [answer('append', TOO_LARGE)]],
    ],
  },
  {
    title: 'flush, quiet or not',
    exchanges: [
      [
        [set('a', 'x'), request('flush')],
        [answer('set', { cas: 'a' }), answer('flush')],
      ],
      [[get('a')], [answer('get', NOT_FOUND)]],
      [[request('flush', { extras: words(0) })], [answer('flush')]],
      [[request('flushq'), request('flushq', { extras: words(0), opaque: 3 })], []],
    ],
  },
  {
    title: 'noop and version',
    exchanges: [
      [[request('noop', { opaque: ALL_ONES, cas: 5n })], [answer('noop', { opaque: ALL_ONES })]],
      [[request('version')], [answer('version', { value: '{version}' })]],
    ],
  },
  {
    title: 'quit is answered, and the connection is closed',
    exchanges: [
      [[request('quit', { opaque: 4 }), request('noop')], [answer('quit', { opaque: 4 })]],
    ],
    closes: true,
  },
  {
    title: 'quitq is not',
    exchanges: [[[set('a', 'x'), request('quitq')], [answer('set', { cas: 'a' })]]],
    closes: true,
  },
  {
    title:
      'opcodes that nobody knows: their body is dropped, and as much again as they had extras and key',
    exchanges: [
      [[request('verbosity')], [answer('verbosity', UNKNOWN)]],
      [
        [request('rget', { opaque: 1 }), request('rdecrq')],
        [answer('rget', { ...UNKNOWN, opaque: 1 }), answer('rdecrq', UNKNOWN)],
      ],
      [
        [request('noop', { opcode: 0xff, value: 'body' })],
        [answer('noop', { ...UNKNOWN, opcode: 0xff })],
      ],
      [
        [
          request('noop', { opcode: 0x40, key: 'k'.repeat(20), extras: words(0), opaque: 2 }),
          request('noop'),
          get('a'),
        ],
        [answer('noop', { ...UNKNOWN, opcode: 0x40, opaque: 2 }), answer('get', NOT_FOUND)],
      ],
    ],
  },
  {
    title: 'SASL is unknown where it is off',
    exchanges: [
      [[request('saslListMechanisms')], [answer('saslListMechanisms', UNKNOWN)]],
      [
        [request('saslAuthenticate', { key: 'PLAIN', value: '\0user\0password' })],
        [answer('saslAuthenticate', UNKNOWN)],
      ],
      [[request('saslStep', { key: 'PLAIN', value: 'x' })], [answer('saslStep', UNKNOWN)]],
    ],
  },
  {
    title: 'what follows the key of a touch, a gat or a stat is the next request',
    exchanges: [
      [
        [
          request('gat', { key: 'a', extras: words(0), bodyLength: 5 + 24 }),
          request('noop', { opaque: 1 }),
          request('touch', { key: 'a', extras: words(0), bodyLength: 1000 }),
          request('stat', { key: 'no', bodyLength: 1000 }),
        ],
        [
          answer('gat', NOT_FOUND),
          answer('noop', { opaque: 1 }),
          answer('touch', NOT_FOUND),
          answer('stat', NOT_FOUND),
        ],
      ],
    ],
  },
  {
    title: 'stat',
    exchanges: [
      [[request('stat', { key: 'reset', opaque: 3 })], [answer('stat', { opaque: 3 })]],
      [[request('stat', { key: 'resetting' })], [answer('stat')]],
      [[request('stat', { key: 'items now' })], [answer('stat', NOT_FOUND)]],
      [[request('stat', { key: 'nonsense' })], [answer('stat', NOT_FOUND)]],
      [[request('stat', { key: 'conns' })], [answer('stat', NOT_FOUND)]],
      [[request('stat', { key: 'cachedump 1 0' })], [answer('stat', NOT_FOUND)]],
    ],
  },
  ...malformed(),
]

/** Requests that have not the parts they must have. The connection is closed, after what came before. */
function malformed(): BinaryTranscript[] {
  const key = 'a'
  const wrong: (readonly [why: string, request: Request])[] = [
    ['get without key', request('get')],
    ['get with extras', request('get', { key, extras: words(0) })],
    ['get with a value', request('get', { key, value: 'x' })],
    ['getkq with extras', request('getkq', { key, extras: words(0) })],
    ['gat without extras', request('gat', { key })],
    ['gat without key', request('gatq', { extras: words(0) })],
    ['touch with long extras', request('touch', { key, extras: words(0, 0) })],
    ['set without key', request('set', { extras: words(0, 0), value: 'x' })],
    ['set without extras', request('set', { key, value: 'x' })],
    ['setq with short extras', request('setq', { key, extras: words(0), value: 'x' })],
    ['append with extras', request('append', { key, extras: words(0, 0), value: 'x' })],
    ['prependq without key', request('prependq', { value: 'x' })],
    ['delete with extras', request('delete', { key, extras: words(0) })],
    ['deleteq without key', request('deleteq')],
    ['delete with a value', request('delete', { key, value: 'x' })],
    ['incr without extras', request('incr', { key })],
    ['decr with a value', request('decr', { key, extras: words(0, 0, 0, 0, 0), value: 'x' })],
    ['flush with a key', request('flush', { key })],
    ['flush with extras of 8 bytes', request('flush', { extras: words(0, 0) })],
    ['noop with a key', request('noop', { key })],
    ['noop with a value', request('noop', { value: 'x' })],
    ['version with a value', request('version', { value: 'x' })],
    ['quit with a key', request('quit', { key })],
    ['stat with extras', request('stat', { extras: words(0), key: 'settings' })],
    ['SASL without mechanism', request('saslAuthenticate', { value: 'x' })],
    ['SASL mechanisms with a key', request('saslListMechanisms', { key })],
    ['a key that is too long', request('get', { key: 'k'.repeat(251) })],
    ['a key that is too long for an unknown command', request('rget', { key: 'k'.repeat(251) })],
  ]
  const short: (readonly [why: string, request: Request])[] = [
    ['a body shorter than the key', request('get', { key: 'abc', bodyLength: 2 })],
    [
      'a body shorter than extras and key',
      request('set', { key, extras: words(0, 0), bodyLength: 8 }),
    ],
    ['no body', request('rget', { key, bodyLength: 0 })],
  ]
  const ends =
    (error: object) =>
    ([why, bad]: readonly [string, Request]): BinaryTranscript => ({
      title: `malformed: ${why}`,
      exchanges: [
        [
          [request('noop', { opaque: 1 }), { ...bad, opaque: 2 }],
          [
            answer('noop', { opaque: 1 }),
            answer(bad.name, { opcode: OPCODES[bad.name], ...error, opaque: 2 }),
          ],
        ],
      ],
      closes: true,
    })
  return [
    ...wrong.map(ends(INVALID)),
    ...short.map(ends(UNKNOWN)),
    {
      title: 'malformed: wrong magic, which is not answered',
      exchanges: [
        [[request('noop')], [answer('noop')]],
        [[request('noop', { magic: 0x81 })], []],
      ],
      closes: true,
    },
    {
      title: 'malformed: extras and key that would never fit into a buffer of 16 KiB',
      exchanges: [
        [[request('noop', { magic: 0x80 })], [answer('noop')]],
        [[request('get', { key: 'k'.repeat(20_000) })], []],
      ],
      closes: true,
    },
  ]
}

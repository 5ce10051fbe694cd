// Transcripts of get, gets, gat, gats and touch, and of lines that are no command or end oddly.
import type { Transcript } from './transcript.ts'

const BAD_FORMAT = 'CLIENT_ERROR bad command line format\r\n'
const LONG_KEY = 'k'.repeat(251)

const MANY = Array.from({ length: 20_000 }, (_, i) => `many-${i}`)

export const RETRIEVAL: readonly Transcript[] = [
  {
    title: 'a get of many keys answers the hits in the order asked, duplicates too, and END once',
    exchanges: [
      ['set a 1 0 1\r\nA\r\n', 'STORED\r\n'],
      ['set b 2 0 2\r\nBB\r\n', 'STORED\r\n'],
      [
        'get b nope a  b\r\n',
        'VALUE b 2 2\r\nBB\r\nVALUE a 1 1\r\nA\r\nVALUE b 2 2\r\nBB\r\nEND\r\n',
      ],
      ['gets b a\r\n', 'VALUE b 2 2 {b}\r\nBB\r\nVALUE a 1 1 {a}\r\nA\r\nEND\r\n'],
      ['gat 0 b a\r\n', 'VALUE b 2 2\r\nBB\r\nVALUE a 1 1\r\nA\r\nEND\r\n'],
      ['gats 0 b a\r\n', 'VALUE b 2 2 {b}\r\nBB\r\nVALUE a 1 1 {a}\r\nA\r\nEND\r\n'],
    ],
  },
  {
    title: 'a line of 20,000 keys',
    exchanges: [
      ['set many-19999 0 0 4\r\nlast\r\n', 'STORED\r\n'],
      ['set many-0 0 0 5\r\nfirst\r\n', 'STORED\r\n'],
      [
        `get ${MANY.join(' ')}\r\n`,
        'VALUE many-0 0 5\r\nfirst\r\nVALUE many-19999 0 4\r\nlast\r\nEND\r\n',
      ],
    ],
  },
  {
    title: 'a key too long among others: one error, no values, no END',
    exchanges: [
      ['set a 0 0 1\r\nA\r\n', 'STORED\r\n'],
      [`get a ${LONG_KEY} a\r\n`, BAD_FORMAT],
      [`get ${LONG_KEY}\r\n`, BAD_FORMAT],
      [`gets a ${LONG_KEY}\r\n`, BAD_FORMAT],
      ['get a\r\n', 'VALUE a 0 1\r\nA\r\nEND\r\n'],
    ],
  },
  {
    title: 'without a key',
    exchanges: [
      ['get\r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['get \r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['gets\r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['gat\r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['gat 10\r\n', BAD_FORMAT, 'END\r\n'],
      ['touch a\r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['delete\r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['incr a\r\n', BAD_FORMAT, 'ERROR\r\n'],
    ],
  },
  {
    title: 'expiry: 0 never, negative and past at once, relative to 30 days, then absolute',
    exchanges: [
      ['set a 0 -1 1\r\nx\r\n', 'STORED\r\n'],
      ['get a\r\n', 'END\r\n'],
      ['set a 0 2592000 1\r\nx\r\n', 'STORED\r\n'],
      ['mg a t\r\n', 'HD t2592000\r\n'],
      ['set a 0 2592001 1\r\nx\r\n', 'STORED\r\n'],
      ['get a\r\n', 'END\r\n'],
      ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['mg a t\r\n', 'HD t-1\r\n'],
      ['set a 0 2147483647 1\r\nx\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
    ],
  },
  {
    title: 'what has expired is absent for every command',
    exchanges: [
      ['set a 0 -1 1\r\n1\r\n', 'STORED\r\n'],
      ['replace a 0 0 1\r\nx\r\n', 'NOT_STORED\r\n'],
      ['append a 0 0 1\r\nx\r\n', 'NOT_STORED\r\n'],
      ['incr a 1\r\n', 'NOT_FOUND\r\n'],
      ['touch a 0\r\n', 'NOT_FOUND\r\n'],
      ['delete a\r\n', 'NOT_FOUND\r\n'],
      ['cas a 0 0 1 1\r\nx\r\n', 'NOT_FOUND\r\n'],
      ['add a 0 0 1\r\nx\r\n', 'STORED\r\n'],
    ],
  },
  {
    title: 'touch and gat set a new expiry',
    exchanges: [
      ['touch a 10\r\n', 'NOT_FOUND\r\n'],
      ['set a 3 0 1\r\nx\r\n', 'STORED\r\n'],
      ['touch a 1000\r\n', 'TOUCHED\r\n'],
      ['mg a t\r\n', 'HD t1000\r\n'],
      ['gat 2000 a\r\n', 'VALUE a 3 1\r\nx\r\nEND\r\n'],
      ['mg a t\r\n', 'HD t2000\r\n'],
      ['gat 0 a nope\r\n', 'VALUE a 3 1\r\nx\r\nEND\r\n'],
      ['mg a t\r\n', 'HD t-1\r\n'],
      ['gat -1 a\r\n', 'VALUE a 3 1\r\nx\r\nEND\r\n'],
      ['get a\r\n', 'END\r\n'],
      ['set a 3 0 1\r\nx\r\n', 'STORED\r\n'],
      ['touch a -1\r\n', 'TOUCHED\r\n'],
      ['get a\r\n', 'END\r\n'],
    ],
  },
  {
    title: 'a time that is none',
    exchanges: [
      ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['touch a x\r\n', 'CLIENT_ERROR invalid exptime argument\r\n'],
      ['gat x a\r\n', 'CLIENT_ERROR invalid exptime argument\r\n'],
      ['gats x a\r\n', 'CLIENT_ERROR invalid exptime argument\r\n'],
      ['touch a 10x\r\n', 'CLIENT_ERROR invalid exptime argument\r\n'],
      ['flush_all x\r\n', 'CLIENT_ERROR invalid exptime argument\r\n'],
      ['get a\r\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
    ],
  },
  {
    title: 'a line may end with LF alone, a value must not',
    exchanges: [
      ['set a 0 0 1\nx\r\n', 'STORED\r\n'],
      ['get a\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
      ['set a 0 0 1\r\nx\ndelete z\r\n', 'CLIENT_ERROR bad data chunk\r\nERROR\r\n'],
    ],
  },
  {
    title: 'spaces: many between tokens are one, one at the beginning is an error',
    exchanges: [
      ['set   a  0   0  1\r\nx\r\n', 'STORED\r\n'],
      ['get   a  \r\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
      [' get a\r\n', 'ERROR\r\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
      ['delete a \r\n', 'DELETED\r\n'],
    ],
  },
  {
    title: 'what is no command',
    exchanges: [
      ['\r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['x\r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['mn\n', BAD_FORMAT, 'MN\r\n'],
      ['GET a\r\n', 'ERROR\r\n'],
      ['geta a\r\n', 'ERROR\r\n'],
      ['getsa a\r\n', 'ERROR\r\n'],
      ['sett a 0 0 1\r\n', 'ERROR\r\n'],
      ['nonsense with arguments\r\n', 'ERROR\r\n'],
      ['mx a\r\n', 'ERROR\r\n'],
      ['stats nonsense\r\n', 'ERROR\r\n'],
    ],
  },
  {
    title: 'garbage in the middle does not harm what is pipelined behind it',
    exchanges: [
      [
        'nonsense\r\nset a 0 0 1\r\nx\r\nget\r\nget a\r\ndelete a\r\n',
        `ERROR\r\nSTORED\r\n${BAD_FORMAT}VALUE a 0 1\r\nx\r\nEND\r\nDELETED\r\n`,
        'ERROR\r\nSTORED\r\nERROR\r\nVALUE a 0 1\r\nx\r\nEND\r\nDELETED\r\n',
      ],
    ],
  },
  {
    title: 'quit answers what was asked before it and runs nothing behind it',
    exchanges: [
      ['set a 0 0 1\r\nx\r\nget a\r\nquit\r\nget a\r\n', 'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n'],
    ],
    closes: true,
  },
  {
    title: 'quit with a word behind it quits',
    exchanges: [['quit now\r\n', '']],
    closes: true,
  },
  {
    title: 'a browser is not answered',
    exchanges: [['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', '']],
    closes: true,
  },
  {
    title: 'a line of more than 2048 bytes that does not end is not waited for',
    exchanges: [[`set ${'k'.repeat(2_100)}`, '']],
    closes: true,
  },
  {
    title: 'a long line that arrives whole is only an error',
    exchanges: [[`nonsense ${'k'.repeat(2_100)}\r\n`, 'ERROR\r\n']],
  },
]

// Transcripts of incr and decr, and of the commands for operators.
import type { Transcript } from './transcript.ts'

const NON_NUMERIC = 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'
const BAD_DELTA = 'CLIENT_ERROR invalid numeric delta argument\r\n'
const BAD_FORMAT = 'CLIENT_ERROR bad command line format\r\n'
const MAX = '18446744073709551615'

export const ARITHMETIC: readonly Transcript[] = [
  {
    title: 'incr and decr answer the new number and store it as text',
    exchanges: [
      ['incr a 1\r\n', 'NOT_FOUND\r\n'],
      ['decr a 1\r\n', 'NOT_FOUND\r\n'],
      ['set a 5 0 1\r\n1\r\n', 'STORED\r\n'],
      ['incr a 41\r\n', '42\r\n'],
      ['get a\r\n', 'VALUE a 5 2\r\n42\r\nEND\r\n'],
      ['decr a 2\r\n', '40\r\n'],
      ['incr a 0\r\n', '40\r\n'],
    ],
  },
  {
    title: 'a shorter number leaves the length as it was, filled up with spaces',
    exchanges: [
      ['set a 0 0 2\r\n10\r\n', 'STORED\r\n'],
      ['decr a 1\r\n', '9\r\n'],
      ['get a\r\n', 'VALUE a 0 2\r\n9 \r\nEND\r\n'],
      ['incr a 1\r\n', '10\r\n'],
      ['get a\r\n', 'VALUE a 0 2\r\n10\r\nEND\r\n'],
      ['incr a 990\r\n', '1000\r\n'],
      ['get a\r\n', 'VALUE a 0 4\r\n1000\r\nEND\r\n'],
    ],
  },
  {
    title: '64 bits: incr wraps, decr stops at 0',
    exchanges: [
      [`set a 0 0 20\r\n${MAX}\r\n`, 'STORED\r\n'],
      ['incr a 1\r\n', '0\r\n'],
      ['get a\r\n', `VALUE a 0 20\r\n0${' '.repeat(19)}\r\nEND\r\n`],
      [`incr a ${MAX}\r\n`, `${MAX}\r\n`],
      ['incr a 2\r\n', '1\r\n'],
      ['decr a 2\r\n', '0\r\n'],
      ['incr a 9007199254740993\r\n', '9007199254740993\r\n'],
      ['incr a 9007199254740993\r\n', '18014398509481986\r\n'],
      [`decr a ${MAX}\r\n`, '0\r\n'],
    ],
  },
  {
    title: 'what is a number: spaces around it and a plus are, nothing else',
    exchanges: [
      ['set a 0 0 3\r\n12 \r\n', 'STORED\r\n'],
      ['incr a 1\r\n', '13\r\n'],
      ['set a 0 0 3\r\n 12\r\n', 'STORED\r\n'],
      ['incr a 1\r\n', '13\r\n'],
      ['set a 0 0 3\r\n+12\r\n', 'STORED\r\n'],
      ['incr a 1\r\n', '13\r\n'],
      ['set a 0 0 3\r\n12x\r\n', 'STORED\r\n'],
      ['incr a 1\r\n', NON_NUMERIC],
      ['set a 0 0 2\r\n-1\r\n', 'STORED\r\n'],
      ['incr a 1\r\n', NON_NUMERIC],
      ['set a 0 0 0\r\n\r\n', 'STORED\r\n'],
      ['incr a 1\r\n', NON_NUMERIC],
      ['set a 0 0 20\r\n18446744073709551616\r\n', 'STORED\r\n'],
      ['incr a 1\r\n', NON_NUMERIC],
      [`set a 0 0 600000\r\n${'1'.repeat(600_000)}\r\n`, 'STORED\r\n'],
      ['incr a 1\r\n', NON_NUMERIC],
    ],
  },
  {
    title: 'a delta is digits only, below 2^64',
    exchanges: [
      ['set a 0 0 1\r\n1\r\n', 'STORED\r\n'],
      ['incr a -1\r\n', BAD_DELTA],
      ['incr a 1x\r\n', BAD_DELTA],
      ['incr a x\r\n', BAD_DELTA],
      ['incr a 18446744073709551616\r\n', BAD_DELTA],
      ['decr a -1\r\n', BAD_DELTA],
      ['get a\r\n', 'VALUE a 0 1\r\n1\r\nEND\r\n'],
    ],
  },
  {
    title: 'incr keeps flags and expiry and takes a new CAS',
    exchanges: [
      ['set a 9 1000 1\r\n9\r\n', 'STORED\r\n'],
      ['gets a\r\n', 'VALUE a 9 1 {before}\r\n9\r\nEND\r\n'],
      ['incr a 1\r\n', '10\r\n'],
      ['gets a\r\n', 'VALUE a 9 2 {after}\r\n10\r\nEND\r\n'],
      ['mg a t\r\n', 'HD t1000\r\n'],
    ],
  },
]

export const OPERATION: readonly Transcript[] = [
  {
    title: 'verbosity takes any level',
    exchanges: [
      ['verbosity 1\r\n', 'OK\r\n'],
      ['verbosity 9\r\n', 'OK\r\n'],
      ['verbosity 0\r\n', 'OK\r\n'],
      ['verbosity\r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['verbosity x\r\n', BAD_FORMAT],
    ],
  },
  {
    title: 'shutdown is off by default',
    exchanges: [
      ['shutdown\r\n', 'SERVER_ERROR: shutdown not enabled\r\n', 'ERROR: shutdown not enabled\r\n'],
    ],
  },
  {
    title: 'stats reset',
    exchanges: [['stats reset\r\n', 'RESET\r\n']],
  },
  {
    title: 'flush_all: everything is gone, and what is stored right after stays',
    exchanges: [
      ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['set b 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['flush_all\r\n', 'OK\r\n'],
      ['get a b\r\n', 'END\r\n'],
      ['set a 0 0 1\r\ny\r\n', 'STORED\r\n'],
      ['get a b\r\n', 'VALUE a 0 1\r\ny\r\nEND\r\n'],
      ['flush_all 0\r\n', 'OK\r\n'],
      ['add a 0 0 1\r\nz\r\n', 'STORED\r\n'],
      ['flush_all -1\r\n', 'OK\r\n'],
      ['get a b\r\n', 'END\r\n'],
    ],
  },
]

// Transcripts of set, add, replace, append, prepend, cas and delete, and of everything that can be wrong
// with them.
import type { Transcript } from './transcript.ts'

const BAD_FORMAT = 'CLIENT_ERROR bad command line format\r\n'
const BAD_CHUNK = 'CLIENT_ERROR bad data chunk\r\n'
const TOO_LARGE = 'SERVER_ERROR object too large for cache\r\n'
const LONG_KEY = 'k'.repeat(251)
const LONGEST_KEY = 'k'.repeat(250)
/** One byte less than `-I`'s default of a megabyte: never fits, because of the item's header. */
const MEGABYTE = 1024 * 1024
/** memcached's own measure: header 48, CAS 8, key 1 with NUL 1, CRLF 2. */
const LARGEST = MEGABYTE - 60

export const STORAGE: readonly Transcript[] = [
  {
    title: 'set stores, get returns flags and value',
    exchanges: [
      ['set a 5 0 3\r\nabc\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 5 3\r\nabc\r\nEND\r\n'],
      ['set a 4294967295 0 0\r\n\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 4294967295 0\r\n\r\nEND\r\n'],
    ],
  },
  {
    title: 'a value may hold line ends, commands and every byte',
    exchanges: [
      ['set a 0 0 12\r\nget b\r\n\r\nEND\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 0 12\r\nget b\r\n\r\nEND\r\nEND\r\n'],
      ['set a 0 0 4\r\n\x00\x80\xff\n\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 0 4\r\n\x00\x80\xff\n\r\nEND\r\n'],
    ],
  },
  {
    title: 'add stores only what is not there',
    exchanges: [
      ['add a 1 0 1\r\nx\r\n', 'STORED\r\n'],
      ['add a 2 0 1\r\ny\r\n', 'NOT_STORED\r\n'],
      ['get a\r\n', 'VALUE a 1 1\r\nx\r\nEND\r\n'],
    ],
  },
  {
    title: 'replace stores only over what is there',
    exchanges: [
      ['replace a 1 0 1\r\nx\r\n', 'NOT_STORED\r\n'],
      ['get a\r\n', 'END\r\n'],
      ['set a 1 0 1\r\nx\r\n', 'STORED\r\n'],
      ['replace a 2 0 1\r\ny\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 2 1\r\ny\r\nEND\r\n'],
    ],
  },
  {
    title: 'append and prepend keep flags and expiry, take a new CAS, and need an item',
    exchanges: [
      ['append a 0 0 1\r\nx\r\n', 'NOT_STORED\r\n'],
      ['prepend a 0 0 1\r\nx\r\n', 'NOT_STORED\r\n'],
      ['set a 7 100 3\r\nmid\r\n', 'STORED\r\n'],
      ['gets a\r\n', 'VALUE a 7 3 {first}\r\nmid\r\nEND\r\n'],
      ['append a 9 -1 4\r\n-end\r\n', 'STORED\r\n'],
      ['gets a\r\n', 'VALUE a 7 7 {second}\r\nmid-end\r\nEND\r\n'],
      ['prepend a 9 -1 6\r\nstart-\r\n', 'STORED\r\n'],
      ['gets a\r\n', 'VALUE a 7 13 {third}\r\nstart-mid-end\r\nEND\r\n'],
      ['append a 0 0 0\r\n\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 7 13\r\nstart-mid-end\r\nEND\r\n'],
    ],
  },
  {
    title: 'append goes on into a value larger than any slab chunk',
    exchanges: [
      [`set a 3 0 600000\r\n${'a'.repeat(600_000)}\r\n`, 'STORED\r\n'],
      [`append a 0 0 300000\r\n${'b'.repeat(300_000)}\r\n`, 'STORED\r\n'],
      ['prepend a 0 0 1\r\nc\r\n', 'STORED\r\n'],
      ['get a\r\n', `VALUE a 3 900001\r\nc${'a'.repeat(600_000)}${'b'.repeat(300_000)}\r\nEND\r\n`],
      [`append a 0 0 300000\r\n${'d'.repeat(300_000)}\r\n`, 'NOT_STORED\r\n'],
    ],
  },
  {
    title: 'cas stores when nobody else has stored since gets',
    exchanges: [
      ['cas a 0 0 1 5\r\nx\r\n', 'NOT_FOUND\r\n'],
      ['set a 0 0 1\r\n1\r\n', 'STORED\r\n'],
      ['gets a\r\n', 'VALUE a 0 1 {first}\r\n1\r\nEND\r\n'],
      ['cas a 4 0 1 {first}\r\n2\r\n', 'STORED\r\n'],
      ['gets a\r\n', 'VALUE a 4 1 {second}\r\n2\r\nEND\r\n'],
      ['cas a 0 0 1 {first}\r\n3\r\n', 'EXISTS\r\n'],
      ['cas a 0 0 1 0\r\n3\r\n', 'EXISTS\r\n'],
      ['cas a 0 0 1 18446744073709551615\r\n3\r\n', 'EXISTS\r\n'],
      ['gets a\r\n', 'VALUE a 4 1 {second}\r\n2\r\nEND\r\n'],
    ],
  },
  {
    title: 'every store takes a new CAS unique; touch and gat leave it',
    exchanges: [
      ['set a 0 0 1\r\n1\r\n', 'STORED\r\n'],
      ['gets a\r\n', 'VALUE a 0 1 {set}\r\n1\r\nEND\r\n'],
      ['touch a 100\r\n', 'TOUCHED\r\n'],
      ['gats 100 a\r\n', 'VALUE a 0 1 {set}\r\n1\r\nEND\r\n'],
      ['incr a 1\r\n', '2\r\n'],
      ['gets a\r\n', 'VALUE a 0 1 {incr}\r\n2\r\nEND\r\n'],
      ['replace a 0 0 1\r\n1\r\n', 'STORED\r\n'],
      ['gets a\r\n', 'VALUE a 0 1 {replace}\r\n1\r\nEND\r\n'],
      ['append a 0 0 1\r\n1\r\n', 'STORED\r\n'],
      ['gets a\r\n', 'VALUE a 0 2 {append}\r\n11\r\nEND\r\n'],
    ],
  },
  {
    title: 'delete deletes once; a time after the key is ignored, 1.6.18 allows only 0',
    exchanges: [
      ['delete a\r\n', 'NOT_FOUND\r\n'],
      ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['delete a\r\n', 'DELETED\r\n'],
      ['get a\r\n', 'END\r\n'],
      ['delete a 0\r\n', 'NOT_FOUND\r\n'],
      [
        'delete a 5\r\n',
        'NOT_FOUND\r\n',
        'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n',
      ],
      ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['delete a 0 noreply\r\n', ''],
      ['get a\r\n', 'END\r\n'],
    ],
  },
  {
    title: 'noreply hides the answer and does the work',
    exchanges: [
      ['set a 0 0 1 noreply\r\n1\r\n', ''],
      ['add a 0 0 1 noreply\r\n2\r\n', ''],
      ['append a 0 0 1 noreply\r\n1\r\n', ''],
      ['prepend a 0 0 1 noreply\r\n1\r\n', ''],
      ['incr a 1 noreply\r\n', ''],
      ['decr a 2 noreply\r\n', ''],
      ['get a\r\n', 'VALUE a 0 3\r\n110\r\nEND\r\n'],
      ['touch a 100 noreply\r\n', ''],
      ['replace a 0 0 1 noreply\r\nr\r\n', ''],
      ['gets a\r\n', 'VALUE a 0 1 {r}\r\nr\r\nEND\r\n'],
      ['cas a 0 0 1 {r} noreply\r\nc\r\n', ''],
      ['cas a 0 0 1 {r} noreply\r\nd\r\n', ''],
      ['get a\r\n', 'VALUE a 0 1\r\nc\r\nEND\r\n'],
      ['delete a noreply\r\n', ''],
      ['delete a noreply\r\n', ''],
      ['verbosity 0 noreply\r\n', ''],
      ['flush_all noreply\r\n', ''],
      ['flush_all 0 noreply\r\n', ''],
      ['get a\r\n', 'END\r\n'],
    ],
  },
  {
    title: 'noreply hides errors of the work too, but not of the line',
    exchanges: [
      ['set a 0 0 3 noreply\r\nabcde\r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['set a 0 0 1 noreply\r\nx\r\n', ''],
      ['incr a 1 noreply\r\n', ''],
      ['incr a x noreply\r\n', ''],
      ['incr nope 1 noreply\r\n', ''],
      [`set a 0 0 ${MEGABYTE} noreply\r\n${'x'.repeat(MEGABYTE)}\r\n`, ''],
      ['get a\r\n', 'END\r\n'],
      ['touch nope 1 noreply\r\n', ''],
      ['set a 0 0 x noreply\r\n', BAD_FORMAT, ''],
      ['nonsense noreply\r\n', 'ERROR\r\n'],
      [`delete ${LONG_KEY} noreply\r\n`, ''],
      [`touch ${LONG_KEY} 0 noreply\r\n`, ''],
      [`incr ${LONG_KEY} 1 noreply\r\n`, ''],
      [`delete ${LONG_KEY}\r\n`, BAD_FORMAT],
    ],
  },
  {
    title: 'noreply is only the last token, and exactly that word',
    exchanges: [
      ['set noreply 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['get noreply\r\n', 'VALUE noreply 0 1\r\nx\r\nEND\r\n'],
      ['set a 0 0 1 NOREPLY\r\nx\r\n', 'STORED\r\n'],
      ['set a 0 0 1 noreply x\r\nx\r\n', 'STORED\r\n', 'ERROR\r\nERROR\r\n'],
    ],
  },
  {
    title: 'a value without its CRLF: so many bytes are taken, the rest is read as commands',
    exchanges: [
      ['set a 0 0 3\r\nabcdef\r\n', `${BAD_CHUNK}${BAD_FORMAT}`, `${BAD_CHUNK}ERROR\r\n`],
      [
        'set a 0 0 3\r\nabcde\r\ndelete z\r\n',
        `${BAD_CHUNK}${BAD_FORMAT}NOT_FOUND\r\n`,
        `${BAD_CHUNK}ERROR\r\nNOT_FOUND\r\n`,
      ],
      ['set a 0 0 3\r\nabc\n\ndelete z\r\n', `${BAD_CHUNK}NOT_FOUND\r\n`],
      ['set a 0 0 3\r\nabc\r\rdelete z\r\n', `${BAD_CHUNK}NOT_FOUND\r\n`],
      ['get a\r\n', 'END\r\n'],
    ],
  },
  {
    title: 'a bad chunk leaves the old value',
    exchanges: [
      ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['set a 0 0 3\r\nabcxxdelete z\r\n', `${BAD_CHUNK}NOT_FOUND\r\n`],
      ['get a\r\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
    ],
  },
  {
    title: 'a length that is none swallows nothing: the value is read as a command',
    exchanges: [
      ['set a 0 0 x\r\nversion?\r\n', `${BAD_FORMAT}ERROR\r\n`],
      ['set a 0 0 -1\r\nversion?\r\n', `${BAD_FORMAT}ERROR\r\n`],
      ['set a 0 0 2147483646\r\nversion?\r\n', `${BAD_FORMAT}ERROR\r\n`],
      ['set a 0 0\r\nversion?\r\n', `${BAD_FORMAT}ERROR\r\n`, 'ERROR\r\nERROR\r\n'],
      ['set a\r\n', BAD_FORMAT, 'ERROR\r\n'],
      ['cas a 0 0 1\r\nversion?\r\n', `${BAD_FORMAT}ERROR\r\n`, 'ERROR\r\nERROR\r\n'],
    ],
  },
  {
    title: 'a length past 32 bits is none',
    exchanges: [['set a 0 0 99999999999\r\nversion?\r\n', `${BAD_FORMAT}ERROR\r\n`]],
    notIn1618: 'it cuts the length to 32 bits and waits for so many bytes',
  },
  {
    title: 'any other fault swallows the value and is told once (1.6.18 reads it as a command)',
    exchanges: [
      [`set ${LONG_KEY} 0 0 8\r\nversion?\r\n`, BAD_FORMAT, `${BAD_FORMAT}ERROR\r\n`],
      ['set a -1 0 8\r\nversion?\r\n', BAD_FORMAT, `${BAD_FORMAT}ERROR\r\n`],
      ['set a x 0 8\r\nversion?\r\n', BAD_FORMAT, `${BAD_FORMAT}ERROR\r\n`],
      ['set a 0 x 8\r\nversion?\r\n', BAD_FORMAT, `${BAD_FORMAT}ERROR\r\n`],
      ['cas a 0 0 8 x\r\nversion?\r\n', BAD_FORMAT, `${BAD_FORMAT}ERROR\r\n`],
      ['cas a 0 0 8 -1\r\nversion?\r\n', BAD_FORMAT, `${BAD_FORMAT}ERROR\r\n`],
      ['get a\r\n', 'END\r\n'],
    ],
  },
  {
    title: 'flags and expiry as C reads numbers',
    exchanges: [
      ['set a 4294967296 0 1\r\nx\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
      ['set a +7 +0 1\r\nx\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 7 1\r\nx\r\nEND\r\n'],
      ['set a 007 000 01\r\nx\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 7 1\r\nx\r\nEND\r\n'],
    ],
  },
  {
    title: 'the largest value fits, one byte more does not, and takes the old value with it',
    exchanges: [
      [`set a 0 0 ${LARGEST}\r\n${'v'.repeat(LARGEST)}\r\n`, 'STORED\r\n'],
      ['get a\r\n', `VALUE a 0 ${LARGEST}\r\n${'v'.repeat(LARGEST)}\r\nEND\r\n`],
      [`set a 0 0 ${LARGEST + 1}\r\n${'v'.repeat(LARGEST + 1)}\r\n`, TOO_LARGE],
      ['get a\r\n', 'END\r\n'],
      [`set a 1 0 ${LARGEST - 4}\r\n${'v'.repeat(LARGEST - 4)}\r\n`, 'STORED\r\n'],
      [`set a 1 0 ${LARGEST - 3}\r\n${'v'.repeat(LARGEST - 3)}\r\n`, TOO_LARGE],
    ],
  },
  {
    title: 'too large a value is swallowed; only set takes the old one with it',
    exchanges: [
      ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
      [`add a 0 0 ${MEGABYTE}\r\n${'v'.repeat(MEGABYTE)}\r\n`, TOO_LARGE],
      [`replace a 0 0 ${MEGABYTE}\r\n${'v'.repeat(MEGABYTE)}\r\n`, TOO_LARGE],
      [`append a 0 0 ${MEGABYTE}\r\n${'v'.repeat(MEGABYTE)}\r\n`, TOO_LARGE],
      [`cas a 0 0 ${MEGABYTE} 1\r\n${'v'.repeat(MEGABYTE)}\r\n`, TOO_LARGE],
      ['get a\r\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
      [
        `set a 0 0 ${MEGABYTE}\r\n${'v'.repeat(MEGABYTE)}\r\ndelete z\r\n`,
        `${TOO_LARGE}NOT_FOUND\r\n`,
      ],
      ['get a\r\n', 'END\r\n'],
    ],
  },
  {
    title: 'keys: 250 bytes, of any kind but space and line end',
    exchanges: [
      [`set ${LONGEST_KEY} 0 0 1\r\nx\r\n`, 'STORED\r\n'],
      [`get ${LONGEST_KEY}\r\n`, `VALUE ${LONGEST_KEY} 0 1\r\nx\r\nEND\r\n`],
      [`delete ${LONGEST_KEY}\r\n`, 'DELETED\r\n'],
      [`delete ${LONG_KEY}\r\n`, BAD_FORMAT],
      [`touch ${LONG_KEY} 0\r\n`, BAD_FORMAT],
      [`incr ${LONG_KEY} 1\r\n`, BAD_FORMAT],
      ['set \xc3\xa9\t\x01\x7f\xff 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['get \xc3\xa9\t\x01\x7f\xff\r\n', 'VALUE \xc3\xa9\t\x01\x7f\xff 0 1\r\nx\r\nEND\r\n'],
    ],
  },
]

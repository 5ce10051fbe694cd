// Transcripts of the meta commands mg, ms, md, ma, mn and me.
import type { Transcript } from './transcript.ts'

const BAD_FORMAT = 'CLIENT_ERROR bad command line format\r\n'
const BAD_TOKEN = 'CLIENT_ERROR bad token in command line format\r\n'
const INVALID_FLAG = 'CLIENT_ERROR invalid flag\r\n'
const DUPLICATE_FLAG = 'CLIENT_ERROR duplicate flag\r\n'
const LONG_KEY = 'k'.repeat(251)
/** "foo bar" and its base64. */
const BASE64 = 'Zm9vIGJhcg=='

export const META: readonly Transcript[] = [
  {
    title: 'mg returns what is asked, in the order asked',
    exchanges: [
      ['mg a v\r\n', 'EN\r\n'],
      ['set a 5 0 3\r\nabc\r\n', 'STORED\r\n'],
      ['mg a\r\n', 'HD\r\n'],
      ['mg a v\r\n', 'VA 3\r\nabc\r\n'],
      ['mg a s v t f k Oopaque\r\n', 'VA 3 s3 t-1 f5 ka Oopaque\r\nabc\r\n'],
      ['mg a k f t s c\r\n', 'HD ka f5 t-1 s3 c{cas}\r\n'],
      ['mg a c v\r\n', 'VA 3 c{cas}\r\nabc\r\n'],
      ['set a 0 0 0\r\n\r\n', 'STORED\r\n'],
      ['mg a v s\r\n', 'VA 0 s0\r\n\r\n'],
    ],
  },
  {
    title: 'mg h, l and u: hit before, time since, no bump',
    exchanges: [
      ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['mg a u h l\r\n', 'HD h0 l0\r\n'],
      ['mg a h\r\n', 'HD h0\r\n'],
      ['mg a h\r\n', 'HD h1\r\n'],
    ],
  },
  {
    title: 'mg on a miss: EN with opaque and key, hidden by q',
    exchanges: [
      ['mg nope v\r\n', 'EN\r\n'],
      ['mg nope k O1 v\r\n', 'EN knope O1\r\n'],
      ['mg nope q\r\n', ''],
      ['mg nope q k O1 v\r\nmg nope O2 q\r\n', ''],
      ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['mg nope q v\r\nmg a q v\r\nmg a q\r\n', 'VA 1\r\nx\r\nHD\r\n'],
    ],
  },
  {
    title: 'mg T touches; t before it tells the old time',
    exchanges: [
      ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
      ['mg a t T100\r\n', 'HD t-1\r\n'],
      ['mg a T200 t\r\n', 'HD t{200s}\r\n'],
      ['mg a T0 t v\r\n', 'VA 1 t-1\r\nx\r\n'],
      ['mg a T-1\r\n', 'HD\r\n'],
      ['mg a\r\n', 'EN\r\n'],
    ],
  },
  {
    title: 'errors of flags, which q does not hide',
    exchanges: [
      ['mg a v v\r\n', DUPLICATE_FLAG],
      ['mg a q v v\r\n', DUPLICATE_FLAG],
      ['mg a Q\r\n', INVALID_FLAG],
      ['mg a q Q\r\n', INVALID_FLAG],
      ['mg a !\r\n', BAD_FORMAT, INVALID_FLAG],
      ['mg a Tx\r\n', BAD_TOKEN],
      ['mg a Nx\r\n', BAD_TOKEN],
      ['mg a Rx\r\n', BAD_TOKEN],
      [`mg a O${'o'.repeat(31)}\r\n`, `EN O${'o'.repeat(31)}\r\n`],
      [`mg a O${'o'.repeat(32)}\r\n`, 'CLIENT_ERROR opaque token too long\r\n'],
      ['mg\r\n', BAD_FORMAT, 'ERROR\r\n'],
      [`mg ${LONG_KEY} v\r\n`, BAD_FORMAT],
      [`md ${LONG_KEY}\r\n`, BAD_FORMAT],
      [`ma ${LONG_KEY}\r\n`, BAD_FORMAT],
      ['md a v v\r\n', DUPLICATE_FLAG, 'CLIENT_ERROR invalid or duplicate flag\r\n'],
      ['ma a v v\r\n', 'CLIENT_ERROR invalid or duplicate flag\r\n'],
      [
        'mg a c f h k l s t v q u O1 T1 N1 R1 C1 P L I S0\r\n',
        'CLIENT_ERROR options flags are too long\r\n',
      ],
    ],
  },
  {
    title: 'ms stores, with flags and time',
    exchanges: [
      ['ms a 3\r\nabc\r\n', 'HD\r\n'],
      ['get a\r\n', 'VALUE a 0 3\r\nabc\r\nEND\r\n'],
      ['ms a 2 F9 T100 k O7\r\nxy\r\n', 'HD ka O7\r\n'],
      ['mg a f t v\r\n', 'VA 2 f9 t{100s}\r\nxy\r\n'],
      ['ms a 2 c\r\nxy\r\n', 'HD c{cas}\r\n'],
      ['mg a c\r\n', 'HD c{cas}\r\n'],
      ['ms a 0\r\n\r\n', 'HD\r\n'],
      ['mg a v\r\n', 'VA 0\r\n\r\n'],
      ['ms a 1 q\r\nx\r\n', ''],
    ],
  },
  {
    title: 'ms modes: add, append, prepend, replace, set',
    exchanges: [
      ['ms a 1 MR\r\nx\r\n', 'NS\r\n'],
      ['ms a 1 MA\r\nx\r\n', 'NS\r\n'],
      ['ms a 1 MP\r\nx\r\n', 'NS\r\n'],
      ['ms a 1 ME F3\r\nx\r\n', 'HD\r\n'],
      ['ms a 1 ME q\r\ny\r\n', 'NS\r\n'],
      ['ms a 1 MA F9\r\ny\r\n', 'HD\r\n'],
      ['ms a 1 MP\r\nw\r\n', 'HD\r\n'],
      ['mg a f v\r\n', 'VA 3 f3\r\nwxy\r\n'],
      ['ms a 1 MR k c\r\nr\r\n', 'HD ka c{cas}\r\n'],
      ['ms a 1 MS\r\ns\r\n', 'HD\r\n'],
      ['ms a 1 MReplace\r\ns\r\n', 'HD\r\n', 'CLIENT_ERROR incorrect length for M token\r\n'],
      ['ms a 1 MX\r\ns\r\n', 'CLIENT_ERROR invalid mode for ms M token\r\n'],
      [
        'ms a 1 M\r\ns\r\n',
        'CLIENT_ERROR invalid mode for ms M token\r\n',
        'CLIENT_ERROR incorrect length for M token\r\n',
      ],
      ['mg a v\r\n', 'VA 1\r\ns\r\n'],
    ],
  },
  {
    title: 'ms C compares: EX, NF, and c0 on failure',
    exchanges: [
      ['ms a 1 C1 c k\r\nx\r\n', 'NF c0 ka\r\n'],
      ['ms a 1 c\r\nx\r\n', 'HD c{first}\r\n'],
      ['ms a 1 C{first} c\r\ny\r\n', 'HD c{second}\r\n'],
      ['ms a 1 C{first} O5 c q\r\nz\r\n', 'EX O5 c0\r\n'],
      ['mg a v c\r\n', 'VA 1 c{second}\r\ny\r\n'],
    ],
  },
  {
    title: 'ms: a bad length swallows nothing, anything else its value',
    exchanges: [
      ['ms a\r\n', BAD_FORMAT],
      ['ms a x\r\nversion?\r\n', 'CLIENT_ERROR bad command line format\r\nERROR\r\n'],
      ['ms a -1\r\nversion?\r\n', 'CLIENT_ERROR bad command line format\r\nERROR\r\n'],
      ['ms a 8 Q\r\nversion?\r\n', INVALID_FLAG],
      ['ms a 8 c c\r\nversion?\r\n', DUPLICATE_FLAG],
      [`ms ${LONG_KEY} 8\r\nversion?\r\n`, BAD_FORMAT, `${BAD_FORMAT}ERROR\r\n`],
      [
        'ms a 3\r\nabcdef\r\n',
        `CLIENT_ERROR bad data chunk\r\n${BAD_FORMAT}`,
        'CLIENT_ERROR bad data chunk\r\nERROR\r\n',
      ],
      ['ms a 3 q\r\nabcxxdelete z\r\n', 'CLIENT_ERROR bad data chunk\r\nNOT_FOUND\r\n'],
      ['mg a\r\n', 'EN\r\n'],
    ],
  },
  {
    title: 'ms of too large a value takes the old one with it, in every mode',
    exchanges: [
      ['ms a 1\r\nx\r\n', 'HD\r\n'],
      [
        `ms a 1048576 ME\r\n${'x'.repeat(1_048_576)}\r\n`,
        'SERVER_ERROR object too large for cache\r\n',
      ],
      ['mg a\r\n', 'EN\r\n'],
    ],
  },
  {
    title: 'md deletes; q hides only HD',
    exchanges: [
      ['md nope\r\n', 'NF\r\n'],
      ['md nope q O1 k\r\n', 'NF O1 knope\r\n'],
      ['ms a 1 c\r\nx\r\n', 'HD c{cas}\r\n'],
      ['md a C1 q\r\n', 'EX\r\n'],
      ['md a C{cas} O3 k\r\n', 'HD O3 ka\r\n'],
      ['mg a\r\n', 'EN\r\n'],
      ['ms a 1\r\nx\r\n', 'HD\r\n'],
      ['md a q\r\n', ''],
      ['mg a\r\n', 'EN\r\n'],
    ],
  },
  {
    title: 'ma counts; q hides HD and VA, not NF',
    exchanges: [
      ['ma a\r\n', 'NF\r\n'],
      ['ma a q O1 k\r\n', 'NF O1 ka\r\n'],
      ['ms a 2\r\n10\r\n', 'HD\r\n'],
      ['ma a\r\n', 'HD\r\n'],
      ['ma a v\r\n', 'VA 2\r\n12\r\n'],
      ['ma a D8 v t O2\r\n', 'VA 2 t-1 O2\r\n20\r\n'],
      ['ma a MD D15 v\r\n', 'VA 1\r\n5\r\n'],
      ['ma a M- D9 v\r\n', 'VA 1\r\n0\r\n'],
      ['ma a M+ v T100 t\r\n', 'VA 1 t{100s}\r\n1\r\n'],
      ['ma a q\r\nma a q v\r\n', ''],
      ['ma a v\r\n', 'VA 1\r\n4\r\n'],
      ['ma a MX\r\n', 'CLIENT_ERROR invalid mode for ma M token\r\n'],
      [
        'ma a Dx\r\n',
        'CLIENT_ERROR invalid or duplicate flag\r\n',
        'CLIENT_ERROR invalid or duplicate flag\r\n',
      ],
      ['ms a 1\r\nx\r\n', 'HD\r\n'],
      ['ma a\r\n', 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'],
      ['ma a q\r\n', 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'],
    ],
  },
  {
    title: 'ma N creates with J, and does not add D to it',
    exchanges: [
      ['ma a N100 J13 D5 v t\r\n', 'VA 2 t{100s}\r\n13\r\n'],
      ['ma a N100 J13 D5 v c\r\n', 'VA 2 c{cas}\r\n18\r\n'],
      ['ma a C1\r\n', 'EX\r\n'],
      ['ma a C{cas} v\r\n', 'VA 2\r\n19\r\n'],
      ['ma b N0 v\r\n', 'VA 1\r\n0\r\n'],
      ['ma a D18446744073709551615 v\r\n', 'VA 2\r\n18\r\n'],
    ],
  },
  {
    title: 'b: keys in base64, which k gives back as they came',
    exchanges: [
      [`ms ${BASE64} 3 b k\r\nabc\r\n`, `HD k${BASE64} b\r\n`],
      [`mg ${BASE64} b k v\r\n`, `VA 3 k${BASE64} b\r\nabc\r\n`],
      ['mg foo\r\n', 'EN\r\n'],
      [`mg ${BASE64} v\r\n`, 'EN\r\n'],
      [`md ${BASE64} b\r\n`, 'HD\r\n'],
      ['mg a! b\r\n', 'CLIENT_ERROR error decoding key\r\n'],
    ],
  },
  {
    title: 'N, R, W, Z, X: one client wins the right to fetch anew',
    exchanges: [
      ['mg a N30 t v\r\n', 'VA 0 t{30s} W\r\n\r\n'],
      ['mg a N30 v\r\n', 'VA 0 Z\r\n\r\n'],
      ['ms a 1 T30\r\nx\r\n', 'HD\r\n'],
      ['mg a N30 v\r\n', 'VA 1\r\nx\r\n'],
      ['mg a R10 v\r\n', 'VA 1\r\nx\r\n'],
      ['mg a R60 v\r\n', 'VA 1 W\r\nx\r\n'],
      ['mg a R60 v\r\n', 'VA 1 Z\r\nx\r\n'],
      ['ms a 1\r\ny\r\n', 'HD\r\n'],
      ['mg a c\r\n', 'HD c{fresh}\r\n'],
      ['md a I T30\r\n', 'HD\r\n'],
      ['mg a t c v\r\n', 'VA 1 t{30s} c{stale} X W\r\ny\r\n'],
      ['mg a v\r\n', 'VA 1 Z X\r\ny\r\n'],
      ['ms a 1 C{stale} T0\r\nz\r\n', 'HD\r\n'],
      ['mg a v\r\n', 'VA 1\r\nz\r\n'],
    ],
  },
  {
    title: 'ms I stores with an older CAS, marked stale',
    exchanges: [
      ['ms a 1 c\r\n1\r\n', 'HD c{first}\r\n'],
      ['md a I T30\r\n', 'HD\r\n'],
      ['ms a 1 C{first} I\r\n2\r\n', 'HD\r\n'],
      ['mg a v\r\n', 'VA 1 X W\r\n2\r\n'],
    ],
  },
  {
    title: 'mn answers MN, me tells of an item',
    exchanges: [
      ['mn\r\n', 'MN\r\n'],
      ['mn whatever\r\n', 'MN\r\n'],
      ['me nope\r\n', 'EN\r\n'],
      ['set a 0 100 3\r\nabc\r\n', 'STORED\r\n'],
      [
        'me a\r\n',
        'ME a exp={100s} la={1s} cas={cas} fetch=no cls=1 size={size}\r\n',
        'ME a exp=-{100s} la={1s} cas={cas} fetch=no cls=1 size={size}\r\n',
      ],
      ['me\r\n', BAD_FORMAT],
    ],
  },
  {
    title: 'flags that 1.6.18 does not know: E, x, conditional values, vivifying append',
    exchanges: [
      ['ms a 1 E1000 c\r\nx\r\n', 'HD c1000\r\n'],
      ['mg a C1000 v\r\n', 'HD\r\n'],
      ['mg a C1001 v\r\n', 'VA 1\r\nx\r\n'],
      ['ms a 1 C1000 E2000 s\r\ny\r\n', 'HD s1\r\n'],
      ['md a x F5\r\n', 'HD\r\n'],
      ['mg a v f t\r\n', 'VA 0 f5 t-1\r\n\r\n'],
      ['ms b 1 MA N100 s\r\nx\r\n', 'HD s1\r\n'],
      ['ms b 1 MA N100 s\r\ny\r\n', 'HD s2\r\n'],
      ['mg b v t\r\n', 'VA 2 t{100s}\r\nxy\r\n'],
    ],
    notIn1618: 'these flags came with 1.6.20, 1.6.27 and 1.6.40',
  },
  // What random sessions have found.
  {
    title: 'mg N: its time comes with the flag, and its finder has hit it',
    exchanges: [
      ['mg a t N30 h\r\n', 'HD t-1 h0 W\r\n'],
      ['mg a h t\r\n', 'HD h1 t{30s} Z\r\n'],
    ],
  },
  {
    title: 'ma: nothing is no number before any CAS, and C0 compares with nothing',
    exchanges: [
      ['ms a 0\r\n\r\n', 'HD\r\n'],
      ['ma a C1\r\n', 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'],
      ['ms a 1\r\n5\r\n', 'HD\r\n'],
      ['ma a C1\r\n', 'EX\r\n'],
      ['ma a C0 v\r\n', 'VA 1\r\n6\r\n'],
      ['md a C0\r\n', 'EX\r\n'],
    ],
  },
  {
    title: 'ma: modes are capital letters',
    exchanges: [
      ['ma a Mi\r\n', 'CLIENT_ERROR invalid mode for ma M token\r\n'],
      ['ma a Md\r\n', 'CLIENT_ERROR invalid mode for ma M token\r\n'],
    ],
  },
  {
    title:
      'of several bad flags the last is told, but for F; a duplicate or unknown one ends the reading',
    exchanges: [
      ['mg a Tx Jx\r\n', 'CLIENT_ERROR invalid numeric initial value\r\n'],
      ['mg a Jx Tx\r\n', BAD_TOKEN],
      ['mg a Fx\r\n', BAD_FORMAT],
      ['mg a Tx Fx\r\n', BAD_TOKEN],
      ['mg a Tx v v\r\n', DUPLICATE_FLAG],
      ['mg a Tx z Jx\r\n', INVALID_FLAG],
    ],
  },
  {
    title: 'base64 is read leniently, and written back as it should be',
    exchanges: [
      ['ms Zg== 1 b\r\nx\r\n', 'HD\r\n'],
      ['mg Z!g== b v\r\n', 'VA 1\r\nx\r\n'],
      ['mg Zh== b k\r\n', 'HD kZg== b\r\n'],
      ['md Zg==Zm9v b k\r\n', 'HD kZg== b\r\n'],
      ['mg Zh== b k\r\n', 'EN kZg== b\r\n'],
    ],
  },
]

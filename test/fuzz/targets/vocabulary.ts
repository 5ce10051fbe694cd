// What requests are made of: words of all protocols, requests to begin with, and the pieces in which they may come.
// Knows neither who takes them nor what is right.
import type { Random } from '../random.ts'
import { words } from '../target.ts'

export type Protocol = 'classic' | 'meta' | 'binary'

export const PACKET_HEADER_BYTES = 24
const MAX_PIECE_BYTES = 1024

/**
 * Whether it matters in how many pieces this comes: a long line is only waited for when it is a list of keys, what
 * came with the beginning of a dump is refused, and statistics tell in how many pieces all came so far.
 */
export function dependsOnPieces(input: Uint8Array): boolean {
  const text = Buffer.from(input).toString('latin1')
  return (
    text.split('\n').some(({ length }) => length > LONG_LINE_BYTES) ||
    TELLS_PIECES.some((words) => text.includes(words))
  )
}

const LONG_LINE_BYTES = 1024
const TELLS_PIECES = ['lru_crawler', 'stats', '\x80\x10']

export function* cut(input: Uint8Array, random: Random): Generator<Uint8Array> {
  for (let at = 0; at < input.length; ) {
    const length = 1 + random.below(random.below(4) === 0 ? 8 : MAX_PIECE_BYTES)
    yield input.subarray(at, at + length)
    at += length
  }
}

const KEYS = ['a', 'b', 'key', 'user:1', 'user:22', 'k'.repeat(250), 'k'.repeat(251)]
export const TEXT_WORDS = words(
  ...['get ', 'gets ', 'gat 0 ', 'gats 1 ', 'set ', 'add ', 'replace ', 'append ', 'prepend '],
  ...['cas ', 'incr ', 'decr ', 'delete ', 'touch ', 'flush_all', 'version', 'verbosity 1', 'quit'],
  ...['mg ', 'ms ', 'md ', 'ma ', 'mn', 'me ', ' noreply', '\r\n', '\n', '\r', ' ', '  ', '\0'],
  ...[' 0 0 5\r\nhello\r\n', ' 0 0 0\r\n\r\n', ' 1 -1 1\r\nx\r\n', ' 5\r\nhello\r\n'],
  ...[' 0 0 9000\r\n', ' 9000 ', ' 17000\r\n', ' 0 0 2147483647\r\n'],
  ...' b c f h k l O1 q s t v E9 I T30 N30 R30 D5 J0 M+ M- MA MP MS C1 F7 x X W Z S5'.match(
    / \S+/g,
  )!,
  ...[
    'stats',
    'stats ',
    'items',
    'slabs',
    'sizes',
    'settings',
    'conns',
    'detail on',
    'detail dump',
  ],
  ...['reset', 'cachedump 1 2', 'slabs reassign 1 2', 'slabs automove 1', 'lru mode flat'],
  ...['lru tune 10 20 0.1 2.0', 'lru temp_ttl 5', 'lru_crawler crawl all', 'lru_crawler enable'],
  ...[
    'lru_crawler metadump all',
    'lru_crawler mgdump all',
    'cache_memlimit 8',
    'shutdown',
    'watch',
  ],
  ...['lru_crawler tocrawl 5', 'lru_crawler sleep 100', 'lru_crawler crawl hash', ' HTTP/1.1\r\n'],
  ...['slabs automove ratio 0.5', 'slabs automove window 20', 'cache_memlimit 4194304'],
  ...['refresh_certs', 'shutdown graceful', 'verbosity', 'lru_crawler metadump hash', 'me b\r\n'],
  ...[
    'get b key b key b key b key\r\n',
    ' 0 0 7\r\nuser pw\r\n',
    'list_prefix fill:\r\n',
    'list_prefix fill: 1\r\n',
  ],
  ...[
    'invalidate_prefix ',
    'list_prefix ',
    'prefix_limit ',
    'user:',
    'stats prefixes',
    ' 3 4294967295\r\n',
  ],
  ...KEYS,
)
const OPCODES = Array.from({ length: 0x3d }, (_, opcode) => Uint8Array.of(0x80, opcode))
export const BINARY_WORDS = [
  ...OPCODES,
  ...[packet(0, 'a'), packet(1, 'a', 8, 'hello'), packet(4, 'a'), packet(5, 'a', 20), packet(0x0a)],
  ...[packet(0x1c, 'a', 4), packet(0x10, 'items'), packet(0x1d, 'a', 4), packet(0x0e, 'a', 0, 'b')],
  ...[
    packet(0x10, 'reset'),
    packet(0x10, 'settings'),
    packet(0x10, 'slabs'),
    packet(0x10, 'sizes'),
  ],
  ...[packet(0x10, 'detail on'), packet(0x10, 'detail dump'), packet(0x20), packet(6, 'n', 20)],
  ...[
    packet(0x21, 'PLAIN', 0, '\0user\0user'),
    packet(0x21, 'PLAIN'),
    packet(0x22, 'PLAIN', 0, 'x'),
  ],
  ...[packet(0, 'b'), packet(0, 'key'), packet(0x0c, 'b'), packet(0x0a)],
  ...words('a', 'b', '\0\0\0\0', '\xff\xff\xff\xff', '\0\x01', '\0\xfa', 'user:1'),
]

/** A request of the binary protocol, with so many bytes of extras that are 0. */
function packet(opcode: number, key = '', extrasBytes = 0, value = ''): Buffer {
  const header = Buffer.alloc(PACKET_HEADER_BYTES + extrasBytes)
  header.writeUInt16BE(0x8000 + opcode, 0)
  header.writeUInt16BE(key.length, 2)
  header.writeUInt8(extrasBytes, 4)
  header.writeUInt32BE(extrasBytes + key.length + value.length, 8)
  return Buffer.concat([header, Buffer.from(key + value, 'latin1')])
}

export const SEEDS: Record<Protocol, readonly Uint8Array[]> = {
  classic: words(
    'set a 5 0 5\r\nhello\r\nget a b a\r\ngets a\r\ncas a 1 0 1 1\r\nx\r\n',
    'add n 0 100 2\r\n41\r\nincr n 1\r\ndecr n 5\r\ntouch n 0\r\ngat 100 n\r\ndelete n noreply\r\n',
    'set a 0 0 7\r\nuser pw\r\nget a b key b key b key b key\r\nappend b 0 0 1\r\nx\r\nincr a 1\r\n',
    'set a 0 0 7\r\nuser px\r\nset a 0 0 3\r\nuse\r\nget\r\nset a 0 0 20000\r\n',
    'append a 0 0 1\r\nx\r\nprepend a 0 0 1\r\ny\r\nreplace a 0 0 1\r\nz\r\nflush_all 1\r\nversion\r\n',
    `set big 0 0 15000\r\n${'v'.repeat(2000)}`,
    'stats\r\nstats items\r\nstats slabs\r\nlru_crawler metadump all\r\nverbosity 1\r\nquit\r\n',
  ),
  meta: words(
    'ms a 5 T0 F3\r\nhello\r\nmg a v f t c s h l k Oabc q\r\nmn\r\n',
    'ma n N0 J5 D2 v\r\nma n MD D9 q\r\nmd a I T30 q\r\nmg a v N30 R30\r\nme a\r\nmn\r\n',
    'mg b v\r\nmg key v s\r\nms b 1 MA\r\nx\r\nmd b I\r\nmg b v\r\nmg key v\r\nms n1 1 MA N30 E5\r\nx\r\nmn\r\n',
    'ms Zm9v 2 b MA I\r\nhi\r\nmg Zm9v b k v\r\nms a 2 C1 E7 MP\r\nxy\r\n',
  ),
  binary: [
    Buffer.concat([packet(1, 'a', 8, 'hello'), packet(0, 'a'), packet(0x0d, 'a'), packet(0x0a)]),
    Buffer.concat([packet(5, 'n', 20), packet(0x0e, 'a', 0, 'x'), packet(0x1d, 'a', 4)]),
    Buffer.concat([
      packet(0x21, 'PLAIN', 0, '\0user\0user'),
      packet(0, 'a'),
      packet(0x22, 'PLAIN'),
    ]),
    Buffer.concat([
      packet(0, 'b'),
      packet(0x0c, 'key'),
      packet(0, 'key'),
      packet(0x0e, 'b', 0, 'x'),
    ]),
    Buffer.concat([
      packet(6, 'm', 20),
      packet(1, 'm', 8, '12'),
      packet(5, 'm', 20),
      packet(4, 'm'),
    ]),
    Buffer.concat([packet(0x10), packet(0x0b), packet(8, '', 4), packet(0x14, 'a'), packet(7)]),
  ],
}
